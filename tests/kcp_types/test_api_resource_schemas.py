"""APIResourceSchemas: what they refuse, and that they never change."""

from __future__ import annotations

from typing import Any

import pytest
from kcp_objects import create, kind_of, update

SCHEMA = {
    "group": "ex.io",
    "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
    "scope": "Namespaced",
    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"type": "object"}}],
}


def schema(**changes: Any) -> dict[str, Any]:
    return {**SCHEMA, **changes}


def version(**changes: Any) -> dict[str, Any]:
    return {"name": "v1", "served": True, "storage": True, "schema": {"type": "object"}, **changes}


@pytest.mark.parametrize(
    ("spec", "name", "errors"),
    [
        (SCHEMA, "v1.widgets.ex.io", []),
        (schema(group=""), "v1.widgets.core", []),
        (
            schema(group="core"),
            "v1.widgets.core",
            [
                '403 apiresourceschemas.apis.kcp.io "v1.widgets.core" is forbidden: [spec.group: '
                'Invalid value: "core": must be empty string for the core group]'
            ],
        ),
        (
            SCHEMA,
            "widgets.ex.io",
            [
                '403 apiresourceschemas.apis.kcp.io "widgets.ex.io" is forbidden: [metadata.name: Invalid value: '
                '"widgets.ex.io": must end in .widgets.ex.io]'
            ],
        ),
        (
            SCHEMA,
            "1.widgets.ex.io",
            [
                '403 apiresourceschemas.apis.kcp.io "1.widgets.ex.io" is forbidden: [metadata.name: Invalid value: '
                '"1.widgets.ex.io": must match ^[a-z]([-a-z0-9]*[a-z0-9])?$ in front of .widgets.ex.io]'
            ],
        ),
        (
            schema(versions=[version(storage=False)]),
            "v1.widgets.ex.io",
            [
                '403 apiresourceschemas.apis.kcp.io "v1.widgets.ex.io" is forbidden: [spec.versions: Invalid value: '
                '[{"name":"v1","served":true,"storage":false,"schema":{"type":"object"},"subresources":{}}]: '
                "must have exactly one version marked as storage version]"
            ],
        ),
        (
            schema(versions=[version(), version(name="v2", storage=False)]),
            "v1.widgets.ex.io",
            ["spec: Invalid value: Conversion must be specified when multiple versions exist"],
        ),
        (
            schema(conversion={"strategy": "Webhook"}),
            "v1.widgets.ex.io",
            ["spec.conversion: Invalid value: Webhook must be specified if strategy=Webhook"],
        ),
        (
            schema(versions=[version(schema={"type": "object", "properties": {"spec": {"properties": {}}}})]),
            "v1.widgets.ex.io",
            [
                '403 apiresourceschemas.apis.kcp.io "v1.widgets.ex.io" is forbidden: '
                "[spec.versions[0].schema.openAPIV3Schema.properties[spec].type: Required value: "
                "must not be empty for specified object fields]"
            ],
        ),
    ],
)
def test_creation(spec: Any, name: str, errors: list[str]) -> None:
    assert create(kind_of("apiresourceschemas"), spec, name)[0] == errors


def test_a_schema_never_changes() -> None:
    kind = kind_of("apiresourceschemas")
    (refusal,) = update(kind, {"spec": schema(scope="Cluster")}, {"spec": SCHEMA}, name="v1.widgets.ex.io")
    assert refusal == (
        '403 apiresourceschemas.apis.kcp.io "v1.widgets.ex.io" is forbidden: [spec: Invalid value: {"group":"ex.io",'
        '"names":{"plural":"widgets","singular":"widget","kind":"Widget","listKind":"WidgetList"},"scope":"Cluster",'
        '"versions":[{"name":"v1","served":true,"storage":true,"schema":{"type":"object"},"subresources":{}}],'
        '"nameValidation":"DNS1123Subdomain"}: is immutable]'
    )
