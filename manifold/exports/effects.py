"""What the creation, change and end of a binding do, in the same commit.

A new binding is Bound in the answer, or says why it cannot be. One that goes serves nothing new from then on; it is
gone at once where nothing is left of what it served, or where another binding of the same export takes over. Else a
work row has its objects deleted first (APIs reference, sections 3.5 to 3.7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from manifold.base import clock, keys
from manifold.exports import grants, statuses
from manifold.exports.bindings import EXTRA_PREFIX, FINALIZER, export_cluster_of
from manifold.exports.deciding import Outcome, decide
from manifold.exports.definition_names import DefinitionNames
from manifold.exports.ledger import Ledger
from manifold.exports.references import References
from manifold.exports.register import Register
from manifold.registry.effects import Effects, Operation, Plan
from manifold.registry.served import Served
from manifold.schema import records
from manifold.storage.contract import Guard, Row, Snapshot
from manifold.types.resource import Object
from manifold.views.consumers import consumer_key, consumer_value, consumers_prefix, slices_row
from manifold.views.rows import BoundExport, Defined

CONTROLLER = "bindings"
LEFT = "left"
LOOKED_AT = 200
"""Bindings of one logical cluster that are looked at when another one goes."""
AT_ONCE = 60
"""Types that are looked through while a client waits."""


def work_row(cluster: str, name: str) -> bytes:
    """The key of the work row of a binding whose objects are to be deleted."""
    return keys.work_key(CONTROLLER, cluster, name)


def type_prefixes(binding: Object) -> list[bytes]:
    """The key ranges of the types a binding serves, in all logical clusters."""
    return [
        keys.type_prefix(one["group"], one["resource"], one["schema"]["identityHash"])
        for one in (binding.get("status") or {}).get("boundResources") or ()
    ]


def left_row(cluster: str, group: str, resource: str, identity: str) -> bytes:
    """The key of the row that tells of objects left in a logical cluster by a binding that was ended by force: nothing
    else does, and they are to go with the logical cluster.
    """
    return keys.index_key(LEFT, cluster, group, resource, identity)


def left_range(cluster: str) -> bytes:
    """The range of these rows of a logical cluster."""
    return keys.index_key(LEFT, cluster)


def object_prefixes(binding: Object, cluster: str) -> list[bytes]:
    """The key ranges of the objects a binding serves in its logical cluster."""
    return [prefix + keys.segment(cluster) for prefix in type_prefixes(binding)]


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
        await self._note(operation.cluster, new, plan)

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """Judge the claims anew, and try again to bind what was not. One that is going away is left as it is."""
        metadata = new["metadata"]
        if "deletionTimestamp" in metadata:
            had, has = (FINALIZER in (one["metadata"].get("finalizers") or ()) for one in (old, new))
            if had and not has:
                await self._end_work(operation, plan)
            if not metadata.get("finalizers"):
                return
            if new.get("spec") != old.get("spec"):  # what it grants can still be taken back
                ledger = await Ledger.read(plan.snapshot, self._logical_clusters, operation.cluster)
                await self._grant(operation, new, ledger, plan)
        elif not operation.subresource:
            await self._decide(operation, new, plan)
        await self._note(operation.cluster, new, plan)

    async def deleting(self, operation: Operation, old: Object, plan: Plan) -> bool:
        """Let the binding go where nothing of what it serves is left; else take no new objects, and leave work."""
        metadata = old["metadata"]
        finalizers = metadata.get("finalizers") or []
        ledger = await Ledger.read(plan.snapshot, self._logical_clusters, operation.cluster)
        serves = ledger.serves(operation.name)
        free = not serves or await self._has_successor(operation, old, plan.snapshot)
        free = free or await self._empty(operation, old, plan)
        if free and FINALIZER in finalizers:
            metadata["finalizers"] = [one for one in finalizers if one != FINALIZER]
            await self._end_work(operation, plan)
        if metadata.get("finalizers") and "deletionTimestamp" not in metadata:
            if serves:
                ledger.end(*self._place(old, operation.cluster))
                ledger.write(plan)
                if not free:
                    plan.put(work_row(operation.cluster, operation.name), b"{}")
            await self._note(operation.cluster, old, plan, ending=True)
        return False

    async def removing(self, operation: Operation, old: Object, plan: Plan) -> None:
        """Release what the binding held, and bind what waited for it."""
        if "deletionTimestamp" in old["metadata"]:
            await self._note_left(operation, old, plan)
        place = self._place(old, operation.cluster)
        await self._forget(operation, place, plan)
        ledger = await Ledger.read(plan.snapshot, self._logical_clusters, operation.cluster)
        await grants.note(plan, ledger.register, operation.cluster, operation.name, place, None)
        if not ledger.serves(operation.name):
            ledger.write(plan)
            return
        ledger.release(operation.name, *place)
        await self._bind_waiting(operation, ledger, plan, operation.name)
        groups = {one["group"] for one in (old.get("status") or {}).get("boundResources") or ()}
        await self._definitions.reconsider(operation, ledger.register, plan, groups)
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

    async def rebind(self, plan: Plan, row: Row, now: datetime) -> None:
        """Plan what follows for the binding in a row from a change of its export, if anything does."""
        binding = self._kind.decode(row.value, row.revision)
        if "deletionTimestamp" in binding["metadata"]:
            return
        cluster = keys.decode(row.key).cluster
        ledger = await Ledger.read(plan.snapshot, self._logical_clusters, cluster)
        if not ledger.exists:  # what is left of one that is gone is swept up
            return
        await self._bind(cluster, now, binding, ledger, plan)
        value = self._kind.encode(binding)
        if value != row.value:
            plan.guards.append(Guard(row.key, row.revision))
            plan.put(row.key, value)
        ledger.write(plan)
        await self._note(cluster, binding, plan)

    def _place(self, binding: Object, here: str) -> tuple[str, str]:
        return export_cluster_of(binding, here), binding["spec"]["reference"]["export"]["name"]

    async def _note(self, cluster: str, binding: Object, plan: Plan, *, ending: bool = False) -> None:
        """Keep the row by which the export finds a binding."""
        place = self._place(binding, cluster)
        if self._references.is_own(*place):
            return
        key = consumer_key(*place, cluster, binding["metadata"]["name"])
        if ending:
            binding = {**binding, "metadata": {**binding["metadata"], "deletionTimestamp": ""}}
        value = consumer_value(binding)
        row = await plan.snapshot.get(key)
        if row is None or row.value != value:
            plan.put(key, value)
        if row is None:
            prefix = consumers_prefix(*place)
            others = await plan.snapshot.scan(prefix, keys.after(prefix), 1)
            if others:
                plan.guards.append(Guard(others[0].key, None))
            else:
                plan.point(slices_row(*place), b"{}")

    async def _forget(self, operation: Operation, place: tuple[str, str], plan: Plan) -> None:
        """Take that row away. The last one takes the endpoint along: of two that go at once, one sees the other go."""
        key = consumer_key(*place, operation.cluster, operation.name)
        if await plan.snapshot.get(key) is None:
            return
        plan.guards.append(Guard(key, None))
        plan.delete(key)
        prefix = consumers_prefix(*place)
        rest = [one.key for one in await plan.snapshot.scan(prefix, keys.after(prefix), 2) if one.key != key]
        if rest:
            plan.guards.append(Guard(rest[0], None))
        else:
            plan.point(slices_row(*place), b"{}")

    async def _bind_waiting(self, operation: Operation, ledger: Ledger, plan: Plan, but: str = "") -> None:
        for row, other in await self._others(operation.cluster, plan.snapshot, but):
            if "deletionTimestamp" in other["metadata"] or statuses.up_to_date(other):
                continue
            await self._bind(operation.cluster, operation.now, other, ledger, plan)
            value = self._kind.encode(other)
            if value != row.value:
                plan.guards.append(Guard(row.key, row.revision))
                plan.put(row.key, value)
                await self._note(operation.cluster, other, plan)

    async def _decide(self, operation: Operation, binding: Object, plan: Plan) -> None:
        ledger = await Ledger.read(plan.snapshot, self._logical_clusters, operation.cluster)
        await self._bind(operation.cluster, operation.now, binding, ledger, plan)
        await self._grant(operation, binding, ledger, plan)

    async def _grant(self, operation: Operation, binding: Object, ledger: Ledger, plan: Plan) -> None:
        """Note what a binding grants, and write the ledger."""
        place, name = self._place(binding, operation.cluster), binding["metadata"]["name"]
        await grants.note(plan, ledger.register, operation.cluster, name, place, binding)
        ledger.write(plan)

    async def _bind(self, cluster: str, moment: datetime, binding: Object, ledger: Ledger, plan: Plan) -> None:
        """Bind as far as can be done, and say so in the status."""
        referred = await self._references.of(plan.snapshot, cluster, binding)
        export, name, now = referred.export, binding["metadata"]["name"], clock.format_seconds(moment)
        plan.guards += referred.guards
        _set_extra(binding, export.extra if export is not None else {})
        if export is None or not ledger.exists:
            binding["status"] = statuses.status(binding, referred, (), now, ledger.exists)
            return
        against = statuses.conflicts(export, name, ledger.holders())
        if self._references.is_own(export.cluster, export.name):
            binding["status"] = statuses.status(binding, referred, against, now)
            if not against:
                ledger.bind(name, export.bound(), [one.lock for one in export.resources])
            return
        kept = ledger.bound_of(export.cluster, export.name) if ledger.serves(name) else {}
        blocked = statuses.blocked(export, name, ledger.holders())
        outcome = decide(export, blocked, kept, self._named(ledger, export.cluster, export.name))
        binding["status"] = statuses.status(
            binding, referred, against, now, naming=outcome.naming, bound=outcome.resources
        )
        if outcome.served:
            await self._serve(name, referred, outcome, ledger)

    async def _serve(self, name: str, referred: statuses.Referred, outcome: Outcome, ledger: Ledger) -> None:
        if referred.export is None:
            return
        offer = await self._references.offerings.kept(outcome.served)
        entry = BoundExport(referred.cluster, referred.name, referred.export.identity, "", False, offer)
        ledger.bind(name, entry, [one.lock for one in outcome.resources])

    def _named(self, ledger: Ledger, cluster: str, name: str) -> list[tuple[str, Defined]]:
        """What has names in a logical cluster beside an export, and the words for whose it is."""
        found = []
        still = {(one.cluster, one.name) for one in ledger.register.exports} - {(cluster, name)}
        for export, one in ledger.register.bound:
            if (export.cluster, export.name) in still:
                binding = ledger.held.get(one.name, {}).get("n", "")
                found.append((f'APIBinding "{binding}" bound to APIExport {export.cluster}:{export.name}', one))
        for one in ledger.register.definitions.values():
            found.append((f'CustomResourceDefinition "{one.name}"', one))
        return found

    async def _others(self, cluster: str, at: Snapshot, but: str) -> Sequence[tuple[Row, Object]]:
        prefix = self._kind.prefix + f"{cluster}\x00".encode()
        rows = await at.scan(prefix, keys.after(prefix), LOOKED_AT)
        found = [(row, self._kind.decode(row.value, row.revision)) for row in rows]
        return [(row, other) for row, other in found if other["metadata"]["name"] != but]

    async def _has_successor(self, operation: Operation, binding: Object, at: Snapshot) -> bool:
        """Whether there is another binding of the same export, which keeps the objects."""
        place = self._place(binding, operation.cluster)
        for row, other in await self._others(operation.cluster, at, operation.name):
            if records.flags(row.value) & records.DELETING:
                continue
            referred = await self._references.of(at, operation.cluster, other)
            if (referred.cluster, referred.name) == place and referred.export is not None:
                return True
        return False

    async def _empty(self, operation: Operation, binding: Object, plan: Plan) -> bool:
        """Whether nothing is left of what it serves; the plan is bound to that. Of many types nobody knows so soon."""
        prefixes = object_prefixes(binding, operation.cluster)
        if len(prefixes) > AT_ONCE:
            return False
        for prefix in prefixes:
            if await plan.snapshot.scan(prefix, keys.after(prefix), 1):
                return False
        for prefix in prefixes:
            plan.vacant(prefix)
        return True

    async def _note_left(self, operation: Operation, binding: Object, plan: Plan) -> None:
        """Note where objects stay behind, because somebody took the finalizer off before its time."""
        for prefix in type_prefixes(binding):
            inside = prefix + keys.segment(operation.cluster)
            if await plan.snapshot.scan(inside, keys.after(inside), 1):
                plan.point(left_row(operation.cluster, *keys.parts(prefix)), b"")

    async def _end_work(self, operation: Operation, plan: Plan) -> None:
        row = await plan.snapshot.get(work_row(operation.cluster, operation.name))
        if row is not None:
            plan.guards.append(Guard(row.key, None))
            plan.delete(row.key)


def _set_extra(binding: Object, extra: Mapping[str, str]) -> None:
    """Give a binding the extra annotations of its export, and no others of that kind."""
    metadata = binding["metadata"]
    annotations = metadata.get("annotations") or {}
    kept = {key: value for key, value in annotations.items() if not key.startswith(EXTRA_PREFIX)}
    if kept != annotations or extra:
        metadata["annotations"] = {**kept, **extra}
