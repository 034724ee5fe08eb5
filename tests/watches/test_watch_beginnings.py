"""Where a watch begins: now, at a revision, with what there is; and the revisions it cannot begin at."""

import pytest
from watch_streams import SECRETS, seen, texts


def test_from_now_begins_with_what_there_is(room):
    room.create("a")
    room.create("b")
    stream = room.watch()
    assert seen(stream.events(2)) == [("ADDED", "a"), ("ADDED", "b")]
    made = room.create("c")
    event = stream.event()
    assert (event["type"], event["object"]) == ("ADDED", made)


def test_from_zero_is_from_now(room):
    room.create("a")
    assert seen(room.watch(resourceVersion=0).events(1)) == [("ADDED", "a")]


def test_from_a_revision_on(room):
    room.create("before")
    revision = room.revision()
    created = room.create("a", n="1")
    changed = room.merge("a", stringData={"n": "2"})
    room.delete("a")
    stream = room.watch(resourceVersion=revision)
    events = stream.events(3)
    assert seen(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert events[0]["object"] == created
    assert events[1]["object"] == changed
    last = events[2]["object"]
    assert texts(last) == {"n": "2"}
    assert int(last["metadata"]["resourceVersion"]) > int(changed["metadata"]["resourceVersion"])
    room.create("after")
    assert seen(stream.events(1)) == [("ADDED", "after")]


def test_resuming_at_every_event_loses_and_repeats_nothing(room):
    revision = room.revision()
    for number in range(5):
        room.create(f"n{number}")
        room.merge(f"n{number}", stringData={"x": "1"})
    room.delete("n0")
    everything = room.watch(resourceVersion=revision).events(11)
    revisions = [int(event["object"]["metadata"]["resourceVersion"]) for event in everything]
    assert revisions == sorted(set(revisions))
    for position, number in enumerate(revisions):
        after = room.watch(resourceVersion=number, timeoutSeconds=1)
        assert seen(after.events(len(everything) - position - 1)) == seen(everything[position + 1 :])


@pytest.mark.parametrize("revision", ["", "0", "now"])
@pytest.mark.parametrize("bookmarks", ["true", "false"])
def test_initial_events(room, revision, bookmarks):
    room.create("a")
    room.create("b")
    stream = room.watch(
        sendInitialEvents="true",
        resourceVersionMatch="NotOlderThan",
        resourceVersion=room.revision() if revision == "now" else revision,
        allowWatchBookmarks=bookmarks,
    )
    assert seen(stream.events(2)) == [("ADDED", "a"), ("ADDED", "b")]
    if bookmarks == "true":
        end = stream.event()
        assert end["type"] == "BOOKMARK"
        assert (end["object"]["kind"], end["object"]["apiVersion"]) == ("Secret", "v1")
        assert end["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        reached = end["object"]["metadata"]["resourceVersion"]
        room.create("c")
        assert seen(room.watch(resourceVersion=reached).events(1)) == [("ADDED", "c")]
    else:
        room.create("c")
    assert seen(stream.events(1)) == [("ADDED", "c")]


def test_no_initial_events(room):
    room.create("a")
    stream = room.watch(sendInitialEvents="false", resourceVersionMatch="NotOlderThan")
    room.create("b")
    assert seen(stream.events(1)) == [("ADDED", "b")]


def test_initial_events_of_nothing_end_at_once(room):
    stream = room.watch(sendInitialEvents="true", resourceVersionMatch="NotOlderThan", allowWatchBookmarks="true")
    assert stream.event()["type"] == "BOOKMARK"


def test_a_revision_that_the_log_has_forgotten(room):
    stream = room.watch(resourceVersion=1)
    refusal = stream.event()
    assert refusal["type"] == "ERROR"
    status = refusal["object"]
    assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
    assert status["message"].startswith("too old resource version: 1 (")
    assert stream.event() is None


def test_a_revision_that_is_not_there_yet(room):
    ahead = int(room.revision()) + 1_000_000
    stream = room.watch(resourceVersion=ahead)
    refusal = stream.event()["object"]
    assert (refusal["code"], refusal["reason"]) == (504, "Timeout")
    assert refusal["message"].startswith(f"Timeout: Too large resource version: {ahead}, current: ")
    assert refusal["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert stream.event() is None


def test_a_revision_that_comes_while_one_waits(room):
    stream = room.watch(resourceVersion=int(room.revision()) + 2)
    for name in ("a", "b", "c"):
        room.create(name)
    assert seen(stream.events(1)) == [("ADDED", "c")]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("resourceVersion=x", 400),
        ("sendInitialEvents=true", 422),
        ("resourceVersionMatch=NotOlderThan", 422),
        ("labelSelector=a+b", 400),
        ("fieldSelector=data.x%3D1", 400),
        ("timeoutSeconds=x", 400),
    ],
)
def test_watches_that_cannot_begin(workspace, query, code):
    status, answer = workspace.request("GET", f"{SECRETS}?watch=1&{query}")
    assert (status, answer["kind"], answer["code"]) == (code, "Status", code)
