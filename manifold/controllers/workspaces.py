"""Takes workspaces down that something held, and sweeps up behind those that are gone.

The order is kcp's: children first, then content, with the bindings, roles and role bindings last, so that whoever
has to mend something in a workspace on its way out can still enter it (tenancy reference, section 2.6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from manifold.base import clock, errors, keys
from manifold.base.user import CONTROLLER_USER
from manifold.controllers.emptying import Remainder, empty, end_all
from manifold.exports.effects import left_range
from manifold.exports.offering import schemas_row
from manifold.exports.sweeping import LeftBehind, consumers_gone
from manifold.registry import delete, owners
from manifold.registry.clusters import held_row
from manifold.registry.effects import Plan
from manifold.registry.followed import swept_range
from manifold.registry.objects import Kinds
from manifold.registry.options import PLAIN_DELETE
from manifold.registry.served import Served
from manifold.registry.totals import usage_row
from manifold.registry.writing import Environment, Target
from manifold.storage.contract import MAX_GUARDS, MAX_WRITES, Guard, Row, Write
from manifold.storage.pages import pages
from manifold.types.resource import Object
from manifold.views.known_types import defined_rows
from manifold.views.offers import all_definitions
from manifold.views.resolution import Resolver
from manifold.views.rows import EMPTY, gates, read_row, row_key
from manifold.workspaces import content, entries
from manifold.workspaces.deleting import FINALIZER, SWEEP, TAKE_DOWN, release, sweep_row
from manifold.workspaces.waiting import keep_rows

RETRY_SECONDS = 1.0
AT_ONCE = min(MAX_WRITES, MAX_GUARDS) - 2
"""How many rows go in one commit."""
LAST = frozenset(
    (
        ("core.kcp.io", "logicalclusters"),
        ("apis.kcp.io", "apibindings"),
        ("apis.kcp.io", "apiexports"),
        ("apis.kcp.io", "apiexportendpointslices"),
        ("rbac.authorization.k8s.io", "clusterroles"),
        ("rbac.authorization.k8s.io", "clusterrolebindings"),
    )
)
"""What goes with the logical cluster itself."""


class TakeDownController:
    """Empties a marked workspace, or a logical cluster without one, and ends it when it is empty."""

    name = TAKE_DOWN

    def __init__(self, environment: Environment, kinds: Kinds, resolver: Resolver) -> None:
        self._environment = environment
        self._kinds = kinds
        self._resolver = resolver
        self._workspaces = kinds.get("tenancy.kcp.io", "workspaces")
        self._logical_clusters = kinds.get("core.kcp.io", "logicalclusters")
        self._namespaces = kinds.get("", "namespaces")
        self._definitions = kinds.get("apiextensions.k8s.io", "customresourcedefinitions")

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """One pass over a workspace: its children, its content, itself."""
        parent, name = parts
        store = self._environment.store
        snapshot = await store.snapshot()
        row = await snapshot.get(self._workspaces.key(parent, "", name)) if parent else None
        workspace = self._workspaces.decode(row.value, row.revision) if row is not None else None
        if parent and (workspace is None or "deletionTimestamp" not in workspace["metadata"]):
            await store.commit([Write(work.key, None)], [Guard(work.key, work.revision)])
            return 0.0
        cluster = workspace["spec"]["cluster"] if workspace is not None else name
        end = Plan(snapshot)  # bound to what is there before anything is looked at
        await release(end, cluster)
        remainder = Remainder()
        await self._children(cluster, remainder)
        content_kinds = [
            one
            for one in self._kinds.all()
            if (one.type.group, one.type.resource) not in LAST and one not in (self._workspaces, self._definitions)
        ]
        await self._empty([*content_kinds, *await self._resolver.defined(cluster)], cluster, remainder)
        if remainder.empty:
            # Not before what they define: whoever holds an object could not let go of it.
            await empty(self._environment, [self._definitions], cluster, "", Remainder())
        logical = await (await store.snapshot()).get(self._logical_clusters.key(cluster, "", content.LOGICAL_CLUSTER))
        if remainder.empty and (logical is None or not self._terminators(logical)):
            writes = [Write(work.key, None), Write(sweep_row(cluster), b"{}")]
            guards = [Guard(work.key, None)]
            if row is not None and workspace is not None:
                left = self._without_finalizer(workspace)
                writes.insert(0, Write(row.key, left))
                guards.append(Guard(row.key, row.revision))
                if left is None:
                    plan = Plan(await store.snapshot())
                    await self._environment.owners.leave(plan, row, workspace["metadata"])
                    writes += [Write(key, value) for key, value in plan.pointers.items()]
                    guards += plan.guards
            if logical is not None:
                plan = Plan(await store.snapshot())
                await keep_rows(plan, cluster, self._logical_clusters.decode(logical.value, logical.revision), None)
                await consumers_gone(plan, self._kinds.get("apis.kcp.io", "apibindings"), cluster)
                writes += [Write(logical.key, None), *plan.writes]
                writes += [Write(key, value) for key, value in plan.pointers.items()]
                writes += end.writes
                guards += [Guard(logical.key, logical.revision), *plan.guards, *end.guards]
            await self._environment.limits.commit(parent, writes, guards)
            return 0.0
        await self._tell(row, workspace, logical, remainder)
        return RETRY_SECONDS

    async def _empty(self, kinds: Sequence[Served], cluster: str, remainder: Remainder) -> None:
        """Delete what a workspace contains. A namespace goes after its content, and says so while that is held."""
        inside = Remainder()
        await empty(self._environment, [one for one in kinds if one.type.namespaced], cluster, "", inside)
        around = [one for one in kinds if not one.type.namespaced and one is not self._namespaces]
        if inside.empty:
            around.append(self._namespaces)
        else:
            await end_all(self._environment, self._namespaces, cluster, inside)
        remainder.resources.update(inside.resources)
        remainder.finalizers.update(inside.finalizers)
        await empty(self._environment, around, cluster, "", remainder)

    def _without_finalizer(self, workspace: Object) -> bytes | None:
        """What is left of a workspace whose logical cluster is gone: nothing, unless somebody else holds it."""
        others = [one for one in workspace["metadata"].get("finalizers") or () if one != FINALIZER]
        if not others:
            return None
        workspace["metadata"]["finalizers"] = others
        return self._workspaces.encode(workspace)

    def _terminators(self, logical: Row) -> Sequence[str]:
        obj = self._logical_clusters.decode(logical.value, logical.revision)
        return obj["status"].get("terminators") or ()

    async def _children(self, cluster: str, remainder: Remainder) -> None:
        async for rows in pages(self._environment.store, self._workspaces.prefix + keys.segment(cluster)):
            for row in rows:
                place = keys.decode(row.key)
                target = Target(CONTROLLER_USER, place.cluster, self._workspaces, "", place.name)
                try:
                    result = await delete.delete(self._environment, target, PLAIN_DELETE)
                except errors.StatusError as refusal:
                    if refusal.code == 404:
                        continue
                    raise
                if result.status is None:
                    remainder.resources["workspaces.tenancy.kcp.io"] += 1

    async def _tell(self, row: Row | None, workspace: Object | None, logical: Row | None, remainder: Remainder) -> None:
        """Say in the conditions of the workspace and its LogicalCluster what they wait for."""
        now = clock.format_seconds(self._environment.clock.now())
        condition = {"type": "WorkspaceContentDeleted", "status": "True", "lastTransitionTime": now}
        if not remainder.empty:  # else terminators hold it, which its status names
            message = remainder.resources_text()
            if remainder.finalizers:
                text = f"Some content in the logical cluster has finalizers remaining: {remainder.finalizers_text()}"
                message = f"{message}; {text}"
            condition |= {"status": "False", "severity": "Info", "reason": "SomeResourcesRemain", "message": message}
        writes, guards = [], []
        if row is not None and workspace is not None and _set_condition(workspace, condition):
            writes.append(Write(row.key, self._workspaces.encode(workspace)))
            guards.append(Guard(row.key, row.revision))
        if logical is not None:
            obj = self._logical_clusters.decode(logical.value, logical.revision)
            if _set_condition(obj, condition):
                writes.append(Write(logical.key, self._logical_clusters.encode(obj)))
                guards.append(Guard(logical.key, logical.revision))
        if writes:
            await self._environment.store.commit(writes, guards)


def _set_condition(obj: Object, condition: Object) -> bool:
    """Put a condition in its place (sorted by type). False: it says the same already."""
    status = obj.setdefault("status", {})
    conditions = [one for one in status.get("conditions") or () if one["type"] != condition["type"]]
    for one in status.get("conditions") or ():
        if one["type"] == condition["type"] and one.get("message") == condition.get("message"):
            return False
    status["conditions"] = sorted([*conditions, condition], key=lambda one: str(one["type"]))
    return True


class SweepController:
    """Deletes whatever is left of a logical cluster that is gone."""

    name = SWEEP

    def __init__(self, environment: Environment, kinds: Kinds, elsewhere: Mapping[tuple[str, str], LeftBehind]) -> None:
        """`elsewhere` tells what objects of some types have left outside their logical cluster."""
        self._store = environment.store
        self._kinds = kinds
        self._elsewhere = elsewhere

    async def _sweep_elsewhere(self, cluster: str) -> None:
        """Delete what is left elsewhere, each with the object that tells of it."""
        for (group, resource), left_behind in self._elsewhere.items():
            served = self._kinds.get(group, resource)
            async for rows in pages(self._store, served.prefix + keys.segment(cluster)):
                snapshot = await self._store.snapshot()
                for row in rows:
                    writes = await left_behind(snapshot, cluster, served.decode(row.value, row.revision))
                    due = [one for one in writes if one.value is not None or await snapshot.get(one.key) is not None]
                    if any(one.value is None for one in due):
                        await self._delete([row.key], due, [Guard(row.key, row.revision)])

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Sweep a logical cluster; the row goes with the last commit."""
        (cluster,) = parts
        segment = f"{cluster}\x00".encode()
        due: list[bytes] = []
        await self._sweep_elsewhere(cluster)
        snapshot = await self._store.snapshot()
        row = await snapshot.get(row_key(cluster))
        register = read_row(row.value) if row is not None else EMPTY
        told = await all_definitions(snapshot, register)
        known = sorted(defined_rows(register.definitions, cluster))
        due += [key for key in known if await snapshot.get(key) is not None]
        defined = [one.prefix(cluster) for one in told]
        stored = [served.prefix + segment for served in self._kinds.all()]
        bindings = self._kinds.get(*entries.BINDINGS).prefix + segment
        for key in (usage_row(cluster), held_row(cluster), schemas_row(cluster)):
            due += [key] if await snapshot.get(key) is not None else []
        left = [row.key for row in await snapshot.scan(left_range(cluster), keys.after(left_range(cluster)))]
        abandoned = [keys.type_prefix(*keys.parts(key)[2:]) + keys.segment(cluster) for key in left]
        around = (gates(cluster), swept_range(cluster), *owners.swept_ranges(cluster))
        for prefix in dict.fromkeys((*stored, *defined, *abandoned, *around)):
            async for rows in pages(self._store, prefix):
                snapshot = await self._store.snapshot()
                for one in rows if prefix == bindings else ():  # before the binding, which tells of them
                    due += [write.key for write in await entries.written(snapshot, one.key, one.value, None)]
                due += [row.key for row in rows]
                while len(due) >= AT_ONCE:
                    await self._delete(due[:AT_ONCE])
                    del due[:AT_ONCE]
                    await asyncio.sleep(0)
        # These rows go last: they tell what is to be swept.
        due += left if row is None else [*left, row.key]
        await self._delete([*due, work.key])
        return 0.0

    async def _delete(self, due: Sequence[bytes], writes: Sequence[Write] = (), grounds: Sequence[Guard] = ()) -> None:
        """Delete rows, which somebody else may be deleting, too: then all of it is looked at again later. `grounds` are
        what was decided from.
        """
        deleted = [*(Write(key, None) for key in due), *writes]
        guards = [*grounds, *(Guard(one.key, None) for one in deleted if one.value is None)]
        await self._store.commit(deleted, guards)
