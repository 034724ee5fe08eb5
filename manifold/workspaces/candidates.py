"""The logical clusters in which somebody may have a right, in order, without looking at the others.

They are the union of a few ranges of the store, read side by side: the index rows of every name and group the caller
counts as somewhere (see `manifold.workspaces.entries`), the logical clusters an identity comes from or is confined
to, and, for whom a grant in `system:admin` reaches everywhere, all there are. A range is read in pages and can be
entered anywhere, so that the cost of a question follows how far it gets and not how much there is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from manifold.auth.rbac.policy import Policy
from manifold.auth.rbac.subjects import reaches
from manifold.base import keys
from manifold.base.user import User
from manifold.storage.contract import Snapshot
from manifold.workspaces import entries

PAGE = 100
AT_ONCE = 50
"""So many sources are entered before others have their turn."""


class Source(Protocol):
    """Names of logical clusters in order."""

    async def first(self, start: bytes) -> bytes:
        """The first that is not below `start`; empty behind the last. From call to call `start` may only grow."""


def behind(cluster: bytes) -> bytes:
    """Where to go on after a logical cluster."""
    return cluster + b"\x01"


class Range:
    """The logical clusters of a range of keys that go on behind `prefix` with the name of one."""

    def __init__(self, snapshot: Snapshot, prefix: bytes) -> None:
        self._snapshot = snapshot
        self._prefix = prefix
        self._read: deque[bytes] = deque()
        self._next = b""
        self._ended = False

    async def first(self, start: bytes) -> bytes:
        """See `Source`. Reads the store only where what was read before does not reach."""
        while True:
            while self._read and self._read[0] < start:
                self._read.popleft()
            if self._read:
                return self._read[0]
            if self._ended:
                return b""
            rows = await self._snapshot.scan(self._prefix + max(start, self._next), keys.after(self._prefix), PAGE)
            at = len(self._prefix)
            self._read.extend(dict.fromkeys(row.key[at : row.key.index(b"\x00", at)] for row in rows))
            self._ended = len(rows) < PAGE
            if self._read:
                self._next = behind(self._read[-1])


class Named:
    """A few logical clusters that are known by name."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(name.encode() for name in names)

    async def first(self, start: bytes) -> bytes:
        """See `Source`."""
        return next((one for one in self._names if one >= start), b"")


class Union:
    """The logical clusters of any of several sources."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._firsts: list[bytes | None] = [None] * len(sources)

    async def first(self, start: bytes) -> bytes:
        """See `Source`."""
        best = b""
        for at, source in enumerate(self._sources):
            found = self._firsts[at]
            if found is None or (found and found < start):
                found = self._firsts[at] = await source.first(start)
                if at % AT_ONCE == AT_ONCE - 1:
                    await asyncio.sleep(0)
            if found and (not best or found < best):
                best = found
        return best


class Both:
    """The logical clusters that are in both of two sources."""

    def __init__(self, one: Source, other: Source) -> None:
        self._one, self._other = one, other

    async def first(self, start: bytes) -> bytes:
        """See `Source`. Each source is entered where the other one is, so that the cost is that of the smaller."""
        while True:
            found = await self._one.first(start)
            also = await self._other.first(found) if found else b""
            if not also or also == found:
                return also
            start = also
            await asyncio.sleep(0)


def candidates(
    snapshot: Snapshot, user: User, shared: Policy, granted: Callable[[Sequence[Policy], User], bool], everything: bytes
) -> Source:
    """Every logical cluster in which `user` may have a right, and some in which it has none.

    `shared` is the policy of `system:admin`, `granted` says whether a policy gives an identity the right everywhere;
    `everything` is the range of all logical clusters that come into question.
    """
    if user.privileged:
        return Range(snapshot, everything)
    known: set[str] = set()
    names: dict[bytes, None] = {}
    for reach in reaches(user):
        if reach.clusters is not None:
            known |= reach.clusters
            continue
        if granted([shared], reach.user):
            return Range(snapshot, everything)
        names[entries.subject_range(entries.USER, reach.user.name)] = None
        names.update((entries.subject_range(entries.GROUP, group), None) for group in reach.user.groups)
    ranges = [entries.subject_range(entries.ANYBODY), *names]
    return Union([Named(known), *(Range(snapshot, one) for one in ranges)])
