"""Discovery and OpenAPI against what was recorded: the same resources, schemas and paths.

Needs the environment variable MANIFOLD_SHARED, which names the folder of recordings.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from manifold.schema.openapi.components import components
from manifold.schema.openapi.custom import custom_component, custom_list
from manifold.schema.openapi.resources import Resource
from manifold.types.kcp import EXPORTED_TYPES, SYSTEM_TYPES, openapi_schema

SHARED = os.environ.get("MANIFOLD_SHARED", "")
pytestmark = pytest.mark.skipif(not SHARED, reason="needs the recordings")


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
