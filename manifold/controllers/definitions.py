"""Deletes what a CustomResourceDefinition defined, then lets it go.

While something holds an object back, the definition says in its condition `Terminating` what it waits for. Its
finalizer is taken off through the verb, whose effects settle what waited for its names in the same commit.
"""

from __future__ import annotations

from collections.abc import Sequence

from manifold.base import clock, keys
from manifold.base.user import CONTROLLER_AGENT, CONTROLLER_USER
from manifold.controllers.emptying import Ending, Remainder, empty, letting_go
from manifold.exports.definitions import CONTROLLER, FINALIZER
from manifold.exports.naming import TERMINATING, condition, put_condition
from manifold.registry.options import PLAIN_WRITE
from manifold.registry.served import Served
from manifold.registry.update import Update, update
from manifold.registry.writing import Environment, Target
from manifold.storage.contract import Guard, Row, Write
from manifold.types.resource import Object
from manifold.views.resolution import Resolver

RETRY_SECONDS = 1.0


class DefinitionController:
    """Reconciles a definition that goes away. `definitions` is the stored form of the type."""

    name = CONTROLLER

    def __init__(self, environment: Environment, resolver: Resolver, definitions: Served) -> None:
        self._environment = environment
        self._resolver = resolver
        self._definitions = definitions

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Delete the objects of a definition as far as possible; let it go when none is left."""
        cluster, name = parts
        store = self._environment.store
        key = self._definitions.key(cluster, "", name)
        row = await (await store.snapshot()).get(key)
        obj = self._definitions.decode(row.value, row.revision) if row is not None else None
        waiting = obj is not None and FINALIZER in (obj["metadata"].get("finalizers") or ())
        if row is None or obj is None or not waiting or "deletionTimestamp" not in obj["metadata"]:
            await store.commit([Write(work.key, None)], [Guard(work.key, work.revision)])
            return 0.0
        remainder = Remainder()
        resource, _, group = name.partition(".")
        served = await self._resolver.stored(cluster, keys.type_prefix(group, resource))
        if served is not None and served.type.evolution is not None:
            await empty(self._environment, [served], cluster, "", remainder, ending=Ending(key), owned_elsewhere=True)
        if not remainder.empty:
            await self._tell(row, obj, remainder)
            return RETRY_SECONDS
        target = Target(CONTROLLER_USER, cluster, self._definitions, "", name, agent=CONTROLLER_AGENT)
        await update(self._environment, target, Update(letting_go(obj, (FINALIZER,)), PLAIN_WRITE))
        if await (await store.snapshot()).get(work.key) is not None:  # somebody else holds the definition; this is done
            await store.commit([Write(work.key, None)], [Guard(work.key, work.revision)])
        return 0.0

    async def _tell(self, row: Row, definition: Object, remainder: Remainder) -> None:
        text = f"CustomResource deletion is in progress: {remainder.resources_text()}"
        if remainder.finalizers:
            text += f"; some have finalizers remaining: {remainder.finalizers_text()}"
        status = definition["status"]
        now = clock.format_seconds(self._environment.clock.now())
        wanted = condition(TERMINATING, True, "InstanceDeletionInProgress", text, now)
        before = {one["type"]: one.get("message") for one in status.get("conditions") or ()}
        if before.get(TERMINATING) != text:
            put_condition(status, wanted)
            write = Write(row.key, self._definitions.encode(definition))
            await self._environment.store.commit([write], [Guard(row.key, row.revision)])
