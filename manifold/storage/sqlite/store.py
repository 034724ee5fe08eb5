"""The store of the embedded engine: what runs on the event loop.

Commits are gathered as long as the loop goes on finding new ones, and handed to the writer's thread together: what a
group costs (a transaction, a sync, waking two threads) is shared by all of it, and a busy loop gains more by not being
disturbed than it loses by waiting. Where nothing else is on its way that is two empty passes of the loop, microseconds.

Outcomes come back in order, one call per group: first the revision moves on, then the listeners are told, then the
callers continue. So nobody on the loop sees a row of a revision the listeners have not heard of.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw

from manifold.storage import bounds
from manifold.storage.contract import Change, Compacted, Guard, Listener, StoreError, Unavailable, Write
from manifold.storage.sqlite import layout
from manifold.storage.sqlite.opening import Opened, explained, open_file
from manifold.storage.sqlite.reading import Horizon, Reader, SqliteSnapshot
from manifold.storage.sqlite.retention import Retention
from manifold.storage.sqlite.writer import GROUP_COMMITS, Compaction, Outcome, Pending, Writer


async def open_store(
    path: Path,
    *,
    cache_bytes: int = 16 << 20,
    mmap_bytes: int = 0,
    retention_seconds: float = 300.0,
    retention_bytes: int = 1 << 20,
    clock: Callable[[], float] = time.time,
) -> SqliteStore:
    """Open the store in the file `path`, creating it where there is none.

    `cache_bytes` bounds the page caches together, `mmap_bytes` how much of the file is mapped besides. The log is kept
    for at least `retention_seconds` and at least up to `retention_bytes`. `clock` gives seconds since the epoch.

    Raises StoreError where the file cannot be this store: no database or another program's, a newer format, in use by
    a process, not writable, no space.
    """
    opening = asyncio.ensure_future(asyncio.to_thread(open_file, path, cache_bytes, mmap_bytes))
    try:
        opened = await asyncio.shield(opening)
    except asyncio.CancelledError:
        # The thread goes on and would leave the lock behind.
        opening.add_done_callback(_give_back)
        raise
    try:
        oldest: int = opened.writer.execute(layout.OLDEST).get
        last: int = opened.writer.execute(layout.LAST_REVISION).get or 0
        horizon = Horizon(ahead=max(oldest, last), oldest=oldest)
        return SqliteStore(
            opened, horizon, Retention(opened.writer, horizon, retention_seconds, retention_bytes, clock)
        )
    except apsw.Error as error:
        opened.close()
        raise explained(path, error) from error
    except BaseException:
        opened.close()
        raise


def _give_back(opening: asyncio.Future[Opened]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


QUIET_PASSES = 2
"""Passes of the loop without a new commit after which a group is handed over. A request that has arrived needs as many
to be read and to come to its commit."""
MOST_PASSES = 20
"""Passes after which it is, whatever still comes."""


class SqliteStore:
    """An open store; see `manifold.storage.contract.Store`. To be used from the event loop it was opened on."""

    def __init__(self, opened: Opened, horizon: Horizon, retention: Retention) -> None:
        """Made by `open_store`."""
        self._loop = asyncio.get_running_loop()
        self._lock = opened.lock
        self._horizon = horizon
        self._revision = horizon.ahead
        self._reader = Reader(opened.reader, horizon)
        self._listeners: list[Listener] = []
        self._gathered: list[Pending] = []
        self._closing: asyncio.Task[None] | None = None
        self._writer = Writer(opened.writer, horizon, retention, self._loop, self._delivered)
        self._writer.start()

    @property
    def revision(self) -> int:
        """The revision of the last commit this process has seen."""
        return self._revision

    @property
    def oldest(self) -> int:
        """The oldest revision that can still be read."""
        return self._horizon.oldest

    @property
    def failure(self) -> str:
        """Why the store takes no commits any more; empty while it does."""
        return "the store is closed" if self._closing is not None else self._writer.failure

    async def snapshot(self, revision: int = 0) -> SqliteSnapshot:
        """A view at `revision`, or at the latest one where it is 0. Raises Compacted, ValueError, Unavailable."""
        if self._closing is not None:
            raise Unavailable("the store is closed")
        if not revision:
            revision = self._revision
        elif revision < self._horizon.oldest:
            raise Compacted(self._horizon.oldest)
        elif revision > self._revision:
            raise ValueError(f"revision {revision} does not exist yet, the last one is {self._revision}")
        return SqliteSnapshot(self._reader, revision)

    async def commit(self, writes: Sequence[Write], guards: Sequence[Guard] = ()) -> int:
        """Apply all writes or nothing. Returns the revision of the first write; the others follow it.

        A commit without writes checks its guards and returns the revision they held at. A caller that is cancelled
        while it waits does not know whether the commit happened. Raises GuardFailed, TooLarge, Unavailable, and
        StoreError for deleting a key that is not there; after each of these nothing has been written.
        """
        size = bounds.check(writes, guards)
        if self._closing is not None:
            raise Unavailable("the store is closed")
        future: asyncio.Future[int] = self._loop.create_future()
        self._gathered.append(Pending(tuple(writes), tuple(guards), size, future))
        if len(self._gathered) == 1:
            self._loop.call_soon(self._gather, 0, 0, 0)
        return await future

    async def changes(self, after: int, limit: int = 1000) -> Sequence[Change]:
        """Up to `limit` changes with a revision above `after`, in order. Raises Compacted, Unavailable."""
        if self._closing is not None:
            raise Unavailable("the store is closed")
        if after < self._horizon.oldest:
            raise Compacted(self._horizon.oldest)
        return self._reader.changes(after, self._revision, limit)

    def listen(self, listener: Listener) -> None:
        """Call `listener` on the event loop with all changes from now on. It must not raise, block or commit."""
        self._listeners.append(listener)

    async def compact(self, before: int) -> None:
        """Forget the log before `before` (at most the present revision) and give the space back. Raises Unavailable."""
        if self._closing is not None:
            raise Unavailable("the store is closed")
        future: asyncio.Future[None] = self._loop.create_future()
        self._writer.submit(Compaction(min(before, self._revision), future))
        await future

    async def close(self) -> None:
        """Finish the commits under way and close. May be called again; later calls of anything else are refused."""
        if self._closing is None:
            self._hand_over()
            self._closing = self._loop.create_task(self._close())
        # One caller giving up must not leave the store half closed.
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await self._writer.stop()
        self._reader.close()
        os.close(self._lock)

    def _gather(self, passes: int, quiet: int, before: int) -> None:
        """Wait for further commits. `quiet`: for so many of the `passes` there have been `before`, and no more."""
        count = len(self._gathered)
        quiet = quiet + 1 if count == before else 0
        if quiet >= QUIET_PASSES or count >= GROUP_COMMITS or passes >= MOST_PASSES:
            self._hand_over()
        else:
            self._loop.call_soon(self._gather, passes + 1, quiet, count)

    def _hand_over(self) -> None:
        if self._gathered:
            self._writer.submit(self._gathered)
            self._gathered = []

    def _delivered(self, outcome: Outcome) -> None:
        if outcome.changes:
            self._revision = outcome.revision
            for listener in self._listeners:
                try:
                    listener(outcome.changes)
                except Exception as error:
                    # Against the contract, but neither the callers nor the other listeners are to blame.
                    self._loop.call_exception_handler(
                        {"message": "a listener of the store raised", "exception": error, "listener": listener}
                    )
        for pending, result in zip(outcome.commits, outcome.results, strict=True):
            if pending.future.done():
                continue
            if isinstance(result, StoreError):
                pending.future.set_exception(result)
            else:
                pending.future.set_result(result)
