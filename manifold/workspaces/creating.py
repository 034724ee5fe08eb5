"""The creation of a workspace, in the commit of its POST.

Where everything a type's set-up needs can be decided here, the workspace is Ready in the answer: its logical
cluster, content and bindings are written with it. Initializers of controllers outside the server make it
asynchronous: the workspace is then Initializing until the last of them has been taken off its LogicalCluster. One
that fits no shard waits as Unavailable, and is made in the commit of the update by which it fits one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson

from manifold.base import clock as clocks
from manifold.base import clusters
from manifold.base.user import User
from manifold.registry.clusters import held_row
from manifold.registry.effects import Effects, Operation, Plan
from manifold.registry.objects import Author, Kinds
from manifold.registry.writing import Clock
from manifold.schema import records
from manifold.storage.contract import Guard
from manifold.types.resource import Object
from manifold.workspaces import content
from manifold.workspaces.beginning import Beginning
from manifold.workspaces.deleting import FINALIZER, Deletion
from manifold.workspaces.lifecycle import keep_phase
from manifold.workspaces.lifecycle_labels import PHASE_LABEL
from manifold.workspaces.mounts import Mounts, keep_condition, mount_of, work_row
from manifold.workspaces.scheduling import REGION, Place, Scheduling, unscheduled_row, wait
from manifold.workspaces.types import BrokenType, Closure, WorkspaceTypes

_BEFORE_PLACE = (content.OWNER_ANNOTATION, content.REQUIRED_GROUPS_ANNOTATION)
"""What the logical cluster of a workspace takes over from it, and nobody changes before that."""


@dataclass(frozen=True, slots=True)
class ShardIdentity:
    """The shard this process is: its name, and the URL clients use."""

    name: str
    external_url: str


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
        scheduling: Scheduling,
        mounts: Mounts | None = None,
    ) -> None:
        """`mounts` None: workspaces that mount something wait for a server that lets them."""
        self._mounts = mounts
        self._scheduling = scheduling
        self._kinds = kinds
        self._logical_clusters = kinds.get("core.kcp.io", "logicalclusters")
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
        elif not old["spec"].get("cluster") and "deletionTimestamp" not in new["metadata"]:
            await self._look_again(operation, new, old, plan)
        finalizers = new["metadata"].get("finalizers") or []
        kept = FINALIZER in (old["metadata"].get("finalizers") or ()) or "deletionTimestamp" not in new["metadata"]
        if new["spec"].get("cluster") and FINALIZER not in finalizers and kept:
            new["metadata"]["finalizers"] = [*finalizers, FINALIZER]
        await self._deletion.updating(operation, new, old, plan)

    async def deleting(self, operation: Operation, old: Object, plan: Plan) -> bool:
        """Take the workspace down, or mark it."""
        return await self._deletion.deleting(operation, old, plan)

    async def removing(self, operation: Operation, old: Object, plan: Plan) -> None:
        """Let go of what it mounts, or of its wait for a shard."""
        if not old["spec"].get("cluster"):
            await self._forget(operation, plan)
        reference = mount_of(old)
        if reference is not None and self._mounts is not None:
            await self._mounts.remove(operation.cluster, old, reference, plan)

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """Schedule, build and finish, as far as can be done now."""
        metadata, spec = new["metadata"], new["spec"]
        labels = metadata.setdefault("labels", {})
        new["status"] = {"phase": "Scheduling"}
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
        place = await self._scheduling.look(plan.snapshot, spec)
        if place.problem:
            wait(new, place, here.timestamp)
            plan.guards += place.guards
            plan.put(unscheduled_row(operation.cluster, metadata["name"]), b"")
            return
        closure = await self._closure(new, plan)
        if closure is None:  # admission has found it in the same snapshot
            raise ValueError("a workspace without a type")
        await self._place(operation, new, place, closure, plan)

    async def _closure(self, new: Object, plan: Plan) -> Closure | None:
        kind = new["spec"]["type"]
        return await self._types.closure(plan.snapshot, kind["path"], kind["name"])

    async def _look_again(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """Look for a shard once more for a workspace that fitted none."""
        before = old["metadata"].get("annotations") or {}
        kept = {name: before[name] for name in _BEFORE_PLACE if name in before}
        given = new["metadata"].get("annotations") or {}
        others = {name: value for name, value in given.items() if name not in _BEFORE_PLACE}
        new["metadata"]["annotations"] = {**others, **kept}
        place = await self._scheduling.look(plan.snapshot, new["spec"])
        closure = None
        with contextlib.suppress(BrokenType):
            closure = await self._closure(new, plan)
        if closure is None and not place.problem:  # its type has gone, or been changed, since it was created
            kind = new["spec"]["type"]
            place = replace(place, problem=f"workspace type {kind['path']}:{kind['name']} cannot be used")
        key = self._logical_clusters.key(operation.cluster, "", content.LOGICAL_CLUSTER)
        above = await plan.snapshot.get(key)
        plan.guards += place.guards
        plan.guards.append(Guard(key, above.revision if above is not None else 0))
        if closure is None or place.problem or above is None or records.flags(above.value) & records.DELETING:
            wait(new, place, clocks.format_seconds(operation.now))
            return
        await self._place(operation, new, place, closure, plan)
        await self._forget(operation, plan)

    async def _forget(self, operation: Operation, plan: Plan) -> None:
        row = await plan.snapshot.get(unscheduled_row(operation.cluster, operation.name))
        if row is not None:
            plan.guards.append(Guard(row.key, row.revision))
            plan.delete(row.key)

    async def _place(self, operation: Operation, new: Object, place: Place, closure: Closure, plan: Plan) -> None:
        """Make the logical cluster of a workspace."""
        here = Author(self._kinds, self._clock, operation.cluster, operation.now)
        parent = await self._parent(operation, plan)
        birth = self._birth(operation, new, closure, parent)
        birth = await self._beginning.plan(plan, birth, closure, operation.now)
        plan.guards.append(Guard(self._logical_clusters.key(birth.cluster, "", content.LOGICAL_CLUSTER), 0))
        self._finish(new, birth, here)
        if REGION in place.labels:
            new["metadata"]["labels"].setdefault(REGION, place.labels[REGION])

    async def _parent(self, operation: Operation, plan: Plan) -> Mapping[str, str]:
        row = await plan.snapshot.get(self._logical_clusters.key(operation.cluster, "", content.LOGICAL_CLUSTER))
        return content.annotations_in(self._logical_clusters, row.value) if row is not None else {}

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
        metadata["finalizers"] = [*(metadata.get("finalizers") or ()), FINALIZER]
        metadata["generation"] = metadata.get("generation", 0) + 1  # what the client sent is one, this is another
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
