"""Deletes what a binding served, then lets the binding go.

While something holds an object back, the binding says in a condition what it waits for. Its finalizer is taken off
through the verb, whose effects release what it held in the same commit (APIs reference, section 3.7).
"""

from __future__ import annotations

from collections.abc import Sequence

from manifold.base import clock
from manifold.base.user import CONTROLLER_AGENT, CONTROLLER_USER
from manifold.controllers.emptying import Ending, Remainder, empty, letting_go
from manifold.exports import conditions, statuses
from manifold.exports.bindings import FINALIZER
from manifold.exports.effects import CONTROLLER, type_prefixes
from manifold.registry.objects import Kinds
from manifold.registry.options import PLAIN_WRITE
from manifold.registry.served import Served
from manifold.registry.update import Update, update
from manifold.registry.writing import Environment, Target
from manifold.storage.contract import Guard, Row, Write
from manifold.types.resource import Object
from manifold.views.resolution import Resolver

RETRY_SECONDS = 1.0


class BindingController:
    """Reconciles a binding that goes away."""

    name = CONTROLLER

    def __init__(self, environment: Environment, kinds: Kinds, resolver: Resolver) -> None:
        self._environment = environment
        self._resolver = resolver
        self._bindings = kinds.get("apis.kcp.io", "apibindings")

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Empty what a binding served as far as possible; let it go when nothing is left."""
        cluster, name = parts
        store = self._environment.store
        key = self._bindings.key(cluster, "", name)
        row = await (await store.snapshot()).get(key)
        obj = self._bindings.decode(row.value, row.revision) if row is not None else None
        waiting = obj is not None and FINALIZER in (obj["metadata"].get("finalizers") or ())
        if row is None or obj is None or not waiting or "deletionTimestamp" not in obj["metadata"]:
            await store.commit([Write(work.key, None)], [Guard(work.key, work.revision)])
            return 0.0
        remainder = Remainder()
        served = await self._served(cluster, obj)
        await empty(self._environment, served, cluster, "", remainder, ending=Ending(key), owned_elsewhere=True)
        if not remainder.empty:
            await self._tell(row, obj, remainder)
            return RETRY_SECONDS
        target = Target(CONTROLLER_USER, cluster, self._bindings, "", name, agent=CONTROLLER_AGENT)
        await update(self._environment, target, Update(letting_go(obj, (FINALIZER,)), PLAIN_WRITE))
        return 0.0

    async def _served(self, cluster: str, binding: Object) -> list[Served]:
        found = [await self._resolver.stored(cluster, prefix) for prefix in type_prefixes(binding)]
        return [one for one in found if one is not None]

    async def _tell(self, row: Row, binding: Object, remainder: Remainder) -> None:
        now = clock.format_seconds(self._environment.clock.now())
        reason, message = "SomeResourcesRemain", remainder.resources_text()
        if remainder.finalizers:
            reason = "SomeFinalizersRemain"
            message = f"Some content in the workspace has finalizers remaining: {remainder.finalizers_text()}"
        condition = conditions.false(statuses.RESOURCES_DELETED, now, conditions.ERROR, reason, message)
        if conditions.with_one(binding, condition):
            write = Write(row.key, self._bindings.encode(binding))
            await self._environment.store.commit([write], [Guard(row.key, row.revision)])
