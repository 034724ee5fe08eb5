"""Discovery and OpenAPI against what was recorded: the same resources, schemas and paths.

Needs the environment variable MANIFOLD_SHARED, which names the folder of recordings.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifold.schema.openapi.components import components
from manifold.schema.openapi.custom import custom_component, custom_list
from manifold.schema.openapi.resources import Resource
from manifold.types.kcp import EXPORTED_TYPES, SYSTEM_TYPES, openapi_schema
from manifold.types.table import built_in_types
from manifold.views import discovery

SHARED = os.environ["MANIFOLD_SHARED"]


def recorded(name: str) -> Any:
    return json.loads((Path(SHARED) / "reference" / name).read_text())


def without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_prose(v) for k, v in value.items() if not (k == "description" and isinstance(v, str))}
    return [without_prose(child) for child in value] if isinstance(value, list) else value


def test_built_in_schemas() -> None:
    schemas = {name: s for name, s in recorded("openapi/schemas.json")["schemas"].items() if "io.kcp" not in name}
    ours = without_prose(components(schemas))
    for name, schema in schemas.items():
        for one in (schema, ours[name]):
            one["required"] = sorted(one.get("required", []))
        assert ours[name] == schema, name


def test_schemas_of_system_types() -> None:
    schemas = recorded("openapi/schemas.json")["schemas"]
    compared = 0
    for kind in (*SYSTEM_TYPES, *(one for exported in EXPORTED_TYPES.values() for one in exported)):
        if kind.schema_name not in schemas:
            continue
        names = (kind.group, kind.version, kind.resource, kind.kind, kind.list_kind, kind.namespaced, kind.verbs)
        resource = Resource(*names, kind.schema_name, custom=openapi_schema(kind))
        assert without_prose(custom_component(resource)) == schemas[kind.schema_name], kind.kind
        assert without_prose(custom_list(resource)) == schemas[resource.list_schema_name], kind.kind
        compared += 1
    assert compared >= 15


UNIVERSAL = [
    *built_in_types(),
    *SYSTEM_TYPES,
    *EXPORTED_TYPES["tenancy.kcp.io"],
    *EXPORTED_TYPES["topology.kcp.io"],
]
SERVED = sorted({kind.api_version for kind in UNIVERSAL})


@pytest.mark.parametrize("api_version", SERVED)
def test_resources_of_a_universal_workspace(api_version: str) -> None:
    group, _, version = api_version.rpartition("/")
    document = discovery.resource_list(UNIVERSAL, group, version)
    assert document is not None
    ours = json.loads(document.body)
    expected = recorded("discovery/universal.json")["resources"][api_version]
    if group.endswith("kcp.io"):  # recorded in no particular order
        expected["resources"].sort(key=lambda entry: entry["name"].partition("/")[0])
    for entry in [*ours["resources"], *expected["resources"]]:
        entry.pop("storageVersionHash", None)  # ours are those of an unmodified Kubernetes
    assert ours == expected


def test_groups_of_a_universal_workspace() -> None:
    expected = recorded("discovery/universal.json")["groups"]
    served = {kind.group for kind in UNIVERSAL}
    expected["groups"] = [group for group in expected["groups"] if group["name"] in served]
    assert json.loads(discovery.group_list(UNIVERSAL, "127.0.0.1:7443").body) == expected


def test_storage_version_hashes_of_kubernetes() -> None:
    hashes = {
        kind.resource: discovery.storage_version_hash(kind)
        for kind in UNIVERSAL
        if kind.group in ("", "coordination.k8s.io")
    }
    exchanges = yaml.load(
        (Path(SHARED) / "reference/wire/k8s-http-discovery.yaml").read_text(), Loader=yaml.CSafeLoader
    )["exchanges"]
    documents = [one["response"]["body"] for one in exchanges if one["name"] in ("group-version", "group-version-core")]
    told = [entry for document in documents for entry in document["resources"] if "storageVersionHash" in entry]
    assert len(told) >= 6
    for entry in told:
        assert hashes[entry["name"]] == entry["storageVersionHash"], entry["name"]
