"""Objects inside custom resources (`x-kubernetes-embedded-resource`): their metadata is that of any object."""

import json

import pytest
from custom_definitions import APPLY, MERGE, define, definition, instance, version

WIDGETS = "/apis/example.dev/v1/namespaces/default/widgets"
TEMPLATE = {
    "type": "object",
    "x-kubernetes-embedded-resource": True,
    "properties": {
        "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
        "spec": {"type": "object", "properties": {"size": {"type": "integer"}}},
    },
}
SPEC = {
    "type": "object",
    "properties": {
        "template": TEMPLATE,
        "others": {"type": "object", "additionalProperties": TEMPLATE},
        "list": {"type": "array", "items": TEMPLATE},
    },
}
UNKNOWN = [
    "metadata.bogus",
    "spec.odd",
    "spec.template.spec.odd",
    "spec.list[0].metadata.odd",
    "spec.others[a].metadata.ownerReferences[0].odd",
    "spec.template.metadata.odd",
]


@pytest.fixture
def widgets(workspace):
    define(workspace, definition(versions=[version(spec=SPEC)]))
    return workspace


def inner(name="inner", **more):
    return {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": name, **more.pop("metadata", {})}, **more}


def spoilt(**more):
    owner = {"apiVersion": "v1", "kind": "X", "name": "x", "uid": "u", "odd": 1}
    spec = {
        "odd": 1,
        "template": inner(metadata={"odd": 1, "labels": {"a": "b"}}, spec={"size": 1, "odd": 1}),
        "list": [inner(metadata={"odd": {"x": 1}})],
        "others": {"a": inner(metadata={"ownerReferences": [owner]})},
    }
    return instance(metadata={"bogus": 1}, spec=spec, **more)


def kept(obj):
    owner = {"apiVersion": "v1", "kind": "X", "name": "x", "uid": "u"}
    assert obj["spec"] == {
        "template": inner(metadata={"labels": {"a": "b"}}, spec={"size": 1}),
        "list": [inner()],
        "others": {"a": inner(metadata={"ownerReferences": [owner]})},
    }
    assert "bogus" not in obj["metadata"]


def refusal():
    told = ", ".join(f'unknown field "{path}"' for path in UNKNOWN)
    return f'Widget in version "v1" cannot be handled as a Widget: strict decoding error: {told}'


def test_unknown_fields_are_dropped_and_told_in_order(widgets):
    body = json.dumps(spoilt())
    done = widgets.kubectl("create", "--validate=warn", "-f", "-", "-o", "json", input=body)
    kept(json.loads(done.stdout))
    assert done.stderr.splitlines() == [f'Warning: unknown field "{path}"' for path in UNKNOWN]
    done = widgets.kubectl("replace", "--validate=ignore", "-f", "-", "-o", "json", input=body)
    kept(json.loads(done.stdout))
    assert done.stderr == ""
    done = widgets.kubectl("replace", "--validate=strict", "-f", "-", input=body, check=False)
    assert done.returncode == 1
    assert refusal() in done.stderr


def test_unknown_fields_of_patches(widgets):
    widgets.request("POST", WIDGETS, instance())
    patch = json.dumps({name: spoilt()[name] for name in ("metadata", "spec")})
    status, found = widgets.request("PATCH", f"{WIDGETS}/one?fieldValidation=Strict", patch, headers=MERGE)
    assert status == 422
    assert all(f'unknown field "{path}"' in found["message"] for path in UNKNOWN), found["message"]
    status, found = widgets.request("PATCH", f"{WIDGETS}/one", patch, headers=MERGE)
    assert status == 200, found
    kept(found)


def test_metadata_that_is_none_is_refused(widgets):
    for name, value, said in (
        ("kind", 1, "spec.template.kind: Invalid value: 1: must be a string"),
        ("metadata", [], "spec.template.metadata: Invalid value: []: json: cannot unmarshal array"),
        ("metadata", {"labels": {"a": 1}}, 'spec.template.metadata: Invalid value: {"labels":{"a":1}}: json: cannot'),
    ):
        status, found = widgets.request("POST", WIDGETS, instance(spec={"template": {**inner(), name: value}}))
        assert status == 400, found
        assert found["message"].startswith(f'Widget in version "v1" cannot be handled as a Widget: {said}')


def test_metadata_is_checked_as_that_of_any_object(widgets):
    wrong = inner("a/b", metadata={"namespace": "UP", "labels": {"a": "b c"}, "finalizers": ["x y"]})
    status, found = widgets.request(
        "POST", WIDGETS, instance(spec={"template": {**wrong, "kind": "x y"}, "list": [{}]})
    )
    assert status == 422
    told = [one["field"] for one in found["details"]["causes"]]
    inside = ("kind", "metadata.name", "metadata.namespace", "metadata.labels", "metadata.finalizers")
    wanted = [f"spec.template.{name}" for name in inside]
    assert sorted(told) == sorted([*wanted, "spec.list[0].apiVersion", "spec.list[0].kind"])


def test_owners_in_the_metadata_are_checked(widgets):
    owners = [
        {"manager": "ok", "operation": "Update", "fieldsType": "FieldsV1"},
        {},
        {"manager": "m" * 129, "operation": "Create", "fieldsType": "FieldsV2", "subresource": "s" * 257},
        {"manager": "a\u0001", "operation": "Apply"},
    ]
    body = instance(spec={"template": inner(metadata={"managedFields": owners})})
    status, refused = widgets.request("POST", WIDGETS, body)
    assert status == 422, refused
    place = "spec.template.metadata.managedFields"
    assert [(one["field"], one["message"]) for one in refused["details"]["causes"]] == [
        (f"{place}[1].operation", 'Invalid value: "": must be `Apply` or `Update`'),
        (f"{place}[2].operation", 'Invalid value: "Create": must be `Apply` or `Update`'),
        (f"{place}[2].fieldsType", 'Invalid value: "FieldsV2": must be `FieldsV1`'),
        (f"{place}[2].manager", "Too long: may not be more than 128 bytes"),
        (f"{place}[2].subresource", "Too long: may not be more than 256 bytes"),
        (f"{place}[3].manager", 'Invalid value: "a\\x01": invalid character U+0001 (at position 1)'),
    ]


def test_appliers_own_single_fields_of_the_metadata(widgets):
    for manager, labels in (("first", {"a": "1"}), ("second", {"b": "2"})):
        body = instance(spec={"template": inner(metadata={"labels": labels})})
        path = f"{WIDGETS}/one?fieldManager={manager}"
        status, found = widgets.request("PATCH", path, json.dumps(body), headers=APPLY)
        assert status in (200, 201), found
    assert found["spec"]["template"]["metadata"] == {"name": "inner", "labels": {"a": "1", "b": "2"}}
    body = instance(spec={"template": inner(metadata={"odd": 1})})
    path = f"{WIDGETS}/one?fieldManager=third&force=true"
    status, found = widgets.request("PATCH", path, json.dumps(body), headers=APPLY)
    assert status == 500
    assert found["message"].endswith("spec.template.metadata.odd: field not declared in schema")
