"""Settings of the C library, the kernel and the garbage collector that a process of this kind wants.

Each is best effort: where it cannot be set, the process is slower, never wrong.
"""

from __future__ import annotations

import gc
import resource

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3


def tune_process() -> None:
    """Allow as many open files as the system lets us: every watch is a connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        return


def tune_memory() -> None:
    """Keep large buffers in the heap: glibc maps and faults in every one of them anew otherwise.

    That is more than lists: each read from a TLS connection begins as a buffer of 256 KiB, so that a request costs
    28 us of CPU in the protocol with this and 52 us without. The price is memory per idle connection (57 KiB instead of
    34), because the read buffers that connections keep then lie in the heap, between what handshakes leave behind.
    """
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    if not mallopt(M_MMAP_THRESHOLD, 64 << 20):
        mallopt(M_MMAP_THRESHOLD, 32 << 20)  # the most some releases take
    mallopt(M_TRIM_THRESHOLD, 256 << 20)


def tune_objects() -> None:
    """Take what start-up made out of the garbage collector's sight, and let it run less often from then on.

    Requests leave no reference cycles behind (`manifold.server.exchange` sees to that), so there is little to find.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
