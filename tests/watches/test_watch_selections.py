"""What a watcher is told who does not want everything."""

import pytest
from watch_streams import SECRETS, seen, texts


def labelled(**labels) -> dict:
    return {"metadata": {"labels": labels}}


def test_crossing_a_selector(room):
    stream = room.watch(labelSelector="tier=front")
    room.create("a", labels={"tier": "back"}, n="0")
    room.merge("a", **labelled(tier="front"))
    room.merge("a", stringData={"n": "1"})
    left = room.merge("a", **labelled(tier="back"))
    room.merge("a", stringData={"n": "2"})
    room.merge("a", **labelled(tier="front"))
    room.delete("a")
    events = stream.events(5)
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]
    crossed = events[2]["object"]
    assert crossed["metadata"]["labels"] == {"tier": "front"}, "the last state that was selected"
    assert crossed["metadata"]["resourceVersion"] == left["metadata"]["resourceVersion"], "at the revision it left"
    assert texts(events[4]["object"]) == {"n": "2"}


def test_crossing_a_selector_in_the_past(room):
    """What is replayed from the log is told as it would have been live."""
    revision = room.revision()
    live = room.watch(resourceVersion=revision, labelSelector="tier")
    room.create("a", labels={"tier": "x"})
    room.merge("a", **labelled(tier=None))
    room.merge("a", **labelled(tier="y"))
    room.create("b")
    room.delete("a")
    room.delete("b")
    expected = live.events(4)
    assert [event["type"] for event in expected] == ["ADDED", "DELETED", "ADDED", "DELETED"]
    assert room.watch(resourceVersion=revision, labelSelector="tier").events(4) == expected


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ({"fieldSelector": "metadata.name=a"}, ["a"]),
        ({"fieldSelector": "metadata.name!=a"}, ["b", "c"]),
        ({"fieldSelector": "metadata.namespace=kube-system"}, []),
        ({"labelSelector": "x in (1,2)"}, ["a", "b"]),
        ({"labelSelector": "!x"}, ["c"]),
        ({"labelSelector": "x", "fieldSelector": "metadata.name=b"}, ["b"]),
    ],
)
def test_selectors_before_and_after(room, selector, names):
    room.create("a", labels={"x": "1"})
    past = room.watch(timeoutSeconds=1, **selector)
    room.create("b", labels={"x": "2"})
    room.create("c")
    assert [name for _, name in seen(past.rest())] == names


def test_one_object_by_the_deprecated_path(room):
    stream = room.watch("/api/v1/watch/namespaces/default/secrets/a")
    room.create("b")
    room.create("a")
    room.delete("a")
    assert seen(stream.events(2)) == [("ADDED", "a"), ("DELETED", "a")]


def test_all_namespaces_and_one(room):
    everywhere = room.watch("/api/v1/secrets", sendInitialEvents="false", resourceVersionMatch="NotOlderThan")
    here = room.watch(sendInitialEvents="false", resourceVersionMatch="NotOlderThan")
    system = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "there"}}
    room.done("POST", "/api/v1/namespaces/kube-system/secrets", system)
    room.create("here")
    assert seen(everywhere.events(2)) == [("ADDED", "there"), ("ADDED", "here")]
    assert seen(here.events(1)) == [("ADDED", "here")]


def test_another_workspace_is_not_heard(room, server, tmp_path):
    """Same name, same namespace, other logical cluster: also where the other is inside this one."""
    stream = room.watch()
    other = server.create_workspace(parent=room.workspace.path, directory=tmp_path)
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "same"}, "stringData": {"of": "other"}}
    assert other.request("POST", SECRETS, body)[0] == 201
    room.create("same", of="own")
    assert texts(stream.event()["object"]) == {"of": "own"}
    other.delete()
