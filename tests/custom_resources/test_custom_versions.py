"""Definitions that change, and have several versions: reads follow at once, for objects written before, too."""

import json

import pytest
from custom_definitions import (
    DEFINITIONS,
    MERGE,
    change,
    conditions,
    define,
    definition,
    instance,
    schema,
    text,
    version,
    watching,
)

WIDGETS = "/apis/example.dev/{}/namespaces/default/widgets"
PATH = f"{DEFINITIONS}/widgets.example.dev"


def watched(workspace, path):
    """The events of a watch that ends."""
    return [
        json.loads(line)
        for line in workspace.kubectl("get", "--raw", f"/clusters/{workspace.path}{path}").stdout.splitlines()
    ]


def test_versions_without_conversion_are_pruned_by_both_schemas(workspace):
    versions = [
        version("v1", spec=schema(a=text("d1"), x=text()), storage=False),
        version("v2", spec=schema(a=text("d2"), y=text())),
        version("v3", served=False, storage=False),
    ]
    define(workspace, definition(versions=versions))
    status, made = workspace.request(
        "POST", WIDGETS.format("v1"), instance(api_version="example.dev/v1", spec={"x": "1", "y": "2"})
    )
    assert status == 201, made
    assert (made["apiVersion"], made["spec"]) == ("example.dev/v1", {"a": "d1"})
    found = workspace.request("GET", WIDGETS.format("v2") + "/one")[1]
    assert (found["apiVersion"], found["spec"]) == ("example.dev/v2", {"a": "d1"})
    assert found["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    workspace.request("PATCH", WIDGETS.format("v2") + "/one", '{"spec": {"y": "3"}}', headers=MERGE)
    listed = workspace.request("GET", WIDGETS.format("v1"))[1]
    assert [(one["apiVersion"], one["spec"]) for one in listed["items"]] == [("example.dev/v1", {"a": "d1"})]
    assert workspace.request("GET", WIDGETS.format("v2") + "/one")[1]["spec"] == {"a": "d1", "y": "3"}
    assert workspace.request("GET", WIDGETS.format("v3"))[0] == 404
    group = workspace.request("GET", "/apis/example.dev")[1]
    assert [one["version"] for one in group["versions"]] == ["v2", "v1"]


def test_a_changed_schema_is_seen_in_objects_written_before(workspace):
    define(workspace, definition(versions=[version(spec=schema(a=text(), b=text()))]))
    path = WIDGETS.format("v1")
    made = workspace.request("POST", path, instance(spec={"a": "1", "b": "2"}))[1]
    change(workspace, [version(spec=schema(a=text(), c=text("new")))])
    for found in (workspace.request("GET", f"{path}/one")[1], workspace.request("GET", path)[1]["items"][0]):
        assert found["spec"] == {"a": "1", "c": "new"}
        assert found["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    assert workspace.request("GET", path + "?limit=1")[1]["items"][0]["spec"] == {"a": "1", "c": "new"}
    (event,) = watched(workspace, path + "?watch=1&timeoutSeconds=1")
    assert event["object"]["spec"] == {"a": "1", "c": "new"}
    status, same = workspace.request("PATCH", f"{path}/one", "{}", headers=MERGE)
    assert status == 200
    assert same["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"], "it is written anew"
    status, again = workspace.request("PATCH", f"{path}/one", "{}", headers=MERGE)
    assert again["metadata"]["resourceVersion"] == same["metadata"]["resourceVersion"]


def test_another_storage_version(workspace):
    both = [version("v1"), version("v2", storage=False)]
    define(workspace, definition(versions=both))
    workspace.request("POST", WIDGETS.format("v1"), instance(spec={"size": 1}))
    found = change(workspace, [version("v1", storage=False), version("v2")])
    assert found["status"]["storedVersions"] == ["v1", "v2"]
    live = workspace.request("GET", PATH)[1]
    live["spec"]["versions"] = [version("v2")]
    status, refused = workspace.request("PUT", PATH, live)
    assert status == 422
    assert "v1 was previously a storage version" in refused["message"]
    assert workspace.request("GET", WIDGETS.format("v2") + "/one")[1]["spec"] == {"size": 1}
    workspace.request("PATCH", WIDGETS.format("v2") + "/one", "{}", headers=MERGE)
    status, found = workspace.request(
        "PATCH", f"{PATH}/status", '{"status": {"storedVersions": ["v2"]}}', headers=MERGE
    )
    assert status == 200, found
    assert conditions(found)["Established"] == ("True", "InitialNamesAccepted")
    change(workspace, [version("v2")])
    assert workspace.request("GET", WIDGETS.format("v1"))[0] == 404
    assert workspace.request("GET", WIDGETS.format("v2") + "/one")[1]["spec"] == {"size": 1}


def test_deprecated_versions_warn(workspace):
    versions = [version("v1", deprecated=True, storage=False), version("v2")]
    versions.append(version("v3", deprecated=True, deprecationWarning="v3 is old", storage=False))
    define(workspace, definition(versions=versions))
    for name, said in (
        ("v1", "Warning: example.dev/v1 Widget is deprecated; use example.dev/v2 Widget"),
        ("v2", ""),
        ("v3", "Warning: v3 is old"),
    ):
        found = workspace.kubectl("get", f"widgets.{name}.example.dev").stderr
        assert said in found
        assert found.startswith("Warning") == bool(said)


def test_watches_end_when_the_definition_changes(workspace):
    define(workspace, definition())
    path = WIDGETS.format("v1")
    workspace.request("POST", path, instance(spec={"size": 1}))
    with watching(workspace, path) as following:
        assert following()[0] == "ADDED"
        change(workspace, [version("v1", spec=schema(a=text()))])
        assert following() is None, "it ends, and nothing comes before that"
    (event,) = watched(workspace, path + "?watch=1&timeoutSeconds=1")
    assert event["object"]["spec"] == {}


@pytest.fixture
def converted(workspace):
    versions = [version("v1"), version("v2", storage=False)]
    webhook = {"clientConfig": {"url": "https://127.0.0.1:9/convert"}, "conversionReviewVersions": ["v1"]}
    define(workspace, definition(versions=versions, conversion={"strategy": "Webhook", "webhook": webhook}))
    return workspace


def test_conversion_webhooks_are_not_called(converted):
    said = (
        "conversion webhook for example.dev/{}, Kind=Widget failed: "
        'Post "https://127.0.0.1:9/convert?timeout=30s": this server does not call conversion webhooks'
    )
    assert converted.request("GET", WIDGETS.format("v2"))[1]["items"] == []
    assert converted.request("POST", WIDGETS.format("v1"), instance(spec={"size": 1}))[0] == 201
    for path in ("", "/one", "?limit=1"):
        status, found = converted.request("GET", WIDGETS.format("v2") + path)
        assert (status, found["message"]) == (500, said.format("v1"))
    status, found = converted.request("POST", WIDGETS.format("v2"), instance("two", api_version="example.dev/v2"))
    assert (status, found["message"]) == (500, said.format("v2"))
    (event,) = watched(converted, WIDGETS.format("v2") + "?watch=1&timeoutSeconds=20")
    assert (event["type"], event["object"]["message"]) == ("ERROR", said.format("v1"))
    assert converted.request("GET", WIDGETS.format("v1") + "/one")[1]["spec"] == {"size": 1}
