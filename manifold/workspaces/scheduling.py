"""Which shard a new workspace goes to.

One process is the only shard, and its Shard object in `root` says what can be selected: a workspace goes there unless
its `spec.location.selector` leaves the shard out, or the shard is marked as unschedulable (tenancy reference, section
3.3). One that fits nowhere has a row here, by which a change of the Shard finds it; a change of its own selector is
looked at in the commit of that change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from manifold.base import keys, selectors
from manifold.exports import conditions
from manifold.registry.effects import Effects, Operation, Plan
from manifold.registry.objects import Kinds
from manifold.storage.contract import Guard, Row, Snapshot
from manifold.types.resource import Object
from manifold.workspaces.foundation import ROOT
from manifold.workspaces.lifecycle_labels import PHASE_LABEL

CONTROLLER = "scheduling"
CONDITION = "WorkspaceScheduled"
UNAVAILABLE = "Unavailable"
UNSCHEDULABLE = "No available shards to schedule the workspace"
KEPT_AWAY = "experimental.core.kcp.io/unschedulable"
REGION = "region"
_INDEX = "unscheduled"


def unscheduled_prefix() -> bytes:
    """The range of the rows of workspaces that fit nowhere: logical cluster and name of each follow."""
    return keys.index_key(_INDEX)


def unscheduled_row(cluster: str, name: str) -> bytes:
    """The key of the row of one of them."""
    return keys.index_key(_INDEX, cluster, name)


def work_row() -> bytes:
    """The work row that has all of them looked at again."""
    return keys.work_key(CONTROLLER, ROOT)


@dataclass(frozen=True, slots=True)
class Place:
    """What became of looking for a shard: why there is none (empty: there is one), and the labels of the one there is.
    `guards` bind a commit to the shard as it was seen.
    """

    problem: str
    labels: Mapping[str, str] = field(default_factory=dict)
    guards: tuple[Guard, ...] = ()


class Scheduling:
    """Looks for a shard. `name` is that of this one."""

    def __init__(self, kinds: Kinds, name: str) -> None:
        self._shards = kinds.get("core.kcp.io", "shards")
        self._name = name
        self._seen: tuple[int, Object] = (0, {})

    async def labels(self, snapshot: Snapshot) -> Mapping[str, str]:
        """The labels of this shard."""
        return (await self.look(snapshot, {})).labels

    async def look(self, snapshot: Snapshot, spec: Object) -> Place:
        """Where a workspace of this spec goes. Without a Shard object the process is known by its name alone."""
        key = self._shards.key(ROOT, "", self._name)
        row = await snapshot.get(key)
        metadata = self._metadata(row)
        labels = metadata.get("labels") or {}
        guards = (Guard(key, row.revision if row is not None else 0),)
        selector = (spec.get("location") or {}).get("selector")
        try:
            fits = not selector or selectors.from_object(selector).matches(labels)
        except ValueError as error:
            return Place(f"spec.location.selector is invalid: {error}", labels, guards)
        if not fits or KEPT_AWAY in (metadata.get("annotations") or {}):
            return Place(UNSCHEDULABLE, labels, guards)
        return Place("", labels, guards)

    def _metadata(self, row: Row | None) -> Object:
        """Remembered, because every workspace asks and nearly none changes it."""
        if row is None:
            return {"labels": {"name": self._name}}
        if self._seen[0] != row.revision:
            self._seen = (row.revision, self._shards.decode(row.value, row.revision)["metadata"])
        return self._seen[1]


def wait(workspace: Object, place: Place, now: str) -> None:
    """Say of a workspace that it fits nowhere."""
    condition = conditions.false(CONDITION, now, conditions.ERROR, "Unschedulable", place.problem)
    conditions.with_one(workspace, condition)
    workspace["status"]["phase"] = UNAVAILABLE
    workspace["metadata"].setdefault("labels", {})[PHASE_LABEL] = UNAVAILABLE


class ShardEffects(Effects):
    """Has the workspaces that fit nowhere looked at when there is another shard for them."""

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """It may be what they wait for."""
        plan.point(work_row(), b"{}")

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """So it may with other labels, or without the mark that keeps workspaces away."""
        if any(new["metadata"].get(part) != old["metadata"].get(part) for part in ("labels", "annotations")):
            plan.point(work_row(), b"{}")
