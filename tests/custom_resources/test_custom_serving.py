"""A custom resource is served in the request that follows its definition, in its logical cluster and nowhere else."""

import json

import pytest
from custom_definitions import (
    APPLY,
    DEFINITIONS,
    MERGE,
    conditions,
    define,
    definition,
    instance,
    version,
)

WIDGETS = "/apis/example.dev/v1/namespaces/default/widgets"


def test_objects_exist_right_after_their_definition(workspace):
    assert workspace.request("GET", WIDGETS)[0] == 404
    made = define(workspace, definition(names={"shortNames": ["wd"]}))
    assert conditions(made) == {
        "NamesAccepted": ("True", "NoConflicts"),
        "Established": ("True", "InitialNamesAccepted"),
    }
    assert made["status"]["storedVersions"] == ["v1"]
    assert made["status"]["acceptedNames"] == {
        "plural": "widgets",
        "singular": "widget",
        "shortNames": ["wd"],
        "kind": "Widget",
        "listKind": "WidgetList",
    }
    status, found = workspace.request("POST", WIDGETS, instance(spec={"color": "red", "bogus": 1}, other=1))
    assert status == 201, found
    assert found["spec"] == {"color": "red", "size": 3}
    assert "other" not in found
    assert found["metadata"]["generation"] == 1
    status, listed = workspace.request("GET", "/apis/example.dev/v1/widgets")
    assert status == 200
    assert (listed["kind"], listed["metadata"]["continue"]) == ("WidgetList", "")
    assert [(one["apiVersion"], one["kind"]) for one in listed["items"]] == [("example.dev/v1", "Widget")]
    for path in ("/apis/example.dev/v2/widgets", "/apis/example.dev/v1/gadgets", "/apis/example.com/v1/widgets"):
        assert workspace.request("GET", path)[0] == 404


def test_logical_clusters_see_nothing_of_each_other(server, workspace, tmp_path):
    other = server.create_workspace(directory=tmp_path)
    third = server.create_workspace(directory=tmp_path)
    try:
        define(workspace, definition())
        spec = {"type": "object", "properties": {"weight": {"type": "number"}}}
        define(other, definition(versions=[version(spec=spec)], names={"kind": "Wombat"}))
        assert workspace.request("POST", WIDGETS, instance(spec={"size": 1, "weight": 2}))[1]["spec"] == {"size": 1}
        status, found = other.request("POST", WIDGETS, instance(kind="Wombat", spec={"size": 1, "weight": 2}))
        assert (status, found["spec"]) == (201, {"weight": 2})
        assert third.request("GET", WIDGETS)[0] == 404
        define(third, definition())
        assert third.request("GET", WIDGETS)[1]["items"] == []
        assert len(workspace.request("GET", WIDGETS)[1]["items"]) == 1
        groups = [one["name"] for one in third.request("GET", "/apis")[1]["groups"]]
        assert "example.dev" in groups
        master = {"user": "shard-admin"}
        assert server.request("GET", "/clusters/*/apis/example.dev/v1/widgets", **master)[0] == 404
    finally:
        other.delete()
        third.delete()


@pytest.mark.parametrize(
    ("plural", "names", "reason", "message"),
    [
        ("gadgets", {"singular": "widget"}, "SingularConflict", '"widget" is already in use'),
        (
            "gadgets",
            {"shortNames": ["wd", "widgets"]},
            "ShortNamesConflict",
            '["wd" is already in use, "widgets" is already in use]',
        ),
        ("gadgets", {"kind": "Widget", "listKind": "Others"}, "KindConflict", '"Widget" is already in use'),
        ("gadgets", {"listKind": "WidgetList"}, "ListKindConflict", '"WidgetList" is already in use'),
        ("wd", {"kind": "Gadget"}, "PluralConflict", '"wd" is already in use'),
    ],
)
def test_names_are_granted_once(workspace, plural, names, reason, message):
    define(workspace, definition(names={"shortNames": ["wd"]}))
    status, made = workspace.request("POST", DEFINITIONS, definition(plural, names=names))
    assert status == 201, made
    assert conditions(made) == {"NamesAccepted": ("False", reason), "Established": ("False", "NotAccepted")}
    assert made["status"]["conditions"][0]["message"] == message
    assert workspace.request("GET", f"/apis/example.dev/v1/{plural}")[0] == 404
    elsewhere = definition(plural, "elsewhere.dev", names=names)
    define(workspace, elsewhere)


def test_a_definition_that_waits_is_established_when_its_names_are_free(workspace):
    define(workspace, definition())
    waiting = definition("gadgets", names={"kind": "Widget", "listKind": "GadgetList"})
    assert workspace.request("POST", DEFINITIONS, waiting)[0] == 201
    workspace.kubectl("delete", "crd", "widgets.example.dev", "--wait")
    workspace.kubectl("wait", "--for=condition=Established", "crd/gadgets.example.dev", "--timeout=10s")
    assert workspace.request("GET", "/apis/example.dev/v1/gadgets")[0] == 200


def test_names_of_the_server_are_taken(workspace):
    made = definition("workspaces", "tenancy.kcp.io", names={"kind": "Workspace"})
    status, found = workspace.request("POST", DEFINITIONS, made)
    assert status == 201, found
    assert conditions(found)["NamesAccepted"] == ("False", "ListKindConflict")


def test_status_is_written_through_its_subresource_only(workspace):
    define(workspace, definition(versions=[version(subresources={"status": {}})]))
    body = instance(spec={"size": 1}, status={"phase": "Set"})
    found = workspace.request("POST", WIDGETS, body)[1]
    assert "status" not in found
    patch = json.dumps({"spec": {"size": 9}, "status": {"phase": "Run"}, "metadata": {"labels": {"a": "b"}}})
    status, found = workspace.request("PATCH", f"{WIDGETS}/one/status", patch, headers=MERGE)
    assert status == 200, found
    assert (found["spec"], found["status"]) == ({"size": 1}, {"phase": "Run"})
    assert "labels" not in found["metadata"]
    assert found["metadata"]["generation"] == 1
    status, found = workspace.request("PATCH", f"{WIDGETS}/one", patch, headers=MERGE)
    assert (found["spec"], found["status"], found["metadata"]["generation"]) == ({"size": 9}, {"phase": "Run"}, 2)


SCALED = version(
    spec={"type": "object", "properties": {"replicas": {"type": "integer", "maximum": 9}}},
    subresources={
        "status": {},
        "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
    },
)


def test_scale(workspace):
    define(workspace, definition(versions=[SCALED]))
    workspace.request("POST", WIDGETS, instance(spec={}))
    status, found = workspace.request("GET", f"{WIDGETS}/one/scale")
    assert (status, found["message"]) == (
        500,
        'Internal error occurred: the spec replicas field ".spec.replicas" does not exist',
    )
    status, found = workspace.request("PATCH", f"{WIDGETS}/one/scale", '{"spec": {"replicas": 2}}', headers=MERGE)
    assert (status, found["kind"], found["spec"], found["status"]) == (200, "Scale", {"replicas": 2}, {"replicas": 0})
    body = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "one", "namespace": "default"}}
    status, found = workspace.request("PUT", f"{WIDGETS}/one/scale", {**body, "spec": {"replicas": 5}})
    assert (status, found["spec"]) == (200, {"replicas": 5})
    stale = {**body, "metadata": {**body["metadata"], "resourceVersion": "1"}, "spec": {"replicas": 6}}
    assert workspace.request("PUT", f"{WIDGETS}/one/scale", stale)[0] == 409
    status, found = workspace.request("PUT", f"{WIDGETS}/one/scale", {**body, "spec": {"replicas": -1}})
    assert (status, found["message"]) == (
        422,
        'Widget.example.dev "one" is invalid: .spec.replicas: Invalid value: -1: should be a non-negative integer',
    )
    assert workspace.request("PUT", f"{WIDGETS}/one/scale", {**body, "spec": {"replicas": 10}})[0] == 422
    applied = json.dumps({**body, "spec": {"replicas": 7}})
    path = f"{WIDGETS}/one/scale?fieldManager=scaler&force=true"
    status, found = workspace.request("PATCH", path, applied, headers=APPLY)
    assert (status, found["spec"]) == (200, {"replicas": 7})
    live = workspace.request("GET", f"{WIDGETS}/one")[1]
    assert (live["spec"], live["metadata"]["generation"]) == ({"replicas": 7}, 4)
    owner = next(one for one in live["metadata"]["managedFields"] if one["manager"] == "scaler")
    assert (owner["operation"], owner["subresource"]) == ("Apply", "scale")
    assert owner["fieldsV1"] == {"f:spec": {"f:replicas": {}}}
    workspace.kubectl("scale", "widget/one", "--replicas=3")
    assert workspace.request("GET", f"{WIDGETS}/one/scale")[1]["spec"] == {"replicas": 3}


def test_kubectl_knows_a_new_type(workspace):
    columns = [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}]
    spec = {
        **definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"],
        "description": "What is wanted.",
    }
    made = version(spec=spec, additionalPrinterColumns=columns, selectableFields=[{"jsonPath": ".spec.color"}])
    define(workspace, definition(versions=[made], names={"shortNames": ["wd"], "categories": ["all"]}))
    for name, color in (("one", "red"), ("two", "blue")):
        workspace.kubectl("apply", "-f", "-", input=json.dumps(instance(name, spec={"color": color})))
    table = workspace.kubectl("get", "wd").stdout.split()
    assert table == ["NAME", "SIZE", "one", "3", "two", "3"]
    assert workspace.kubectl("get", "all", "-o", "name").stdout.split() == [
        "widget.example.dev/one",
        "widget.example.dev/two",
    ]
    selected = workspace.kubectl("get", "widgets", "--field-selector", "spec.color=blue", "-o", "name").stdout
    assert selected.split() == ["widget.example.dev/two"]
    explained = workspace.kubectl("explain", "widget.spec").stdout
    assert "What is wanted." in explained
    assert "size\t<integer>" in explained
    for path in ("/openapi/v2", "/openapi/v3/apis/example.dev/v1"):
        assert "dev.example.v1.Widget" in json.dumps(workspace.request("GET", path)[1])
    legacy = workspace.request("GET", "/apis/example.dev/v1")[1]["resources"]
    assert [one["name"] for one in legacy] == ["widgets"]
    refused = workspace.kubectl("patch", "widget", "one", "--type=strategic", "-p", "{}", check=False)
    assert refused.returncode != 0


@pytest.mark.parametrize(
    ("validation", "status", "said"),
    [
        ("Strict", 400, 'strict decoding error: unknown field \\"spec.bogus\\"'),
        ("Warn", 201, ""),
        ("Ignore", 201, ""),
    ],
)
def test_unknown_fields_are_treated_as_wished(workspace, validation, status, said):
    define(workspace, definition())
    found = workspace.request("POST", f"{WIDGETS}?fieldValidation={validation}", instance(spec={"bogus": 1}))
    assert found[0] == status
    assert said in json.dumps(found[1])


def test_apply_merges_lists_by_the_schema(workspace):
    ports = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string"}, "port": {"type": "integer"}},
        },
    }
    define(workspace, definition(versions=[version(spec={"type": "object", "properties": {"ports": ports}})]))
    for manager in ("a", "b"):
        body = json.dumps(instance(spec={"ports": [{"name": manager, "port": 1}]}))
        status, found = workspace.request("PATCH", f"{WIDGETS}/one?fieldManager={manager}", body, headers=APPLY)
        assert status in (200, 201), found
    assert found["spec"]["ports"] == [{"name": "a", "port": 1}, {"name": "b", "port": 1}]
    strategic = {"Content-Type": "application/strategic-merge-patch+json"}
    assert workspace.request("PATCH", f"{WIDGETS}/one", "{}", headers=strategic)[0] == 415


def test_validation_tells_every_cause(workspace):
    define(workspace, definition())
    status, found = workspace.request("POST", WIDGETS, instance(spec={"size": "x", "color": 1}))
    assert status == 422
    assert {one["field"] for one in found["details"]["causes"]} == {"spec.size", "spec.color"}
