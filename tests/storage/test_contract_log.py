"""Contract: the log is ordered, gap-free and tells what was before; listeners hear it before a commit returns."""

import asyncio

import pytest

from manifold.storage.contract import Change, Compacted, Guard, GuardFailed, Write


async def test_changes_tell_the_value_and_what_was_before(store):
    after = store.revision
    created = await store.commit([Write(b"a", b"1"), Write(b"b", b"1")])
    updated = await store.commit([Write(b"a", b"2")])
    deleted = await store.commit([Write(b"a", None)])
    again = await store.commit([Write(b"a", b"3")])
    assert list(await store.changes(after)) == [
        Change(created, b"a", b"1", None, 0),
        Change(created + 1, b"b", b"1", None, 0),
        Change(updated, b"a", b"2", b"1", created),
        Change(deleted, b"a", None, b"2", updated),
        Change(again, b"a", b"3", None, 0),
    ]


async def test_changes_can_be_resumed_anywhere(store):
    after = store.revision
    await asyncio.gather(
        *(store.commit([Write(b"%d" % (n % 5), b"%d" % n), Write(b"x%d" % n, b"")]) for n in range(30))
    )
    whole = list(await store.changes(after))
    assert len(whole) == 60
    for position, change in enumerate(whole):
        assert list(await store.changes(change.revision, 7)) == whole[position + 1 : position + 8]
    assert list(await store.changes(store.revision)) == []
    assert list(await store.changes(store.revision + 1000)) == []


async def test_the_log_gives_a_thousand_changes_unless_told_otherwise(store):
    after = store.revision
    for turn in range(11):
        await store.commit([Write(b"%d" % number, b"%d" % turn) for number in range(100)])
    assert len(await store.changes(after)) == 1000
    assert len(await store.changes(after, 1100)) == 1100
    assert len(await store.changes(after, 1)) == 1


async def test_refused_commits_leave_no_trace_in_the_log(store):
    after = store.revision
    await store.commit([Write(b"a", b"1")])
    with pytest.raises(GuardFailed):
        await store.commit([Write(b"a", b"2")], [Guard(b"a", 0)])
    await store.commit([Write(b"a", b"3")])
    assert [change.value for change in await store.changes(after)] == [b"1", b"3"]


async def test_listeners_hear_every_change_once_and_in_order(store):
    heard, also = [], []
    await store.commit([Write(b"before", b"")])
    after = store.revision
    store.listen(heard.extend)
    store.listen(also.extend)
    await asyncio.gather(
        *(store.commit([Write(b"%d" % (n % 9), b"%d" % n), Write(b"x", b"%d" % n)]) for n in range(100)),
        *(store.commit([Write(b"0", b"")], [Guard(b"x", 1)]) for n in range(20)),
        return_exceptions=True,
    )
    await store.commit([Write(b"x", None)])
    assert len(heard) == 201
    assert heard == also == list(await store.changes(after))


async def test_listeners_hear_of_a_commit_before_it_returns(store):
    heard = set()
    store.listen(lambda changes: heard.update(change.revision for change in changes))

    async def commit(number: int) -> None:
        first = await store.commit([Write(b"%d" % number, b""), Write(b"%d/x" % number, b"")])
        assert {first, first + 1} <= heard

    for _ in range(5):
        await asyncio.gather(*(commit(number) for number in range(30)))


async def test_nothing_can_be_read_that_listeners_have_not_heard_of(store):
    """A cache that drops on a change is never older than what is read beside it."""
    heard = {b"counter": b"0"}
    await store.commit([Write(b"counter", b"0")])
    store.listen(lambda changes: heard.update({change.key: change.value for change in changes}))
    done = False

    async def read() -> int:
        reads = 0
        while not done:
            row = await (await store.snapshot()).get(b"counter")
            assert row.value == heard[b"counter"]
            reads += 1
            await asyncio.sleep(0)
        return reads

    reader = asyncio.ensure_future(read())
    for number in range(1, 200):
        await store.commit([Write(b"counter", b"%d" % number)])
    done = True
    assert await reader > 0


async def test_a_listener_sees_the_store_at_the_revision_it_is_told_of(store):
    seen = []
    store.listen(lambda changes: seen.append((changes[-1].revision, store.revision)))
    await asyncio.gather(*(store.commit([Write(b"%d" % number, b"")]) for number in range(20)))
    assert seen
    assert all(told == at for told, at in seen)


async def test_compaction_moves_the_window_and_keeps_the_rows(store):
    start = store.revision
    revisions = [await store.commit([Write(b"a", b"%d" % n), Write(b"n%d" % n, b"")]) for n in range(10)]
    await store.compact(revisions[5])
    assert start < store.oldest <= revisions[5]
    with pytest.raises(Compacted) as caught:
        await store.changes(start)
    assert caught.value.oldest == store.oldest
    changes = await store.changes(store.oldest)
    assert changes[-1].revision == store.revision
    assert next(change for change in changes if change.key == b"a").previous is not None
    for number in range(5, 10):
        assert (await (await store.snapshot(revisions[number])).get(b"a")).value == b"%d" % number
    assert await (await store.snapshot()).count(b"n", b"o", 100) == 10


async def test_compaction_of_what_is_gone_already_changes_nothing(store):
    first = await store.commit([Write(b"a", b"1")])
    await store.commit([Write(b"a", b"2")])
    await store.compact(store.revision)
    oldest = store.oldest
    await store.compact(first)
    await store.compact(0)
    assert store.oldest == oldest == store.revision


async def test_compaction_never_passes_the_present(store):
    await store.commit([Write(b"a", b"1")])
    await store.compact(store.revision + 1000)
    assert store.oldest <= store.revision
    assert (await (await store.snapshot(store.oldest)).get(b"a")).value == b"1"
    assert list(await store.changes(store.oldest)) == []


async def test_compaction_beside_commits(store):
    done = False

    async def write() -> None:
        number = 0
        while not done:
            number += 1
            await store.commit([Write(b"%d" % (number % 20), b"%d" % number)])

    writers = [asyncio.ensure_future(write()) for _ in range(5)]
    for _ in range(20):
        await asyncio.sleep(0.005)
        view = await store.snapshot()
        rows = list(await view.scan(b"", b"\xff"))
        await store.compact(view.revision)
        assert store.oldest <= view.revision
        assert list(await view.scan(b"", b"\xff")) == rows
        changes = await store.changes(view.revision)
        assert [change.revision for change in changes] == sorted({change.revision for change in changes})
    done = True
    await asyncio.gather(*writers)


async def test_the_window_is_kept_when_opened_again(engine):
    store = await engine.open()
    await store.commit([Write(b"a", b"1")])
    middle = await store.commit([Write(b"a", b"2")])
    await store.commit([Write(b"a", b"3")])
    await store.compact(middle)
    oldest, log = store.oldest, await store.changes(store.oldest)
    await store.close()
    store = await engine.open()
    assert store.oldest == oldest
    assert await store.changes(oldest) == log
    with pytest.raises(Compacted):
        await store.changes(oldest - 1)
    await store.close()
