"""Groups of commits: how one is decided, without a file, and what comes to be in one."""

import asyncio
from itertools import count

from manifold.storage.contract import Change, Guard, GuardFailed, Malformed, Write
from manifold.storage.sqlite import open_store
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


async def test_commits_that_come_one_after_the_other_share_a_group(tmp_path):
    """A busy loop finds one request after the other; what they commit is written together."""
    store = await open_store(tmp_path / "store.db")
    told: list[int] = []
    store.listen(lambda changes: told.append(len(changes)))

    async def commit(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)
        await store.commit([Write(b"%d" % number, b"")])

    await asyncio.gather(*(commit(number) for number in range(8)))
    assert told == [8]
    await store.close()


async def test_a_stream_of_commits_does_not_hold_back_the_first(tmp_path):
    store = await open_store(tmp_path / "store.db")
    first = asyncio.ensure_future(store.commit([Write(b"first", b"")]))
    others = []
    for number in count():
        others.append(asyncio.ensure_future(store.commit([Write(b"%d" % number, b"")])))
        await asyncio.sleep(0)
        if first.done():
            break
        assert number < 100_000
    await asyncio.gather(*others)
    await store.close()
