"""Objects that are followed: whoever changes one leaves work behind for those who follow it.

Who follows what is rows: one for the object, which says that it is followed, one per follower behind it, and one per
type that any followed object is of, and controller that follows it. The types are in memory, few as they are, so that
the write of any other type costs one look-up. A write of a followed type reads the object's row; where it is there, a
pointer to the work is put into the commit, and where it is not, the commit is bound to that. So no change is lost
between two commits, and nothing is kept in memory per object.

A follower binds its own commit to the object as it has seen it: at a revision, or absent.
"""

from __future__ import annotations

from collections.abc import Sequence

from manifold.base import keys
from manifold.registry.effects import Plan
from manifold.registry.served import Served
from manifold.storage.contract import Guard, Row, Snapshot, Store, Write

INDEX, TYPES = "followed", "followed-types"


def place(key: bytes) -> list[str]:
    """An object, given by its storage key, as segments of rows about it: the logical cluster first."""
    found = keys.decode(key)
    return [found.cluster, found.group, found.resource, found.identity, found.namespace, found.name]


def key_at(parts: Sequence[str]) -> bytes:
    """The storage key of an object; the inverse of `place`."""
    cluster, group, resource, identity, namespace, name = parts
    return keys.ObjectKey(group, resource, identity, cluster, namespace, name).encode()


def object_row(key: bytes) -> bytes:
    """The key of the row that says that an object is followed; its followers lie behind it."""
    return keys.index_key(INDEX, *place(key))


def follower_row(key: bytes, controller: str, follower: str) -> bytes:
    """The key of the row of one follower, which is named by its controller and a segment."""
    return keys.index_key(INDEX, *place(key), controller, follower)


def work_row(key: bytes, controller: str) -> bytes:
    """The key of the work row of a followed object that has changed."""
    return keys.work_key(controller, *place(key))


def follow_writes(key: bytes, controller: str, follower: str) -> list[Write]:
    """What makes an object, be it there or not, followed."""
    found = keys.decode(key)
    kind = keys.index_key(TYPES, found.group, found.resource, found.identity, controller)
    return [Write(row, b"") for row in (kind, object_row(key), follower_row(key, controller, follower))]


def swept_range(cluster: str) -> bytes:
    """What is left of followers when a logical cluster is gone."""
    return keys.index_key(INDEX, cluster)


class Followed:
    """The followed types of a process, and what a write of one of them adds to its commit."""

    def __init__(self) -> None:
        self._controllers: dict[bytes, tuple[str, ...]] = {}

    async def load(self, store: Store) -> None:
        """Read the types."""
        prefix = keys.index_key(TYPES)
        snapshot = await store.snapshot()
        for row in await snapshot.scan(prefix, keys.after(prefix)):
            *kind, controller = keys.parts(row.key)[1:]
            self._note(keys.type_prefix(*kind), controller)

    def _note(self, prefix: bytes, controller: str) -> None:
        known = self._controllers.get(prefix, ())
        if controller not in known:
            self._controllers[prefix] = (*known, controller)

    def concerns(self, served: Served) -> bool:
        """Whether any object of a type is followed."""
        return served.prefix in self._controllers

    def follow(self, plan: Plan, key: bytes, controller: str, follower: str) -> None:
        """Follow an object that is there, or is to be. From now on, also if the commit fails, its type concerns us."""
        found = keys.decode(key)
        self._note(keys.type_prefix(found.group, found.resource, found.identity), controller)
        plan.writes += follow_writes(key, controller, follower)

    async def touch(self, plan: Plan, key: bytes) -> None:
        """Add to a commit that changes the object at `key` what its followers need: work for each controller that
        follows objects of the type.
        """
        row = object_row(key)
        if await plan.snapshot.get(row) is None:
            plan.guards.append(Guard(row, 0))
            return
        found = keys.decode(key)
        for controller in self._controllers[keys.type_prefix(found.group, found.resource, found.identity)]:
            plan.point(work_row(key, controller), b"{}")


async def followers(snapshot: Snapshot, key: bytes, controller: str) -> list[str]:
    """Who follows an object."""
    prefix = object_row(key) + keys.segment(controller)
    return [keys.parts(row.key)[-1] for row in await snapshot.scan(prefix, keys.after(prefix))]


async def unfollow(store: Store, key: bytes, controller: str, follower: str) -> None:
    """Take a follower's row away, if it is there."""
    row = follower_row(key, controller, follower)
    if await (await store.snapshot()).get(row) is not None:
        await store.commit([Write(row, None)], [Guard(row, None)])


async def finish(store: Store, key: bytes, work: Row) -> None:
    """End the work about an object. Where nobody follows it any more, its row goes, too."""
    writes, guards = [Write(work.key, None)], [Guard(work.key, work.revision)]
    row = object_row(key)
    found = await (await store.snapshot()).scan(row, keys.after(row), 2)
    if [one.key for one in found] == [row]:
        writes.append(Write(row, None))
        guards.append(Guard(row, found[0].revision))
    await store.commit(writes, guards)
