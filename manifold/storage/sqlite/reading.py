"""Reading: snapshots and the log, on the event-loop thread, without suspending.

A snapshot is a revision, nothing more. Each call is one SQL statement, hence one consistent view of the file; no read
transaction outlives it, so the write-ahead log can always be restarted. What a statement sees may be newer than the
snapshot, for two reasons: writes that came after it, and a group the writer thread has committed to the file whose
changes the event loop has not been told of yet. Both are the same thing here: rows with a revision above the
snapshot's are not there, and what they replaced is read from the past rows.

The usual case is that nothing was written since. `Horizon.ahead` is raised by the writer *before* it commits; a
statement after which it still equals the snapshot's revision cannot have seen anything newer, and is a plain read of
the current rows. Likewise `Horizon.oldest` is raised before anything is forgotten, and is looked at after reading: a
view that might miss something raises `Compacted` instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from manifold.storage.contract import Change, Compacted, Row, Unavailable
from manifold.storage.sqlite import layout

NEAR = 1000
"""Up to how many writes behind the file's end a view looks for past rows by their end instead of key by key."""


@dataclass(slots=True)
class Horizon:
    """What readers must know of the writer: written by its thread, read by the event loop.

    `ahead`: no row of a later revision can be in the file. `oldest`: nothing a view at this revision needs has been
    forgotten.
    """

    ahead: int
    oldest: int


class Reader:
    """Reads of one store, on a connection of their own. Only for the thread of the event loop."""

    def __init__(self, connection: apsw.Connection, horizon: Horizon) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._horizon = horizon

    def get(self, key: bytes, at: int) -> Row | None:
        """The row at `key` as of revision `at`. Raises Compacted, or Unavailable where the file cannot be read."""
        horizon = self._horizon
        try:
            found = self._cursor.execute(layout.GET, (key,)).get
            if horizon.ahead != at and (found is None or found[1] > at):
                found = self._cursor.execute(layout.GET_PAST, (key, at)).get
                if found is not None and found[1] > at:
                    found = None
        except apsw.Error as error:
            raise unreadable(error) from error
        if at < horizon.oldest:
            raise Compacted(horizon.oldest)
        return None if found is None else _row(key, found[0], found[1])

    def scan(self, start: bytes, end: bytes, limit: int, at: int) -> list[Row]:
        """Rows with start <= key < end as of revision `at`, at most `limit` unless it is 0."""
        horizon = self._horizon
        most = limit or -1
        found: Any  # As typed by the statements, which mypy does not know.
        try:
            if horizon.ahead == at:
                found = self._cursor.execute(layout.SCAN, (start, end, most)).fetchall()
                if horizon.ahead == at:
                    return _rows(found)
            if horizon.ahead - at <= NEAR:
                found = self._cursor.execute(layout.SCAN_RECENT, (start, end, most, at)).fetchall()
            else:
                found = self._scan_past(start, end, most, at)
        except apsw.Error as error:
            raise unreadable(error) from error
        if at < horizon.oldest:
            raise Compacted(horizon.oldest)
        return _rows(found)

    def _scan_past(self, start: bytes, end: bytes, most: int, at: int) -> Any:
        # Two statements, so one transaction, which ends before this returns.
        with self._connection:
            current: Any = self._cursor.execute(layout.SCAN_CURRENT_AT, (start, end, most, at)).fetchall()
            if len(current) == most:
                end = current[-1][0]
            past = self._cursor.execute(layout.SCAN_PAST, (start, end, most, at)).fetchall()
        # Keys are unique, so the tuples are ordered by them alone.
        return sorted(current + past)[: most if most > 0 else None]

    def count(self, start: bytes, end: bytes, limit: int, at: int) -> int:
        """How many rows `scan` would give."""
        horizon = self._horizon
        most = limit or -1
        try:
            if horizon.ahead == at:
                found: int = self._cursor.execute(layout.COUNT, (start, end, most)).get
                if horizon.ahead == at:
                    return found
            statement = layout.COUNT_RECENT if horizon.ahead - at <= NEAR else layout.COUNT_PAST
            found = self._cursor.execute(statement, (start, end, most, at)).get
        except apsw.Error as error:
            raise unreadable(error) from error
        if at < horizon.oldest:
            raise Compacted(horizon.oldest)
        return found

    def changes(self, after: int, until: int, limit: int) -> list[Change]:
        """Up to `limit` changes with after < revision <= until, in order."""
        if after >= until:
            return []
        found: Any
        try:
            found = self._cursor.execute(layout.CHANGES, (after, until, limit)).fetchall()
        except apsw.Error as error:
            raise unreadable(error) from error
        if after < self._horizon.oldest:
            raise Compacted(self._horizon.oldest)
        return [Change(*columns) for columns in found]

    def close(self) -> None:
        """Close the connection; reading raises Unavailable from now on."""
        self._connection.close()


class SqliteSnapshot:
    """A view at one revision; see `manifold.storage.contract.Snapshot`."""

    __slots__ = ("_reader", "revision")

    def __init__(self, reader: Reader, revision: int) -> None:
        self._reader = reader
        self.revision = revision

    async def get(self, key: bytes) -> Row | None:
        """The row at `key`, or None."""
        return self._reader.get(key, self.revision)

    async def scan(self, start: bytes, end: bytes, limit: int = 0) -> Sequence[Row]:
        """Rows with start <= key < end, in key order; at most `limit` of them unless it is 0."""
        return self._reader.scan(start, end, limit, self.revision)

    async def count(self, start: bytes, end: bytes, limit: int) -> int:
        """How many rows lie in the range, counted up to `limit` unless it is 0."""
        return self._reader.count(start, end, limit, self.revision)


def unreadable(error: apsw.Error) -> Unavailable:
    """The contract's error for a read that failed."""
    if isinstance(error, apsw.ConnectionClosedError | apsw.CursorClosedError):
        return Unavailable("the store is closed")
    return Unavailable(f"the store cannot be read: {error}; check the disk it lies on")


_new = Row.__new__
# A frozen dataclass sets its fields through object.__setattr__, which is half of what a scan would cost. Its slots'
# descriptors do the same without the detour.
_set_key = Row.__dict__["key"].__set__
_set_value = Row.__dict__["value"].__set__
_set_revision = Row.__dict__["revision"].__set__


def _row(key: bytes, value: bytes, revision: int) -> Row:
    row = _new(Row)
    _set_key(row, key)
    _set_value(row, value)
    _set_revision(row, revision)
    return row


def _rows(found: Iterable[tuple[bytes, bytes, int]]) -> list[Row]:
    rows: list[Row] = []
    add = rows.append
    for key, value, revision in found:
        row = _new(Row)
        _set_key(row, key)
        _set_value(row, value)
        _set_revision(row, revision)
        add(row)
    return rows
