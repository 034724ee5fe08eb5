"""Replicas that share the work: each is sent the objects of its own range of hashes, and all of them together all."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watch_streams import SECRETS

from manifold.base.errors import StatusError
from manifold.registry.shards import END, hashed, parse

HALVES = (
    "shardRange(object.metadata.uid, '0x0', '0x8000000000000000')",
    "shardRange(object.metadata.uid, '0x8000000000000000', '0x10000000000000000')",
)
PROTOBUF = "application/vnd.kubernetes.protobuf"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0xCBF29CE484222325), ("a", 0xAF63DC4C8601EC8C), ("foobar", 0x85944171F73967E8)]
)
def test_the_hash_is_fnv_1a(text, expected):
    assert hashed(text) == expected


@given(st.text(), st.integers(1, END - 1))
def test_a_range_and_its_rest_have_everything_once(uid, middle):
    obj = {"metadata": {"uid": uid}}
    low = parse(f"shardRange(object.metadata.uid,0x0,{middle:#x})")
    high = parse(f'shardRange( object.metadata.uid , "{middle:#x}" , "{END:#x}" )')
    assert low.has(obj) is not high.has(obj)
    assert parse(f"{low.text}||{high.text}").has(obj)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "shardRange(object.metadata.name,0x0,0x1)",
        "shardRange(object.metadata.uid,0,0x1)",
        "shardRange(object.metadata.uid,0x0,0x1",
        "shardRange(object.metadata.uid,0x,0x1)",
        "shardRange(object.metadata.uid,0x1,0x1)",
        "shardRange(object.metadata.uid,0x2,0x1)",
        "shardRange(object.metadata.uid,0x0,0x10000000000000001)",
        "shardRange(object.metadata.uid,'0x0\",0x1)",
        "shardRange(object.metadata.uid,0x0,0x1)||",
        "shardRange(object.metadata.uid,0x0,0x1) && shardRange(object.metadata.uid,0x0,0x1)",
        "||".join(["shardRange(object.metadata.uid,0x0,0x1)"] * 65),
    ],
)
def test_what_is_no_shard_selector_is_a_bad_request(text):
    with pytest.raises(StatusError) as raised:
        parse(text)
    assert raised.value.code == 400
    assert raised.value.message.startswith("shardSelector: Invalid value: ")


def accepted(room, path, form):
    """The code of an answer in any form."""
    with room.workspace.opened(path, headers={"Accept": form}) as answer:
        return answer.status


def listed(room, path, **options):
    return room.done("GET", path, **options)


def test_lists_of_all_shards_are_the_list(room):
    names = {room.create(f"c{number}")["metadata"]["name"] for number in range(20)}
    found = []
    for half in HALVES:
        answer = listed(room, f"{SECRETS}?shardSelector={quote(half)}")
        assert answer["metadata"]["shardInfo"] == {"selector": half}
        pages = listed(room, f"{SECRETS}?limit=3&shardSelector={quote(half)}")
        items = pages["items"]
        assert pages["metadata"]["shardInfo"] == {"selector": half}
        while token := pages["metadata"].get("continue"):
            pages = listed(room, f"{SECRETS}?limit=3&shardSelector={quote(half)}&continue={token}")
            items += pages["items"]
        assert items == answer["items"]
        found.append({one["metadata"]["name"] for one in items})
        for form in (PROTOBUF, TABLE):
            assert accepted(room, f"{SECRETS}?shardSelector={quote(half)}", form) == 200
    assert found[0] | found[1] == names
    assert not found[0] & found[1]
    assert "shardInfo" not in listed(room, SECRETS)["metadata"]
    status, refused = room.workspace.request("GET", f"{SECRETS}?shardSelector=half")
    assert (status, refused["reason"]) == (400, "BadRequest")


def test_watches_of_all_shards_are_the_watch(room):
    """An object is in one shard from its ADDED to its DELETED."""
    first = [room.create(f"old{number}") for number in range(5)]
    streams = [room.watch(shardSelector=half, timeoutSeconds=4) for half in HALVES]
    made = [room.create(f"new{number}") for number in range(10)]
    for one in made:
        room.merge(one["metadata"]["name"], data={"a": "MQ=="})
    for one in (*first, *made):
        room.delete(one["metadata"]["name"])
    told: dict[str, list[tuple[int, str]]] = {}
    for number, stream in enumerate(streams):
        for event in stream.rest():
            told.setdefault(event["object"]["metadata"]["name"], []).append((number, event["type"]))
    for one in first:
        shard = 0 if hashed(one["metadata"]["uid"]) < END // 2 else 1
        assert told.pop(one["metadata"]["name"]) == [(shard, "ADDED"), (shard, "DELETED")]
    for one in made:
        shard = 0 if hashed(one["metadata"]["uid"]) < END // 2 else 1
        kinds = ("ADDED", "MODIFIED", "DELETED")
        assert told.pop(one["metadata"]["name"]) == [(shard, kind) for kind in kinds]
    assert not told


def test_namespaces_can_be_shared_out(room):
    room.create("one")
    path = "/api/v1/secrets?fieldSelector=metadata.name%3Done&shardSelector="
    at = hashed("default")
    inside = f"shardRange(object.metadata.namespace,{at:#x},{at + 1:#x})"
    outside = f"shardRange(object.metadata.namespace,{at + 1:#x},{END:#x})"
    assert len(listed(room, path + quote(inside))["items"]) == 1
    assert listed(room, path + quote(outside))["items"] == []
