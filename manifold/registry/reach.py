"""What a view reaches of a type where that is not one range of the store: the objects of some logical clusters.

A reach follows from rows of the store, so what it is at a revision can be read from a snapshot of that revision, and
what changes it is in the log. A list walks its parts in the order of keys, from the snapshot it reads objects from; a
watch (`manifold.registry.reach_watch`) goes along with its changes. The verbs know nothing of why a part belongs to it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from manifold.registry.scope import Scope
from manifold.storage.contract import Snapshot


@dataclass(frozen=True, slots=True)
class Part:
    """A range of objects of one type in one logical cluster: all of it, a namespace or one object. `scope`: which of
    them are there (None: all).
    """

    cluster: str
    prefix: bytes
    scope: Scope | None = None

    def within(self, prefix: bytes) -> Part | None:
        """What of it lies in a range; None: nothing."""
        if self.prefix.startswith(prefix):
            return self
        return replace(self, prefix=prefix) if prefix.startswith(self.prefix) else None


class Reach(Protocol):
    """Without state: what it is depends on a snapshot alone."""

    @property
    def grounds(self) -> Sequence[bytes]:
        """The ranges of the rows it follows from: prefixes of keys, or whole keys."""

    def about(self, key: bytes) -> str | None:
        """The logical cluster whose parts a row decides about; empty: any; None: it decides nothing."""

    def parts(self, snapshot: Snapshot, after: bytes = b"") -> AsyncIterator[Part]:
        """Its parts that reach behind the key `after`, in the order of keys. They do not overlap."""

    async def parts_in(self, snapshot: Snapshot, cluster: str) -> Sequence[Part]:
        """Its parts in a logical cluster, in the order of keys."""
