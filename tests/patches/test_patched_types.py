"""What a patch makes is still of the type: a change of `kind` or `apiVersion` is refused, and never passed over."""

import json

import pytest

MAPS = "/api/v1/namespaces/default/configmaps"
JSON_PATCH, MERGE, STRATEGIC = (
    f"application/{one}+json" for one in ("json-patch", "merge-patch", "strategic-merge-patch")
)


def patched(workspace, media_type, body):
    status, made = workspace.request("POST", MAPS, {"metadata": {"generateName": "kept-"}, "data": {"a": "b"}})
    assert status == 201, made
    path = f"{MAPS}/{made['metadata']['name']}"
    status, answer = workspace.request("PATCH", path, json.dumps(body), headers={"Content-Type": media_type})
    assert workspace.request("GET", path) == (200, made)
    return status, answer


@pytest.mark.parametrize(
    ("media_type", "body", "why"),
    [
        (MERGE, {"kind": "Secret"}, "converting (v1.Secret) to (core.ConfigMap): unknown conversion"),
        (
            MERGE,
            {"kind": "Nope"},
            'no kind "Nope" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"',
        ),
        (
            MERGE,
            {"apiVersion": "v2"},
            'no kind "ConfigMap" is registered for version "v2" in scheme "pkg/runtime/scheme',
        ),
        (
            JSON_PATCH,
            [{"op": "replace", "path": "/kind", "value": "Secret"}],
            "converting (v1.Secret) to (core.ConfigMap): unknown conversion",
        ),
    ],
)
def test_another_type_is_refused(workspace, media_type, body, why):
    status, refusal = patched(workspace, media_type, body)
    assert (status, refusal["reason"]) == (422, "Invalid")
    (cause,) = refusal["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldValueInvalid", "patch")
    assert f": {why}" in cause["message"]


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (MERGE, {"kind": None}),
        (MERGE, {"kind": "ConfigMap", "apiVersion": "v1"}),
        (JSON_PATCH, [{"op": "remove", "path": "/kind"}]),
        (STRATEGIC, {"kind": "Secret"}),
    ],
)
def test_what_says_nothing_of_another_type_changes_nothing(workspace, media_type, body):
    status, answer = patched(workspace, media_type, body)
    assert (status, answer["kind"], answer["apiVersion"]) == (200, "ConfigMap", "v1")
