"""The end of a workspace.

One that nothing holds (no child, no finalizer but the server's own, no terminator) is gone, with its path, in the
commit that answers the DELETE; what it contained is swept up behind it, in bounded commits. Any other is marked,
says what it waits for, and is taken down by a controller until nothing holds it (tenancy reference, sections 2.6 and
3.3).
"""

from __future__ import annotations

from manifold.base import clock, keys
from manifold.exports import bindings, definitions
from manifold.exports.sweeping import consumers_gone
from manifold.registry.clusters import held_row
from manifold.registry.effects import Operation, Plan
from manifold.registry.objects import Kinds
from manifold.schema import records
from manifold.storage.contract import Guard, Row, Snapshot
from manifold.types.resource import Object
from manifold.views.offers import all_definitions
from manifold.views.rows import read_row, row_key
from manifold.workspaces import content
from manifold.workspaces.lifecycle_labels import PHASE_LABEL
from manifold.workspaces.waiting import keep_rows

SWEEP, TAKE_DOWN = "sweep", "workspaces"
FINALIZER = "core.kcp.io/logicalcluster"
DELETING, TERMINATING = "Deleting", "Terminating"
OWN_FINALIZERS = frozenset((content.DELETION_FINALIZER, bindings.FINALIZER, definitions.FINALIZER))
LOOKED_AT = 500
"""A type with more objects than this is not looked through while a client waits."""


def take_down_row(cluster: str, name: str) -> bytes:
    """The work row of a workspace that is to be taken down, by the logical cluster it is in.

    A logical cluster without a workspace has a row, too: with an empty `cluster`, and its own name.
    """
    return keys.work_key(TAKE_DOWN, cluster, name)


def sweep_row(cluster: str) -> bytes:
    """The work row of a logical cluster whose objects are to be swept up."""
    return keys.work_key(SWEEP, cluster)


async def release(plan: Plan, cluster: str) -> None:
    """Bind the end of a logical cluster to nothing having come that it must wait for, since the plan's snapshot."""
    key = held_row(cluster)
    row = await plan.snapshot.get(key)
    plan.guards.append(Guard(key, row.revision if row is not None else 0))
    if row is not None:
        plan.delete(key)


class Deletion:
    """Decides how a workspace ends."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._logical_clusters = kinds.get("core.kcp.io", "logicalclusters")
        self._workspaces = kinds.get("tenancy.kcp.io", "workspaces")
        self._bindings = kinds.get("apis.kcp.io", "apibindings")

    async def deleting(self, operation: Operation, old: Object, plan: Plan) -> bool:
        """Take the workspace down now where nothing holds it, else mark it. Whether it stays for now."""
        metadata = old["metadata"]
        finalizers = metadata.get("finalizers") or []
        cluster: str = (old.get("spec") or {}).get("cluster") or ""
        row = await self._logical_cluster(plan.snapshot, cluster) if cluster else None
        if row is None:
            metadata["finalizers"] = [one for one in finalizers if one != FINALIZER]
            return False
        first = "deletionTimestamp" not in metadata
        if first:
            self._mark(old, row, operation)
        if any(one != FINALIZER for one in finalizers):
            return True
        if first and not await self._held(plan.snapshot, cluster, row):
            metadata["finalizers"] = []
            await self._finish(plan, cluster, row)
            return False
        if first:
            await self.begin(operation, old, row, plan)
        return True

    async def begin(self, operation: Operation, workspace: Object, row: Row, plan: Plan) -> None:
        """Mark the LogicalCluster and leave the work row."""
        obj = self._logical_clusters.decode(row.value, row.revision)
        if "deletionTimestamp" not in obj["metadata"]:
            before = self._logical_clusters.decode(row.value, row.revision)
            obj["metadata"]["deletionTimestamp"] = clock.format_seconds(operation.now)
            obj["metadata"]["deletionGracePeriodSeconds"] = 0
            obj["metadata"]["generation"] = obj["metadata"].get("generation", 0) + 1
            obj["status"]["phase"] = TERMINATING if obj["status"].get("terminators") else DELETING
            obj["metadata"].setdefault("labels", {})[PHASE_LABEL] = obj["status"]["phase"]
            plan.guards.append(Guard(row.key, row.revision))
            plan.put(row.key, self._logical_clusters.encode(obj))
            await keep_rows(plan, workspace["spec"]["cluster"], before, obj)
        plan.put(take_down_row(operation.cluster, workspace["metadata"]["name"]), b"{}")

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """Begin to take down a marked workspace when the last finalizer of somebody else has been taken off."""
        metadata = new["metadata"]
        if "deletionTimestamp" not in metadata or metadata.get("finalizers") != [FINALIZER]:
            return
        if old["metadata"].get("finalizers") == [FINALIZER]:
            return
        row = await self._logical_cluster(plan.snapshot, new["spec"]["cluster"])
        if row is not None:
            await self.begin(operation, new, row, plan)

    def _mark(self, workspace: Object, row: Row, operation: Operation) -> None:
        status = workspace.setdefault("status", {})
        if status.get("phase") in ("Ready", "Unavailable", "Inactive"):
            terminators = self._logical_clusters.decode(row.value, row.revision)["status"].get("terminators")
            status["phase"] = TERMINATING if terminators else DELETING
            workspace["metadata"].setdefault("labels", {})[PHASE_LABEL] = status["phase"]

    async def _finish(self, plan: Plan, cluster: str, row: Row) -> None:
        await keep_rows(plan, cluster, self._logical_clusters.decode(row.value, row.revision), None)
        await consumers_gone(plan, self._bindings, cluster)
        plan.guards.append(Guard(row.key, row.revision))
        plan.delete(row.key)
        await release(plan, cluster)
        plan.put(sweep_row(cluster), b"{}")

    async def _logical_cluster(self, snapshot: Snapshot, cluster: str) -> Row | None:
        return await snapshot.get(self._logical_clusters.key(cluster, "", content.LOGICAL_CLUSTER))

    async def _held(self, snapshot: Snapshot, cluster: str, row: Row) -> bool:
        """Whether anything in the cluster must see its end coming."""
        if self._logical_clusters.decode(row.value, row.revision)["status"].get("terminators"):
            return True
        segment = f"{cluster}\x00".encode()
        for served in self._kinds.all():
            prefix = served.prefix + segment
            rows = await snapshot.scan(prefix, keys.after(prefix), LOOKED_AT)
            if len(rows) == LOOKED_AT or (rows and served is self._workspaces):
                return True
            if any(self._holds(one) for one in rows):
                return True
        told = await snapshot.get(row_key(cluster))
        for defined in await all_definitions(snapshot, read_row(told.value)) if told is not None else ():
            prefix = defined.prefix(cluster)
            rows = await snapshot.scan(prefix, keys.after(prefix), LOOKED_AT)
            if len(rows) == LOOKED_AT or any(self._holds(one) for one in rows):
                return True
        return False

    def _holds(self, row: Row) -> bool:
        if not records.flags(row.value) & records.FINALIZERS:
            return False
        finalizers = records.decode(row.value, row.revision, records.ITEM_HEAD)["metadata"].get("finalizers") or ()
        return any(one not in OWN_FINALIZERS for one in finalizers)
