"""The decision of the garbage collector: a table of its cases, and graphs of owners that it takes down."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.controllers.collecting import Action, Decision, Dependents, blocks, decide, unblocked, without
from manifold.registry.owners import State

ALIVE, WAITING, ABSENT, UNKNOWN = State.ALIVE, State.WAITING, State.ABSENT, State.UNKNOWN
KEEP = Decision(Action.KEEP)


def metadata(*uids, finalizers=(), deleting=False, block=False):
    found = {
        "uid": "self",
        "ownerReferences": [{"uid": uid, **({"blockOwnerDeletion": True} if block else {})} for uid in uids],
    }
    if finalizers:
        found["finalizers"] = list(finalizers)
    if deleting:
        found["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return found


def release(*uids):
    return Decision(Action.RELEASE, frozenset(uids))


def end(policy, unblock=False):
    return Decision(Action.DELETE, policy=policy, unblock=unblock)


@pytest.mark.parametrize(
    ("states", "finalizers", "below", "decision"),
    [
        ({}, (), "NONE", KEEP),
        ({"a": ALIVE}, (), "NONE", KEEP),
        ({"a": UNKNOWN}, (), "SOME", KEEP),
        ({"a": ABSENT}, (), "NONE", end("Background")),
        ({"a": ABSENT}, (), "CIRCLE", end("Background")),
        ({"a": ABSENT}, ("orphan",), "SOME", end("Orphan")),
        ({"a": ABSENT}, ("foregroundDeletion",), "SOME", end("Foreground")),
        ({"a": ABSENT, "b": ABSENT}, (), "NONE", end("Background")),
        ({"a": ABSENT, "b": ALIVE}, (), "NONE", release("a")),
        ({"a": ABSENT, "b": UNKNOWN}, (), "NONE", release("a")),
        ({"a": WAITING}, (), "NONE", end("Background")),
        ({"a": WAITING}, (), "SOME", end("Foreground")),
        ({"a": WAITING}, ("orphan",), "NONE", end("Orphan")),
        ({"a": WAITING}, (), "CIRCLE", end("Foreground", unblock=True)),
        ({"a": WAITING, "b": ALIVE}, (), "SOME", release("a")),
        ({"a": WAITING, "b": ABSENT}, (), "SOME", end("Foreground")),
        ({"a": WAITING, "b": ABSENT, "c": ALIVE}, (), "SOME", release("a", "b")),
    ],
)
def test_decisions(states: Mapping[str, State], finalizers, below, decision):
    assert decide(metadata(*states, finalizers=finalizers), states, Dependents[below]) == decision
    if below != "CIRCLE":
        assert decide(metadata(*states, finalizers=finalizers, deleting=True), states, Dependents[below]) == KEEP


@pytest.mark.parametrize(
    ("finalizers", "block", "below", "action"),
    [
        (["foregroundDeletion"], True, "CIRCLE", Action.UNBLOCK),
        (["foregroundDeletion"], False, "CIRCLE", Action.KEEP),
        (["foregroundDeletion"], True, "SOME", Action.KEEP),
        (["example.dev/hold"], True, "CIRCLE", Action.KEEP),
    ],
)
def test_one_that_goes_in_a_circle_stops_blocking(finalizers, block, below, action):
    one = metadata("a", finalizers=finalizers, deleting=True, block=block)
    assert decide(one, {"a": WAITING}, Dependents[below]).action is action


def test_an_owner_that_was_not_looked_up_counts_as_there():
    assert decide(metadata("a", "b"), {"a": ABSENT}, Dependents.NONE) == release("a")


def test_references():
    references = [{"uid": "a", "blockOwnerDeletion": True}, {"uid": "b"}, {"uid": "a"}]
    assert without(references, frozenset("a")) == [{"uid": "b"}]
    assert unblocked(references) == [{"uid": "a", "blockOwnerDeletion": False}, {"uid": "b"}, {"uid": "a"}]
    assert blocks({"uid": "self", "ownerReferences": references}, "a")
    assert not blocks({"uid": "self", "ownerReferences": references}, "b")
    assert not blocks({"uid": "a", "ownerReferences": references}, "a")


NAMES = "abcdefg"


@st.composite
def graphs(draw):
    """Objects by name with the names of their owners (the deletion starts at `a`), and whether references block.

    Owners named `x` do not exist.
    """
    some = st.lists(st.sampled_from(NAMES + "x"), max_size=3, unique=True)
    return {name: draw(some) for name in NAMES}, draw(st.booleans())


def run(graph, block, policies):
    """Delete objects with policies and let the collector work until nothing changes. What is left, with its owners."""
    world = {name: metadata(*owners, block=block) | {"uid": name} for name, owners in graph.items()}

    def start(name, wanted):
        if wanted == "Background":
            del world[name]
        else:
            world[name]["deletionTimestamp"] = "now"
            world[name]["finalizers"] = ["foregroundDeletion" if wanted == "Foreground" else "orphan"]

    def waits(name):
        return "deletionTimestamp" in world.get(name, {})

    def state(uid):
        return ABSENT if uid not in world else WAITING if waits(uid) else ALIVE

    def dependents(name):
        return [uid for uid, one in world.items() if any(ref["uid"] == name for ref in one["ownerReferences"])]

    def below(name):
        owners = {ref["uid"] for ref in world[name]["ownerReferences"] if waits(ref["uid"])}
        left, seen = [name], {name}
        while left:
            for one in filter(waits, dependents(left.pop())):
                if one in owners:
                    return Dependents.CIRCLE
                if one not in seen:
                    seen.add(one)
                    left.append(one)
        return Dependents.SOME if dependents(name) else Dependents.NONE

    for name, policy in policies.items():
        start(name, policy)
    for _ in range(200):
        before = repr(world)
        for name in list(world):
            if waits(name) and not any(blocks(one, name) for one in world.values()):
                del world[name]
                continue
            one = world[name]
            decision = decide(one, {ref["uid"]: state(ref["uid"]) for ref in one["ownerReferences"]}, below(name))
            if decision.action is Action.RELEASE:
                one["ownerReferences"] = without(one["ownerReferences"], decision.uids)
            if decision.unblock or decision.action is Action.UNBLOCK:
                one["ownerReferences"] = unblocked(one["ownerReferences"])
            if decision.action is Action.DELETE:
                start(name, decision.policy)
        if repr(world) == before:
            return {name: [ref["uid"] for ref in one["ownerReferences"]] for name, one in world.items()}
    raise AssertionError("the collector does not come to rest")


def expected(graph):
    """What must be left when `a` has gone: everything that still has an owner, or never had one."""
    left = {name: list(owners) for name, owners in graph.items() if name != "a"}
    while True:
        gone = [name for name, owners in left.items() if owners and not any(one in left for one in owners)]
        if not gone:
            return {name: [one for one in owners if one in left] for name, owners in left.items()}
        for name in gone:
            del left[name]


@given(graphs())
def test_background_leaves_what_has_an_owner(drawn):
    graph, block = drawn
    assert run(graph, block, {"a": "Background"}) == expected(graph)


@given(graphs(), st.sets(st.sampled_from(NAMES), max_size=3))
def test_foreground_deletes_no_less_and_comes_to_an_end(drawn, others):
    """An owner that is going away counts as none: so circles that it alone holds go, too."""
    graph, block = drawn
    deleted = {"a", *others}
    left = run(graph, block, dict.fromkeys(sorted(deleted), "Foreground"))
    assert not deleted & set(left)
    assert set(left) <= set(expected(graph))
    for owners in left.values():
        assert all(one in left for one in owners)
    for name, owners in graph.items():  # what never had an owner stays
        assert owners or name in deleted or name in left
