"""Fair queueing: how many requests are worked on at once, and whose turn it is when there are more.

Every logical cluster may have so many requests under way, and all together so many. What comes on top waits in the
queue of its logical cluster; places that become free are given to the waiting clusters in turn, so that one that sends
a thousand requests delays another's single one by one turn and not by a thousand. A cluster whose queue is full, or
whose request has waited too long, is told to come again: 429 with Retry-After. (Kubernetes' API Priority and Fairness,
KEP-1040, has the same purpose; its flows are users, ours are logical clusters, and there is nothing to configure.)

Watches give their place back when they begin. Health, and the requests of `system:masters`, never wait. Nothing is kept
of a logical cluster without requests, and where nobody waits a request costs two look-ups in a dictionary.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque

from manifold.base import errors
from manifold.server.metrics import Registry

TOTAL = 600
"""Requests under way in the whole process."""
PER_CLUSTER = 150
"""Requests under way of one logical cluster: what waits for the disk or for a reader, since only one computes."""
QUEUE = 300
"""Requests of one logical cluster that may wait."""
ALL_QUEUES = 10_000
"""Requests that may wait altogether."""
WAIT_SECONDS = 15.0
RETRY_SECONDS = 1
BUSY = "too many requests for this logical cluster, please try again later"
WAIT_BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)

Waiter = asyncio.Future[None]


class Turns:
    """Who is being worked on and who waits, in one process. Belongs to the event loop."""

    def __init__(
        self,
        registry: Registry,
        *,
        total: int = TOTAL,
        per_cluster: int = PER_CLUSTER,
        queue: int = QUEUE,
        all_queues: int = ALL_QUEUES,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._free = total
        self._total = total
        self._per_cluster = per_cluster
        self._queue = queue
        self._all_queues = all_queues
        self._wait_seconds = wait_seconds
        self._held: dict[str, int] = {}
        self._queues: OrderedDict[str, deque[Waiter]] = OrderedDict()
        self._waiting = 0
        registry.computed(
            "manifold_flowcontrol_executing_requests",
            "Requests under way, without watches and those that never wait.",
            "gauge",
            lambda: self._total - self._free,
        )
        registry.computed(
            "manifold_flowcontrol_queued_requests", "Requests that wait for a place.", "gauge", lambda: self._waiting
        )
        self._rejected = registry.counter(
            "manifold_flowcontrol_rejected_requests_total", "Requests answered with 429, by reason.", ("reason",)
        )
        self._waits = registry.histogram(
            "manifold_flowcontrol_wait_seconds", "How long requests waited that had to wait.", WAIT_BOUNDS
        ).child()

    def enter(self, cluster: str) -> bool:
        """Take a place for a request of a logical cluster, if it need not wait; otherwise it is for `wait` to do."""
        held = self._held.get(cluster, 0)
        # Whenever a place is free, those who wait are of clusters that have all theirs: nobody is overtaken here.
        if self._free and held < self._per_cluster:
            self._free -= 1
            self._held[cluster] = held + 1
            return True
        return False

    async def wait(self, cluster: str) -> None:
        """Take a place, when its turn has come. Raises the 429 of a queue that is full, or of a turn that did not."""
        waiters = self._queues.get(cluster)
        if self._waiting >= self._all_queues or (waiters is not None and len(waiters) >= self._queue):
            raise self._refused("queue-full")
        if waiters is None:
            waiters = self._queues[cluster] = deque()
        waiter: Waiter = asyncio.get_running_loop().create_future()
        waiters.append(waiter)
        self._waiting += 1
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._wait_seconds):
                await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                self.leave(cluster)  # the place came too late
            else:
                self._forget(cluster, waiter)
            if isinstance(error, TimeoutError):
                raise self._refused("time-out") from None
            raise
        finally:
            self._waits.observe(time.monotonic() - begun)

    def leave(self, cluster: str) -> None:
        """Give a place back."""
        held = self._held[cluster]
        if held == 1:
            del self._held[cluster]
        else:
            self._held[cluster] = held - 1
        self._free += 1
        if self._queues:
            self._give()

    def _give(self) -> None:
        """Give free places to those who wait: the next of each logical cluster in turn."""
        for _ in range(len(self._queues)):
            if not self._free:
                return
            cluster, waiters = self._queues.popitem(last=False)
            while waiters and waiters[0].done():  # given up, but not yet taken out
                waiters.popleft()
                self._waiting -= 1
            if waiters and self.enter(cluster):
                waiters.popleft().set_result(None)
                self._waiting -= 1
            if waiters:
                self._queues[cluster] = waiters

    def _forget(self, cluster: str, waiter: Waiter) -> None:
        """Take one who waits no longer out of its queue."""
        waiters = self._queues.get(cluster)
        if waiters is None or waiter not in waiters:
            return
        waiters.remove(waiter)
        self._waiting -= 1
        if not waiters:
            del self._queues[cluster]

    def _refused(self, reason: str) -> errors.StatusError:
        self._rejected.child(reason).increase()
        return errors.too_many_requests(BUSY, RETRY_SECONDS)
