"""The one thread that writes.

Everything that changes the file happens here, in turns: take what is waiting, commit it as one group, hand the outcome
to the event loop, then do one small piece of upkeep (checkpoint, forgetting, giving space back). So commits wait for
at most one such piece, checkpoints never run beside a write and the write-ahead log stays bounded, and while a group
is being synced the next one gathers by itself.

Outcomes reach the event loop by one call per group, in order. What a failed commit to the file means: a write that
failed (disk full, say) is rolled back, its group fails and the next one tries again; after a failed sync nobody knows
what the disk holds, so the store refuses every commit from then on and wants to be opened anew.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import dataclass

import apsw

from manifold.storage.contract import Change, Guard, StoreError, Unavailable, Write
from manifold.storage.sqlite import layout
from manifold.storage.sqlite.current import read_current
from manifold.storage.sqlite.group import Decision, decide
from manifold.storage.sqlite.reading import Horizon
from manifold.storage.sqlite.retention import Retention

logger = logging.getLogger(__name__)

GROUP_COMMITS = 256
GROUP_BYTES = 4 << 20
CHECKPOINT_PAGES = 1000
"""Pages in the write-ahead log (8 MiB) after which a checkpoint is made."""

_FATAL = frozenset(
    {
        apsw.SQLITE_IOERR_FSYNC,
        apsw.SQLITE_IOERR_DIR_FSYNC,
        apsw.SQLITE_IOERR_CORRUPTFS,
        apsw.SQLITE_IOERR_DATA,
    }
)


@dataclass(slots=True, eq=False)
class Pending:
    """A commit that waits for its turn; `future` gets the revision of its first write."""

    writes: Sequence[Write]
    guards: Sequence[Guard]
    size: int
    future: Future[int]


@dataclass(slots=True, eq=False)
class Compaction:
    """A wish to forget the log before a revision and to give space back."""

    before: int
    future: Future[None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a group: a result for each of its commits, and the changes made, up to `revision`."""

    commits: Sequence[Pending]
    results: Sequence[int | StoreError]
    changes: Sequence[Change]
    revision: int


class Writer:
    """The thread, its queue and the connection it writes on. Ended by `stop`, which finishes what is waiting."""

    def __init__(
        self,
        connection: apsw.Connection,
        horizon: Horizon,
        retention: Retention,
        loop: AbstractEventLoop,
        deliver: Callable[[Outcome], None],
    ) -> None:
        """`deliver` is called on `loop` with every outcome, in order."""
        self._connection = connection
        self._horizon = horizon
        self._retention = retention
        self._loop = loop
        self._deliver = deliver
        self._revision = horizon.ahead
        self._queue: queue.SimpleQueue[list[Pending] | Compaction | None] = queue.SimpleQueue()
        self._waiting: deque[Pending] = deque()
        self._compactions: deque[Compaction] = deque()
        self._forget_to = 0
        self._shrinking = False
        self._stopping = False
        self.failure = ""
        self._wal_pages = 0
        self._stopped: Future[None] = loop.create_future()
        connection.set_wal_hook(self._wal_grew)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, work: list[Pending] | Compaction) -> None:
        """Queue commits, in order, or a compaction."""
        self._queue.put(work)

    async def stop(self) -> None:
        """Finish the commits that were submitted, close the connection and end the thread."""
        self._queue.put(None)
        await self._stopped
        self._thread.join()

    # Everything below runs in the thread.

    def _run(self) -> None:
        while not self._stopping or self._waiting:
            try:
                self._receive()
                if self._waiting:
                    self._write_group()
                self._keep_up()
            except Exception:
                if self._loop.is_closed():
                    logger.warning("the event loop of the store ended before the store was closed")
                    break
                # A mistake in this file. The thread lives on to refuse what comes, so that nobody waits for ever.
                logger.exception("the writer of the store failed")
                self.failure = "the store has failed, its log says why: start anew"
        self._finish()

    def _receive(self) -> None:
        busy = self._waiting or self._compactions or self._forget_to or self._shrinking or self._stopping
        try:
            work = self._queue.get_nowait() if busy else self._queue.get(timeout=self._retention.interval)
            while True:
                if work is None:
                    self._stopping = True
                elif isinstance(work, Compaction):
                    self._compactions.append(work)
                else:
                    self._waiting.extend(work)
                work = self._queue.get_nowait()
        except queue.Empty:
            pass

    def _write_group(self) -> None:
        commits: list[Pending] = []
        size = 0
        while self._waiting and len(commits) < GROUP_COMMITS and size < GROUP_BYTES:
            pending = self._waiting.popleft()
            # Cancelled while it waited: nobody wants it any more, and nothing of it has happened.
            if not pending.future.cancelled():
                commits.append(pending)
                size += pending.size
        if not commits:
            return
        try:
            decision = self._commit(commits)
        except Exception as error:
            failure = self._failed("write", error)
            decision = Decision(results=[failure] * len(commits))
        outcome = Outcome(commits, decision.results, decision.changes, self._revision)
        self._tell(self._deliver, outcome)

    def _commit(self, commits: Sequence[Pending]) -> Decision:
        if self.failure:
            raise Unavailable(self.failure)
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        group = [(pending.writes, pending.guards) for pending in commits]
        decision = decide(group, read_current(self._connection, group), self._revision)
        if not decision.changes:
            execute("ROLLBACK")
            return decision
        self._write_rows(decision)
        revision = self._revision + len(decision.changes)
        mark = self._retention.mark(revision, decision.log_bytes)
        # Raised first: who reads from here on cannot take what it sees for the state at an earlier revision.
        self._horizon.ahead = revision
        execute("COMMIT")
        self._revision = revision
        self._retention.committed(decision.log_bytes, mark)
        return decision

    def _write_rows(self, decision: Decision) -> None:
        self._execute_in_portions(layout.append, decision.entries)
        current = [(key, revision) for key, revision in decision.current.items() if revision is not None]
        self._execute_in_portions(layout.set_current, current)
        if len(current) < len(decision.current):
            gone = [(key,) for key, revision in decision.current.items() if revision is None]
            self._execute_in_portions(layout.unset_current, gone)
        if decision.ended:
            self._execute_in_portions(layout.put_past, decision.ended)
            self._execute_in_portions(layout.put_ended, [ended[1:] for ended in decision.ended])

    def _execute_in_portions(
        self, statement: Callable[[int], str], rows: Sequence[tuple[int | bytes | None, ...]]
    ) -> None:
        position = 0
        for count in layout.portions(len(rows)):
            columns = [column for row in rows[position : position + count] for column in row]
            self._connection.execute(statement(count), columns)
            position += count

    def _failed(self, what: str, error: Exception) -> Unavailable:
        """Clean up after an error and say what it means."""
        if isinstance(error, apsw.Error):
            if isinstance(error, apsw.FullError):
                message = "the disk of the store is full: free some space, then try again"
            else:
                message = f"the store cannot be written ({error}): check the disk it lies on"
            code = getattr(error, "extendedresult", 0)
            if code in _FATAL or isinstance(error, apsw.CorruptError | apsw.NotADBError):
                self.failure = f"the store has failed ({error}): check the disk it lies on, then start anew"
                logger.error("%s failed: %s", what, self.failure)
        else:
            message = str(error) if isinstance(error, Unavailable) else f"the store cannot {what}: {error!r}"
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except apsw.Error as second:
            self.failure = f"the store has failed ({second}): check the disk it lies on, then start anew"
        self._horizon.ahead = self._revision
        return Unavailable(self.failure or message)

    def _keep_up(self) -> None:
        """One small piece of upkeep. Its failures concern nobody's commit: it is tried again later."""
        if self.failure:
            self._end_compactions(Unavailable(self.failure))
            return
        try:
            if self._wal_pages >= CHECKPOINT_PAGES:
                self._checkpoint()
            if self._compactions:
                self._compact(self._compactions[0])
            elif self._forget_to:
                if not self._retention.forget(self._forget_to):
                    self._forget_to = 0
                    self._shrinking = self._retention.wasteful()
            elif self._shrinking:
                self._shrinking = self._retention.shrink()
                if not self._shrinking:
                    self._truncate_wal()
            else:
                self._forget_to = self._retention.forgettable()
        except apsw.Error as error:
            self._forget_to = 0
            self._shrinking = False
            failure = self._failed("upkeep", error)
            logger.warning("upkeep of the store: %s", failure)
            self._end_compactions(failure)

    def _compact(self, compaction: Compaction) -> None:
        if compaction.before and self._retention.forget(compaction.before):
            return
        compaction.before = 0
        if self._retention.shrink():
            return
        self._truncate_wal()
        self._compactions.popleft()
        self._tell(_resolve, compaction.future, None)

    def _truncate_wal(self) -> None:
        """Give the space of the write-ahead log back; left for another time while somebody reads."""
        with contextlib.suppress(apsw.BusyError):
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._wal_pages = 0

    def _checkpoint(self) -> None:
        # A reader in the middle of a call keeps a passive checkpoint from finishing; it is tried again after the next
        # group. If that happens too often, wait for the reader instead of letting the log grow.
        patient = self._wal_pages >= 4 * CHECKPOINT_PAGES
        mode = apsw.SQLITE_CHECKPOINT_RESTART if patient else apsw.SQLITE_CHECKPOINT_PASSIVE
        try:
            self._connection.wal_checkpoint(mode=mode)
        except apsw.BusyError:
            return
        self._wal_pages = 0

    def _wal_grew(self, connection: apsw.Connection, database: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _end_compactions(self, error: StoreError | None) -> None:
        while self._compactions:
            self._tell(_resolve, self._compactions.popleft().future, error)

    def _finish(self) -> None:
        try:
            closed = Unavailable("the store is closed")
            try:
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except apsw.Error as error:
                logger.warning("last checkpoint of the store: %s; the next start makes up for it", error)
            self._connection.close()
            if self._waiting:
                commits = list(self._waiting)
                self._tell(self._deliver, Outcome(commits, [closed] * len(commits), [], self._revision))
            self._end_compactions(closed)
            self._tell(_resolve, self._stopped, None)
        except RuntimeError:
            pass  # The event loop is closed: there is nobody to tell.

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        # In a context of its own: what runs there belongs to no request.
        self._loop.call_soon_threadsafe(callback, *arguments, context=Context())


def _resolve(future: Future[None], error: StoreError | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
