"""The metrics every process has: requests, loop lag, connections, memory, CPU.

Request metrics have Kubernetes' names and labels, so that existing dashboards read them. Their label values come from
clients (a CRD may have any name), so the families are bounded and unknown methods share one word.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import time
from collections.abc import Callable

from manifold.server.metrics import Counter, Histogram, Registry

REQUEST_BOUNDS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0,
    30.0, 60.0,
)  # fmt: skip
LAG_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
MAX_RESOURCES = 500
"""How many combinations of verb, group, version, resource and subresource have series of their own."""

Key = tuple[str, str, str, str, str]
"""Verb, group, version, resource, subresource."""
_OTHER: Key = ("other", "other", "other", "other", "other")


class _Entry:
    """The series of one combination: a counter per status code, and durations where they say something."""

    __slots__ = ("codes", "durations")

    def __init__(self, durations: Histogram | None) -> None:
        self.durations = durations
        self.codes: dict[int, Counter] = {}


class RequestMetrics:
    """`apiserver_request_total` and `apiserver_request_duration_seconds`."""

    def __init__(self, registry: Registry) -> None:
        labels = ("verb", "group", "version", "resource", "subresource")
        self._total = registry.counter(
            "apiserver_request_total",
            "Requests by verb, resource and HTTP status.",
            (*labels, "code"),
            MAX_RESOURCES * 20,
        )
        self._durations = registry.histogram(
            "apiserver_request_duration_seconds",
            "How long requests took to answer, without watches.",
            REQUEST_BOUNDS,
            labels,
            MAX_RESOURCES + 1,
        )
        self._entries: dict[Key, _Entry] = {}

    def observe(self, key: Key, code: int, seconds: float) -> None:
        """Count a request that was answered with HTTP status `code` after `seconds`."""
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entry(key)
        if entry.durations is not None:
            entry.durations.observe(seconds)
        counter = entry.codes.get(code)
        if counter is None:
            counter = self._total.child(*(key if entry is not self._entries.get(_OTHER) else _OTHER), str(code))
            entry.codes[code] = counter
        counter.value += 1

    def _entry(self, key: Key) -> _Entry:
        if len(self._entries) >= MAX_RESOURCES:
            key = _OTHER
        entry = self._entries.get(key)
        if entry is None:
            # A watch lasts as long as its client likes; its duration would only hide the others'.
            entry = self._entries[key] = _Entry(None if key[0] == "watch" else self._durations.child(*key))
        return entry


def add_process(registry: Registry, connections: Callable[[], int]) -> Callable[[float], None]:
    """Add what is known of the process. Returns the function that takes the loop's lag, in seconds, once a second."""
    lag = registry.histogram(
        "manifold_loop_lag_seconds", "How late the event loop was, sampled once a second.", LAG_BOUNDS
    ).child()
    page = resource.getpagesize()
    ticks = os.sysconf("SC_CLK_TCK")

    def memory(field: int) -> float:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[field]) * page

    def started() -> float:
        with open("/proc/self/stat", "rb") as file:
            since_boot = int(file.read().rpartition(b")")[2].split()[19]) / ticks
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since_boot

    def descriptors() -> float:
        return len(os.listdir("/proc/self/fd"))

    def tasks() -> float:
        try:
            return len(asyncio.all_tasks())
        except RuntimeError:  # read outside the loop, where there are none
            return 0

    start = started()
    registry.computed("process_cpu_seconds_total", "CPU time used, user and system.", "counter", time.process_time)
    registry.computed("process_resident_memory_bytes", "Resident memory.", "gauge", lambda: memory(1))
    registry.computed("process_virtual_memory_bytes", "Virtual memory.", "gauge", lambda: memory(0))
    registry.computed("process_start_time_seconds", "When the process started.", "gauge", lambda: start)
    registry.computed("process_open_fds", "Open file descriptors.", "gauge", descriptors)
    registry.computed(
        "process_max_fds",
        "How many file descriptors may be open.",
        "gauge",
        lambda: resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    )
    registry.computed("manifold_connections", "Open client connections.", "gauge", connections)
    registry.computed("manifold_tasks", "Tasks of the event loop.", "gauge", tasks)
    registry.computed(
        "python_gc_collections_total",
        "Runs of the garbage collector, all generations.",
        "counter",
        lambda: sum(generation["collections"] for generation in gc.get_stats()),
    )
    return lag.observe
