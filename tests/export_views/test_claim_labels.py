"""The labels by which clients find what is claimed: as they have to be, whoever writes, and trusted by nobody."""

import hashlib

import pytest
from provider_world import BINDINGS, IN_DEFAULT, MERGE, accepted, claim, config_map, wait_for

PREFIX = "claimed.internal.apis.kcp.io/"
OF_CONFIGMAPS = "3QVjs6pfBjMpLEVYYhysJnroYGsQGlWm05E4qe"
REFLEXIVE = "LstvmbbzVDDOn90ZbhzSQO5U3DMCf88h1pZ"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def key_of(world, export="ex"):
    number = int.from_bytes(hashlib.sha224(f"{world.provider.cluster}:{export}".encode()).digest(), "big")
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = DIGITS[digit] + digits
    return PREFIX + digits


def labels_of(consumer, name, path=IN_DEFAULT):
    status, found = consumer.request("GET", f"{path}/{name}")
    assert status == 200, found
    return found["metadata"].get("labels") or {}


@pytest.fixture
def consumer(world):
    world.export(claims=[claim()], schemas=[])
    world.let_in()
    return world.consumer()


def test_objects_are_labelled_as_claims_come_change_and_go(world, consumer):
    key = key_of(world)
    world.make(consumer, config_map("early", {"color": "red"}))
    assert labels_of(consumer, "early") == {"color": "red"}
    world.bind(consumer, claims=[accepted(claim())])
    wait_for(lambda: labels_of(consumer, "early") == {"color": "red", key: OF_CONFIGMAPS})
    wait_for(lambda: labels_of(consumer, "kube-root-ca.crt") == {key: OF_CONFIGMAPS})
    made = world.make(consumer, config_map("late"))
    assert made["metadata"]["labels"] == {key: OF_CONFIGMAPS}
    world.make(consumer, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}}, "/api/v1/namespaces")
    assert labels_of(consumer, "kube-root-ca.crt", "/api/v1/namespaces/new/configmaps") == {key: OF_CONFIGMAPS}
    world.answer_claims(consumer, [accepted(claim(), selector={"matchLabels": {"color": "red"}})])
    wait_for(lambda: labels_of(consumer, "late") == {})
    assert labels_of(consumer, "early") == {"color": "red", key: OF_CONFIGMAPS}
    path = f"{IN_DEFAULT}/late"
    assert key in world.patch(consumer, path, {"metadata": {"labels": {"color": "red"}}})[1]["metadata"]["labels"]
    world.answer_claims(consumer, [accepted(claim(), "Rejected")])
    wait_for(lambda: labels_of(consumer, "early") == {"color": "red"})
    world.answer_claims(consumer, [accepted(claim())])
    wait_for(lambda: key in labels_of(consumer, "early"))
    assert consumer.request("DELETE", f"{BINDINGS}/b")[0] == 200
    wait_for(lambda: labels_of(consumer, "early") == {"color": "red"})


def test_claims_of_a_binding_that_waits_for_its_end(world, consumer):
    key = key_of(world)
    world.make(consumer, config_map("one"))
    world.bind(consumer, claims=[accepted(claim())])
    wait_for(lambda: labels_of(consumer, "one") == {key: OF_CONFIGMAPS})
    assert world.patch(consumer, f"{BINDINGS}/b", {"metadata": {"finalizers": ["a.example/held"]}})[0] == 200
    assert consumer.request("DELETE", f"{BINDINGS}/b")[0] == 200
    for state, labels in (("Rejected", {}), ("Accepted", {key: OF_CONFIGMAPS})):
        world.answer_claims(consumer, [accepted(claim(), state)])
        wait_for(lambda labels=labels: labels_of(consumer, "one") == labels)
    assert world.patch(consumer, f"{BINDINGS}/b", {"metadata": {"finalizers": None}})[0] == 200
    wait_for(lambda: labels_of(consumer, "one") == {})


def test_nobody_writes_them_and_nobody_owns_them(world, consumer):
    key = key_of(world)
    forged = {PREFIX + "forged": "x", key: "forged"}
    assert "labels" not in world.make(consumer, config_map("before", forged))["metadata"]
    world.make(consumer, config_map("there", {"color": "red"}))
    world.bind(consumer, claims=[accepted(claim())])
    made = world.make(consumer, config_map("after", {**forged, "color": "red"}))
    assert made["metadata"]["labels"] == {"color": "red", key: OF_CONFIGMAPS}
    path = f"{IN_DEFAULT}/after"
    status, found = world.patch(consumer, path, {"metadata": {"labels": {key: None, PREFIX + "x": "y"}}})
    assert (status, found["metadata"]["labels"]) == (200, {"color": "red", key: OF_CONFIGMAPS})
    status, put = consumer.request("PUT", path, config_map("after", {"color": "blue"}))
    assert (status, put["metadata"]["labels"]) == (200, {"color": "blue", key: OF_CONFIGMAPS})
    applied = {**config_map("applied", {"color": "red"}), "data": {"a": "1"}}
    status, found = world.patch(
        consumer, f"{IN_DEFAULT}/applied?fieldManager=me", applied, "application/apply-patch+yaml"
    )
    assert (status, found["metadata"]["labels"]) == (201, {"color": "red", key: OF_CONFIGMAPS})
    for one in (world.make(consumer, config_map("plain", {"color": "red"})), found):
        assert PREFIX not in str(one["metadata"]["managedFields"])
    wait_for(lambda: labels_of(consumer, "before") == {key: OF_CONFIGMAPS})
    wait_for(lambda: labels_of(consumer, "there") == {"color": "red", key: OF_CONFIGMAPS})
    relabelled = consumer.request("GET", f"{IN_DEFAULT}/there")[1]
    assert PREFIX not in str(relabelled["metadata"]["managedFields"])


def test_labels_give_no_authority(world, consumer):
    """Whatever labels an object has, a view shows what the binding grants."""
    world.bind(consumer, claims=[accepted(claim(), selector={"matchLabels": {"color": "red"}})])
    world.make(consumer, config_map("other", {key_of(world): OF_CONFIGMAPS, "color": "blue"}))
    view = world.view(consumer.cluster) + IN_DEFAULT
    assert world.send("GET", f"{view}/other")[0] == 404
    assert world.send("PATCH", f"{view}/other", {"data": {"a": "1"}}, media=MERGE)[0] == 404
    assert world.listed(view) == []


def test_two_exports_that_claim_the_same_type_label_it_side_by_side(world, consumer):
    world.export("ey", claims=[claim()], schemas=[])
    world.bind(consumer, claims=[accepted(claim())])
    world.bind(consumer, "c", "ey", claims=[accepted(claim())])
    made = world.make(consumer, config_map("one"))
    assert made["metadata"]["labels"] == {key_of(world): OF_CONFIGMAPS, key_of(world, "ey"): OF_CONFIGMAPS}
    assert consumer.request("DELETE", f"{BINDINGS}/b")[0] == 200
    wait_for(lambda: labels_of(consumer, "one") == {key_of(world, "ey"): OF_CONFIGMAPS})


def test_bindings_carry_the_label_of_their_own_export_and_of_claims_on_bindings(world, consumer):
    wanted = claim("apibindings", "apis.kcp.io")
    world.export("ey", claims=[wanted], schemas=[])
    world.bind(consumer)
    assert labels_of(consumer, "b", BINDINGS)[key_of(world)] == REFLEXIVE
    world.bind(consumer, "c", "ey", claims=[accepted(wanted)])
    claimed = labels_of(consumer, "c", BINDINGS)[key_of(world, "ey")]
    assert claimed != REFLEXIVE
    wait_for(lambda: labels_of(consumer, "b", BINDINGS).get(key_of(world, "ey")) == claimed)
    assert labels_of(consumer, "b", BINDINGS)[key_of(world)] == REFLEXIVE
