"""The view of an export: what is in it, and every verb through it."""

from urllib.parse import quote

import pytest
from provider_world import (
    ALL,
    APPLY,
    CONFIGMAPS,
    IN_DEFAULT,
    MERGE,
    accepted,
    claim,
    config_map,
    place,
    wait_for,
    widget,
)

WIDGETS = "/apis/example.io/v1/widgets"
HERE = "/apis/example.io/v1/namespaces/default/widgets"


@pytest.fixture
def bound(world):
    """An export with two consumers, one of which grants config maps."""
    wanted = claim()
    world.export(claims=[wanted])
    world.let_in()
    consumers = sorted((world.consumer() for _ in range(2)), key=lambda one: one.cluster)
    world.bind(consumers[0], claims=[accepted(wanted)])
    world.bind(consumers[1], claims=[accepted(wanted, state="Rejected")])
    return consumers


def test_discovery_tells_what_is_exported_and_claimed(world, bound):
    for cluster in ("*", bound[0].cluster, bound[1].cluster):
        view = world.view(cluster)
        status, found = world.send("GET", f"{view}/apis")
        assert status == 200
        assert sorted(one["name"] for one in found["groups"]) == ["apis.kcp.io", "example.io"]
        status, found = world.send("GET", f"{view}/apis/example.io/v1")
        verbs = {one["name"]: one["verbs"] for one in found["resources"]}
        assert verbs == {"widgets": sorted(ALL), "widgets/status": ["get", "patch", "update"]}
        status, found = world.send("GET", f"{view}/api/v1")
        assert {one["name"]: one["verbs"] for one in found["resources"]} == {"configmaps": sorted(ALL)}
        status, found = world.send("GET", f"{view}/apis/apis.kcp.io/v1alpha2")
        assert {one["name"]: one["verbs"] for one in found["resources"]} == {"apibindings": ["get", "list", "watch"]}
        assert world.send("GET", f"{view}/api")[1]["versions"] == ["v1"]
        assert world.send("GET", f"{view}/version")[1]["major"] == "1"


def test_openapi_tells_of_the_types(world, bound):
    view = world.view(bound[0].cluster)
    status, found = world.send("GET", f"{view}/openapi/v3")
    assert status == 200
    assert {"api/v1", "apis/example.io/v1", "apis/apis.kcp.io/v1alpha1"} <= set(found["paths"])
    url = found["paths"]["apis/example.io/v1"]["serverRelativeURL"]
    status, document = world.send("GET", view + url)
    assert status == 200
    assert "io.example.v1.Widget" in document["components"]["schemas"]


def test_all_consumers_are_one_list(world, bound):
    first, second = bound
    for consumer in bound:
        world.make(consumer, widget("one"), HERE)
    status, found = world.send("GET", world.view() + WIDGETS)
    assert status == 200
    assert [place(one) for one in found["items"]] == [(first.cluster, "one"), (second.cluster, "one")]
    assert found["kind"] == "WidgetList"
    status, page = world.send("GET", world.view() + WIDGETS + "?limit=1")
    rest = world.listed(world.view() + WIDGETS + f"?limit=1&continue={page['metadata']['continue']}")
    assert rest == [(second.cluster, "one")]
    assert world.listed(world.view(second.cluster) + WIDGETS) == [(second.cluster, "one")]


def test_every_verb_on_an_exported_type(world, bound):
    consumer = bound[0]
    view = world.view(consumer.cluster) + HERE
    status, made = world.send("POST", view, widget("one"))
    assert (status, place(made)) == (201, (consumer.cluster, "one"))
    assert consumer.request("GET", f"{HERE}/one")[1] == made
    status, found = world.send("POST", view, {**widget("two"), "spec": {"size": "large"}})
    assert (status, found["reason"]) == (422, "Invalid")
    status, found = world.send("PUT", f"{view}/one", {**made, "spec": {"size": 2}})
    assert (status, found["spec"], found["metadata"]["generation"]) == (200, {"size": 2}, 2)
    status, found = world.send("PATCH", f"{view}/one", {"spec": {"size": 3}}, media=MERGE)
    assert (status, found["spec"]) == (200, {"size": 3})
    status, found = world.send(
        "PATCH", f"{view}/one/status", {"status": {"ready": True}, "spec": {"size": 9}}, media=MERGE
    )
    assert (status, found["status"], found["spec"]) == (200, {"ready": True}, {"size": 3})
    status, found = world.send("PATCH", f"{view}/new?fieldManager=ctl", widget("new"), media=APPLY)
    assert (status, place(found)) == (201, (consumer.cluster, "new"))
    assert found["metadata"]["managedFields"][0]["operation"] == "Apply"
    status, found = world.send("PATCH", f"{view}/one", {}, media="application/strategic-merge-patch+json")
    assert status == 415
    status, found = world.send("GET", f"{view}/one/scale")
    assert status == 404
    status, found = world.send("DELETE", f"{view}/one")
    assert (status, found["status"]) == (200, "Success")
    status, found = world.send("DELETE", view)
    assert status == 200
    assert world.listed(world.view() + WIDGETS) == []


def test_a_claimed_type_is_there_where_it_is_granted(world, bound):
    first, second = bound
    for consumer in bound:
        world.make(consumer, config_map("mine"))
    found = world.listed(world.view() + CONFIGMAPS)
    assert (first.cluster, "mine") in found
    assert {cluster for cluster, _ in found} == {first.cluster}
    view = world.view(first.cluster) + IN_DEFAULT
    assert world.send("POST", view, config_map("made", a="1"))[0] == 201
    assert (
        world.send("PATCH", f"{view}/made", {"data": {"a": "2"}}, media="application/strategic-merge-patch+json")[0]
        == 200
    )
    status, found = world.send("GET", world.view(second.cluster) + IN_DEFAULT + "/mine")
    assert (status, found["message"]) == (
        403,
        'configmaps "mine" is forbidden: User "bob" cannot get resource "configmaps" in API group "" in the namespace '
        '"default": access denied',
    )
    status, found = world.send("GET", world.view() + "/api/v1/secrets")
    assert status == 404
    status, found = world.send("GET", world.view(first.cluster) + "/api/v1/secrets")
    assert status == 403


def test_bindings_of_the_export_are_always_there(world, bound):
    bindings = "/apis/apis.kcp.io/{}/apibindings"
    for version in ("v1alpha1", "v1alpha2"):
        path = bindings.format(version)
        assert world.listed(world.view() + path) == [(one.cluster, "b") for one in bound]
        assert world.listed(world.view(bound[0].cluster) + path) == [(bound[0].cluster, "b")]
        status, found = world.send("GET", world.view(bound[0].cluster) + path + "/b")
        assert (status, found["apiVersion"]) == (200, f"apis.kcp.io/{version}")
    others = [
        one["metadata"]["name"] for one in bound[0].request("GET", path)[1]["items"] if one["metadata"]["name"] != "b"
    ]
    assert others
    assert world.send("GET", f"{world.view(bound[0].cluster)}{path}/{others[0]}")[0] == 404
    assert world.send("DELETE", f"{world.view(bound[0].cluster)}{path}/b")[0] == 403
    assert world.send("DELETE", f"{world.view(bound[0].cluster)}{path}/b", user="master")[0] == 403


def test_a_watch_of_all_consumers_follows_new_ones(world, bound):
    watch = world.watch(world.view() + WIDGETS + "?watch=1")
    third = world.consumer()
    world.bind(third)
    for consumer in (*bound, third):
        world.make(consumer, widget("one"), HERE)
        assert watch.told() == ("ADDED", consumer.cluster, "one")
    status, _ = third.request("DELETE", "/apis/apis.kcp.io/v1alpha2/apibindings/b")
    assert status == 200
    assert watch.told() == ("DELETED", third.cluster, "one")
    wait_for(lambda: world.send("GET", world.view(third.cluster) + WIDGETS)[0] == 403)
    watch.close()


def test_a_changed_schema_ends_its_watches(world, bound):
    watch = world.watch(world.view() + WIDGETS + "?watch=1")
    claimed = world.watch(
        world.view()
        + CONFIGMAPS
        + "?watch=1&resourceVersion=0&sendInitialEvents=false&resourceVersionMatch=NotOlderThan"
    )
    properties = {"spec": {"type": "object", "properties": {"size": {"type": "integer"}, "color": {"type": "string"}}}}
    name = world.schema("v2", properties=properties)
    world.change_export(resources=[{"group": "example.io", "name": "widgets", "schema": name}])
    assert watch.told() is None
    world.make(bound[0], config_map("later"))
    assert claimed.told() == ("ADDED", bound[0].cluster, "later")
    status, made = world.send("POST", world.view(bound[0].cluster) + HERE, {**widget("red"), "spec": {"color": "red"}})
    assert (status, made["spec"]) == (201, {"color": "red"})
    claimed.close()


@pytest.mark.parametrize("path", ["", "/apis", WIDGETS, CONFIGMAPS])
def test_an_export_that_is_gone_shows_nothing(world, bound, path):
    assert world.provider.request("DELETE", "/apis/apis.kcp.io/v1alpha2/apiexports/ex")[0] == 200
    for cluster in ("*", bound[0].cluster):
        assert world.send("GET", world.view(cluster) + path)[0] == 404
        assert world.send("GET", world.view(cluster) + path, user="alice")[0] == 403


def test_replicas_of_a_provider_share_the_stream(world, bound):
    """Lists and watches over all consumers, of exported and of claimed types, in halves."""
    world.answer_claims(bound[1], [accepted(claim())])
    halves = ("'0x0','0x8000000000000000'", "'0x8000000000000000','0x10000000000000000'")
    for path, made in ((WIDGETS, widget), (CONFIGMAPS, config_map)):
        for consumer in bound:
            for number in range(6):
                world.make(consumer, made(f"one{number}"), HERE if path == WIDGETS else IN_DEFAULT)
        whole = world.listed(world.view() + path)
        found, sent = [], []
        for half in halves:
            query = f"?shardSelector={quote(f'shardRange(object.metadata.uid,{half})')}"
            found.append(world.listed(world.view() + path + query))
            watch = world.watch(world.view() + path + query + "&watch=1")
            sent.append({watch.told()[1:] for _ in found[-1]})
            watch.close()
        assert sorted(found[0] + found[1]) == sorted(whole)
        assert [set(one) for one in found] == sent


def test_events_of_both_groups_are_one_claim(world):
    wanted = claim("events")
    world.export(claims=[wanted], schemas=[])
    world.let_in()
    consumer = world.consumer()
    world.bind(consumer, claims=[accepted(wanted)])
    body = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "one"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "example.io/controller",
        "reportingInstance": "one",
        "action": "Looking",
        "reason": "Looked",
        "type": "Normal",
        "regarding": {"kind": "Namespace", "name": "default", "namespace": "default"},
    }
    path = "/apis/events.k8s.io/v1/namespaces/default/events"
    status, made = world.send("POST", world.view(consumer.cluster) + path, body)
    assert status == 201, made
    for path in ("/api/v1/events", "/apis/events.k8s.io/v1/events"):
        assert world.listed(world.view() + path) == [(consumer.cluster, "one")]


def test_reviews_are_answered_for_the_consumer(world):
    wanted = claim("subjectaccessreviews", "authorization.k8s.io", verbs=["create"])
    world.export(claims=[wanted], schemas=[])
    world.let_in()
    consumer = world.consumer()
    world.bind(consumer, claims=[accepted(wanted)])
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    world.grant(consumer, "carol", [rule, {"nonResourceURLs": ["/"], "verbs": ["access"]}])
    asked = {"user": "carol", "resourceAttributes": {"verb": "get", "resource": "secrets", "namespace": "default"}}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": asked}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    status, answer = world.send("POST", world.view(consumer.cluster) + path, body)
    assert (status, answer["status"]["allowed"]) == (201, True)
    assert world.send("POST", world.view(consumer.cluster) + path.replace("subject", "selfsubject"), body)[0] == 403


def test_what_the_server_exports_itself_has_a_view_too(world):
    """The bindings of `root`'s exports are in no index: their view serves what they offer, and bindings to be read."""
    view = "/services/apiexport/root/tenancy.kcp.io/clusters"
    path = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
    status, found = world.send("GET", f"{view}/*{path}", user="master")
    assert status == 200
    assert (("root", world.provider.name)) in [place(one) for one in found["items"]]
    assert world.send("GET", f"{view}/{world.provider.cluster}{path}", user="master")[0] == 200
    assert world.send("GET", f"{view}/{world.provider.cluster}/api/v1/configmaps", user="master")[0] == 403
    status, found = world.send(
        "GET", f"{view}/{world.provider.cluster}/apis/apis.kcp.io/v1alpha2/apibindings", user="master"
    )
    assert [one["spec"]["reference"]["export"]["name"] for one in found["items"]] == ["tenancy.kcp.io"]
    assert world.send("GET", f"{view}/*{path}", user="alice")[0] == 403


def test_a_new_export_is_there_for_the_first_who_asks(world):
    world.export()
    world.let_in()
    assert world.listed(world.view() + WIDGETS) == []


def test_what_has_its_schema_stays_when_another_schema_goes(world, bound):
    gadgets = world.schema(plural="gadgets")
    world.export("two", schemas=["v1.widgets.example.io", gadgets])
    world.let_in(export="two")

    def names():
        status, found = world.send("GET", f"{world.view('*', 'two')}/apis/example.io/v1")
        assert status == 200, found
        return {one["name"] for one in found["resources"]}

    assert names() == {"widgets", "widgets/status", "gadgets", "gadgets/status"}
    path = "/apis/apis.kcp.io/v1alpha1/apiresourceschemas"
    assert world.provider.request("DELETE", f"{path}/{gadgets}")[0] == 200
    assert names() == {"widgets", "widgets/status"}
