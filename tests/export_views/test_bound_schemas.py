"""The view of bound schemas: read by whoever may read the bindings, wherever the schemas lie."""

import pytest
from provider_world import BINDINGS, SCHEMAS, widget

READER = "alice"


@pytest.fixture
def consumer(world):
    world.export()
    found = world.consumer()
    world.bind(found)
    rule = {"apiGroups": ["apis.kcp.io"], "resources": ["apibindings"], "verbs": ["get"]}
    world.grant(found, READER, [rule, {"nonResourceURLs": ["/"], "verbs": ["access"]}])
    return found


def views(consumer):
    base = f"/services/apiresourceschema/{consumer.cluster}"
    return (base, f"{base}/clusters/*", f"{base}/clusters/{consumer.cluster}")


def test_what_is_bound_is_there_and_nothing_else(world, consumer):
    world.schema("unused")
    for view in views(consumer):
        status, found = world.send("GET", view + SCHEMAS, user=READER)
        assert status == 200, found
        names = [one["metadata"]["name"] for one in found["items"]]
        assert "v1.widgets.example.io" in names
        assert "unused.widgets.example.io" not in names
        assert any(name.endswith(".workspaces.tenancy.kcp.io") for name in names)
        status, found = world.send("GET", f"{view}{SCHEMAS}/v1.widgets.example.io", user=READER)
        assert (status, found["metadata"]["annotations"]["kcp.io/cluster"]) == (200, world.provider.cluster)
        assert world.send("GET", f"{view}{SCHEMAS}/unused.widgets.example.io", user=READER)[0] == 404
        status, found = world.send("GET", f"{view}/apis/apis.kcp.io/v1alpha1", user=READER)
        assert [(one["name"], one["verbs"]) for one in found["resources"]] == [
            ("apiresourceschemas", ["get", "list", "watch"])
        ]
        assert world.send("GET", f"{view}{SCHEMAS}?limit=1", user=READER)[1]["metadata"]["continue"]


def test_a_watch_follows_the_bindings(world, consumer):
    watch = world.watch(views(consumer)[0] + SCHEMAS + "?watch=1", READER)
    status, found = world.send("GET", views(consumer)[0] + SCHEMAS, user=READER)
    for _ in found["items"]:
        assert watch.told()[0] == "ADDED"
    assert status == 200
    gadgets = world.schema(plural="gadgets")
    world.export("more", schemas=[gadgets])
    world.bind(consumer, "more", "more")
    assert watch.told() == ("ADDED", world.provider.cluster, gadgets)
    assert consumer.request("DELETE", f"{BINDINGS}/more")[0] == 200
    assert watch.told() == ("DELETED", world.provider.cluster, gadgets)
    watch.close()


def test_nothing_is_written_and_nobody_else_reads(world, consumer):
    other = world.consumer()
    for view in views(consumer):
        path = view + SCHEMAS
        body = {**widget("x"), "apiVersion": "apis.kcp.io/v1alpha1", "kind": "APIResourceSchema"}
        for user in (READER, "kcp-admin", "master"):
            assert world.send("POST", path, body, user=user)[0] == 403
            assert world.send("DELETE", f"{path}/v1.widgets.example.io", user=user)[0] == 403
        for user in ("bob", ""):
            assert world.send("GET", path, user=user)[0] == 403
            assert world.send("GET", f"{path}/v1.widgets.example.io", user=user)[0] == 403
        assert world.send("GET", view + BINDINGS, user=READER)[0] == 404
    base = views(consumer)[0]
    for url in (
        f"{base}/clusters/{other.cluster}{SCHEMAS}",
        f"{base}/clusters/root:x{SCHEMAS}",
        f"/services/apiresourceschema{SCHEMAS}",
    ):
        assert world.send("GET", url, user=READER)[0] == 403
