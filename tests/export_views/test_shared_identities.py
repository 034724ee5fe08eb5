"""Two exports of one identity share the data, and neither provider reaches the consumers of the other."""

import pytest
from provider_world import IN_DEFAULT, accepted, claim, widget

WIDGETS = "/apis/example.io/v1/widgets"
HERE = "/apis/example.io/v1/namespaces/default/widgets"


@pytest.fixture
def twins(world):
    """The second export has a copy of the first one's secret; each has a consumer with a widget."""
    world.export()
    world.let_in()
    second = world.consumer()
    status, secret = world.provider.request("GET", "/api/v1/namespaces/kcp-system/secrets/ex")
    assert status == 200, secret
    copy = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "copied"}, "data": secret["data"]}
    world.make(second, copy, "/api/v1/namespaces/default/secrets")
    identity = {"secretRef": {"namespace": "default", "name": "copied"}}
    made = world.export("twin", where=second, identity=identity)
    original = world.provider.request("GET", "/apis/apis.kcp.io/v1alpha2/apiexports/ex")[1]
    assert made["status"]["identityHash"] == original["status"]["identityHash"]
    world.let_in("alice", export="twin", where=second)
    consumers = world.consumer(), world.consumer()
    world.bind(consumers[0])
    world.bind(consumers[1], export="twin", where=second)
    for one in consumers:
        world.make(one, widget("one"), HERE)
    return second, consumers


def test_each_provider_sees_its_own_consumers(world, twins):
    second, (ours, theirs) = twins
    views = {"bob": world.view(), "alice": world.view("*", "twin", second)}
    for (user, view), own, other in zip(views.items(), (ours, theirs), (theirs, ours), strict=True):
        found = world.listed(view + WIDGETS, user)
        assert {cluster for cluster, _ in found} == {own.cluster}
        inside = view.replace("/clusters/*", f"/clusters/{other.cluster}")
        for path in (HERE, f"{HERE}/one", IN_DEFAULT):
            assert world.send("GET", inside + path, user=user)[0] == 403
        watch = world.watch(view + WIDGETS + "?watch=1", user)
        assert {watch.told()[:2] for _ in found} == {("ADDED", own.cluster)}
        world.make(other, widget(f"for-{user}"), HERE)
        world.make(own, widget(f"of-{user}"), HERE)
        assert watch.told() == ("ADDED", own.cluster, f"of-{user}")
        watch.close()


def test_a_watch_takes_in_a_new_consumer_and_lets_one_go(world, twins):
    _, (ours, theirs) = twins
    watch = world.watch(world.view() + WIDGETS + "?watch=1")
    assert watch.told() == ("ADDED", ours.cluster, "one")
    third = world.consumer()
    world.bind(third)
    world.make(third, widget("two"), HERE)
    assert watch.told() == ("ADDED", third.cluster, "two")
    world.make(theirs, widget("three"), HERE)
    assert ours.request("DELETE", "/apis/apis.kcp.io/v1alpha2/apibindings/b")[0] == 200
    assert watch.told() == ("DELETED", ours.cluster, "one")
    watch.close()


def test_a_claim_on_the_identity_is_bounded_by_the_policies_of_both(world, twins):
    """Whose export it is cannot be told from the identity, so both have to agree."""
    second, (ours, _) = twins
    identity = world.provider.request("GET", "/apis/apis.kcp.io/v1alpha2/apiexports/ex")[1]["status"]["identityHash"]
    third = world.consumer()
    wanted = claim("widgets", "example.io", identity=identity)
    world.export("claiming", claims=[wanted], schemas=[], where=third)
    world.let_in(export="claiming", where=third)
    world.bind(ours, "c", "claiming", where=third, claims=[accepted(wanted)])
    view = world.view("*", "claiming", third)
    assert world.listed(view + WIDGETS) == [(ours.cluster, "one")]
    world.change_export("twin", where=second, maximalPermissionPolicy={"local": {}})
    assert world.send("GET", view + WIDGETS)[0] == 403


def test_a_watch_ends_when_its_identity_is_taken_over_by_another_export(world):
    """What was one range until then is to be kept apart from then on."""
    world.export()
    world.let_in()
    watch = world.watch(world.view() + WIDGETS + "?watch=1")
    identity = {"secretRef": {"namespace": "kcp-system", "name": "ex"}}
    world.export("again", schemas=[], identity=identity)
    assert watch.told() is None
