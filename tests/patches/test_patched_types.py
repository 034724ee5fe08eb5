"""What a patch makes is still of the type: a change of `kind` or `apiVersion` is refused, and never passed over. A
refusal shows what the patch has made, in the order in which Kubernetes has it.
"""

import json
import re

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


@pytest.mark.parametrize(
    ("media_type", "body", "shown"),
    [
        (
            MERGE,
            {"data": {"z": "1", "b": 2, "a": None}},
            '{"apiVersion":"v1","data":{"b":2,"c":"<>","z":"1"},"immutable":false,"kind":"ConfigMap"}',
        ),
        (
            MERGE,
            {"x": [{"b": 1, "a": {"d": None, "c": 1}}], "metadata": {"labels": {"n": 1}}},
            '{"apiVersion":"v1","data":{"a":"b","b":"a","c":"<>"},"immutable":false,"kind":"ConfigMap",'
            '"x":[{"a":{"c":1,"d":null},"b":1}]}',
        ),
        (
            JSON_PATCH,
            [{"op": "add", "path": "/data/aa", "value": {"y": 1, "x": 2}}],
            '{"apiVersion":"v1","data":{"a":"b","aa":{"y":1,"x":2},"b":"a","c":"<>"},"immutable":false,'
            '"kind":"ConfigMap"}',
        ),
        (
            JSON_PATCH,
            [{"op": "replace", "path": "/immutable", "value": 1}],
            '{"apiVersion":"v1","data":{"a":"b","b":"a","c":"<>"},"immutable":1,"kind":"ConfigMap"}',
        ),
    ],
)
def test_a_refusal_shows_what_the_patch_has_made(workspace, media_type, body, shown):
    metadata = {"labels": {"z": "", "y": ""}, "name": "shown"}
    made = {"data": {"c": "<>", "b": "a", "a": "b"}, "immutable": False, "metadata": metadata}
    status, made = workspace.request("POST", MAPS, made)
    assert status == 201, made
    headers = {"Content-Type": media_type}
    status, refusal = workspace.request("PATCH", f"{MAPS}/shown", json.dumps(body), headers=headers)
    assert (status, refusal["reason"]) == (422, "Invalid")
    (cause,) = refusal["details"]["causes"]
    value = json.loads(re.fullmatch(r'Invalid value: ("(?:[^"\\]|\\.)*"): json: .*', cause["message"])[1])
    assert r'"c":"\u003c\u003e"' in value
    told = json.loads(value)
    metadata = list(told.pop("metadata"))
    parts = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp", "labels", "annotations"]
    parts.append("managedFields")
    assert metadata == (sorted(parts) if "metadata" in body else parts)
    assert json.dumps(told, separators=(",", ":")) == shown
