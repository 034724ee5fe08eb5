"""The life of a logical cluster after its creation: initialized, out of service, on its way out.

What a change of its status means is done in the commit of that change: the last initializer that is taken off makes
the logical cluster and its workspace Ready, the last terminator lets the take-down go on (tenancy reference, sections
2.6 and 3.3). Labels, finalizer and the server's own annotations follow from the status, whoever writes them.
"""

from __future__ import annotations

import orjson

from manifold.base import clock, errors
from manifold.exports import conditions
from manifold.exports.bindings import LOCKS_ANNOTATION
from manifold.registry.counting import work_row
from manifold.registry.effects import Effects, Operation, Plan
from manifold.registry.objects import Kinds
from manifold.registry.totals import MAX_TOTAL, Totals, usage_row
from manifold.storage.contract import Guard, Row, Snapshot
from manifold.types.kcp.core import DELETE_REFUSED
from manifold.types.kcp.core import INACTIVE as INACTIVE_ANNOTATIONS
from manifold.types.resource import Object
from manifold.workspaces import content
from manifold.workspaces.deleting import DELETING, TERMINATING, take_down_row
from manifold.workspaces.lifecycle_labels import PHASE_LABEL, put_labels
from manifold.workspaces.waiting import keep_rows

ROOT = "root"
INITIALIZED = "WorkspaceInitialized"
INACTIVE = "Inactive"
OWN_ANNOTATIONS = (
    LOCKS_ANNOTATION,
    content.TYPE_ANNOTATION,
    content.PATH_ANNOTATION,
    content.SHARD_ANNOTATION,
    MAX_TOTAL,
)
"""What the server says of a logical cluster, and nobody else changes."""


def trim_owner(obj: Object) -> None:
    """Leave of the owner only the name: groups and the rest matter until a workspace is Ready."""
    annotations = obj["metadata"].get("annotations") or {}
    try:
        owner = orjson.loads(annotations.get(content.OWNER_ANNOTATION, ""))
        annotations[content.OWNER_ANNOTATION] = orjson.dumps({"username": owner["username"]}).decode()
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return


def is_inactive(logical_cluster: Object) -> bool:
    """Whether a LogicalCluster is marked as out of service."""
    annotations = logical_cluster["metadata"].get("annotations") or {}
    return any(annotations.get(name) == "true" for name in INACTIVE_ANNOTATIONS)


def next_phase(logical_cluster: Object) -> str:
    """The phase that follows from what a LogicalCluster says."""
    status = logical_cluster.get("status") or {}
    phase: str = status.get("phase") or ""
    if "deletionTimestamp" in logical_cluster["metadata"]:
        return TERMINATING if status.get("terminators") else DELETING
    if phase == content.INITIALIZING and not status.get("initializers"):
        phase = content.READY
    if phase in (content.READY, INACTIVE):
        return INACTIVE if is_inactive(logical_cluster) else content.READY
    return phase


def workspace_phase(workspace: Object, former: str) -> str:
    """The phase of a workspace whose status somebody has written: the server's, not the writer's.

    A workspace that has a place is Unavailable while one of its conditions says so, and Ready else.
    """
    if "deletionTimestamp" in workspace["metadata"] or not (workspace.get("spec") or {}).get("cluster"):
        return former
    if former not in (content.READY, "Unavailable"):
        return former
    told = (workspace.get("status") or {}).get("conditions") or ()
    failing = any(str(one.get("type")).startswith("Workspace") and one.get("status") == "False" for one in told)
    return "Unavailable" if failing else content.READY


def keep_phase(new: Object, old: Object) -> None:
    """Keep phase and phase label of a workspace as the server has them."""
    former = (old.get("status") or {}).get("phase") or ""
    if not former:
        return
    status = new.get("status")
    if not isinstance(status, dict):
        status = new["status"] = {}
    status["phase"] = workspace_phase(new, former)
    new["metadata"].setdefault("labels", {})[PHASE_LABEL] = status["phase"]


class LogicalClusterEffects(Effects):
    """Carries a logical cluster on, and its workspace with it."""

    def __init__(self, kinds: Kinds, totals: Totals) -> None:
        self._workspaces = kinds.get("tenancy.kcp.io", "workspaces")
        self._totals = totals

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """Derive phase, conditions, labels and annotations; tell the workspace."""
        status = new.setdefault("status", {})
        former = old.get("status") or {}
        self._keep_annotations(operation, new, old)
        if status.get("phase") in (None, "", "Scheduling"):  # a logical cluster that exists has been scheduled
            status["phase"] = former.get("phase") or content.INITIALIZING
        finalizers = new["metadata"].get("finalizers") or []
        if content.DELETION_FINALIZER not in finalizers:
            new["metadata"]["finalizers"] = [content.DELETION_FINALIZER, *finalizers]
        phase = status["phase"] = next_phase(new)
        now = clock.format_seconds(operation.now)
        if former.get("phase") == content.INITIALIZING:
            for condition in self._initialization(status, now):
                conditions.with_one(new, condition)
            if phase != content.INITIALIZING:
                trim_owner(new)
        put_labels(new)
        if self._totals.has_other_grounds(operation.cluster, new, old):
            plan.put(work_row(operation.cluster), b"{}")
            counted = await plan.snapshot.get(usage_row(operation.cluster))
            if counted is not None:
                plan.guards.append(Guard(counted.key, counted.revision))
                plan.delete(counted.key)
        await keep_rows(plan, operation.cluster, old, new)
        told = ("phase", "initializers", "terminators")
        changed = [name for name in told if (status.get(name) or None) != (former.get(name) or None)]
        if changed:
            await self._tell_workspace(operation, new, former, plan)
        if "deletionTimestamp" in new["metadata"] and former.get("terminators") and not status.get("terminators"):
            owner = new["spec"].get("owner") or {"cluster": "", "name": operation.cluster}
            plan.put(take_down_row(owner["cluster"], owner["name"]), b"{}")

    async def deleting(self, operation: Operation, old: Object, plan: Plan) -> bool:
        """Begin to take a logical cluster down, and its workspace with it. Root and the system's own stay."""
        if operation.cluster == ROOT or operation.cluster.startswith("system:"):
            raise errors.forbidden("core.kcp.io", "logicalclusters", operation.name, DELETE_REFUSED)
        metadata, status = old["metadata"], old.setdefault("status", {})
        if "deletionTimestamp" in metadata:
            return True
        going = {"metadata": {**metadata, "deletionTimestamp": ""}, "status": {**status, "phase": DELETING}}
        await keep_rows(plan, operation.cluster, old, going)
        status["phase"] = TERMINATING if status.get("terminators") else DELETING
        put_labels(old)
        found = await self._owner(plan.snapshot, old)
        if found is None:
            plan.put(take_down_row("", operation.cluster), b"{}")
            return True
        row, workspace = found
        if "deletionTimestamp" not in workspace["metadata"]:
            workspace["metadata"]["deletionTimestamp"] = clock.format_seconds(operation.now)
            workspace["metadata"]["deletionGracePeriodSeconds"] = 0
            workspace["metadata"]["generation"] = workspace["metadata"].get("generation", 0) + 1
            workspace.setdefault("status", {})["phase"] = status["phase"]
            workspace["metadata"].setdefault("labels", {})[PHASE_LABEL] = status["phase"]
            plan.guards.append(Guard(row.key, row.revision))
            plan.put(row.key, self._workspaces.encode(workspace))
        owner = old["spec"]["owner"]
        plan.put(take_down_row(owner["cluster"], owner["name"]), b"{}")
        return True

    def _keep_annotations(self, operation: Operation, new: Object, old: Object) -> None:
        if operation.user.privileged:
            return
        metadata = new["metadata"]
        annotations, before = metadata.setdefault("annotations", {}), old["metadata"].get("annotations") or {}
        for name in OWN_ANNOTATIONS:
            if name in before:
                annotations[name] = before[name]
            else:
                annotations.pop(name, None)
        if not annotations:
            del metadata["annotations"]

    def _initialization(self, status: Object, now: str) -> list[Object]:
        left = status.get("initializers")
        if status["phase"] == content.INITIALIZING or left:
            message = f"Initializers still exist: [{' '.join(left or ())}]"
            return [conditions.false(INITIALIZED, now, conditions.INFO, "InitializerExists", message)]
        return [conditions.true(kind, now) for kind in (INITIALIZED, "APIBindingsReconciled")]

    async def _tell_workspace(self, operation: Operation, new: Object, former: Object, plan: Plan) -> None:
        found = await self._owner(plan.snapshot, new)
        if found is None:
            return
        row, workspace = found
        status, told = new["status"], workspace.setdefault("status", {})
        for name in ("initializers", "terminators"):
            if status.get(name):
                told[name] = list(status[name])
            else:
                told.pop(name, None)
        if former.get("phase") == content.INITIALIZING and told.get("phase") == content.INITIALIZING:
            now = clock.format_seconds(operation.now)
            conditions.with_one(workspace, self._initialization(status, now)[0])
            if status["phase"] in (content.READY, INACTIVE):
                told["phase"] = content.READY
                trim_owner(workspace)
        elif "deletionTimestamp" in workspace["metadata"] and told.get("phase") in (TERMINATING, DELETING):
            told["phase"] = status["phase"]
        workspace["metadata"].setdefault("labels", {})[PHASE_LABEL] = told.get("phase") or ""
        plan.guards.append(Guard(row.key, row.revision))
        plan.put(row.key, self._workspaces.encode(workspace))

    async def _owner(self, snapshot: Snapshot, logical_cluster: Object) -> tuple[Row, Object] | None:
        """The workspace a logical cluster belongs to; None for one without, or where another one has its name."""
        owner = (logical_cluster.get("spec") or {}).get("owner") or {}
        if owner.get("resource") != "workspaces":
            return None
        row = await snapshot.get(self._workspaces.key(owner["cluster"], "", owner["name"]))
        if row is None:
            return None
        workspace = self._workspaces.decode(row.value, row.revision)
        return (row, workspace) if workspace["metadata"]["uid"] == owner.get("uid") else None
