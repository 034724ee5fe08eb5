"""Exports, bindings and endpoint slices: what they refuse, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kcp_objects import SKIPPED, create, kind_of, made, update

CRD = {"crd": {}}
RESOURCE = {"group": "ex.io", "name": "widgets", "schema": "v1.widgets.ex.io", "storage": CRD}
REFERENCE = {"reference": {"export": {"name": "ex.io", "path": "root:prov"}}}
CLAIM = {"group": "", "resource": "configmaps", "verbs": ["get"], "state": "Accepted", "selector": {"matchAll": True}}


def bound(*claims: Any) -> dict[str, Any]:
    return {**REFERENCE, "permissionClaims": list(claims)}


@pytest.mark.parametrize(
    ("resource", "spec", "name", "errors"),
    [
        ("apiexports/v1alpha2", {"resources": [RESOURCE]}, "a", []),
        (
            "apiexports/v1alpha2",
            {"resources": [RESOURCE, RESOURCE]},
            "a",
            ['spec.resources[1]: Duplicate value: {"group":"ex.io","name":"widgets"}'],
        ),
        (
            "apiexports/v1alpha2",
            {"resources": [{**RESOURCE, "storage": {}}]},
            "a",
            [
                '<nil>: Invalid value: "": "spec.resources[0].storage" must validate one and only one schema (oneOf). '
                "Found none valid",
                "spec.resources[0].storage.crd: Required value",
                SKIPPED,
            ],
        ),
        (
            "apiexports/v1alpha2",
            {"resources": [{**RESOURCE, "group": "other.io"}]},
            "a",
            [
                '403 apiexports.apis.kcp.io "a" is forbidden: spec.resources[0].schema: Invalid value: '
                '"v1.widgets.ex.io": must end in .widgets.other.io'
            ],
        ),
        (
            "apiexports/v1alpha2",
            {"permissionClaims": [{"group": "other.io", "resource": "things", "verbs": ["get"]}]},
            "a",
            [
                '403 apiexports.apis.kcp.io "a" is forbidden: spec.permissionClaims[0].identityHash: '
                'Invalid value: "": identityHash is required for API types that are not built-in'
            ],
        ),
        *(
            (
                "apiexports/v1alpha1",
                {"latestResourceSchemas": wrong},
                "a",
                [f'spec.latestResourceSchemas: Invalid value: "{kind}": {text}: "{kind}"', SKIPPED],
            )
            for wrong, kind in ((0.5, "number"), (7, "integer"), ("v1.widgets.ex.io", "string"), ({"a": 1}, "object"))
            for text in ("spec.latestResourceSchemas in body must be of type array",)
        ),
        (
            "apiexports/v1alpha1",
            {"permissionClaims": [{"resource": "configmaps"}]},
            "a",
            ['spec.permissionClaims[0]: Invalid value: either "all" or "resourceSelector" must be set'],
        ),
        (
            "apiexports/v1alpha1",
            {"permissionClaims": [{"resource": "configmaps", "resourceSelector": [{}]}]},
            "a",
            ["spec.permissionClaims[0].resourceSelector[0]: Invalid value: at least one field must be set"],
        ),
        ("apibindings/v1alpha2", bound(CLAIM), "a", []),
        ("apibindings/v1alpha2", {}, "a", ["spec.reference: Required value", SKIPPED]),
        (
            "apibindings/v1alpha2",
            {"reference": {}},
            "a",
            ['403 apibindings.apis.kcp.io "a" is forbidden: [spec.reference.export: Required value]'],
        ),
        (
            "apibindings/v1alpha2",
            bound({**CLAIM, "state": "Maybe"}),
            "a",
            [
                'spec.permissionClaims[0].state: Unsupported value: "Maybe": supported values: "Accepted", "Rejected"',
                SKIPPED,
            ],
        ),
        (
            "apibindings/v1alpha2",
            bound({name: value for name, value in CLAIM.items() if name != "selector"}),
            "a",
            [
                '403 apibindings.apis.kcp.io "a" is forbidden: [spec.permissionClaims[0].selector: Required value: '
                "either one of matchAll, matchLabels, or matchExpressions must be set]"
            ],
        ),
        (
            "apibindings/v1alpha2",
            bound({**CLAIM, "selector": {"matchAll": True, "matchLabels": {"a": "b"}}}),
            "a",
            [
                '403 apibindings.apis.kcp.io "a" is forbidden: [spec.permissionClaims[0].selector.matchLabels: '
                'Invalid value: {"matchLabels":{"a":"b"},"matchAll":true}: matchLabels cannot be used with matchAll]'
            ],
        ),
    ],
)
def test_creation(resource: str, spec: Any, name: str, errors: list[str]) -> None:
    plural, _, api_version = resource.partition("/")
    assert create(kind_of(plural, api_version), spec, name)[0] == errors


OTHER = {"reference": {"export": {"name": "other"}}}
KEYED_CLAIM = {**CLAIM, "group": "ex.io", "identityHash": "h"}


@pytest.mark.parametrize(
    ("resource", "new", "old", "errors"),
    [
        (
            "apibindings/v1alpha2",
            OTHER,
            REFERENCE,
            ["spec.reference: Invalid value: APIExport reference must not be changed"],
        ),
        (
            "apiexportendpointslices/v1alpha1",
            {"export": {"name": "b"}},
            {"export": {"name": "a"}},
            ["spec.export: Invalid value: APIExport reference must not be changed"],
        ),
        (
            "apibindings/v1alpha2",
            bound({**CLAIM, "selector": {"matchLabels": {"a": "b"}}}),
            bound(CLAIM),
            [],
        ),
        (
            "apibindings/v1alpha2",
            bound({**KEYED_CLAIM, "selector": {"matchLabels": {"a": "b"}}}),
            bound(KEYED_CLAIM),
            ["spec.permissionClaims[0].selector: Invalid value: Permission claim selector is immutable"],
        ),
        (
            "apiexports/v1alpha1",
            {"permissionClaims": [{"resource": "configmaps"}, {"resource": "secrets", "all": True}]},
            {"permissionClaims": [{"resource": "configmaps"}]},
            [],
        ),
    ],
)
def test_changes(resource: str, new: Any, old: Any, errors: list[str]) -> None:
    plural, _, api_version = resource.partition("/")
    assert update(kind_of(plural, api_version), {"spec": new}, {"spec": old}) == errors


@pytest.mark.parametrize(
    ("resource", "new", "old", "errors"),
    [
        (
            "apibindings/v1alpha2",
            {"status": {}},
            {"spec": REFERENCE, "status": {"phase": "Bound"}},
            [
                '403 apibindings.apis.kcp.io "x" is forbidden: [status.phase: Invalid value: "": '
                'cannot transition from "Bound" to ""]'
            ],
        ),
    ],
)
def test_status(resource: str, new: Any, old: Any, errors: list[str]) -> None:
    plural, _, api_version = resource.partition("/")
    kind = kind_of(plural, api_version)
    assert update(kind, {"spec": None, **new}, {"spec": None, **old}, "status") == errors


def test_a_writer_of_the_old_version_cannot_lose_what_annotations_say_of_the_status() -> None:
    kind = kind_of("apibindings")
    name = "apis.v1alpha2.kcp.io/status-applied-permission-claims"
    old = made(kind, REFERENCE)
    old["metadata"]["annotations"] = {name: "[]"}
    new = made(kind, REFERENCE)
    kind.strategy.prepare_update(new, old)
    assert new["metadata"]["annotations"] == {name: "[]"}


@pytest.mark.parametrize(
    ("resource", "annotation", "text"),
    [
        ("apiexports", "resource-schemas", '[{"name":"x"}]'),
        ("apiexports", "resource-schemas", '[{"name":"x","group":"y","schema":"v1.x.y","storage":7}]'),
        ("apiexports", "permission-claims", '[{"resource":"configmaps","verbs":"get"}]'),
        ("apibindings", "acceptable-permission-claims", '[{"resource":"configmaps","selector":"x"}]'),
        ("apibindings", "acceptable-permission-claims", '[{"resource":["configmaps"]}]'),
    ],
)
def test_annotations_of_the_old_version_that_cannot_be_read(resource: str, annotation: str, text: str) -> None:
    claim = {"resource": "configmaps", "all": True}
    spec = {"permissionClaims": [claim]} if resource == "apiexports" else bound({**claim, "state": "Accepted"})
    key = f"apis.v1alpha2.kcp.io/{annotation}"
    errors, _ = create(kind_of(resource), spec, metadata={"name": "a", "annotations": {key: text}})
    place = f"metadata.annotations[{key}]: Invalid value: {json.dumps(text)}: failed to decode annotation"
    assert errors == [f'403 {resource}.apis.kcp.io "a" is forbidden: {place}']
