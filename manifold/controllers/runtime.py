"""The runtime of all controllers: work rows in, reconciles out, one at a time per key.

A work row is written by the commit that makes the work and deleted by the commit that finishes it. The runtime hears
of new rows from the log, finds those of an earlier process by a scan when it starts, and comes back to a failed key
with growing pauses. It has a fixed number of workers and one timer, whatever it has to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from manifold.base import errors, keys
from manifold.storage.contract import Change, Malformed, Row, Store, StoreError
from manifold.storage.pages import pages

log = logging.getLogger("manifold.controllers")

WORKERS = 4
PAGE = 1000
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 60.0


class Controller(Protocol):
    """Does one kind of work."""

    @property
    def name(self) -> str:
        """The name its work rows are kept under."""

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Do the work of one row; `parts` is its key behind the controller's name. What ends it is bound to the row:
        to its revision, where all it asks for has to be seen.

        Returns 0 when a commit of this call deleted the row, else after how many seconds to come back. A
        `StatusError` or StoreError means: come back later.
        """


class Runtime:
    """Runs controllers for one process. `run` is owned by a task group and ends by cancellation."""

    def __init__(self, store: Store, controllers: Sequence[Controller]) -> None:
        self._store = store
        self._controllers = {one.name: one for one in controllers}
        self._ready: deque[bytes] = deque()
        self._queued: set[bytes] = set()
        self._again: set[bytes] = set()
        self._active: set[bytes] = set()
        self._later: list[tuple[float, bytes]] = []
        self._due: dict[bytes, float] = {}
        self._pauses: dict[bytes, float] = {}
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        store.listen(self._hear)

    @property
    def depth(self) -> int:
        """How many keys wait, also for another time, or are being worked on."""
        return len(self._queued.union(self._active, self._due))

    def _hear(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.key[:1] == keys.WORK and change.value is not None:
                self._add(change.key)

    def _add(self, key: bytes) -> None:
        if key in self._active:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._ready.append(key)
            self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._scan())
            for _ in range(WORKERS):
                group.create_task(self._work())

    async def _scan(self) -> None:
        for name in self._controllers:
            async for rows in pages(self._store, keys.work_prefix(name), PAGE):
                for row in rows:
                    self._add(row.key)
                while len(self._ready) > PAGE:
                    self._drained.clear()
                    await self._drained.wait()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while self._later and self._later[0][0] <= loop.time():
                due, key = heapq.heappop(self._later)
                if self._due.get(key) == due:  # else it has been done since, and comes back at another time or never
                    del self._due[key]
                    self._add(key)
            if len(self._ready) <= PAGE:
                self._drained.set()
            if not self._ready:
                self._wake.clear()
                timeout = self._later[0][0] - loop.time() if self._later else None
                # Not `wait_for`, which loses a cancellation that comes together with the event (before Python 3.12).
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(timeout):
                        await self._wake.wait()
                continue
            key = self._ready.popleft()
            self._queued.discard(key)
            self._active.add(key)
            try:
                pause = await self._reconcile(key)
            finally:
                self._active.discard(key)
            self._due.pop(key, None)
            if pause:
                self._due[key] = loop.time() + pause
                heapq.heappush(self._later, (self._due[key], key))
                self._wake.set()
            if key in self._again:
                self._again.discard(key)
                self._add(key)
            await asyncio.sleep(0)

    async def _reconcile(self, key: bytes) -> float:
        """Do one key. Returns after how many seconds to come back, 0 for never."""
        name, *parts = keys.parts(key)
        controller = self._controllers.get(name)
        row = await (await self._store.snapshot()).get(key)
        if controller is None or row is None:
            self._pauses.pop(key, None)
            return 0.0
        try:
            pause = await controller.reconcile(parts, row)
        except Malformed:
            log.exception("%s %s made a commit that cannot be", name, ":".join(parts))
            pause = -1.0
        except (errors.StatusError, StoreError) as error:
            log.info("%s %s: %s", name, ":".join(parts), error)
            pause = -1.0
        except Exception:
            log.exception("%s %s failed", name, ":".join(parts))
            pause = -1.0
        if pause == 0:
            self._pauses.pop(key, None)
            return 0.0
        grown = min(self._pauses.get(key, FIRST_PAUSE / 2) * 2, LONGEST_PAUSE)
        # Who waits for something has not failed: what fails once in a long wait is not kept waiting for a minute.
        self._pauses[key] = min(pause, grown) if pause > 0 else grown
        return self._pauses[key]
