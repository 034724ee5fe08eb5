"""apis.kcp.io between its two versions: what is recorded of it, and that nothing is lost."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.types.kcp.conversion import BindingConversion, ExportConversion, split_schema_name

EXPORT, BINDING = ExportConversion(), BindingConversion()
PREFIX = "apis.v1alpha2.kcp.io/"
VERBS = ["get", "list"]


def export(spec: Any, version: str = "v1alpha2", annotations: Any = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "ex.io"}
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": f"apis.kcp.io/{version}", "kind": "APIExport", "metadata": metadata, "spec": spec}


def test_verbs_of_an_export_travel_in_an_annotation() -> None:
    stored = export(
        {
            "resources": [{"group": "ex.io", "name": "widgets", "schema": "v1.widgets.ex.io", "storage": {"crd": {}}}],
            "permissionClaims": [{"group": "", "resource": "configmaps", "identityHash": "", "verbs": VERBS}],
        }
    )
    served = EXPORT.from_stored(copy.deepcopy(stored))
    assert served["apiVersion"] == "apis.kcp.io/v1alpha1"
    assert served["spec"] == {
        "latestResourceSchemas": ["v1.widgets.ex.io"],
        "permissionClaims": [{"resource": "configmaps"}],
    }
    assert served["metadata"]["annotations"] == {
        PREFIX + "permission-claims": '[{"resource":"configmaps","verbs":["get","list"]}]'
    }
    assert served["status"] == {}


def test_an_export_written_in_the_old_version_keeps_its_claims() -> None:
    old = export(
        {"latestResourceSchemas": ["v1.pods.core"], "permissionClaims": [{"resource": "configmaps", "all": True}]},
        "v1alpha1",
    )
    stored = EXPORT.to_stored(copy.deepcopy(old))
    assert stored["spec"] == {
        "resources": [{"group": "", "name": "pods", "schema": "v1.pods.core", "storage": {"crd": {}}}],
        "permissionClaims": [{"group": "", "resource": "configmaps", "identityHash": "", "verbs": ["*"]}],
    }
    assert stored["metadata"]["annotations"] == {
        PREFIX + "v1alpha1-permission-claims": '[{"resource":"configmaps","all":true}]'
    }
    assert EXPORT.from_stored(stored)["spec"] == old["spec"]
    assert "annotations" not in stored["metadata"]


def test_virtual_storage_travels_in_an_annotation() -> None:
    virtual = {"identityHash": "h", "reference": {"kind": "Slice", "name": "s"}}
    resource = {"group": "ex.io", "name": "gadgets", "schema": "v1.gadgets.ex.io", "storage": {"virtual": virtual}}
    stored = export({"resources": [resource]})
    served = EXPORT.from_stored(copy.deepcopy(stored))
    assert "latestResourceSchemas" not in served["spec"]
    assert json.loads(served["metadata"]["annotations"][PREFIX + "resource-schemas"]) == [resource]
    assert EXPORT.to_stored(served)["spec"] == stored["spec"]


def binding(spec_claims: Any, status: Any = None, version: str = "v1alpha2") -> dict[str, Any]:
    obj: dict[str, Any] = {
        "apiVersion": f"apis.kcp.io/{version}",
        "kind": "APIBinding",
        "metadata": {"name": "ex"},
        "spec": {"reference": {"export": {"name": "ex.io"}}, "permissionClaims": spec_claims},
    }
    if status is not None:
        obj["status"] = status
    return obj


def test_claims_of_a_binding_with_verbs() -> None:
    claim = {"resource": "configmaps", "verbs": VERBS, "selector": {"matchAll": True}, "state": "Accepted"}
    full = {"group": "", "identityHash": "", **claim}
    applied = {name: value for name, value in full.items() if name != "state"}
    stored = binding([full], {"appliedPermissionClaims": [applied]})
    served = BINDING.from_stored(copy.deepcopy(stored))
    assert served["spec"]["permissionClaims"] == [{"resource": "configmaps", "all": True, "state": "Accepted"}]
    assert served["status"]["appliedPermissionClaims"] == [{"resource": "configmaps", "all": True}]
    annotations = served["metadata"]["annotations"]
    assert json.loads(annotations[PREFIX + "acceptable-permission-claims"]) == [claim]
    assert list(annotations) == [
        PREFIX + "acceptable-permission-claims",
        PREFIX + "status-applied-permission-claims",
    ]
    assert BINDING.to_stored(served) == stored


def test_a_client_of_the_old_version_can_reject_a_claim() -> None:
    claim = {"group": "", "identityHash": "", "resource": "configmaps", "verbs": VERBS}
    stored = binding([{**claim, "selector": {"matchLabels": {"a": "b"}}, "state": "Accepted"}])
    served = BINDING.from_stored(stored)
    served["spec"]["permissionClaims"][0]["state"] = "Rejected"
    back = BINDING.to_stored(served)["spec"]["permissionClaims"]
    assert back == [{**claim, "selector": {"matchLabels": {"a": "b"}}, "state": "Rejected"}]


def test_resource_selectors_are_kept_for_clients_of_the_old_version() -> None:
    claim = {"resource": "configmaps", "resourceSelector": [{"name": "x"}], "state": "Accepted"}
    old = binding([claim], version="v1alpha1")
    stored = BINDING.to_stored(copy.deepcopy(old))
    assert stored["spec"]["permissionClaims"][0]["selector"] == {"matchAll": True}
    assert BINDING.from_stored(stored)["spec"] == old["spec"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [("v1.widgets.ex.io", ("widgets", "ex.io")), ("v1.pods.core", ("pods", "")), ("v1.pods", None), ("x", None)],
)
def test_names_of_schemas(name: str, parts: Any) -> None:
    assert split_schema_name(name) == parts


IDENTITIES = st.sampled_from(["", "h1"])
SELECTORS = st.sampled_from([{"matchAll": True}, {"matchLabels": {"a": "b"}}])
CLAIM = st.fixed_dictionaries(
    {
        "group": st.sampled_from(["", "ex.io"]),
        "identityHash": IDENTITIES,
        "resource": st.sampled_from(["configmaps", "things"]),
        "verbs": st.sampled_from([["*"], ["get"], ["get", "list"]]),
    },
    optional={"defaultSelector": SELECTORS},
)


def unique(claims: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(c["group"], c["resource"], c["identityHash"]): c for c in claims}.values())


@given(st.lists(CLAIM, max_size=4))
def test_reading_an_export_in_the_old_version_and_writing_it_back_changes_nothing(claims: Any) -> None:
    spec = {"permissionClaims": unique(claims)} if claims else {}
    stored = {**export(spec), "status": {}}
    back = EXPORT.to_stored(EXPORT.from_stored(copy.deepcopy(stored)))
    back["metadata"].get("annotations", {}).pop(PREFIX + "v1alpha1-permission-claims", None)
    assert back["spec"] == stored["spec"]
    assert back["metadata"].get("annotations", {}) == {}


@given(st.lists(st.tuples(CLAIM, SELECTORS, st.sampled_from(["Accepted", "Rejected"])), max_size=4))
def test_reading_a_binding_in_the_old_version_and_writing_it_back_changes_nothing(claims: Any) -> None:
    spec = unique([{**claim, "selector": selector, "state": state} for claim, selector, state in claims])
    exported = unique([claim for claim, _, _ in claims])
    applied = [{name: value for name, value in claim.items() if name != "state"} for claim in spec]
    status = {"exportPermissionClaims": exported, "appliedPermissionClaims": applied}
    stored = binding(spec, status)
    assert BINDING.to_stored(BINDING.from_stored(copy.deepcopy(stored))) == stored


_MALFORMED = ("{", "5", '{"resource":"configmaps"}', "[5]", '[{"resource":["configmaps"]}]', '[{"verbs":"get"}]')
_MALFORMED += ('[{"verbs":[1]}]', '[{"selector":"x"}]', '[{"selector":{"matchLabels":{"a":5}}}]', '[{"all":1}]')
_NO_RESOURCES = ('[{"name":"x"}]', '[{"name":"x","schema":5}]', '[{"name":"x","schema":"v1.x.y","storage":7}]')
_NO_RESOURCES += ('[{"name":"x","schema":"v1.x.y"}]', '[{"name":"x","schema":"v1.x.y","storage":{}}]')
_CLAIM_ANNOTATIONS = (
    "permission-claims",
    "acceptable-permission-claims",
    "v1alpha1-permission-claims",
    "status-export-permission-claims",
    "status-applied-permission-claims",
    "v1alpha1-status-export-permission-claims",
    "v1alpha1-status-applied-permission-claims",
)


@pytest.mark.parametrize("text", _MALFORMED)
def test_annotations_that_cannot_be_read_say_nothing(text: str) -> None:
    annotations = dict.fromkeys((PREFIX + name for name in _CLAIM_ANNOTATIONS), text)
    claims = [{"group": "", "resource": "configmaps", "identityHash": "", "verbs": ["*"]}]
    served = EXPORT.from_stored(export({"permissionClaims": claims}, annotations=dict(annotations)))
    assert served["spec"] == {"permissionClaims": [{"resource": "configmaps"}]}
    answered = [{**claims[0], "selector": {"matchAll": True}, "state": "Accepted"}]
    stored = binding(copy.deepcopy(answered), {"exportPermissionClaims": copy.deepcopy(claims)})
    stored["metadata"]["annotations"] = dict(annotations)
    served = BINDING.from_stored(stored)
    assert served["spec"]["permissionClaims"] == [{"resource": "configmaps", "all": True, "state": "Accepted"}]
    served["metadata"].setdefault("annotations", {}).update(annotations)
    assert BINDING.to_stored(served)["spec"]["permissionClaims"] == answered


@pytest.mark.parametrize("text", [*_MALFORMED, *_NO_RESOURCES])
def test_resources_that_cannot_be_read_are_none(text: str) -> None:
    old = export({}, "v1alpha1", {PREFIX + "resource-schemas": text})
    assert "resources" not in EXPORT.to_stored(old)["spec"]
