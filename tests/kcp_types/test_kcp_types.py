"""kcp's own types: where they come from, how they are shown, what a new object gets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from kcp_objects import ALL, create, kind_of, made

from manifold.types.kcp import EXPORTED_TYPES, SYSTEM_TYPES, openapi_schema, schema_object_name
from manifold.types.kcp.core import LOGICAL_CLUSTERS
from manifold.types.resource import ResourceType


def test_where_types_come_from() -> None:
    assert {kind.resource for kind in SYSTEM_TYPES} == {
        "apiexports",
        "apibindings",
        "apiexportendpointslices",
        "apiconversions",
        "apiresourceschemas",
        "logicalclusters",
        "clustercachedresources",
        "clustercachedresourceendpointslices",
    }
    assert {name: {kind.resource for kind in kinds} for name, kinds in EXPORTED_TYPES.items()} == {
        "shards.core.kcp.io": {"shards"},
        "tenancy.kcp.io": {"workspaces", "workspacetypes", "workspaceauthenticationconfigurations"},
        "topology.kcp.io": {"partitions", "partitionsets"},
        "cache.kcp.io": {"clustercachedresources", "clustercachedresourceendpointslices"},
        "migration.kcp.io": {"logicalclustermigrations", "logicalclusterdumps"},
    }


@pytest.mark.parametrize("kind", ALL.values(), ids=lambda kind: f"{kind.version}-{kind.resource}")
def test_every_type_is_a_custom_one(kind: ResourceType) -> None:
    assert kind.custom
    assert kind.generation
    assert kind.list_kind == f"{kind.kind}List"
    assert kind.namespaced == (kind.resource == "logicalclusterdumps")
    assert kind.categories == (("kcp",) if kind.resource != "logicalclusterdumps" else ())
    assert kind.verbs == (
        ("create",)
        if kind.storageless
        else ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
    )
    schema = openapi_schema(kind)
    assert schema["type"] == "object"
    assert kind.status == ("status" in schema["properties"]) or kind.storageless
    assert kind.columns[0].name == "Name"
    assert (kind.convert is not None) == (kind.stored_version != kind.version)


def test_names_of_published_schemas() -> None:
    assert schema_object_name(kind_of("workspaces")) == "v260522-2bf05df66.workspaces.tenancy.kcp.io"
    with pytest.raises(KeyError):
        schema_object_name(LOGICAL_CLUSTERS)


def test_columns() -> None:
    kind = kind_of("workspaces")
    now = datetime(2026, 1, 1, 0, 1, 5, tzinfo=UTC)
    obj = made(kind, {"type": {"name": "universal"}, "URL": "https://h/clusters/root:a"}, status={"phase": "Ready"})
    obj["metadata"].update(creationTimestamp="2026-01-01T00:00:00Z", labels={"region": "eu"})
    assert [column.name for column in kind.columns] == ["Name", "Type", "Region", "Phase", "URL", "Age"]
    cells = [column.cell(obj, now) for column in kind.columns]
    assert cells == ["x", "universal", "eu", "Ready", "https://h/clusters/root:a", "65s"]
    del obj["metadata"]["labels"]
    assert kind.columns[2].cell(obj, now) is None
    ready = kind_of("apibindings", "v1alpha2").columns[2]
    conditions = [{"type": "APIExportValid", "status": "False"}, {"type": "Ready", "status": "True"}]
    assert (ready.name, ready.cell({"status": {"conditions": conditions}}, now)) == ("Ready", "True")


def test_what_a_new_object_gets() -> None:
    errors, workspace = create(kind_of("workspaces"), None, status={"phase": "Ready"})
    assert errors == []
    assert workspace["spec"] == {}
    assert workspace["status"] == {"phase": "Scheduling"}
    _, kind = create(kind_of("workspacetypes"), {})
    assert kind["spec"] == {"defaultChildWorkspaceType": {"name": "universal", "path": "root"}}
    _, shard = create(kind_of("shards"), {"baseURL": "https://a", "externalURL": "https://b"})
    assert shard["spec"]["externalURL"] == "https://b"
    assert shard["spec"]["virtualWorkspaceURL"] == "https://a"
    _, export = create(
        kind_of("apiexports", "v1alpha2"), {"resources": [{"group": "", "name": "p", "schema": "v1.p.core"}]}
    )
    assert export["spec"]["resources"][0]["storage"] == {"crd": {}}
    assert "status" not in export
