"""What a store is: the small part of etcd that Kubernetes really uses, and no more.

Guarantees every engine gives:

- **Snapshots.** `snapshot()` is a consistent view at one revision. Reading through it never sees a later write.
  A snapshot is cheap, holds nothing open between calls and may be dropped at any time; it can be read until its
  revision falls out of the log's window, then reading raises `Compacted`.
- **Commits.** `commit()` is all or nothing. Each write gets a revision of its own; those of one commit are consecutive
  and in the order given, and nothing of another commit lies between them. (Two objects of one type in one commit must
  not share a resourceVersion: a watch cut between them would lose the second.) It returns when the commit is durable,
  and a snapshot taken afterwards sees it.
- **Guards** are conditions on any keys, written or not, checked in the same instant as the writes take effect. One that
  does not hold refuses the commit with `GuardFailed`, and neighbours grouped with it are not affected.
- **The log.** `changes(after)` gives every write behind a revision, in order, without gaps, each with the value before
  it. Below the window it raises `Compacted`.
- **Listeners** are called on the event loop with every change, in order and once, *before* the commit that made it
  returns to its caller. Caches that drop on a change are therefore never older than an answer, and one listener is all
  the watch hub needs.

Everything is `async`, although an engine may never suspend; nothing may rely on either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

MAX_WRITES = 100
MAX_GUARDS = 100
MAX_BYTES = 1 << 20
"""Bounds of one commit, held by every engine because etcd holds them. `MAX_BYTES` counts keys and values written,
except that a commit of one write may be as large as `MAX_VALUE`."""
MAX_VALUE = 3 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """A key with its value and the revision of the write that put it there."""

    key: bytes
    value: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class Write:
    """One write of a commit: `value` is put at `key`; None deletes the key (deleting an absent key is an error)."""

    key: bytes
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition of a commit on one key, or on a range.

    `revision` None: the key is present, whatever its revision; 0: the key is absent; else: the key was last written
    at exactly this revision. With an `end`, `revision` is 0, and no key from `key` up to `end` is there: what was
    concluded from an empty scan still holds.
    """

    key: bytes
    revision: int | None
    end: bytes = b""


@dataclass(frozen=True, slots=True)
class Change:
    """One write as the log tells it.

    `value` is None for a deletion; `previous` and `previous_revision` are the row before it (None and 0 where there
    was none).
    """

    revision: int
    key: bytes
    value: bytes | None
    previous: bytes | None
    previous_revision: int


class StoreError(Exception):
    """The store cannot do what is asked; the message says what is wrong and how to mend it."""


class GuardFailed(StoreError):
    """A guard did not hold. `guard` is the first that did not, `current` the key's revision now (0: absent), of a range
    that of any key in it.
    """

    def __init__(self, guard: Guard, current: int) -> None:
        super().__init__(f"guard on {guard.key!r} wants {guard.revision}, key is at {current}")
        self.guard = guard
        self.current = current


class Compacted(StoreError):
    """The log no longer reaches back to the revision asked for. `oldest` is the oldest that can be read."""

    def __init__(self, oldest: int) -> None:
        super().__init__(f"the log starts at revision {oldest}")
        self.oldest = oldest


class TooLarge(StoreError):
    """A commit exceeds the bounds above."""


class Malformed(StoreError):
    """A commit that contradicts itself or the store: it names a key twice, or deletes what it neither guards nor finds.

    Whoever made it is mistaken, and will be as often as it is made again from the same rows.
    """


class Unavailable(StoreError):
    """The store cannot be written now (disk full, closed, lost its quorum). Nothing of the commit has happened."""


class Snapshot(Protocol):
    """A consistent view of all rows at `revision`."""

    @property
    def revision(self) -> int:
        """The revision of the last write this view sees."""

    async def get(self, key: bytes) -> Row | None:
        """The row at `key`, or None."""

    async def scan(self, start: bytes, end: bytes, limit: int = 0) -> Sequence[Row]:
        """Rows with start <= key < end, in key order; at most `limit` of them unless it is 0.

        To go on after a row, start at its key + b"\\x00". Engines may bound what one call returns only by `limit`;
        callers ask for pages.
        """

    async def count(self, start: bytes, end: bytes, limit: int) -> int:
        """How many rows lie in the range, counted up to `limit`."""


Listener = Callable[[Sequence[Change]], None]


class Store(Protocol):
    """An engine. Opened by a function of its own package, closed once."""

    @property
    def revision(self) -> int:
        """The revision of the last commit this process has seen."""

    @property
    def oldest(self) -> int:
        """The oldest revision that can still be read: `changes(oldest)` and `snapshot(oldest)` succeed."""

    @property
    def failure(self) -> str:
        """Why the store takes no commits any more; empty while it does."""

    async def snapshot(self, revision: int = 0) -> Snapshot:
        """A view at `revision`, or at the latest one where it is 0.

        Raises Compacted where `revision` lies before the window; a revision that does not exist yet is a ValueError.
        """

    async def commit(self, writes: Sequence[Write], guards: Sequence[Guard] = ()) -> int:
        """Apply all writes or nothing. Returns the revision of the first write; the others follow it.

        Raises GuardFailed, TooLarge, Malformed, or Unavailable; after each of these nothing has been written.
        """

    async def changes(self, after: int, limit: int = 1000) -> Sequence[Change]:
        """Up to `limit` changes with a revision above `after`, in order; empty when there are none yet.

        Raises Compacted where changes behind `after` have been dropped.
        """

    def listen(self, listener: Listener) -> None:
        """Call `listener` with all changes from now on. It must not raise, block or commit."""

    async def compact(self, before: int) -> None:
        """Drop the log below revision `before` and give space back. Current rows stay."""

    async def close(self) -> None:
        """Finish commits under way and close. Later calls raise Unavailable."""
