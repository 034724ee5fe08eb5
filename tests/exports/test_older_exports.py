"""Exports that were made in v1alpha2, and writers that know v1alpha1 only."""

import json

import pytest
from provider import EXPORTS, create, read

OLDER = EXPORTS.replace("v1alpha2", "v1alpha1")
APPLY = {"Content-Type": "application/apply-patch+yaml"}
VERBS = {"group": "", "resource": "configmaps", "verbs": ["get", "list"], "identityHash": ""}
EVERYTHING = {"group": "", "resource": "secrets", "verbs": ["*"], "identityHash": ""}


@pytest.fixture
def made(workspace):
    body = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": "ex"}}
    create(workspace, EXPORTS, {**body, "spec": {"permissionClaims": [VERBS]}})
    return workspace


def apply(workspace, path, version, spec, manager):
    body = {"apiVersion": f"apis.kcp.io/{version}", "kind": "APIExport", "metadata": {"name": "ex"}, "spec": spec}
    sent = f"{path}/ex?fieldManager={manager}"
    status, found = workspace.request("PATCH", sent, json.dumps(body), headers=APPLY)
    assert status in (200, 201), found
    return found


def claims(workspace):
    return read(workspace, f"{EXPORTS}/ex")["spec"].get("permissionClaims", [])


def test_what_was_read_can_be_written_back(made):
    """Its claims say neither `all` nor a selector, because v1alpha2 has neither."""
    found = read(made, f"{OLDER}/ex")
    assert found["spec"]["permissionClaims"] == [{"resource": "configmaps"}]
    status, answer = made.request("PUT", f"{OLDER}/ex", found)
    assert (status, answer["metadata"]["resourceVersion"]) == (200, found["metadata"]["resourceVersion"])
    assert claims(made) == [VERBS]


def test_a_writer_adds_a_claim_to_those_of_others(made):
    found = read(made, f"{OLDER}/ex")
    found["spec"]["permissionClaims"].append({"resource": "secrets", "all": True})
    status, answer = made.request("PUT", f"{OLDER}/ex", found)
    assert status == 200, answer
    assert claims(made) == [VERBS, EVERYTHING]
    found["metadata"] = answer["metadata"]
    found["spec"]["permissionClaims"].append({"resource": "namespaces"})
    status, answer = made.request("PUT", f"{OLDER}/ex", found)
    assert (status, answer["details"]["causes"][0]["field"]) == (422, "spec.permissionClaims[2]")


def test_appliers_of_both_versions(workspace):
    apply(workspace, EXPORTS, "v1alpha2", {"permissionClaims": [VERBS]}, "newer")
    wanted = {"permissionClaims": [{"group": "", "resource": "secrets", "all": True}]}
    first = apply(workspace, OLDER, "v1alpha1", wanted, "older")
    assert claims(workspace) == [VERBS, EVERYTHING]
    again = apply(workspace, OLDER, "v1alpha1", wanted, "older")
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    apply(workspace, OLDER, "v1alpha1", {"permissionClaims": []}, "older")
    assert claims(workspace) == [VERBS]
