"""Garbage collection inside one logical cluster: dependents follow their owners.

Two kinds of work. When an owner has gone, or a reference leads nowhere, its dependents are looked at once: each goes,
or loses the reference. An owner deleted with the policy Foreground or Orphan waits, marked by a finalizer, until its
dependents have gone or have been released; then the finalizer is taken off. Work is done in slices, so that an owner
of very many keeps nobody waiting (Kubernetes documentation, "Garbage Collection").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from manifold.base import errors, keys
from manifold.controllers.collecting import blocks
from manifold.controllers.dependents import DependentObjects, Work
from manifold.controllers.emptying import letting_go
from manifold.registry import owners
from manifold.registry.options import PLAIN_WRITE
from manifold.registry.served import Served
from manifold.registry.update import Update, update
from manifold.registry.writing import Environment
from manifold.schema import records
from manifold.storage.contract import Guard, Row, Write
from manifold.types.metadata import FOREGROUND, ORPHAN
from manifold.types.resource import Object
from manifold.views.resolution import Resolver

SLICE = 400
"""How many dependents are worked on before somebody else's turn."""
NEXT_SLICE_SECONDS = 0.001
REFUSED_SECONDS = 60.0
WAITING_SECONDS = 10.0
"""How long an owner waits for a dependent before it looks by itself; the end of a dependent wakes it earlier."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass over dependents that has not come to its end: where it is, what it has found, and the revision of the row
    that tells of newcomers as it was at its beginning.
    """

    last: bytes
    settled: bool
    revision: int


class GarbageController:
    """Looks at the dependents of a uid: where its object has been removed, or where a reference leads nowhere."""

    name = owners.GARBAGE

    def __init__(self, environment: Environment, resolver: Resolver) -> None:
        self._store = environment.store
        self._dependents = DependentObjects(environment, resolver)
        self._passes: dict[bytes, Pass] = {}

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Look at the dependents, a slice at a time; the row goes when each has been looked at."""
        cluster, uid, why = parts
        key = work.key
        begun = self._passes.pop(key, None)
        told = orjson.loads(work.value or b"{}")
        gone = owners.Gone(uid, told or None) if why == owners.GONE or told else None

        async def collect(served: Served, row: Row, obj: Object) -> bool:
            return await self._dependents.collect(served, row, obj, gone)

        begun = begun or Pass(b"", True, work.revision)
        settled, last = await self._dependents.each(cluster, uid, begun.last, SLICE, collect)
        settled = settled and begun.settled
        if last:
            self._passes[key] = Pass(last, settled, begun.revision)
            return NEXT_SLICE_SECONDS
        if not settled:
            return REFUSED_SECONDS
        # Written again in the meantime, it tells of dependents this pass may have missed: the guard fails.
        await self._store.commit([Write(key, None)], [Guard(key, begun.revision)])
        return 0.0


class PropagationController:
    """Ends owners that wait for their dependents to go (Foreground), or to be released (Orphan)."""

    name = owners.PROPAGATION

    def __init__(self, environment: Environment, resolver: Resolver) -> None:
        self._environment = environment
        self._store = environment.store
        self._resolver = resolver
        self._dependents = DependentObjects(environment, resolver)
        self._passes: dict[bytes, Pass] = {}

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """One slice of a pass over the dependents of an owner; its finalizer goes when none of them holds it."""
        cluster, uid = parts
        key = work.key
        begun = self._passes.pop(key, None)
        group, resource, identity, namespace, name = orjson.loads(work.value)
        owner = keys.ObjectKey(group, resource, identity, cluster, namespace, name).encode()
        snapshot = await self._store.snapshot()
        row = await snapshot.get(owner)
        metadata = records.decode(row.value, row.revision, records.ITEM_HEAD)["metadata"] if row is not None else {}
        policy = _policy(metadata) if metadata.get("uid") == uid else ""
        if not policy:
            await self._store.commit([Write(key, None)], [Guard(key, work.revision)])
            return 0.0
        served = await self._dependents.served(cluster, owner)
        if served is None:
            return REFUSED_SECONDS
        mark = await snapshot.get(owners.mark(cluster, namespace, uid))
        revision = mark.revision if mark is not None else 0
        begun = begun or Pass(b"", True, revision)
        work_on = self._orphan(owner, uid) if policy == ORPHAN else self._end(owner, uid)
        settled, last = await self._dependents.each(cluster, uid, begun.last, SLICE, work_on)
        settled = settled and begun.settled
        if last:
            self._passes[key] = Pass(last, settled, begun.revision)
            return NEXT_SLICE_SECONDS
        if not settled:
            return WAITING_SECONDS
        mark = await (await self._store.snapshot()).get(owners.mark(cluster, namespace, uid))
        if (mark.revision if mark is not None else 0) != begun.revision:
            return NEXT_SLICE_SECONDS  # it has got new dependents since the pass began
        finished = letting_go({"metadata": metadata}, (ORPHAN, FOREGROUND))
        try:
            await update(self._environment, self._dependents.target(served, owner), Update(finished, PLAIN_WRITE))
        except errors.StatusError as refusal:
            if refusal.code != 404:
                raise
        await self._store.commit([Write(key, None)], [Guard(key, work.revision)])
        return 0.0

    async def _leads(self, owner: bytes, uid: str, row: Row, metadata: Object) -> bool:
        """Whether a dependent's reference really names the owner, and not only its uid."""
        snapshot = await self._store.snapshot()
        place = keys.decode(row.key)
        reference = owners.considered(metadata).get(uid)
        if reference is None:
            return False
        found = await owners.find(snapshot, self._resolver, place.cluster, place.namespace, reference)
        return found.row is not None and found.row.key == owner

    def _orphan(self, owner: bytes, uid: str) -> Work:
        async def release(served: Served, row: Row, obj: Object) -> bool:
            if await self._leads(owner, uid, row, obj["metadata"]):
                await self._dependents.release(served, row.key, frozenset((uid,)))
            return True

        return release

    def _end(self, owner: bytes, uid: str) -> Work:
        async def end(served: Served, row: Row, obj: Object) -> bool:
            if not await self._leads(owner, uid, row, obj["metadata"]):
                return True
            await self._dependents.collect(served, row, obj)
            left = await (await self._store.snapshot()).get(row.key)
            return left is None or not blocks(served.decode(left.value, left.revision)["metadata"], uid)

        return end


def _policy(metadata: Object) -> str:
    """The finalizer by which an owner that is being deleted waits; empty for one that does not."""
    finalizers = metadata.get("finalizers") or ()
    if "deletionTimestamp" not in metadata:
        return ""
    return next((one for one in (ORPHAN, FOREGROUND) if one in finalizers), "")
