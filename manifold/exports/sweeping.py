"""What is left of exports and bindings outside a logical cluster that is gone.

A sweep deletes the objects of a logical cluster without asking their types. These rows lie elsewhere, under what the
objects referred to, and whoever they tell of has to learn of the end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from manifold.base import keys
from manifold.exports.bindings import export_cluster_of
from manifold.exports.export_effects import ExportEffects
from manifold.exports.slices import slice_rows_of
from manifold.registry.effects import Plan
from manifold.registry.served import Served
from manifold.storage.contract import Guard, Snapshot, Write
from manifold.types.resource import Object
from manifold.views.consumers import consumer_key, export_row, slices_row

AT_ONCE = 30
"""Bindings that end in the commit that ends their logical cluster."""
LeftBehind = Callable[[Snapshot, str, Object], Awaitable[Sequence[Write]]]
"""From a logical cluster and an object of it to what goes with the object elsewhere."""


def _binding(cluster: str, binding: Object) -> list[Write]:
    place = (export_cluster_of(binding, cluster), binding["spec"]["reference"]["export"]["name"])
    key = consumer_key(*place, cluster, binding["metadata"]["name"])
    return [Write(key, None), Write(slices_row(*place), b"{}")]


async def _slice(snapshot: Snapshot, cluster: str, slice_: Object) -> list[Write]:
    return [Write(key, None) for key in await slice_rows_of(snapshot, cluster, slice_["metadata"]["name"])]


async def _bound(snapshot: Snapshot, cluster: str, binding: Object) -> list[Write]:
    return _binding(cluster, binding)


async def consumers_gone(plan: Plan, bindings: Served, cluster: str) -> None:
    """Plan that the exports a logical cluster has bound lose it in the commit that ends it, so that no view reaches
    into one that is gone. `bindings` is the stored form of APIBinding. What is more than a commit takes is swept.
    """
    prefix = bindings.prefix + keys.segment(cluster)
    gone = {write.key for write in plan.writes}
    for row in await plan.snapshot.scan(prefix, keys.after(prefix), AT_ONCE):
        consumer, told = _binding(cluster, bindings.decode(row.value, row.revision))
        if consumer.key not in gone and await plan.snapshot.get(consumer.key) is not None:
            plan.guards.append(Guard(consumer.key, None))
            plan.delete(consumer.key)
            plan.point(told.key, told.value or b"")


def left_behind(exports: ExportEffects) -> Mapping[tuple[str, str], LeftBehind]:
    """By group and resource. A deletion of a row that is not there is to be left out by the caller."""

    async def _export(snapshot: Snapshot, cluster: str, export: Object) -> list[Write]:
        name = export["metadata"]["name"]
        told = [Write(export_row(cluster, name), b"{}"), Write(slices_row(cluster, name), b"{}")]
        return [*(Write(key, None) for key in exports.index_rows(cluster, export)), *told]

    group = "apis.kcp.io"
    return {
        (group, "apibindings"): _bound,
        (group, "apiexports"): _export,
        (group, "apiexportendpointslices"): _slice,
    }
