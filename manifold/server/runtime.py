"""Settings of the C library, the kernel and the garbage collector that a process of this kind wants.

Each is best effort: where it cannot be set, the process is slower or larger, never wrong.

glibc's malloc has one threshold from which a buffer is mapped by itself. Answers want it high: mapping a list's buffers and
faulting them in anew each time costs several times what filling them does. Connections want it low: uvloop gives each TLS
connection a read buffer of 256 KiB of which a page or two is ever touched, and in the heap these lie between
what handshakes leave behind (57 KiB per idle watch instead of 34). So it is high, and low for the moment in which a
connection is made.
"""

from __future__ import annotations

import gc
import resource
from collections.abc import Callable

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
_TRIM = 256 << 20
_KEPT = 32 << 20  # the most every glibc takes
_MAPPED = 192 << 10

_mallopt: Callable[[int, int], int] | None = None


def tune_process() -> None:
    """Allow as many open files as the system lets us: every watch is a connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        return


def tune_memory() -> None:
    """Keep large buffers in the heap from now on."""
    import ctypes

    global _mallopt
    try:
        _mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    _mallopt(M_TRIM_THRESHOLD, _TRIM)
    keep_large_buffers()


def keep_large_buffers() -> None:
    """What is allocated from now on comes from the heap, up to 32 MiB. Does nothing before `tune_memory`."""
    if _mallopt is not None:
        _mallopt(M_MMAP_THRESHOLD, _KEPT)


def map_large_buffers() -> None:
    """What is allocated from now on is mapped by itself from 192 KiB on. Does nothing before `tune_memory`."""
    if _mallopt is not None:
        _mallopt(M_MMAP_THRESHOLD, _MAPPED)


def tune_objects() -> None:
    """Take what start-up made out of the garbage collector's sight, and let it run less often from then on.

    Requests leave no reference cycles behind, so what a collection could find is little.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
