"""The dependents of an owner: finding them by the index, and doing what has been decided about one.

Everything is done by the verbs, with the controllers' authority, so that finalizers, effects and admission see it. A
deletion is bound to the revision the decision was made from: where somebody has changed the object in between, it is
decided anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from manifold.base import errors, keys
from manifold.base.user import CONTROLLER_AGENT, CONTROLLER_USER
from manifold.controllers.collecting import Action, Decision, Dependents, decide, unblocked, without
from manifold.registry import owners
from manifold.registry.delete import delete
from manifold.registry.options import PLAIN_WRITE, DeleteOptions
from manifold.registry.owners import State
from manifold.registry.served import Served
from manifold.registry.update import Update, update
from manifold.registry.writing import Environment, Target
from manifold.schema import records
from manifold.storage.contract import Guard, GuardFailed, Row, Snapshot, Write
from manifold.types.metadata import FOREGROUND
from manifold.types.resource import Object
from manifold.views.resolution import Resolver

log = logging.getLogger("manifold.controllers")

AT_ONCE = 16
"""How many dependents are worked on together, so that their commits share an fsync."""
LOOKED_AT = 500
"""How many objects below a dependent are looked at for a circle."""
TRIES = 4

Work = Callable[[Served, Row, Object], Awaitable[bool]]
"""Does something about one dependent, given its type, row and object. Whether it is settled."""


class DependentObjects:
    """Works on dependents."""

    def __init__(self, environment: Environment, resolver: Resolver) -> None:
        self._environment = environment
        self._resolver = resolver

    async def served(self, cluster: str, key: bytes) -> Served | None:
        """The type of the object at a key, as its logical cluster serves it; None where it does not (any more)."""
        place = keys.decode(key)
        prefix = keys.type_prefix(place.group, place.resource, place.identity)
        return await self._resolver.stored(cluster, prefix)

    def target(self, served: Served, key: bytes) -> Target:
        """What a verb of the controllers is about."""
        place = keys.decode(key)
        return Target(CONTROLLER_USER, place.cluster, served, place.namespace, place.name, agent=CONTROLLER_AGENT)

    async def each(self, cluster: str, uid: str, after: bytes, limit: int, work: Work) -> tuple[bool, bytes]:
        """Work on up to `limit` dependents of an owner behind the index row `after` (empty: from the first).

        Returns whether all were settled, and the last index row where there may be more, else nothing. A dependent
        that refuses does not stop the others.
        """
        prefix = owners.dependents(cluster, uid)
        start = after + b"\x00" if after else prefix
        rows = await (await self._environment.store.snapshot()).scan(start, keys.after(prefix), limit)
        settled = True
        for begin in range(0, len(rows), AT_ONCE):
            batch = rows[begin : begin + AT_ONCE]
            settled = all(await asyncio.gather(*(self._one(uid, row, work) for row in batch))) and settled
        return settled, rows[-1].key if len(rows) == limit else b""

    async def _one(self, uid: str, index: Row, work: Work) -> bool:
        """Work on one dependent. Whether it is settled."""
        key = owners.dependent_of(index.key)
        for _ in range(TRIES):
            snapshot = await self._environment.store.snapshot()
            row = await snapshot.get(key)
            cluster = keys.decode(key).cluster
            served = await self.served(cluster, key)
            obj = served.decode(row.value, row.revision) if row is not None and served is not None else None
            if row is not None and (served is None or obj is None):
                return True  # of a type that is not served: it goes with its type's end
            if row is None or obj is None or served is None or uid not in owners.considered(obj["metadata"]):
                await self._drop(index, Guard(key, row.revision if row is not None else 0))
                return True
            try:
                return await work(served, row, obj)
            except errors.StatusError as refusal:
                if refusal.code == 409:
                    continue
                if refusal.code != 404:
                    place = keys.decode(key)
                    log.info("dependent %s/%s in %s: %s", place.resource, place.name, cluster, refusal.message)
                    return False
        return False

    async def _drop(self, index: Row, guard: Guard) -> None:
        """Delete an index row that leads nowhere."""
        try:
            await self._environment.store.commit([Write(index.key, None)], [Guard(index.key, index.revision), guard])
        except GuardFailed:
            return

    async def collect(self, served: Served, row: Row, obj: Object, gone: owners.Gone | None = None) -> bool:
        """Do what has to be done about a dependent; `gone` is an owner of which it is known that there is none."""
        metadata = obj["metadata"]
        snapshot = await self._environment.store.snapshot()
        cluster, namespace = keys.decode(row.key).cluster, metadata.get("namespace") or ""
        states = {}
        for one in metadata.get("ownerReferences") or ():
            found = await owners.find(snapshot, self._resolver, cluster, namespace, one)
            known = gone is not None and gone.names(one) and found.state is State.UNKNOWN and not found.misplaced
            states[one["uid"]] = State.ABSENT if known else found.state
        below = Dependents.NONE
        if State.WAITING in states.values():
            waiting = {uid for uid, state in states.items() if state is State.WAITING}
            below = await self._below(snapshot, cluster, metadata["uid"], waiting)
        return await self._carry_out(served, row, obj, decide(metadata, states, below))

    async def _carry_out(self, served: Served, row: Row, obj: Object, decision: Decision) -> bool:
        target = self.target(served, row.key)
        revision = row.revision
        if decision.action is Action.KEEP:
            return True
        if decision.action is Action.RELEASE:
            await self.release(served, row.key, decision.uids)
            return True
        if decision.unblock or decision.action is Action.UNBLOCK:
            result = await update(self._environment, target, Update(_unblock, PLAIN_WRITE))
            revision = result.revision
        if decision.action is Action.UNBLOCK:
            return True
        options = DeleteOptions(uid=obj["metadata"]["uid"], resource_version=str(revision), policy=decision.policy)
        await delete(self._environment, target, options)
        return True

    async def release(self, served: Served, key: bytes, uids: frozenset[str]) -> None:
        """Take the references to `uids` off an object."""

        def change(live: Object | None) -> Object:
            obj = live or {}
            return _with_references(obj, without(obj["metadata"].get("ownerReferences") or (), uids))

        await update(self._environment, self.target(served, key), Update(change, PLAIN_WRITE))

    async def _below(self, snapshot: Snapshot, cluster: str, uid: str, waiting: set[str]) -> Dependents:
        """What lies below a dependent whose owners `waiting` wait for it: followed down along all who wait."""
        found = Dependents.NONE
        left, seen, looked_at = [uid], {uid}, 0
        while left and looked_at < LOOKED_AT:
            prefix = owners.dependents(cluster, left.pop())
            for index in await snapshot.scan(prefix, keys.after(prefix), LOOKED_AT - looked_at):
                looked_at += 1
                row = await snapshot.get(owners.dependent_of(index.key))
                if row is None:
                    continue
                found = Dependents.SOME
                if not records.flags(row.value) & records.DELETING:
                    continue
                metadata = records.decode(row.value, row.revision, records.ITEM_HEAD)["metadata"]
                if FOREGROUND not in (metadata.get("finalizers") or ()):
                    continue
                if metadata["uid"] in waiting:
                    return Dependents.CIRCLE
                if metadata["uid"] not in seen:
                    seen.add(metadata["uid"])
                    left.append(metadata["uid"])
        return found


def _with_references(obj: Object, references: Sequence[owners.Reference]) -> Object:
    metadata = obj["metadata"]
    if references:
        metadata["ownerReferences"] = list(references)
    else:
        metadata.pop("ownerReferences", None)
    return obj


def _unblock(live: Object | None) -> Object:
    obj = live or {}
    return _with_references(obj, unblocked(obj["metadata"].get("ownerReferences") or ()))
