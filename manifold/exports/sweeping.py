"""What is left of exports and bindings outside a logical cluster that is gone.

A sweep deletes the objects of a logical cluster without asking their types. These rows lie elsewhere, under what the
objects referred to, and whoever they tell of has to learn of the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from manifold.exports.bindings import export_cluster_of
from manifold.exports.export_effects import ExportEffects
from manifold.exports.slices import slice_key
from manifold.storage.contract import Write
from manifold.types.resource import Object
from manifold.views.consumers import consumer_key, export_row, slices_row

LeftBehind = Callable[[str, Object], Sequence[Write]]
"""From a logical cluster and an object of it to what goes with the object elsewhere."""


def _binding(cluster: str, binding: Object) -> list[Write]:
    place = (export_cluster_of(binding, cluster), binding["spec"]["reference"]["export"]["name"])
    key = consumer_key(*place, cluster, binding["metadata"]["name"])
    return [Write(key, None), Write(slices_row(*place), b"{}")]


def _slice(cluster: str, slice_: Object) -> list[Write]:
    export = slice_["spec"]["export"]
    place = (export.get("path") or cluster, export["name"])
    return [Write(slice_key(place, cluster, slice_["metadata"]["name"]), None)]


def left_behind(exports: ExportEffects) -> Mapping[tuple[str, str], LeftBehind]:
    """By group and resource. A deletion of a row that is not there is to be left out by the caller."""

    def _export(cluster: str, export: Object) -> list[Write]:
        name = export["metadata"]["name"]
        told = [Write(export_row(cluster, name), b"{}"), Write(slices_row(cluster, name), b"{}")]
        return [*(Write(key, None) for key in exports.index_rows(cluster, export)), *told]

    group = "apis.kcp.io"
    return {
        (group, "apibindings"): _binding,
        (group, "apiexports"): _export,
        (group, "apiexportendpointslices"): _slice,
    }
