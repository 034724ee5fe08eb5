"""Every type and field that is served is described."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from manifold.schema.loading import built_in_schemas
from manifold.schema.openapi import describing
from manifold.schema.openapi.components import components
from manifold.schema.openapi.custom import custom_component
from manifold.schema.openapi.resources import Resource
from manifold.types.kcp import EXPORTED_TYPES, SYSTEM_TYPES, openapi_schema

KCP_TYPES = [*SYSTEM_TYPES, *(kind for exported in EXPORTED_TYPES.values() for kind in exported)]


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All fields of a nested schema with their paths, which go through lists and maps."""
    for name, child in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here, child
        inner = child
        while isinstance(below := inner.get("items", inner.get("additionalProperties")), dict):
            inner = below
        yield from fields(inner, here)


def component_of(kind: Any) -> tuple[Resource, dict[str, Any]]:
    resource = Resource(
        kind.group,
        kind.version,
        kind.resource,
        kind.kind,
        kind.list_kind,
        kind.namespaced,
        kind.verbs,
        kind.schema_name,
        custom=openapi_schema(kind),
    )
    return resource, custom_component(resource)


def test_every_field_of_every_built_in_type_is_described() -> None:
    missing = []
    for name, schema in components(built_in_schemas()).items():
        if not schema.get("description"):
            missing.append(name)
        missing += [
            f"{name} {field}" for field, child in schema.get("properties", {}).items() if not child.get("description")
        ]
    assert missing == []


@pytest.mark.parametrize("kind", KCP_TYPES, ids=lambda kind: f"{kind.api_version}.{kind.kind}")
def test_every_field_of_a_system_type_is_described(kind: Any) -> None:
    _, schema = component_of(kind)
    assert schema["description"]
    assert [path for path, child in fields(schema) if not child.get("description")] == []


@pytest.mark.parametrize("kind", KCP_TYPES, ids=lambda kind: f"{kind.api_version}.{kind.kind}")
def test_nothing_is_described_that_a_system_type_does_not_have(kind: Any) -> None:
    _, schema = component_of(kind)
    assert set(describing.texts_of(kind.schema_name)) - {path for path, _ in fields(schema)} == {""}


def test_nothing_is_described_that_a_built_in_type_does_not_have() -> None:
    for name, node in built_in_schemas().items():
        common = {"", "apiVersion", "kind", "metadata", "items"}
        assert set(describing.texts_of(name)) <= common | set(node.properties), name


def test_descriptions_are_sentences() -> None:
    for name in built_in_schemas():
        for path, text in describing.texts_of(name).items():
            assert text.endswith("."), (name, path)
            assert text == text.strip(), (name, path)


def test_lists_are_described_after_their_kind() -> None:
    assert describing.texts_of("io.k8s.api.core.v1.ConfigMapList")[""].startswith("One page of ConfigMap objects")


def test_what_is_not_known_has_no_description() -> None:
    assert describing.texts_of("com.example.v1.Widget") == {}
    assert describing.texts_of("io.k8s.api.core.v1.NopeList") == {}
