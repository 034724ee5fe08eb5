"""A patch cannot make another kind of a custom resource."""

import json

import pytest
from custom_definitions import MERGE, define, definition, instance, version

ONE = "/apis/example.dev/v1/namespaces/default/widgets/one"
JSON_PATCH = {"Content-Type": "application/json-patch+json"}


@pytest.fixture
def widget(workspace):
    define(workspace, definition(versions=[version(subresources={"status": {}})]))
    workspace.request("POST", ONE.removesuffix("/one"), instance(spec={"size": 1}))
    return workspace


@pytest.mark.parametrize(
    ("patch", "named", "causes"),
    [
        ({"kind": "Gadget"}, "Gadget.example.dev", [("kind", 'Invalid value: "Gadget": must be Widget')]),
        (
            {"apiVersion": "example.dev/v2"},
            "Widget.example.dev",
            [("apiVersion", 'Invalid value: "example.dev/v2": must be example.dev/v1')],
        ),
        (
            {"apiVersion": "other.dev/v1", "kind": "Gadget", "spec": {"size": "x"}},
            "Gadget.other.dev",
            [
                ("kind", 'Invalid value: "Gadget": must be Widget'),
                ("apiVersion", 'Invalid value: "other.dev/v1": must be example.dev/v1'),
            ],
        ),
    ],
)
def test_another_kind_or_version_is_refused(widget, patch, named, causes):
    status, refused = widget.request("PATCH", ONE, json.dumps(patch), headers=MERGE)
    assert status == 422, refused
    assert refused["message"].startswith(f'{named} "one" is invalid: ')
    assert [(one["field"], one["message"]) for one in refused["details"]["causes"]] == causes


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ('[{"op": "remove", "path": "/kind"}]', "Object 'Kind' is missing in "),
        ('[{"op": "remove", "path": "/apiVersion"}]', "Object 'apiVersion' is missing in "),
        ('[{"op": "replace", "path": "/kind", "value": 1}]', "json: cannot unmarshal number into Go struct field "),
    ],
)
def test_what_is_no_kind_is_refused(widget, patch, said):
    status, refused = widget.request("PATCH", ONE, patch, headers=JSON_PATCH)
    assert status == 422, refused
    (cause,) = refused["details"]["causes"]
    assert (cause["field"], said in cause["message"]) == ("patch", True), cause


def test_the_same_kind_may_be_said(widget):
    patch = json.dumps({"apiVersion": "example.dev/v1", "kind": "Widget", "spec": {"size": 2}})
    assert widget.request("PATCH", ONE, patch, headers=MERGE)[1]["spec"] == {"size": 2}


@pytest.mark.parametrize("path", [ONE, f"{ONE}/status"])
@pytest.mark.parametrize("media", ["application/octets", ""])
def test_what_is_no_patch_is_refused(widget, path, media):
    status, refused = widget.request("PATCH", path, "{}", headers={"Content-Type": media} if media else {})
    assert (status, refused["message"]) == (
        415,
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
    )
