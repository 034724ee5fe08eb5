"""Objects that are followed: whoever changes one leaves work behind for those who follow it.

Who follows what is rows: one for the object, which says that it is followed, one per follower behind it, and one per
type that any followed object is of. The types are in memory, few as they are, so that the write of any other type costs
one look-up in a set. A write of a followed type reads the object's row; where it is there, a pointer to the work is put
into the commit, and where it is not, the commit is bound to that. So no change is lost between two commits, and nothing
is kept in memory per object.

A follower binds its own commit to the object at the revision it has seen.
"""

from __future__ import annotations

from manifold.base import keys
from manifold.registry.effects import Plan
from manifold.registry.served import Served
from manifold.storage.contract import Guard, Snapshot, Store

INDEX, TYPES = "followed", "followed-types"
WORK = "mounts"
"""The controller that is told."""


def place(key: bytes) -> list[str]:
    """An object, given by its storage key, as segments of rows about it: the logical cluster first."""
    found = keys.decode(key)
    return [found.cluster, found.group, found.resource, found.identity, found.namespace, found.name]


def object_row(key: bytes) -> bytes:
    """The key of the row that says that an object is followed; its followers lie behind it."""
    return keys.index_key(INDEX, *place(key))


def follower_row(key: bytes, follower: str) -> bytes:
    """The key of the row of one follower, which is named by a segment."""
    return keys.index_key(INDEX, *place(key), follower)


def work_row(key: bytes) -> bytes:
    """The key of the work row of a followed object that has changed."""
    return keys.work_key(WORK, *place(key))


def swept_range(cluster: str) -> bytes:
    """What is left of followers when a logical cluster is gone."""
    return keys.index_key(INDEX, cluster)


class Followed:
    """The followed types of a process, and what a write of one of them adds to its commit."""

    def __init__(self) -> None:
        self._prefixes: set[bytes] = set()

    async def load(self, store: Store) -> None:
        """Read the types."""
        prefix = keys.index_key(TYPES)
        snapshot = await store.snapshot()
        for row in await snapshot.scan(prefix, keys.after(prefix)):
            self._prefixes.add(keys.type_prefix(*keys.parts(row.key)[1:]))

    def concerns(self, served: Served) -> bool:
        """Whether any object of a type is followed."""
        return served.prefix in self._prefixes

    def follow(self, plan: Plan, key: bytes, follower: str) -> None:
        """Follow an object that is there, or is to be. From now on, also if the commit fails, its type concerns us."""
        found = keys.decode(key)
        self._prefixes.add(keys.type_prefix(found.group, found.resource, found.identity))
        plan.put(keys.index_key(TYPES, found.group, found.resource, found.identity), b"")
        plan.put(object_row(key), b"")
        plan.put(follower_row(key, follower), b"")

    async def touch(self, plan: Plan, key: bytes) -> None:
        """Add to a commit that changes the object at `key` what its followers need."""
        row = object_row(key)
        if await plan.snapshot.get(row) is None:
            plan.guards.append(Guard(row, 0))
        else:
            plan.point(work_row(key), b"{}")


async def followers(snapshot: Snapshot, key: bytes) -> list[str]:
    """Who follows an object."""
    prefix = object_row(key)
    rows = await snapshot.scan(prefix, keys.after(prefix))
    return [keys.parts(row.key)[-1] for row in rows if row.key != prefix]
