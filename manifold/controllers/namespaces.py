"""Ends namespaces: deletes what is in them, then takes off the finalizer `kubernetes`.

While something holds an object back, the namespace says in its conditions what it is waiting for, as in Kubernetes.
"""

from __future__ import annotations

from collections.abc import Sequence

from manifold.base import clock, keys
from manifold.controllers.emptying import Ending, Remainder, empty
from manifold.registry import owners
from manifold.registry.effects import Plan
from manifold.registry.served import Served
from manifold.registry.writing import Environment
from manifold.schema import records
from manifold.storage.contract import MAX_WRITES, Guard, Row, Write
from manifold.types.resource import Object
from manifold.views.resolution import Resolver
from manifold.workspaces.namespaces import CONTROLLER

FINALIZER = "kubernetes"
RETRY_SECONDS = 1.0
_FINE = (
    (
        "NamespaceDeletionDiscoveryFailure",
        "False",
        "ResourcesDiscovered",
        "All resources successfully discovered",
    ),
    (
        "NamespaceDeletionGroupVersionParsingFailure",
        "False",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    (
        "NamespaceDeletionContentFailure",
        "False",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
)


class NamespaceController:
    """Reconciles a terminating namespace. `namespaces` is the stored form of the type."""

    name = CONTROLLER

    def __init__(self, environment: Environment, resolver: Resolver, namespaces: Served) -> None:
        self._environment = environment
        self._resolver = resolver
        self._namespaces = namespaces

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Empty a namespace as far as possible; end it when nothing is left."""
        cluster, name = parts
        store = self._environment.store
        key = self._namespaces.key(cluster, "", name)
        row = await (await store.snapshot()).get(key)
        if row is None or not records.flags(row.value) & records.DELETING:  # somebody has ended it by force
            await store.commit([Write(work.key, None)], [Guard(work.key, work.revision)])
            return 0.0
        obj = self._namespaces.decode(row.value, row.revision)
        remainder = Remainder()
        resolution = await self._resolver.resolve(cluster)
        found = [*resolution.served.values(), *await self._resolver.defined(cluster, name)]
        kinds = {one.prefix: one for one in found if one.type.namespaced}
        await empty(self._environment, kinds.values(), cluster, name, remainder, ending=Ending(key))
        if remainder.empty:
            await self._sweep_marks(cluster, name, Ending(key))
            await self._finish(row, obj, work.key)
            return 0.0
        await self._tell(row, obj, remainder)
        return RETRY_SECONDS

    async def _finish(self, row: Row, obj: Object, work: bytes) -> None:
        finalizers = [one for one in obj["spec"].get("finalizers") or () if one != FINALIZER]
        guards = [Guard(row.key, row.revision), Guard(work, None)]
        writes = [Write(row.key, None), Write(work, None)]
        if finalizers or obj["metadata"].get("finalizers"):
            if finalizers:
                obj["spec"]["finalizers"] = finalizers
            else:
                obj["spec"].pop("finalizers", None)
            writes = [Write(row.key, self._namespaces.encode(obj)), Write(work, None)]
        else:
            plan = Plan(await self._environment.store.snapshot())
            await self._environment.owners.leave(plan, row, obj["metadata"])
            writes += [Write(key, value) for key, value in plan.pointers.items()]
            guards += plan.guards
        cluster = keys.decode(row.key).cluster
        await self._environment.limits.commit(cluster, writes, guards)

    async def _sweep_marks(self, cluster: str, name: str, ending: Ending) -> None:
        """Delete what is left of the owners that were in the namespace; what depended on them was in it, too."""
        store = self._environment.store
        prefix = owners.marks(cluster, name)
        while rows := await (await store.snapshot()).scan(prefix, keys.after(prefix), MAX_WRITES - 1):
            _, grounds = await ending.stands(await store.snapshot())
            guards = [Guard(one.key, None) for one in rows]
            await store.commit([Write(one.key, None) for one in rows], [*grounds, *guards])

    async def _tell(self, row: Row, obj: Object, remainder: Remainder) -> None:
        """Say in the conditions what the namespace waits for, where that has changed."""
        told = obj["status"].get("conditions") or []
        before = {one["type"]: (one["status"], one.get("message")) for one in told}
        wanted = [*_FINE, ("NamespaceContentRemaining", "True", "SomeResourcesRemain", remainder.resources_text())]
        if remainder.finalizers:
            text = f"Some content in the namespace has finalizers remaining: {remainder.finalizers_text()}"
            wanted.append(("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", text))
        if all(before.get(kind) == (status, message) for kind, status, _, message in wanted):
            return
        now = clock.format_seconds(self._environment.clock.now())
        obj["status"]["conditions"] = [
            {"type": kind, "status": status, "lastTransitionTime": now, "reason": reason, "message": message}
            for kind, status, reason, message in wanted
        ]
        await self._environment.store.commit(
            [Write(row.key, self._namespaces.encode(obj))], [Guard(row.key, row.revision)]
        )
