"""What the creation, change and end of a binding do, in the same commit.

A new binding is Bound in the answer, or says why it cannot be. One that goes serves nothing new from then on; it is
gone at once where nothing is left of what it served, or where another binding of the same export takes over. Else a
work row has its objects deleted first (APIs reference, sections 3.5 to 3.7).
"""

from __future__ import annotations

from collections.abc import Sequence

from manifold.base import clock, keys
from manifold.exports import statuses
from manifold.exports.bindings import FINALIZER, Export
from manifold.exports.definition_names import DefinitionNames
from manifold.exports.ledger import Ledger
from manifold.exports.references import References
from manifold.exports.register import Register
from manifold.registry.effects import Effects, Operation, Plan
from manifold.registry.served import Served
from manifold.schema import records
from manifold.storage.contract import Guard, Row, Snapshot
from manifold.types.resource import Object

CONTROLLER = "bindings"
LOOKED_AT = 200
"""Bindings of one logical cluster that are looked at when another one goes."""


def work_row(cluster: str, name: str) -> bytes:
    """The key of the work row of a binding whose objects are to be deleted."""
    return keys.work_key(CONTROLLER, cluster, name)


def object_prefixes(binding: Object, cluster: str) -> list[bytes]:
    """The key ranges of the objects a binding serves in its logical cluster."""
    return [
        keys.cluster_prefix(one["group"], one["resource"], one["schema"]["identityHash"], cluster)
        for one in (binding.get("status") or {}).get("boundResources") or ()
    ]


class BindingEffects(Effects):
    """Binds and releases. `kind` and `logical_clusters` are the stored forms of APIBinding and LogicalCluster;
    `definitions` are the definitions that may wait for what a binding holds.
    """

    in_turn = True

    def __init__(
        self, references: References, kind: Served, logical_clusters: Served, definitions: DefinitionNames
    ) -> None:
        self._definitions = definitions
        self._references = references
        self._kind = kind
        self._logical_clusters = logical_clusters

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """Bind, or say why not."""
        await self._decide(operation, new, plan)

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """Judge the claims anew, and try again to bind what was not. One that is going away is left as it is."""
        metadata = new["metadata"]
        if "deletionTimestamp" in metadata:
            had, has = (FINALIZER in (one["metadata"].get("finalizers") or ()) for one in (old, new))
            if had and not has:
                await self._end_work(operation, plan)
        elif not operation.subresource:
            await self._decide(operation, new, plan)

    async def deleting(self, operation: Operation, old: Object, plan: Plan) -> bool:
        """Let the binding go where nothing of what it serves is left; else take no new objects, and leave work."""
        metadata = old["metadata"]
        finalizers = metadata.get("finalizers") or []
        export = await self._bound_export(operation, old, plan.snapshot)
        free = export is None or await self._successor(operation, export, plan.snapshot) is not None
        free = free or await self._empty(operation, old, plan.snapshot)
        if free and FINALIZER in finalizers:
            metadata["finalizers"] = [one for one in finalizers if one != FINALIZER]
            await self._end_work(operation, plan)
        if metadata.get("finalizers") and "deletionTimestamp" not in metadata and export is not None:
            ledger = await Ledger.read(plan.snapshot, self._logical_clusters, operation.cluster)
            ledger.end(export)
            ledger.write(plan)
            if not free:
                plan.put(work_row(operation.cluster, operation.name), b"{}")
        return False

    async def removing(self, operation: Operation, old: Object, plan: Plan) -> None:
        """Release what the binding held, and bind what waited for it."""
        export = await self._bound_export(operation, old, plan.snapshot)
        if export is None:
            return
        ledger = await Ledger.read(plan.snapshot, self._logical_clusters, operation.cluster)
        ledger.release(operation.name, export)
        await self._bind_waiting(operation, ledger, plan, operation.name)
        await self._definitions.reconsider(operation, ledger.register, plan, {one.group for one in export.resources})
        ledger.write(plan)

    async def freed(self, operation: Operation, register: Register, plan: Plan) -> None:
        """Bind what waited for a definition that goes in this plan; the register is written, too."""
        ledger = await Ledger.read(plan.snapshot, self._logical_clusters, operation.cluster)
        ledger.register = register
        await self._bind_waiting(operation, ledger, plan)
        if ledger.exists:
            ledger.write(plan)
        else:
            register.write(plan)

    async def _bind_waiting(self, operation: Operation, ledger: Ledger, plan: Plan, but: str = "") -> None:
        for row, other in await self._others(operation.cluster, plan.snapshot, but):
            name = other["metadata"]["name"]
            if "deletionTimestamp" in other["metadata"] or (other.get("status") or {}).get("phase") == statuses.BOUND:
                continue
            if await self._bind(operation, other, name, ledger, plan.snapshot):
                plan.guards.append(Guard(row.key, row.revision))
                plan.put(row.key, self._kind.encode(other))

    async def _decide(self, operation: Operation, binding: Object, plan: Plan) -> None:
        ledger = await Ledger.read(plan.snapshot, self._logical_clusters, operation.cluster)
        await self._bind(operation, binding, binding["metadata"]["name"], ledger, plan.snapshot)
        ledger.write(plan)

    async def _bind(self, operation: Operation, binding: Object, name: str, ledger: Ledger, at: Snapshot) -> bool:
        """Bind as far as can be done, and say so in the status. Whether it is bound."""
        referred = await self._references.of(at, operation.cluster, binding)
        export = referred.export
        against = statuses.conflicts(export, name, ledger.holders()) if export is not None else []
        now = clock.format_seconds(operation.now)
        binding["status"] = statuses.status(binding, referred, against, now, ledger.exists)
        bound = export is not None and ledger.exists and not against
        if bound and export is not None:
            ledger.bind(name, export)
        return bound

    async def _bound_export(self, operation: Operation, binding: Object, at: Snapshot) -> Export | None:
        """The export a binding serves; None for one that serves nothing."""
        if (binding.get("status") or {}).get("phase") != statuses.BOUND:
            return None
        return (await self._references.of(at, operation.cluster, binding)).export

    async def _others(self, cluster: str, at: Snapshot, but: str) -> Sequence[tuple[Row, Object]]:
        prefix = self._kind.prefix + f"{cluster}\x00".encode()
        rows = await at.scan(prefix, keys.after(prefix), LOOKED_AT)
        found = [(row, self._kind.decode(row.value, row.revision)) for row in rows]
        return [(row, other) for row, other in found if other["metadata"]["name"] != but]

    async def _successor(self, operation: Operation, export: Export, at: Snapshot) -> str | None:
        """Another binding of the same export, which keeps the objects."""
        for row, other in await self._others(operation.cluster, at, operation.name):
            if records.flags(row.value) & records.DELETING:
                continue
            if (await self._references.of(at, operation.cluster, other)).export is export:
                name: str = other["metadata"]["name"]
                return name
        return None

    async def _empty(self, operation: Operation, binding: Object, at: Snapshot) -> bool:
        for prefix in object_prefixes(binding, operation.cluster):
            if await at.scan(prefix, keys.after(prefix), 1):
                return False
        return True

    async def _end_work(self, operation: Operation, plan: Plan) -> None:
        row = await plan.snapshot.get(work_row(operation.cluster, operation.name))
        if row is not None:
            plan.guards.append(Guard(row.key, None))
            plan.delete(row.key)
