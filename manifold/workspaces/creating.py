"""The creation of a workspace, in the commit of its POST.

Where everything a type's set-up needs can be decided here, the workspace is Ready in the answer: its logical
cluster, content and bindings are written with it. Initializers of controllers outside the server make it
asynchronous: the workspace is then Initializing until the last of them has been taken off its LogicalCluster. One
that fits no shard waits as Unavailable.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from manifold.base import clusters, selectors
from manifold.base.user import User
from manifold.registry.clusters import held_row
from manifold.registry.effects import Effects, Operation, Plan
from manifold.registry.objects import Author, Kinds
from manifold.registry.writing import Clock
from manifold.storage.contract import Guard
from manifold.types.resource import Object
from manifold.workspaces import content
from manifold.workspaces.beginning import Beginning
from manifold.workspaces.deleting import FINALIZER, Deletion
from manifold.workspaces.lifecycle import keep_phase
from manifold.workspaces.lifecycle_labels import PHASE_LABEL
from manifold.workspaces.mounts import Mounts, keep_condition, mount_of, work_row
from manifold.workspaces.types import Closure, WorkspaceTypes

UNSCHEDULABLE = "No available shards to schedule the workspace"


@dataclass(frozen=True, slots=True)
class ShardIdentity:
    """The shard this process is: its name, labels, and the URLs clients use."""

    name: str
    external_url: str
    labels: Mapping[str, str]


def owner_of(annotations: Mapping[str, str], user: User) -> User:
    """Who a workspace belongs to: the owner its annotation names, else `user`."""
    try:
        info = orjson.loads(annotations.get(content.OWNER_ANNOTATION, ""))
        extra = {key: tuple(values) for key, values in (info.get("extra") or {}).items()}
        return User(info["username"], info.get("uid") or "", tuple(info.get("groups") or ()), extra)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return user


class WorkspaceEffects(Effects):
    """Makes the logical cluster of a new workspace, and ends it with it."""

    def __init__(
        self,
        kinds: Kinds,
        types: WorkspaceTypes,
        beginning: Beginning,
        shard: ShardIdentity,
        clock: Clock,
        mounts: Mounts | None = None,
    ) -> None:
        """`mounts` None: workspaces that mount something wait for a server that lets them."""
        self._mounts = mounts
        self._kinds = kinds
        self._types = types
        self._beginning = beginning
        self._shard = shard
        self._clock = clock
        self._deletion = Deletion(kinds)

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """Keep what is the server's, and go on with a deletion that waited for somebody else's finalizer."""
        keep_phase(new, old)
        if mount_of(new) is not None:
            keep_condition(new, old)
        finalizers = new["metadata"].get("finalizers") or []
        kept = FINALIZER in (old["metadata"].get("finalizers") or ()) or "deletionTimestamp" not in new["metadata"]
        if new["spec"].get("cluster") and FINALIZER not in finalizers and kept:
            new["metadata"]["finalizers"] = [*finalizers, FINALIZER]
        await self._deletion.updating(operation, new, old, plan)

    async def deleting(self, operation: Operation, old: Object, plan: Plan) -> bool:
        """Take the workspace down, or mark it."""
        return await self._deletion.deleting(operation, old, plan)

    async def removing(self, operation: Operation, old: Object, plan: Plan) -> None:
        """Let go of what it mounts."""
        reference = mount_of(old)
        if reference is not None and self._mounts is not None:
            await self._mounts.remove(operation.cluster, old, reference, plan)

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """Schedule, build and finish, as far as can be done now."""
        metadata, spec = new["metadata"], new["spec"]
        labels = metadata.setdefault("labels", {})
        status = new["status"] = {"phase": "Scheduling"}
        here = Author(self._kinds, self._clock, operation.cluster, operation.now)
        plan.point(held_row(operation.cluster), b"")
        reference = mount_of(new)
        if reference is not None and self._mounts is not None:
            await self._mounts.create(operation, new, reference, plan, here.timestamp)
            return
        if reference is not None:
            labels[PHASE_LABEL] = "Scheduling"
            plan.put(work_row(operation.cluster, metadata["name"]), b"{}")
            return
        problem = self._unschedulable(spec)
        if problem:
            status.update(
                phase="Unavailable",
                conditions=[
                    {
                        "type": "WorkspaceScheduled",
                        "status": "False",
                        "severity": "Error",
                        "lastTransitionTime": here.timestamp,
                        "reason": "Unschedulable",
                        "message": problem,
                    }
                ],
            )
            labels[PHASE_LABEL] = "Unavailable"
            return
        closure = await self._types.closure(plan.snapshot, spec["type"]["path"], spec["type"]["name"])
        if closure is None:  # admission has found it in the same snapshot
            raise ValueError("a workspace without a type")
        parent = await self._parent(operation, plan)
        birth = self._birth(operation, new, closure, parent)
        birth = await self._beginning.plan(plan, birth, closure, operation.now)
        logical_clusters = self._kinds.get("core.kcp.io", "logicalclusters")
        plan.guards.append(Guard(logical_clusters.key(birth.cluster, "", content.LOGICAL_CLUSTER), 0))
        self._finish(new, birth, here)

    async def _parent(self, operation: Operation, plan: Plan) -> Mapping[str, str]:
        kind = self._kinds.get("core.kcp.io", "logicalclusters")
        row = await plan.snapshot.get(kind.key(operation.cluster, "", content.LOGICAL_CLUSTER))
        return content.annotations_in(kind, row.value) if row is not None else {}

    def _unschedulable(self, spec: Object) -> str:
        selector = (spec.get("location") or {}).get("selector")
        if not selector:
            return ""
        try:
            matches = selectors.from_object(selector).matches(self._shard.labels)
        except ValueError as error:
            return f"spec.location.selector is invalid: {error}"
        return "" if matches else UNSCHEDULABLE

    def _birth(self, operation: Operation, new: Object, closure: Closure, parent: Mapping[str, str]) -> content.Birth:
        metadata = new["metadata"]
        annotations = metadata.get("annotations", {})
        above = parent.get(content.PATH_ANNOTATION) or operation.cluster
        return content.Birth(
            cluster=new["spec"].get("cluster") or clusters.child_name(os.urandom(clusters.CHILD_NAME_BYTES)),
            path=clusters.join(above, metadata["name"]),
            type_reference=closure.type.reference,
            shard=self._shard.name,
            external_url=self._shard.external_url,
            creator=owner_of(annotations, operation.user),
            owner={
                "apiVersion": "tenancy.kcp.io/v1alpha1",
                "resource": "workspaces",
                "name": metadata["name"],
                "cluster": operation.cluster,
                "uid": metadata["uid"],
            },
            initializers=closure.initializers,
            pending=closure.pending_initializers,
            universal=closure.universal,
            required_groups=annotations.get(content.REQUIRED_GROUPS_ANNOTATION, ""),
            terminators=closure.terminators,
        )

    def _finish(self, new: Object, birth: content.Birth, author: Author) -> None:
        metadata, spec = new["metadata"], new["spec"]
        phase = content.INITIALIZING if birth.pending else content.READY
        annotations = metadata["annotations"]
        annotations[content.SHARD_ANNOTATION] = birth.shard
        annotations["internal.tenancy.kcp.io/cluster"] = birth.cluster
        annotations["internal.tenancy.kcp.io/shard"] = clusters.shard_hash(birth.shard)
        if phase == content.READY:
            annotations[content.OWNER_ANNOTATION] = orjson.dumps({"username": birth.creator.name}).decode()
        metadata["labels"][PHASE_LABEL] = phase
        if "region" in self._shard.labels:
            metadata["labels"].setdefault("region", self._shard.labels["region"])
        metadata["finalizers"] = [*(metadata.get("finalizers") or ()), FINALIZER]
        metadata["generation"] = 2  # what the client sent is the first, what the server completed the second
        spec["cluster"] = birth.cluster
        spec["URL"] = f"{birth.external_url}/clusters/{birth.path}"
        status: Object = {
            "conditions": content.conditions(author, birth.pending, scheduled=True),
            "phase": phase,
        }
        if birth.pending:
            status["initializers"] = list(birth.pending)
        if birth.terminators:
            status["terminators"] = list(birth.terminators)
        new["status"] = status
