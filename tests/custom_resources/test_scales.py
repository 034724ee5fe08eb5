"""The scale of a custom resource is judged and shown as any object is."""

import json

import pytest
from custom_definitions import APPLY, MERGE, define, definition, instance, version

SCALE = "/apis/example.dev/v1/namespaces/default/widgets/one/scale"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
MISMATCH = "the namespace of the provided object does not match the namespace sent on the request"
SCALED = version(
    spec={"type": "object", "properties": {"replicas": {"type": "integer"}}},
    subresources={
        "status": {},
        "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
    },
)


@pytest.fixture
def widget(workspace):
    define(workspace, definition(versions=[SCALED]))
    workspace.request("POST", SCALE.removesuffix("/one/scale"), instance(spec={"replicas": 2}))
    return workspace


def scale(**metadata):
    body = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata, "spec": {"replicas": 7}}
    return json.dumps(body)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({}, "the name of the object (one based on URL) was undeterminable: name must be provided"),
        ({"name": "other"}, "the name of the object (other) does not match the name on the URL (one)"),
        ({"name": "one", "namespace": "other"}, MISMATCH),
    ],
)
@pytest.mark.parametrize(("method", "headers"), [("PUT", {}), ("PATCH", APPLY)])
def test_a_scale_of_something_else_is_refused(widget, method, headers, metadata, said):
    status, refused = widget.request(method, f"{SCALE}?fieldManager=tool", scale(**metadata), headers=headers)
    assert (status, refused.get("message")) == (400, said)
    assert widget.request("GET", SCALE)[1]["spec"] == {"replicas": 2}


def test_a_patch_cannot_rename_what_it_scales(widget):
    status, refused = widget.request("PATCH", SCALE, '{"metadata": {"name": "other"}}', headers=MERGE)
    assert (status, refused["message"]) == (
        400,
        "the name of the object (other) does not match the name on the URL (one)",
    )


def test_unknown_fields_are_treated_as_wished(widget):
    body = json.dumps({**json.loads(scale(name="one")), "odd": 1})
    assert widget.request("PUT", f"{SCALE}?fieldValidation=Strict", body)[0] == 400
    status, refused = widget.request("PATCH", f"{SCALE}?fieldValidation=Strict", '{"spec": {"odd": 1}}', headers=MERGE)
    assert status == 422
    (cause,) = refused["details"]["causes"]
    assert cause["field"] == "patch"
    assert cause["message"].endswith('strict decoding error: unknown field "spec.odd"')
    assert widget.request("GET", SCALE)[1]["spec"] == {"replicas": 2}
    assert widget.request("PUT", f"{SCALE}?fieldValidation=Warn", body)[0] == 200


def test_a_patch_that_makes_no_scale_is_refused(widget):
    status, refused = widget.request("PATCH", SCALE, '{"spec": {"replicas": "x"}}', headers=MERGE)
    assert (status, refused["reason"]) == (422, "Invalid")
    assert refused["details"]["causes"][0]["message"].endswith(
        "json: cannot unmarshal string into Go struct field ScaleSpec.spec.replicas of type int32"
    )


def test_a_scale_is_shown_as_a_table(widget):
    status, table = widget.request("GET", SCALE, headers=TABLE)
    assert (status, table["kind"]) == (200, "Table")
    columns = [(column["name"], column["type"]) for column in table["columnDefinitions"]]
    assert columns == [("Name", "string"), ("Desired", "integer"), ("Available", "integer"), ("Age", "date")]
    (row,) = table["rows"]
    assert (row["cells"][:3], row["object"]["metadata"]["name"]) == (["one", 2, 0], "one")
