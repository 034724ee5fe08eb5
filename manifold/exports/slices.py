"""Endpoint slices: where the view on an export is to be found, once anybody has bound it.

A slice says at once whether its export and its partition are there, and follows both. Its URL comes with the first
binding and goes with the last one; whichever binding is first or last leaves a work row, and no other writes anything
(APIs reference, section 2bis).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from manifold.base import clock, keys, selectors
from manifold.exports import conditions
from manifold.exports.references import References
from manifold.exports.statuses import Referred
from manifold.registry.effects import Effects, Operation, Plan
from manifold.registry.followed import Followed, follower_row
from manifold.registry.served import Served
from manifold.storage.contract import Guard, Snapshot, Write
from manifold.types.resource import Object
from manifold.views.consumers import SLICES, consumers_prefix, slices_row

GROUP, RESOURCE = "apis.kcp.io", "apiexportendpointslices"
INDEX, PLACES = "slices", "sliceplaces"
EXPORT_VALID, PARTITION_VALID = "APIExportValid", "PartitionValid"
Labels = Callable[[Snapshot], Awaitable[Mapping[str, str]]]
"""The labels of this shard, by which partitions select it."""


def slices_prefix(cluster: str, name: str) -> bytes:
    """The range of the index rows of the slices of an export: logical cluster and name of each follow."""
    return keys.index_key(INDEX, cluster, name)


def slice_rows(export: tuple[str, str], cluster: str, name: str) -> tuple[Write, Write]:
    """The index row of a slice under its export, and the row that tells where that is: a path may lead elsewhere by
    the time the slice goes.
    """
    under = keys.index_key(INDEX, *export, cluster, name)
    return Write(under, b""), Write(keys.index_key(PLACES, cluster, name), under)


async def slice_rows_of(snapshot: Snapshot, cluster: str, name: str) -> list[bytes]:
    """The keys of both rows of a slice that has them."""
    row = await snapshot.get(keys.index_key(PLACES, cluster, name))
    return [row.value, row.key] if row is not None else []


def endpoint(base: str, cluster: str, name: str) -> str:
    """The URL of the view on an export; `base` is where virtual workspaces are served."""
    return f"{base}/services/apiexport/{cluster}/{name}"


class Slices:
    """Says what a slice has to say. `partitions` is the stored form of Partition, `base` the URL virtual workspaces are
    served at, `labels` those of this shard.
    """

    def __init__(self, references: References, partitions: Served, base: str, labels: Labels) -> None:
        self.references = references
        self._partitions = partitions
        self._base = base
        self._labels = labels

    def partition_key(self, cluster: str, slice_: Object) -> bytes:
        """The key of the partition a slice names; empty where it names none, or what cannot be the name of any."""
        name = (slice_.get("spec") or {}).get("partition") or ""
        return self._partitions.key(cluster, "", name) if name and "\x00" not in name else b""

    async def referred(self, snapshot: Snapshot, cluster: str, slice_: Object) -> Referred:
        """What the reference of a slice leads to."""
        export = slice_["spec"]["export"]
        return await self.references.find(snapshot, cluster, export.get("path") or "", export["name"])

    async def tell(self, snapshot: Snapshot, cluster: str, slice_: Object, referred: Referred, now: str) -> None:
        """Write the status of a slice in `cluster`."""
        former = (slice_.get("status") or {}).get("conditions") or ()
        told: Object = {}
        if referred.exists:
            found = [conditions.true(EXPORT_VALID, now)]
        else:
            text = f"APIExport {referred.text} not found"
            found = [conditions.false(EXPORT_VALID, now, conditions.ERROR, "APIExportNotFound", text)]
        selector, problem = await self._partition(snapshot, cluster, slice_)
        if problem:
            reason = "PartitionInvalidReference"
            found.append(conditions.false(PARTITION_VALID, now, conditions.ERROR, reason, problem))
        else:
            found.append(conditions.true(PARTITION_VALID, now))
        if selector is not None and str(selector):
            told["shardSelector"] = str(selector)
        chosen = not problem and (selector is None or selector.matches(await self._labels(snapshot)))
        if referred.exists and chosen and await self._bound(snapshot, referred):
            told["endpoints"] = [{"url": endpoint(self._base, referred.cluster, referred.name)}]
        told["conditions"] = conditions.succeeding(found, former)
        slice_["status"] = told

    async def _bound(self, snapshot: Snapshot, referred: Referred) -> bool:
        """Whether anybody has bound an export. Those the server brings are bound in root."""
        if self.references.is_own(referred.cluster, referred.name):
            return True
        prefix = consumers_prefix(referred.cluster, referred.name)
        return bool(await snapshot.scan(prefix, keys.after(prefix), 1))

    async def _partition(
        self, snapshot: Snapshot, cluster: str, slice_: Object
    ) -> tuple[selectors.Selector | None, str]:
        name = slice_["spec"].get("partition")
        if not name:
            return None, ""
        key = self.partition_key(cluster, slice_)
        row = await snapshot.get(key) if key else None
        if row is None:
            return None, f'partition.topology.kcp.io "{name}" not found'
        spec = self._partitions.decode(row.value, row.revision).get("spec") or {}
        try:
            return selectors.from_object(spec.get("selector") or {}), ""
        except ValueError as error:
            return None, str(error)


class SliceEffects(Effects):
    """Keeps the status of slices, and the rows by which exports and partitions find them."""

    def __init__(self, slices: Slices, followed: Followed) -> None:
        self._slices = slices
        self._followed = followed

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """Say what can be said now."""
        referred = await self._slices.referred(plan.snapshot, operation.cluster, new)
        now = clock.format_seconds(operation.now)
        await self._slices.tell(plan.snapshot, operation.cluster, new, referred, now)
        plan.writes += slice_rows((referred.cluster, referred.name), operation.cluster, new["metadata"]["name"])
        await self._follow(operation, new, plan)
        # A binding that comes or goes in between looks for slices afterwards.
        plan.point(slices_row(referred.cluster, referred.name), b"{}")

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """Say it anew, whatever somebody has written there."""
        referred = await self._slices.referred(plan.snapshot, operation.cluster, new)
        now = clock.format_seconds(operation.now)
        new["status"] = old.get("status") or {}
        await self._slices.tell(plan.snapshot, operation.cluster, new, referred, now)
        if self._slices.partition_key(operation.cluster, new) != self._slices.partition_key(operation.cluster, old):
            await self._unfollow(operation, old, plan)
        await self._follow(operation, new, plan)

    async def removing(self, operation: Operation, old: Object, plan: Plan) -> None:
        """Take it out of the index."""
        for key in await slice_rows_of(plan.snapshot, operation.cluster, operation.name):
            plan.delete(key)
        await self._unfollow(operation, old, plan)

    async def _follow(self, operation: Operation, slice_: Object, plan: Plan) -> None:
        """Follow the partition of a slice, be it there or not."""
        name = slice_["metadata"]["name"]
        key = self._slices.partition_key(operation.cluster, slice_)
        if not key:
            return
        row = await plan.snapshot.get(key)
        plan.guards.append(Guard(key, row.revision if row is not None else 0))
        if await plan.snapshot.get(follower_row(key, SLICES, name)) is None:
            self._followed.follow(plan, key, SLICES, name)

    async def _unfollow(self, operation: Operation, slice_: Object, plan: Plan) -> None:
        key = self._slices.partition_key(operation.cluster, slice_)
        row = follower_row(key, SLICES, operation.name) if key else b""
        if row and await plan.snapshot.get(row) is not None:
            plan.delete(row)
