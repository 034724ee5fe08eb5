"""What holds of ownership whatever is written, in any order, by anybody."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from manifold.base.errors import StatusError
from manifold.schema.model import ANY, Node
from manifold.schema.ownership import Manager, apply, keep_times, track_create, track_update
from manifold.schema.ownership.comparison import compared, created
from manifold.schema.ownership.fields import (
    Fields,
    Removals,
    difference,
    intersection,
    member,
    parsed,
    paths,
    union,
    without_removed,
)
from manifold.schema.ownership.merging import merged

Paths = set[tuple[str, ...]]

# Sets of paths, and what they mean.

ELEMENTS = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', 'v:"y"'])
PATHS = st.sets(st.lists(ELEMENTS, min_size=1, max_size=3).map(tuple), max_size=8)


def fields_of(wanted: Paths) -> Fields:
    """The set of these paths, built without the functions under test."""
    root: Fields = {}
    for path in wanted:
        node = root
        for element in path:
            node = node.setdefault(element, {})
    for path in wanted:
        node = root
        for element in path:
            node = node[element]
        if node:
            node["."] = {}
    return parsed(root)


def paths_of(fields: Fields, prefix: tuple[str, ...] = ()) -> Paths:
    found: Paths = set()
    for key, below in fields.items():
        if key != ".":
            assert below != {".": {}}, "not in the form of the wire"
            if member(below):
                found.add((*prefix, key))
            found |= paths_of(below, (*prefix, key))
    return found


@given(PATHS, PATHS, PATHS)
def test_sets_of_paths_are_sets(one: Paths, other: Paths, third: Paths) -> None:
    a, b = fields_of(one), fields_of(other)
    before = orjson.dumps([a, b])
    assert paths_of(a) == one
    assert paths_of(union(a, b)) == one | other
    assert paths_of(difference(a, b)) == one - other
    assert paths_of(intersection(a, b)) == one & other
    assert union(a, b) == union(b, a)
    assert union(union(a, b), fields_of(third)) == union(a, union(b, fields_of(third)))
    assert union(difference(a, b), intersection(a, b)) == a
    assert orjson.dumps([a, b]) == before


@given(PATHS, PATHS)
def test_what_changes_nothing_returns_its_argument(one: Paths, other: Paths) -> None:
    a, b = fields_of(one), fields_of(other)
    assert (difference(a, b) is a) == (not one & other)
    if a:
        assert (union(a, b) is a) == (other <= one)


@given(PATHS, PATHS)
def test_removals_take_everything_below(one: Paths, gone: Paths) -> None:
    removed: Removals = {}
    for path in sorted(gone):
        node = removed
        for element in path[:-1]:
            inner = node.get(element, {})
            if inner is None:
                break
            node = node.setdefault(element, inner)
        else:
            node[path[-1]] = None
    expected = {path for path in one if not any(path[: len(prefix)] == prefix for prefix in gone)}
    assert paths_of(without_removed(fields_of(one), removed)) == expected


@given(PATHS)
def test_every_path_is_told_once(one: Paths) -> None:
    told = list(paths(fields_of(one)))
    assert len(told) == len(set(told)) == len(one)


# Objects of a type with all kinds of places.

TEXT = st.sampled_from(["", "1", "2"])
NAMES = st.sampled_from(["a", "b", "c"])
STRING = Node("string")
ITEM = Node("object", properties={"name": STRING, "x": STRING, "y": STRING})
NODE = Node(
    "object",
    properties={
        "apiVersion": STRING,
        "kind": STRING,
        "metadata": Node("object", properties={"name": STRING, "labels": Node("map", values=STRING)}, preserve=True),
        "data": Node("map", values=STRING),
        "set": Node("list", items=STRING, list_type="set"),
        "items": Node("list", items=ITEM, list_type="map", map_keys=("name",)),
        "atomic": Node("list", items=STRING),
        "spec": Node("object", properties={"n": Node("integer"), "deep": Node("map", values=STRING)}),
        "free": ANY,
    },
)
MAPS = st.dictionaries(NAMES, TEXT, max_size=3)
FREE = st.recursive(
    TEXT | st.lists(TEXT, max_size=2), lambda inner: st.dictionaries(NAMES, inner, max_size=2), max_leaves=4
)
MEMBERS = st.lists(
    st.fixed_dictionaries({"name": NAMES}, optional={"x": TEXT, "y": TEXT}),
    max_size=3,
    unique_by=lambda item: item["name"],
)
OBJECTS = st.fixed_dictionaries(
    {"metadata": st.fixed_dictionaries({}, optional={"labels": MAPS})},
    optional={
        "data": MAPS,
        "set": st.lists(NAMES, max_size=3, unique=True),
        "items": MEMBERS,
        "atomic": st.lists(NAMES, max_size=2),
        "spec": st.fixed_dictionaries({}, optional={"n": st.integers(0, 2), "deep": MAPS}),
        "free": st.dictionaries(NAMES, FREE, max_size=2),
    },
)
# An empty associative list has no owner by an apply, so these leave them out.
CONFIGURATIONS = OBJECTS.map(lambda obj: {name: value for name, value in obj.items() if value != []})
WHO = st.sampled_from(["one", "two", "three"])


def at(second: int) -> str:
    return f"2000-01-01T00:00:{second:02}Z"


def entries(obj: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = obj["metadata"].get("managedFields", [])
    return found


def owners(obj: dict[str, Any]) -> dict[tuple[str, str], Fields]:
    return {(entry["manager"], entry["operation"]): entry["fieldsV1"] for entry in entries(obj)}


def fresh(obj: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = orjson.loads(orjson.dumps(obj))
    return copy


def applied(live: Any, configuration: Any, who: str, second: int, force: bool = False) -> dict[str, Any]:
    before = orjson.dumps([live, configuration])
    result = apply(live, configuration, NODE, Manager(who, "Apply", "v1"), force, at(second))
    assert orjson.dumps([live, configuration]) == before
    return fresh(result)


@settings(max_examples=examples(60))
@given(st.lists(st.tuples(WHO, CONFIGURATIONS), min_size=1, max_size=6))
def test_an_apply_takes_nothing_from_other_appliers(writes: list[tuple[str, dict[str, Any]]]) -> None:
    live: dict[str, Any] | None = None
    accepted: dict[str, dict[str, Any]] = {}
    for second, (who, configuration) in enumerate(writes):
        try:
            live = applied(live, configuration, who, second)
        except StatusError as refusal:
            assert refusal.code == 409  # noqa: PT017 either outcome is right
            continue
        accepted[who] = configuration
        assert applied(live, configuration, who, 59) == live, "the same again changes something"
        # Everybody's configuration is in the object still: applying it again changes no more than an order.
        for owner, latest in accepted.items():
            again = applied(live, latest, owner, 59)
            assert compared(live, again, NODE) == ({}, {})
            assert owners(again) == owners(live)
    # When nobody names anything any more, nothing is left.
    for second, who in enumerate(accepted, len(writes)):
        assert live is not None
        live = applied(live, {"metadata": {}}, who, second)
    assert live is None or live == {"metadata": {}}


@given(CONFIGURATIONS, CONFIGURATIONS)
def test_two_appliers_together_make_what_one_makes_alone(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Split among two managers, or merged in one: the object is the same, and everything in it has an owner."""
    together = fresh(merged(first, second, NODE))
    alone = applied(None, together, "one", 1)
    split = applied(applied(None, first, "one", 1), second, "two", 2, force=True)
    assert compared(alone, split, NODE) == ({}, {})
    owned: Paths = set()
    for fields in owners(split).values():
        owned |= paths_of(fields)
    for fields in owners(alone).values():
        assert paths_of(fields) <= owned
    # And merged again: the first applies everything, the second nothing.
    left = applied(applied(split, together, "one", 3, force=True), {"metadata": {}}, "two", 4)
    assert compared(alone, left, NODE) == ({}, {})
    assert owners(left) == owners(alone)


@given(OBJECTS, OBJECTS, OBJECTS)
def test_force_always_prevails(first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]) -> None:
    live = fresh(first)
    track_create(None, live, NODE, Manager("client", "Update", "v1"), at(1))
    live = applied(live, second, "one", 2, force=True)
    live = applied(live, third, "two", 3, force=True)
    assert applied(live, third, "two", 4) == live


@settings(max_examples=examples(60))
@given(OBJECTS, st.lists(st.tuples(WHO, OBJECTS), max_size=5))
def test_updates_own_what_they_change_and_nothing_else_is_owned(
    first: dict[str, Any], writes: list[tuple[str, dict[str, Any]]]
) -> None:
    live = fresh(first)
    track_create(None, live, NODE, Manager("zero", "Update", "v1"), at(0))
    for second, (who, written) in enumerate(writes, 1):
        if not entries(live):
            break  # nobody tracks such an object any more
        new, before = fresh(written), orjson.dumps(live)
        track_update(live, new, NODE, Manager(who, "Update", "v1"), at(second))
        assert orjson.dumps(live) == before
        changed = paths_of(compared(live, new, NODE)[0])
        everything = paths_of(created(new, NODE))
        owned: Paths = set()
        for entry in entries(new):
            fields = paths_of(entry["fieldsV1"])
            assert fields
            if entry["manager"] == who:
                assert changed <= fields
            else:
                assert not changed & fields
            assert not owned & fields, "two updaters own the same"
            owned |= fields
        assert owned <= everything
        assert {path for path in everything if path not in owned} <= everything - changed
        live = fresh(new)


@given(OBJECTS, OBJECTS)
def test_the_same_again_is_no_change(first: dict[str, Any], second: dict[str, Any]) -> None:
    live = fresh(first)
    track_create(None, live, NODE, Manager("one", "Update", "v1"), at(1))
    new = fresh(second)
    track_update(live, new, NODE, Manager("two", "Update", "v1"), at(2))
    again = fresh(new)
    track_update(new, again, NODE, Manager("three", "Update", "v1"), at(3))
    assert again == new
    assert compared(live, live, NODE) == ({}, {})


@given(OBJECTS)
def test_an_empty_comparison_means_equal_content(first: dict[str, Any]) -> None:
    whole = created(first, NODE)
    changed, removed = compared({"metadata": {}}, first, NODE)
    assert changed == whole
    assert not removed
    changed, removed = compared(first, {"metadata": {}}, NODE)
    assert not changed
    assert without_removed(whole, removed) == {}


def test_times_alone_are_no_change() -> None:
    live: dict[str, Any] = {"metadata": {}, "data": {"a": "1"}}
    track_create(None, live, NODE, Manager("one", "Update", "v1"), at(1))
    later = fresh(live)
    entries(later)[0]["time"] = at(2)
    keep_times(live, later)
    assert later == live
    changed = fresh(live)
    changed["data"]["a"] = "2"
    entries(changed)[0]["time"] = at(2)
    keep_times(live, changed)
    assert entries(changed)[0]["time"] == at(2)
    relabelled = fresh(live)
    relabelled["metadata"]["labels"] = {"x": "y"}
    entries(relabelled)[0]["time"] = at(2)
    keep_times(live, relabelled)
    assert entries(relabelled)[0]["time"] == at(2)


def test_owners_nested_without_end_are_not_listened_to() -> None:
    live: dict[str, Any] = {"metadata": {}, "data": {"a": "1"}}
    track_create(None, live, NODE, Manager("one", "Update", "v1"), at(1))
    deep: Fields = {}
    for _ in range(5000):
        deep = {"f:a": deep}
    sent = fresh(live)
    sent["metadata"]["managedFields"] = [{**entries(live)[0], "fieldsV1": deep}]
    track_update(live, sent, NODE, Manager("one", "Update", "v1"), at(2))
    assert sent == live
