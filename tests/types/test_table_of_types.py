"""The table of all built-in types."""

from __future__ import annotations

from type_writes import NOW

from manifold.types import table
from manifold.types.authentication import TOKEN_REQUEST
from manifold.types.coordination import LEASES
from manifold.types.resource import Object


def test_the_table_is_made_once_and_names_each_type_once() -> None:
    types = table.built_in_types()
    assert types is table.built_in_types()
    described = table.types_by_resource()
    kinds = {(each.group, each.version, each.kind) for each in described.values()}
    assert len(described) == len(kinds) == len(types) + 1
    assert table.find_type("", "v1", "configmaps") in types
    assert table.find_type("coordination.k8s.io", "v1", "leases") is LEASES
    assert table.find_type("", "v1", "pods") is None
    assert table.find_type("authentication.k8s.io", "v1", "tokenrequests") is TOKEN_REQUEST
    assert TOKEN_REQUEST not in types


def test_every_type_can_show_an_empty_object() -> None:
    for kind in table.built_in_types():
        obj: Object = {"metadata": {"name": "x", "namespace": "g"}}
        for column in kind.columns:
            column.cell(obj, NOW)
        assert set(kind.selectable) >= {name for name in kind.field_labels(obj) if name == "metadata.name"}
        assert kind.list_kind
        assert kind.protobuf
        if kind.storageless:
            assert kind.verbs == ("create",)
