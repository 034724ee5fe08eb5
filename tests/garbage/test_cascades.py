"""Dependents follow their owners: kubectl's three cascades, as a client with a watch sees them."""

import contextlib
import json
import time

import pytest
from owned_objects import MAPS, create, delete, eventually, get, gone, owners, reference


@contextlib.contextmanager
def watching(workspace):
    """The events on config maps of the namespace from now on: a function that reads as many as asked for."""
    revision = workspace.request("GET", MAPS)[1]["metadata"]["resourceVersion"]
    with workspace.opened(f"{MAPS}?watch=1&resourceVersion={revision}") as answer:

        def read(count):
            return [json.loads(answer.readline()) for _ in range(count)]

        yield read


def told(events):
    return [(event["type"], event["object"]["metadata"]["name"]) for event in events]


def test_background_ends_the_owner_first(workspace):
    owner = create(workspace, "owner")
    create(workspace, "dependent", owner)
    with watching(workspace) as read:
        workspace.kubectl("delete", "configmap", "owner", "--cascade=background")
        assert told(read(2)) == [("DELETED", "owner"), ("DELETED", "dependent")]


def test_foreground_ends_the_owner_last(workspace):
    owner = create(workspace, "owner")
    create(workspace, "blocking", reference(owner, block=True))
    create(workspace, "other", owner)
    with watching(workspace) as read:
        workspace.kubectl("delete", "configmap", "owner", "--cascade=foreground")
        events = read(4)
    assert told(events)[0] == ("MODIFIED", "owner")
    assert events[0]["object"]["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert sorted(told(events)[1:3]) == [("DELETED", "blocking"), ("DELETED", "other")]
    assert told(events)[3] == ("DELETED", "owner")


def test_orphan_releases_the_dependents(workspace):
    owner = create(workspace, "owner")
    create(workspace, "dependent", owner)
    with watching(workspace) as read:
        workspace.kubectl("delete", "configmap", "owner", "--cascade=orphan")
        events = read(3)
    assert told(events) == [("MODIFIED", "owner"), ("MODIFIED", "dependent"), ("DELETED", "owner")]
    assert events[0]["object"]["metadata"]["finalizers"] == ["orphan"]
    assert not {"ownerReferences", "managedFields"} & set(events[1]["object"]["metadata"])
    assert get(workspace, "dependent")


@pytest.mark.parametrize("policy", ["Foreground", "Orphan", "Background", ""])
def test_an_owner_of_nothing_goes(workspace, policy):
    create(workspace, "alone")
    delete(workspace, "alone", policy)
    gone(workspace, "alone")


@pytest.mark.parametrize("policy", ["Foreground", "Background"])
def test_cascades_go_all_the_way_down(workspace, policy):
    top = create(workspace, "top")
    for width in range(3):
        middle = create(workspace, f"middle-{width}", reference(top, block=True))
        for below in range(3):
            create(workspace, f"low-{width}-{below}", reference(middle, block=True))
    delete(workspace, "top", policy)
    names = [f"low-{width}-{below}" for width in range(3) for below in range(3)]
    gone(workspace, "top", *(f"middle-{width}" for width in range(3)), *names)


def test_a_dependent_goes_with_its_last_owner(workspace):
    one, two = create(workspace, "one"), create(workspace, "two")
    create(workspace, "shared", one, two)
    delete(workspace, "one")
    left = eventually(lambda: (found := get(workspace, "shared")) and len(owners(found)) == 1 and found)
    assert owners(left) == ["two"]
    delete(workspace, "two")
    gone(workspace, "shared")


@pytest.mark.parametrize("block", [False, True])
def test_an_owner_waits_only_for_those_that_block(workspace, block):
    owner = create(workspace, "owner")
    create(workspace, "held", reference(owner, block=block), finalizers=["example.dev/hold"])
    delete(workspace, "owner", "Foreground")
    eventually(lambda: "deletionTimestamp" in get(workspace, "held")["metadata"])
    if block:
        time.sleep(0.3)
        assert get(workspace, "owner")["metadata"]["finalizers"] == ["foregroundDeletion"]
    else:
        gone(workspace, "owner")
    began = time.monotonic()
    workspace.kubectl("patch", "configmap", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    gone(workspace, "held", "owner")
    assert time.monotonic() - began < 5


def test_a_dependent_that_stops_blocking_lets_its_owner_go(workspace):
    owner = create(workspace, "owner")
    create(workspace, "held", reference(owner, block=True), finalizers=["example.dev/hold"])
    delete(workspace, "owner", "Foreground")
    eventually(lambda: "deletionTimestamp" in get(workspace, "held")["metadata"])
    patch = json.dumps({"metadata": {"ownerReferences": None}})
    workspace.kubectl("patch", "configmap", "held", "--type=merge", "-p", patch)
    gone(workspace, "owner")
    assert get(workspace, "held")


def test_another_owner_keeps_a_dependent_out_of_a_foreground_deletion(workspace):
    going, staying = create(workspace, "going"), create(workspace, "staying")
    create(workspace, "shared", reference(going, block=True), staying)
    delete(workspace, "going", "Foreground")
    gone(workspace, "going")
    assert owners(get(workspace, "shared")) == ["staying"]


@pytest.mark.parametrize("policy", ["Foreground", "Background"])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_circles_do_not_hold(workspace, policy, length):
    made = [create(workspace, f"ring-{number}") for number in range(length)]
    for number, one in enumerate(made):
        above = made[number - 1]
        patch = json.dumps({"metadata": {"ownerReferences": [reference(above, block=True)]}})
        workspace.kubectl("patch", "configmap", one["metadata"]["name"], "--type=merge", "-p", patch)
    delete(workspace, "ring-0", policy)
    gone(workspace, *(f"ring-{number}" for number in range(length)))


def test_a_circle_all_of_which_is_deleted_at_once(workspace):
    made = [create(workspace, f"ring-{number}", labels={"ring": "1"}) for number in range(3)]
    for number, one in enumerate(made):
        patch = json.dumps({"metadata": {"ownerReferences": [reference(made[number - 1], block=True)]}})
        workspace.kubectl("patch", "configmap", one["metadata"]["name"], "--type=merge", "-p", patch)
    workspace.kubectl("delete", "configmap", "-l", "ring=1", "--cascade=foreground", "--wait=false")
    gone(workspace, *(f"ring-{number}" for number in range(3)))


def test_a_chain_goes_in_order_although_something_below_is_going_already(workspace):
    """Nothing here is a circle: the top waits for the middle, the middle for the low one."""
    top = create(workspace, "top")
    middle = create(workspace, "middle", reference(top, block=True))
    create(workspace, "low", reference(middle, block=True), finalizers=["example.dev/hold"])
    delete(workspace, "low", "Foreground")
    delete(workspace, "top", "Foreground")
    eventually(lambda: "deletionTimestamp" in get(workspace, "middle")["metadata"])
    time.sleep(0.5)
    assert get(workspace, "top")
    workspace.kubectl("patch", "configmap", "low", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    gone(workspace, "low", "middle", "top")


def test_a_finalizer_asks_for_a_policy_beforehand(workspace):
    owner = create(workspace, "owner", finalizers=["orphan"])
    create(workspace, "dependent", owner)
    delete(workspace, "owner")
    gone(workspace, "owner")
    assert owners(get(workspace, "dependent")) == []


def test_a_policy_travels_down_where_a_dependent_asks_for_another(workspace):
    owner = create(workspace, "owner")
    middle = create(workspace, "middle", owner, finalizers=["orphan"])
    create(workspace, "low", middle)
    delete(workspace, "owner")
    gone(workspace, "owner", "middle")
    assert owners(get(workspace, "low")) == []


def test_deletecollection_with_a_policy(workspace):
    owner = create(workspace, "owner", labels={"app": "x"})
    create(workspace, "dependent", owner)
    status, _ = workspace.request("DELETE", f"{MAPS}?labelSelector=app%3Dx&propagationPolicy=Orphan")
    assert status == 200
    gone(workspace, "owner")
    assert owners(get(workspace, "dependent")) == []


def test_a_second_request_may_change_the_policy(workspace):
    owner = create(workspace, "owner", finalizers=["example.dev/hold"])
    create(workspace, "dependent", owner)
    delete(workspace, "owner")
    delete(workspace, "owner", "Orphan")
    eventually(lambda: owners(get(workspace, "dependent")) == [])
    eventually(lambda: get(workspace, "owner")["metadata"]["finalizers"] == ["example.dev/hold"])


def test_a_dry_run_collects_nothing(workspace):
    owner = create(workspace, "owner")
    create(workspace, "dependent", owner)
    assert workspace.request("DELETE", f"{MAPS}/owner?dryRun=All")[0] == 200
    time.sleep(0.3)
    assert get(workspace, "owner")
    assert get(workspace, "dependent")


def test_many_dependents(workspace):
    owner = create(workspace, "owner")
    documents = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"dependent-{number}", "ownerReferences": [reference(owner, block=True)]},
        }
        for number in range(450)
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
    workspace.kubectl("create", "-f", "-", input=text)
    workspace.kubectl("delete", "configmap", "owner", "--cascade=foreground", "--timeout=60s")
    names = [one["metadata"]["name"] for one in workspace.request("GET", MAPS)[1]["items"]]
    assert names == ["kube-root-ca.crt"]
