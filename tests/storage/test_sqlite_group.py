"""Deciding a group, without a file."""

from manifold.storage.contract import Change, Guard, GuardFailed, Malformed, Write
from manifold.storage.sqlite.group import decide


def test_commits_are_decided_on_top_of_each_other():
    decision = decide(
        [
            ([Write(b"a", b"1")], [Guard(b"a", 0)]),
            ([Write(b"a", b"2")], [Guard(b"a", 0)]),
            ([Write(b"a", b"3"), Write(b"old", None)], [Guard(b"a", 11)]),
            ([Write(b"b", b"4")], [Guard(b"old", None)]),
            ([Write(b"b", b"5")], [Guard(b"old", 0)]),
        ],
        {b"old": (7, b"0")},
        10,
    )
    first, refused, second, also, third = decision.results
    assert (first, second, third) == (11, 12, 14)
    assert isinstance(refused, GuardFailed)
    assert refused.current == 11
    assert isinstance(also, GuardFailed)
    assert decision.changes == [
        Change(11, b"a", b"1", None, 0),
        Change(12, b"a", b"3", b"1", 11),
        Change(13, b"old", None, b"0", 7),
        Change(14, b"b", b"5", None, 0),
    ]
    assert decision.entries == [
        (11, 0, b"a", b"1"),
        (12, 11, b"a", b"3"),
        (13, 7, b"old", None),
        (14, 0, b"b", b"5"),
    ]
    assert decision.current == {b"a": 12, b"old": None, b"b": 14}
    assert decision.ended == [(b"a", 12, 11), (b"old", 13, 7)]


def test_what_is_created_and_deleted_in_one_group_ends_in_it():
    decision = decide(
        [([Write(b"a", b"1")], []), ([Write(b"a", None)], []), ([Write(b"a", b"2")], [Guard(b"a", 0)])], {}, 100
    )
    assert decision.results == [101, 102, 103]
    assert decision.entries == [(101, 0, b"a", b"1"), (102, 101, b"a", None), (103, 0, b"a", b"2")]
    assert decision.current == {b"a": 103}
    assert decision.ended == [(b"a", 102, 101)]
    assert decision.changes[1] == Change(102, b"a", None, b"1", 101)


def test_a_group_in_which_nothing_holds_writes_nothing():
    decision = decide([([Write(b"a", None)], []), ([Write(b"b", b"")], [Guard(b"b", None)])], {}, 100)
    assert [type(result) for result in decision.results] == [Malformed, GuardFailed]
    assert decision.entries == decision.changes == decision.ended == []
    assert decision.log_bytes == 0


def test_only_what_replaces_or_deletes_is_log():
    created = decide([([Write(b"a", bytes(1000))], [])], {}, 100)
    assert created.log_bytes == 0
    updated = decide([([Write(b"a", b"")], [])], {b"a": (100, bytes(1000))}, 100)
    assert updated.log_bytes > 1000
    deleted = decide([([Write(b"a", None)], [])], {b"a": (100, bytes(1000))}, 100)
    assert deleted.log_bytes > updated.log_bytes
