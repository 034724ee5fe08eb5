"""What the log may forget, and forgetting it in small steps.

The log is kept for a time and up to a size, whichever keeps more. So a quiet store can be watched from far back, and
a busy one never loses what is younger than the time. Both are known without looking at the log: *marks* are written
with the groups now and then and say how many bytes of log there had been at a revision and a time. Only what costs
space counts: a row that was never changed is no log of its own, and forgetting it frees nothing.

A step is one small transaction, so that commits never wait for more than one. Steps are not synced to the disk
(`synchronous=NORMAL` for their duration): one lost in a crash is forgotten again later, and a commit's own sync
carries the steps before it along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import apsw

from manifold.storage.sqlite import layout
from manifold.storage.sqlite.reading import Horizon

STEP_ROWS = 512
STEP_BYTES = 4 << 20
STEP_PAGES = 256
MARK_SECONDS = 10.0
UPKEEP_SECONDS = 10.0
"""How often a store with more log than its size looks whether some has become old enough, at most."""
FEW_PAGES = 64
"""Free pages below this number (512 KiB) are left for later writes."""


class Retention:
    """The log's bookkeeping. Only for the writer's thread."""

    def __init__(
        self, connection: apsw.Connection, horizon: Horizon, seconds: float, size: int, clock: Callable[[], float]
    ) -> None:
        """`seconds` and `size` (bytes) are what is kept at least; `clock` gives seconds since the epoch."""
        self._connection = connection
        self._horizon = horizon
        self._seconds = seconds
        self._size = size
        self._clock = clock
        self._patience = min(UPKEEP_SECONDS, seconds / 30)
        self._look_again = 0.0
        self._marked_at: float
        self._marked: int
        revision, self._marked_at, self._marked = self._one(layout.LAST_MARK) or (0, 0.0, 0)
        # At most what lies between two marks.
        self._total: int = self._marked + self._one(layout.BYTES_ENDED_AFTER, revision)
        self._forgotten: int = self._one(layout.FIRST_MARK_BYTES) or 0

    def mark(self, revision: int, log_bytes: int) -> float:
        """In a group's transaction that ends at `revision`: write a mark if one is due. Returns its time or 0."""
        now = self._clock()
        since = self._total + log_bytes - self._marked
        if since * 64 < self._size and (since * 1024 < self._size or now - self._marked_at < MARK_SECONDS):
            return 0.0
        self._connection.execute(layout.MARK, (revision, now, self._total + log_bytes))
        return now

    def committed(self, log_bytes: int, mark: float) -> None:
        """The group's transaction has been committed; `mark` is what `mark` returned."""
        self._total += log_bytes
        if mark:
            self._marked_at, self._marked = mark, self._total

    @property
    def interval(self) -> float | None:
        """After how many seconds to look at `forgettable` again; None where only a commit can change its answer."""
        return self._patience if self._total - self._forgotten > self._size else None

    def forgettable(self) -> int:
        """The revision up to which the log may be forgotten now, 0 where there is nothing to do.

        Looks at most once in `interval`: it is asked after every group.
        """
        if self._total - self._forgotten <= self._size:
            return 0
        now = self._clock()
        if self._look_again - self._patience <= now < self._look_again:
            return 0
        self._look_again = now + self._patience
        found: int = self._one(layout.FORGETTABLE, now - self._seconds, self._total - self._size) or 0
        return found if found > self._horizon.oldest else 0

    def forget(self, before: int) -> bool:
        """One step towards forgetting what ended at or before `before`. Returns whether more is to be done."""
        ended: Any = self._connection.execute(layout.ENDED, (before, STEP_ROWS)).fetchall()
        reached, size = before, 0
        for number, (at, length) in enumerate(ended, 1):
            size += length
            if size >= STEP_BYTES or number == STEP_ROWS:
                reached = at
                break
        if reached < self._horizon.oldest:
            reached = self._horizon.oldest
        # Raised first: who reads while this is committed must not rely on what may be gone.
        self._horizon.oldest = reached
        with self._unsynced(), self._connection:
            for statement in layout.FORGET:
                self._connection.execute(statement, (reached,))
            self._connection.execute(layout.FORGET_MARKS, (reached,))
            self._connection.execute(layout.SET_OLDEST, (reached,))
        if reached < before:
            return True
        mark = self._one(layout.FIRST_MARK_BYTES)
        self._forgotten = self._total if mark is None else mark
        return False

    def wasteful(self) -> bool:
        """Whether so many pages are free that giving them back is worth the work."""
        free: int = self._connection.pragma("freelist_count")
        pages: int = self._connection.pragma("page_count")
        return free > FEW_PAGES and free * 4 > pages

    def shrink(self) -> bool:
        """Give some free pages back to the file system. Returns whether there are more."""
        with self._unsynced():
            self._connection.execute(f"PRAGMA incremental_vacuum({STEP_PAGES})").fetchall()
        return bool(self._connection.pragma("freelist_count"))

    def _one(self, statement: str, *bindings: float) -> Any:
        return self._connection.execute(statement, bindings).get

    @contextmanager
    def _unsynced(self) -> Iterator[None]:
        self._connection.pragma("synchronous", "normal")
        try:
            yield
        finally:
            self._connection.pragma("synchronous", "full")
