"""Server-side apply of custom resources where their schema leaves something open, knows no null, or is another's."""

import json

import pytest
from custom_definitions import APPLY, MERGE, define, definition, instance, schema, text, version

WIDGETS = "/apis/example.dev/{}/namespaces/default/widgets"
OPEN = {"x-kubernetes-preserve-unknown-fields": True}
PART = {"type": "object", "properties": {"a": {"type": "string"}}}


def apply(workspace, spec, name="one", served="v1", manager="tool"):
    """Status and object of an apply of `spec`."""
    body = json.dumps(instance(name, api_version=f"example.dev/{served}", spec=spec))
    path = f"{WIDGETS.format(served)}/{name}?fieldManager={manager}"
    return workspace.request("PATCH", path, body, headers=APPLY)


@pytest.mark.parametrize(
    ("described", "spec", "kept"),
    [
        ({"part": PART}, {"part": {"a": "1", "odd": 1}, "more": [1]}, {"part": {"a": "1"}, "more": [1]}),
        (
            {"list": {"type": "array", "items": PART}, "map": {"type": "object", "additionalProperties": PART}},
            {"list": [{"a": "1", "odd": {}}], "map": {"x": {"odd": 1}}},
            {"list": [{"a": "1"}], "map": {"x": {}}},
        ),
    ],
)
def test_what_is_described_within_something_open_takes_anything(workspace, described, spec, kept):
    define(workspace, definition(versions=[version(spec={"type": "object", "properties": described, **OPEN})]))
    status, made = apply(workspace, spec)
    assert (status, made.get("spec")) == (201, kept), made
    status, again = apply(workspace, spec)
    assert (status, again) == (200, made)


def test_below_an_open_object_as_a_whole_too(workspace):
    whole = version(spec=PART)
    whole["schema"]["openAPIV3Schema"].update(OPEN)
    define(workspace, definition(versions=[whole]))
    status, made = apply(workspace, {"a": "1", "odd": 1})
    assert (status, made.get("spec")) == (201, {"a": "1"}), made
    assert made["metadata"]["managedFields"][0]["fieldsV1"] == {"f:spec": {"f:a": {}, "f:odd": {}}}


def test_metadata_of_embedded_objects_stays_closed(workspace):
    inner = {"type": "object", "x-kubernetes-embedded-resource": True, **OPEN}
    define(workspace, definition(versions=[version(spec=schema(inner=inner))]))
    thing = {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "x", "odd": 1}, "free": {"y": 1}}
    status, refused = apply(workspace, {"inner": thing})
    assert (status, refused["message"]) == (
        500,
        "failed to create typed patch object (default/one; example.dev/v1, Kind=Widget): "
        ".spec.inner.metadata.odd: field not declared in schema",
    )


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    ("spec", "field", "kind"),
    [
        ({"list": None}, "spec.list", "array"),
        ({"map": {"x": None}}, "spec.map.x", "integer"),
        ({"either": None}, "spec.either", "integer,string"),
        (None, "spec", "object"),
    ],
)
def test_a_null_that_is_applied_is_a_value(workspace, live, spec, field, kind):
    described = schema(
        list={"type": "array", "items": {"type": "string"}},
        map={"type": "object", "additionalProperties": {"type": "integer"}},
        either={"x-kubernetes-int-or-string": True},
    )
    define(workspace, definition(versions=[version(spec=described)]))
    if live:
        assert apply(workspace, {})[0] == 201
    status, refused = apply(workspace, spec)
    assert status == 422, refused
    (cause,) = refused["details"]["causes"]
    assert (cause["field"], cause["reason"]) == (field, "FieldValueTypeInvalid")
    assert cause["message"] == f'Invalid value: "null": {field} in body must be of type {kind}: "null"'


def test_nulls_that_a_schema_knows_are_applied(workspace):
    described = schema(maybe={"type": "string", "nullable": True}, filled=text("d"))
    define(workspace, definition(versions=[version(spec=described)]))
    status, made = apply(workspace, {"maybe": None, "filled": None})
    assert (status, made.get("spec")) == (201, {"maybe": None, "filled": "d"}), made


def test_what_the_stored_version_does_not_know_changes_nothing(workspace):
    versions = [version("v1", spec=schema(a=text())), version("v2", spec=schema(a=text(), extra=text()), storage=False)]
    define(workspace, definition(versions=versions))
    status, made = apply(workspace, {"a": "1", "extra": "2"}, served="v2")
    assert (status, made.get("spec")) == (201, {"a": "1"}), made
    owners = [{**made["metadata"]["managedFields"][0], "time": "2020-01-01T00:00:00Z"}]
    body = json.dumps({"metadata": {"managedFields": owners, "labels": {"later": "1"}}})
    made = workspace.request("PATCH", f"{WIDGETS.format('v1')}/one", body, headers=MERGE)[1]
    status, again = apply(workspace, {"a": "1", "extra": "2"}, served="v2")
    assert (status, again) == (200, {**made, "apiVersion": "example.dev/v2"})
    for _ in range(2):
        status, patched = workspace.request(
            "PATCH", f"{WIDGETS.format('v2')}/one", '{"spec": {"extra": "3"}}', headers=MERGE
        )
        assert status == 200, patched
        assert patched["metadata"]["generation"] == 1


def test_a_dry_run_shows_what_would_be_stored(workspace):
    versions = [version("v1", spec=schema(a=text())), version("v2", spec=schema(a=text(), extra=text()), storage=False)]
    define(workspace, definition(versions=versions))
    path, body = WIDGETS.format("v2"), instance(api_version="example.dev/v2", spec={"a": "1", "extra": "2"})
    assert workspace.request("POST", f"{path}?dryRun=All", body)[1]["spec"] == {"a": "1"}
    workspace.request("POST", path, body)
    found = workspace.request("PATCH", f"{path}/one?dryRun=All", '{"spec": {"a": "2", "extra": "3"}}', headers=MERGE)
    assert found[1]["spec"] == {"a": "2"}
