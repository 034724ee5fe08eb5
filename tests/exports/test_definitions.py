"""CustomResourceDefinitions as objects: what is reserved, and what the server says of them."""

import json

import pytest

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def definition(group="example.dev"):
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    }


def told(obj):
    return {one["type"]: (one["status"], one["reason"]) for one in obj["status"]["conditions"]}


ESTABLISHED = {
    "NamesAccepted": ("True", "NoConflicts"),
    "Established": ("True", "InitialNamesAccepted"),
}


def test_definition_is_established_whoever_writes_its_status(workspace):
    status, made = workspace.request("POST", DEFINITIONS, definition())
    assert status == 201, made
    assert told(made) == ESTABLISHED
    path = f"{DEFINITIONS}/widgets.example.dev"
    forged = {"type": "Established", "status": "False", "lastTransitionTime": "2030-01-01T00:00:00Z"}
    body = json.dumps({"status": {"conditions": [{**forged, "reason": "x", "message": "x"}]}})
    headers = {"Content-Type": "application/merge-patch+json"}
    status, found = workspace.request("PATCH", f"{path}/status", body, headers=headers)
    assert status == 200, found
    assert told(found) == ESTABLISHED
    assert workspace.request("GET", "/apis/example.dev/v1/widgets")[0] == 200


@pytest.mark.parametrize("group", ["apis.kcp.io", "x.apis.kcp.io"])
def test_groups_of_the_server_are_reserved(workspace, group):
    status, found = workspace.request("POST", DEFINITIONS, definition(group))
    assert status == 403
    assert found["message"].endswith(f"is forbidden: {group} is a reserved group")
