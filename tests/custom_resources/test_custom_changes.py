"""Definitions that change under live objects, their readers and writers: what is new holds with the next request."""

import json

from custom_definitions import (
    APPLY,
    DEFINITIONS,
    MERGE,
    change,
    conditions,
    define,
    definition,
    instance,
    schema,
    text,
    until,
    version,
    watching,
)

WIDGETS = "/apis/example.dev/v1/namespaces/default/widgets"
PATH = f"{DEFINITIONS}/widgets.example.dev"
ONE = f"{WIDGETS}/one"


def patched(workspace, path, body, status=200, headers=MERGE):
    given, found = workspace.request("PATCH", path, json.dumps(body), headers=headers)
    assert given == status, found
    return found


def test_a_narrower_schema_lets_old_mistakes_live(workspace):
    define(workspace, definition(versions=[version(spec=schema(a={"type": "integer"}, b=text()))]))
    workspace.request("POST", WIDGETS, instance(spec={"a": 9, "b": "x"}))
    change(workspace, [version(spec=schema(a={"type": "integer", "maximum": 5}, b=text()))])
    assert patched(workspace, ONE, {"spec": {"b": "y"}})["spec"] == {"a": 9, "b": "y"}
    found = patched(workspace, ONE, {"spec": {"a": 8}}, 422)
    said = "spec.a: Invalid value: 8: spec.a in body should be less than or equal to 5"
    assert found["message"] == f'Widget.example.dev "one" is invalid: {said}'
    assert patched(workspace, ONE, {"spec": {"a": 5}})["spec"] == {"a": 5, "b": "y"}


def test_subresources_come_and_go(workspace):
    define(workspace, definition())
    workspace.request("POST", WIDGETS, instance(spec={"size": 1}, status={"phase": "Own"}))
    assert workspace.request("GET", f"{ONE}/status")[0] == 404
    scale = {
        "specReplicasPath": ".spec.size",
        "statusReplicasPath": ".status.size",
        "labelSelectorPath": ".status.find",
    }
    status = schema(phase=text(), size={"type": "integer"}, find=text())
    made = version(subresources={"status": {}, "scale": scale})
    made["schema"]["openAPIV3Schema"]["properties"]["status"] = status
    change(workspace, [made])
    names = {one["name"] for one in workspace.request("GET", "/apis/example.dev/v1")[1]["resources"]}
    assert names == {"widgets", "widgets/status", "widgets/scale"}
    assert patched(workspace, ONE, {"status": {"phase": "Ignored"}})["status"] == {"phase": "Own"}
    patched(workspace, f"{ONE}/status", {"status": {"size": 4, "find": "a=b"}})
    found = workspace.request("GET", f"{ONE}/scale")[1]
    assert (found["spec"], found["status"]) == ({"replicas": 1}, {"replicas": 4, "selector": "a=b"})
    refused = patched(workspace, f"{ONE}/status", {"status": {"size": -1}}, 422)
    assert refused["details"]["causes"] == [
        {
            "reason": "FieldValueInvalid",
            "message": "Invalid value: -1: should be a non-negative integer",
            "field": ".status.size",
        }
    ]
    assert patched(workspace, ONE, {"spec": {"size": 1 << 31}}, 422)["details"]["causes"][0]["field"] == ".spec.size"
    change(workspace, [version()])
    assert workspace.request("GET", f"{ONE}/scale")[0] == 404
    assert patched(workspace, ONE, {"status": {"phase": "Again"}})["status"] == {"phase": "Again"}


def test_names_change(workspace):
    define(workspace, definition(names={"shortNames": ["wd"], "categories": ["all"]}))
    workspace.request("POST", WIDGETS, instance())
    names = {"plural": "widgets", "kind": "Widget", "singular": "gear", "listKind": "Gears", "shortNames": ["gr"]}
    found = change(workspace, [version()], names=names)
    assert conditions(found)["NamesAccepted"] == ("True", "NoConflicts")
    assert found["status"]["acceptedNames"] == names
    assert workspace.kubectl("get", "gr", "-o", "name").stdout.split() == ["widget.example.dev/one"]
    assert workspace.request("GET", WIDGETS)[1]["kind"] == "Gears"
    assert workspace.kubectl("get", "wd", check=False).returncode == 1
    assert workspace.kubectl("get", "all", check=False).returncode == 1
    other = definition("gadgets", names={"shortNames": ["wd"]})
    assert conditions(define(workspace, other))["NamesAccepted"] == ("True", "NoConflicts")
    found = change(workspace, [version()], names={**names, "shortNames": ["wd"]})
    assert conditions(found)["NamesAccepted"] == ("False", "ShortNamesConflict")
    assert conditions(found)["Established"] == ("True", "InitialNamesAccepted")
    assert found["status"]["acceptedNames"]["shortNames"] == ["gr"]
    assert workspace.kubectl("get", "gr", "-o", "name").stdout.split() == ["widget.example.dev/one"]


def test_columns_change(workspace):
    define(workspace, definition())
    workspace.request("POST", WIDGETS, instance(spec={"size": 7}))
    assert workspace.kubectl("get", "widgets").stdout.split()[:2] == ["NAME", "AGE"]
    columns = [
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
        {"name": "Wide", "type": "string", "jsonPath": ".spec.color", "priority": 1},
        {"name": "Broken", "type": "string", "jsonPath": ".spec["},
        {"name": "Never", "type": "string", "jsonPath": ".spec.color"},
    ]
    change(workspace, [version(additionalPrinterColumns=columns)])
    assert workspace.kubectl("get", "widgets").stdout.split() == ["NAME", "SIZE", "one", "7"]
    assert workspace.kubectl("get", "widgets", "-o", "wide").stdout.split() == ["NAME", "SIZE", "WIDE", "one", "7"]


def test_fields_become_selectable(workspace):
    define(workspace, definition())
    for name, color in (("one", "red"), ("two", "blue"), ("three", "")):
        workspace.request("POST", WIDGETS, instance(name, spec={"color": color} if color else {}))
    red = f"{WIDGETS}?fieldSelector=spec.color%3Dred"
    status, found = workspace.request("GET", red)
    assert (status, found["message"]) == (400, "field label not supported: spec.color")
    change(workspace, [version(selectableFields=[{"jsonPath": ".spec.color"}, {"jsonPath": ".spec.size"}])])
    assert [one["metadata"]["name"] for one in workspace.request("GET", red)[1]["items"]] == ["one"]
    none = f"{WIDGETS}?fieldSelector=spec.color%3D,spec.size%3D3"
    assert [one["metadata"]["name"] for one in workspace.request("GET", none)[1]["items"]] == ["three"]
    with watching(workspace, red) as following:
        assert [following()[0], patched(workspace, ONE, {"spec": {"color": "blue"}})["kind"]] == ["ADDED", "Widget"]
        kind, gone = following()
        assert (kind, gone["spec"]["color"]) == ("DELETED", "red"), "what it was before"
        patched(workspace, f"{WIDGETS}/two", {"spec": {"color": "red"}})
        assert [(kind, one["metadata"]["name"]) for kind, one in (following(),)] == [("ADDED", "two")]
    shown = workspace.request("GET", "/openapi/v3/apis/example.dev/v1")[1]
    described = next(one for name, one in shown["components"]["schemas"].items() if name.endswith(".Widget"))
    assert described["x-kubernetes-selectable-fields"] == [{"fieldPath": "spec.color"}, {"fieldPath": "spec.size"}]


def test_versions_come_and_go_under_live_objects(workspace):
    define(workspace, definition(versions=[version("v1", spec=schema(a=text()))]))
    workspace.request("POST", WIDGETS, instance(spec={"a": "1"}))
    second = "/apis/example.dev/v2/namespaces/default/widgets"
    both = [version("v1", spec=schema(a=text()), storage=False), version("v2", spec=schema(a=text(), b=text("new")))]
    assert workspace.request("GET", second)[0] == 404
    change(workspace, both)
    found = workspace.request("GET", f"{second}/one")[1]
    assert (found["apiVersion"], found["spec"]) == ("example.dev/v2", {"a": "1"}), (
        "defaults are those it was stored with"
    )
    body = instance(api_version="example.dev/v2", spec={"b": "applied"})
    found = patched(workspace, f"{second}/one?fieldManager=two", body, headers=APPLY)
    assert found["spec"] == {"a": "1", "b": "applied"}
    assert {one["apiVersion"] for one in found["metadata"]["managedFields"]} == {"example.dev/v1", "example.dev/v2"}
    with watching(workspace, WIDGETS) as following:
        assert following()[1]["spec"] == {"a": "1"}, "the first version knows of no b"
        patched(workspace, f"{second}/one", {"spec": {"a": "2"}})
        kind, seen = following()
        assert (kind, seen["apiVersion"], seen["spec"]) == ("MODIFIED", "example.dev/v1", {"a": "2"})
    both[0] = {**both[0], "served": False}
    change(workspace, both)
    assert workspace.request("GET", WIDGETS)[0] == 404
    assert workspace.request("GET", f"{second}/one")[1]["spec"] == {"a": "2", "b": "applied"}
    group = workspace.request("GET", "/apis/example.dev")[1]
    assert (group["preferredVersion"]["version"], len(group["versions"])) == ("v2", 1)


def test_stored_versions_cannot_be_forgotten_too_early(workspace):
    define(workspace, definition())
    for stored, said in (
        ([], "status.storedVersions: Invalid value: []: must have at least one stored version"),
        (["v1", "v0"], 'status.storedVersions[1]: Invalid value: "v0": missing from spec.versions; v0 was previously'),
        (["v0"], 'status.storedVersions: Invalid value: ["v0"]: must have the storage version v1'),
    ):
        found = patched(workspace, f"{PATH}/status", {"status": {"storedVersions": stored}}, 422)
        assert said in found["message"]
    assert workspace.request("GET", PATH)[1]["status"]["storedVersions"] == ["v1"]


def test_watchers_see_all_instances_go_with_their_definition(workspace):
    define(workspace, definition())
    for name in ("one", "two"):
        workspace.request("POST", WIDGETS, instance(name))
    with watching(workspace, WIDGETS) as following:
        assert [following()[0] for _ in range(2)] == ["ADDED", "ADDED"]
        workspace.kubectl("delete", "crd", "widgets.example.dev", "--wait")
        gone = [following() for _ in range(2)]
        assert sorted((kind, one["metadata"]["name"]) for kind, one in gone) == [("DELETED", "one"), ("DELETED", "two")]
        assert following() is None
    assert workspace.request("GET", WIDGETS)[0] == 404
    until(lambda: "example.dev" not in [one["name"] for one in workspace.request("GET", "/apis")[1]["groups"]])


def test_what_may_be_a_mistake_is_a_warning(workspace):
    made = definition(versions=[version(spec=schema(a={"type": "string", "format": "quantity"}, b=text()))])
    told = workspace.kubectl("create", "-f", "-", input=json.dumps(made)).stderr
    assert told == 'Warning: unrecognized format "quantity"\n'
    assert workspace.kubectl("label", "crd", "widgets.example.dev", "a=b").stderr == ""
    held = instance(metadata={"finalizers": ["plain", "with.dots", "example.dev/good", "orphan"]})
    told = workspace.kubectl("create", "-f", "-", input=json.dumps(held)).stderr.splitlines()
    why = "to avoid accidental conflicts with other finalizer writers"
    assert told == [
        f'Warning: metadata.finalizers: "plain": prefer a domain-qualified finalizer name {why}',
        'Warning: metadata.finalizers: "with.dots": prefer a domain-qualified finalizer name including a path (/) '
        + why,
    ]
    assert workspace.kubectl("label", "widget", "one", "a=b").stderr == ""
    patched(workspace, ONE, {"metadata": {"finalizers": None}})
