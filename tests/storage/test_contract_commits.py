"""Contract: commits are all or nothing, guards are checked in the instant of the write, revisions are their own."""

import asyncio

import pytest

from manifold.storage.contract import (
    MAX_BYTES,
    MAX_GUARDS,
    MAX_VALUE,
    MAX_WRITES,
    Guard,
    GuardFailed,
    Malformed,
    Store,
    StoreError,
    TooLarge,
    Write,
)


async def contents(store: Store) -> dict[bytes, bytes]:
    return {row.key: row.value for row in await (await store.snapshot()).scan(b"", b"\xff")}


async def test_an_empty_store_has_a_revision_above_one_hundred(store):
    assert store.revision > 100
    assert store.oldest <= store.revision
    assert await contents(store) == {}
    assert list(await store.changes(store.revision)) == []


async def test_a_commit_returns_the_revision_of_its_first_write_and_the_others_follow(store):
    before = store.revision
    first = await store.commit([Write(b"b", b"1"), Write(b"a", b"2"), Write(b"c", b"3")])
    assert first > before
    rows = await (await store.snapshot()).scan(b"", b"\xff")
    assert {row.key: row.revision for row in rows} == {b"b": first, b"a": first + 1, b"c": first + 2}
    assert store.revision == first + 2


async def test_revisions_only_grow(store):
    revisions = [await store.commit([Write(b"a", b"%d" % number)]) for number in range(20)]
    assert revisions == sorted(set(revisions))


async def test_a_snapshot_taken_after_a_commit_sees_it(store):
    for number in range(50):
        await store.commit([Write(b"a", b"%d" % number)])
        assert (await (await store.snapshot()).get(b"a")).value == b"%d" % number


async def test_values_and_keys_are_any_bytes(store):
    rows = {bytes([byte, 0, 255 - byte]): bytes(range(256)) for byte in range(0, 255, 50)} | {b"empty": b""}
    await store.commit([Write(key, value) for key, value in rows.items()])
    assert await contents(store) == rows


async def test_writing_the_same_value_again_is_a_write(store):
    first = await store.commit([Write(b"a", b"1")])
    second = await store.commit([Write(b"a", b"1")])
    assert second > first
    assert (await (await store.snapshot()).get(b"a")).revision == second


async def test_a_deleted_row_is_gone_and_can_come_back(store):
    await store.commit([Write(b"a", b"1")])
    await store.commit([Write(b"a", None)])
    assert await (await store.snapshot()).get(b"a") is None
    assert await contents(store) == {}
    again = await store.commit([Write(b"a", b"2")], [Guard(b"a", 0)])
    assert (await (await store.snapshot()).get(b"a")).revision == again


@pytest.mark.parametrize("others", [[], [Write(b"b", b"2")]])
async def test_deleting_what_is_not_there_refuses_the_whole_commit(store, others):
    revision = store.revision
    with pytest.raises(Malformed, match="deletes b'a'"):
        await store.commit([*others, Write(b"a", None)])
    assert store.revision == revision
    assert await contents(store) == {}


@pytest.mark.parametrize(
    ("state", "wanted", "holds"),
    [
        ("absent", "absent", True),
        ("absent", "present", False),
        ("absent", "revision", False),
        ("present", "absent", False),
        ("present", "present", True),
        ("present", "revision", True),
        ("present", "older", False),
        ("present", "newer", False),
        ("deleted", "absent", True),
        ("deleted", "present", False),
        ("deleted", "revision", False),
    ],
)
@pytest.mark.parametrize("written", [True, False])
async def test_guards(store, state, wanted, holds, written):
    older = await store.commit([Write(b"guarded", b"0")])
    at = await store.commit([Write(b"guarded", b"1")])
    if state != "present":
        await store.commit([Write(b"guarded", None)])
    if state == "absent":
        at = store.revision
    revision = {"absent": 0, "present": None, "revision": at, "older": older, "newer": at + 1}[wanted]
    guard = Guard(b"guarded", revision)
    writes = [Write(b"x", b"1"), Write(b"guarded" if written else b"y", b"2")]
    before = await contents(store)
    if holds:
        await store.commit(writes, [guard])
        assert await contents(store) == before | {write.key: write.value for write in writes}
    else:
        last = store.revision
        with pytest.raises(GuardFailed) as caught:
            await store.commit(writes, [guard])
        assert caught.value.guard == guard
        assert caught.value.current == (at if state == "present" else 0)
        assert await contents(store) == before
        assert store.revision == last


@pytest.mark.parametrize(
    ("there", "holds"),
    [((), True), ((b"m",), True), ((b"b",), False), ((b"b\x00", b"z"), False), ((b"c",), True), ((b"a",), True)],
)
@pytest.mark.parametrize("written", [b"b", b"y"])
async def test_a_guard_on_a_range(store, there, holds, written):
    """That nothing lies between two keys: the first counts, the last does not."""
    for key in there:
        await store.commit([Write(key, b"0")])
    guard = Guard(b"b", 0, b"c")
    before = await contents(store)
    if holds:
        await store.commit([Write(written, b"1")], [guard])
        assert await contents(store) == before | {written: b"1"}
    else:
        with pytest.raises(GuardFailed) as caught:
            await store.commit([Write(written, b"1")], [guard])
        assert caught.value.guard == guard
        assert caught.value.current > 0
        assert await contents(store) == before


async def test_a_guard_on_a_range_sees_the_commits_before_it(store):
    """Also those that are decided together with it, and whatever they delete."""
    for number in range(5):
        await store.commit([Write(b"r%d" % number, b"0")])
    guard = Guard(b"r", 0, b"s")
    emptied = [store.commit([Write(b"r%d" % number, None)]) for number in range(4)]
    *_, early, last, late, put, again = await asyncio.gather(
        *emptied,
        store.commit([Write(b"x", b"1")], [guard]),
        store.commit([Write(b"r4", None)]),
        store.commit([Write(b"y", b"1")], [guard]),
        store.commit([Write(b"r9", b"1")], [guard]),
        store.commit([Write(b"z", b"1")], [guard]),
        return_exceptions=True,
    )
    assert isinstance(early, GuardFailed)
    assert isinstance(again, GuardFailed)
    assert last < late < put
    assert sorted(await contents(store)) == [b"r9", b"y"]


async def test_the_first_guard_that_fails_is_told(store):
    at = await store.commit([Write(b"a", b"1")])
    guards = [Guard(b"a", at), Guard(b"b", None), Guard(b"a", 0)]
    with pytest.raises(GuardFailed) as caught:
        await store.commit([Write(b"c", b"1")], guards)
    assert caught.value.guard == guards[1]
    assert caught.value.current == 0


async def test_a_guard_failure_is_told_before_a_deletion_of_nothing(store):
    with pytest.raises(GuardFailed):
        await store.commit([Write(b"a", None)], [Guard(b"a", None)])


async def test_a_commit_may_only_guard(store):
    at = await store.commit([Write(b"a", b"1")])
    assert await store.commit([], [Guard(b"a", at)]) == store.revision == at
    with pytest.raises(GuardFailed):
        await store.commit([], [Guard(b"a", 0)])


@pytest.mark.parametrize("again", [b"2", None], ids=["written", "deleted"])
async def test_a_commit_that_names_a_key_twice_is_refused(store, again):
    revision = store.revision
    with pytest.raises(Malformed, match="names b'a' twice"):
        await store.commit([Write(b"a", b"1"), Write(b"b", b"1"), Write(b"a", again)])
    assert store.revision == revision
    assert await contents(store) == {}


@pytest.mark.parametrize(
    ("writes", "guards"),
    [
        ([Write(b"%d" % number, b"") for number in range(MAX_WRITES + 1)], []),
        ([Write(b"a", b"")], [Guard(b"%d" % number, 0) for number in range(MAX_GUARDS + 1)]),
        ([Write(b"a", bytes(MAX_BYTES // 2)), Write(b"b", bytes(MAX_BYTES // 2))], []),
        ([Write(bytes(MAX_BYTES // 2), b""), Write(b"b", bytes(MAX_BYTES // 2))], []),
        ([Write(b"a", bytes(MAX_VALUE))], []),
    ],
    ids=["writes", "guards", "bytes", "bytes in keys", "one value"],
)
async def test_a_commit_beyond_the_bounds_is_refused(store, writes, guards):
    revision = store.revision
    with pytest.raises(TooLarge):
        await store.commit(writes, guards)
    assert store.revision == revision
    assert await contents(store) == {}


@pytest.mark.parametrize(
    ("writes", "guards"),
    [
        (
            [Write(b"%03d" % number, b"") for number in range(MAX_WRITES)],
            [Guard(b"g%d" % number, 0) for number in range(MAX_GUARDS)],
        ),
        ([Write(b"a", bytes(MAX_BYTES // 2 - 1)), Write(b"b", bytes(MAX_BYTES // 2 - 1))], []),
        ([Write(b"a", bytes(MAX_VALUE - 1))], []),
        ([Write(b"a", b"1")], [Guard(b"b", 0), Guard(b"b", 0)]),
    ],
    ids=["many", "bytes", "one value", "guarded twice"],
)
async def test_a_commit_at_the_bounds_is_made(store, writes, guards):
    await store.commit(writes, guards)
    assert await contents(store) == {write.key: write.value for write in writes}


async def test_concurrent_creates_of_one_key_have_one_winner(store):
    results = await asyncio.gather(
        *(store.commit([Write(b"a", b"%d" % number)], [Guard(b"a", 0)]) for number in range(50)),
        return_exceptions=True,
    )
    (winner,) = (number for number, result in enumerate(results) if isinstance(result, int))
    assert sum(isinstance(result, GuardFailed) for result in results) == 49
    row = await (await store.snapshot()).get(b"a")
    assert (row.value, row.revision) == (b"%d" % winner, results[winner])


async def test_concurrent_increments_lose_nothing(store):
    await store.commit([Write(b"counter", b"0")])

    async def increment() -> None:
        while True:
            row = await (await store.snapshot()).get(b"counter")
            try:
                await store.commit([Write(b"counter", b"%d" % (int(row.value) + 1))], [Guard(b"counter", row.revision)])
            except GuardFailed:
                continue
            return

    await asyncio.gather(*(increment() for _ in range(20)))
    assert (await (await store.snapshot()).get(b"counter")).value == b"20"


async def test_a_commit_that_fails_does_not_fail_its_neighbours(store):
    await store.commit([Write(b"taken", b"")])

    async def commit(number: int) -> int | Exception:
        writes = [Write(b"%03d/%d" % (number, part), b"%d" % number) for part in range(3)]
        guards = []
        match number % 4:
            case 1:
                guards.append(Guard(b"taken", 0))
            case 2:
                writes.append(Write(b"nothing", None))
            case 3:
                writes.append(writes[0])
        try:
            return await store.commit(writes, guards)
        except StoreError as error:
            return error

    results = await asyncio.gather(*(commit(number) for number in range(100)))
    kinds = (int, GuardFailed, Malformed, Malformed)
    for number, result in enumerate(results):
        assert isinstance(result, kinds[number % 4])
    expected = {b"taken": b""} | {
        b"%03d/%d" % (number, part): b"%d" % number for number in range(0, 100, 4) for part in range(3)
    }
    assert await contents(store) == expected
    rows = {row.key: row.revision for row in await (await store.snapshot()).scan(b"", b"t")}
    for number in range(0, 100, 4):
        assert [rows[b"%03d/%d" % (number, part)] for part in range(3)] == [results[number] + part for part in range(3)]


async def test_nothing_of_another_commit_lies_between_the_writes_of_one(store):
    after = store.revision
    await asyncio.gather(
        *(store.commit([Write(b"%d/%d" % (number, part), b"%d" % number) for part in range(7)]) for number in range(40))
    )
    changes = await store.changes(after)
    assert len(changes) == 280
    for start in range(0, 280, 7):
        part = changes[start : start + 7]
        assert len({change.value for change in part}) == 1
        assert [change.revision for change in part] == list(range(part[0].revision, part[0].revision + 7))
        assert [change.key.split(b"/")[1] for change in part] == [b"%d" % number for number in range(7)]


async def test_a_caller_that_is_cancelled_disturbs_nobody(store):
    tasks = [asyncio.ensure_future(store.commit([Write(b"%d" % number, b"")])) for number in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, int) for result in results[1::2])
    assert set(await contents(store)) >= {b"%d" % number for number in range(1, 20, 2)}


async def test_what_was_committed_is_there_after_opening_again(engine):
    store = await engine.open()
    first = await store.commit([Write(b"a", b"1"), Write(b"b", b"2")])
    await store.commit([Write(b"a", None)])
    revision = store.revision
    log = await store.changes(first - 1)
    await store.close()
    store = await engine.open()
    assert store.revision == revision
    assert await contents(store) == {b"b": b"2"}
    assert await store.changes(first - 1) == log
    assert await store.commit([Write(b"c", b"")]) > revision
    await store.close()


async def test_revisions_go_on_after_everything_was_deleted_and_forgotten(engine):
    store = await engine.open()
    await store.commit([Write(b"a", b"1")])
    await store.commit([Write(b"a", None)])
    revision = store.revision
    await store.compact(revision)
    await store.close()
    store = await engine.open()
    assert store.revision == revision
    assert store.oldest == revision
    assert await store.commit([Write(b"a", b"")]) > revision
    await store.close()
