"""Contract: closing finishes what is under way and refuses what comes later."""

import asyncio

import pytest

from manifold.storage.contract import Unavailable, Write


async def test_closing_finishes_commits_under_way(engine):
    store = await engine.open()
    commits = [asyncio.ensure_future(store.commit([Write(b"%d" % number, b"")])) for number in range(50)]
    await asyncio.sleep(0)
    await store.close()
    assert all(isinstance(revision, int) for revision in await asyncio.gather(*commits))
    store = await engine.open()
    assert await (await store.snapshot()).count(b"", b"\xff", 100) == 50
    await store.close()


async def test_everything_is_refused_after_closing(engine):
    store = await engine.open()
    await store.commit([Write(b"a", b"")])
    view = await store.snapshot()
    await store.close()
    for use in (
        store.commit([Write(b"b", b"")]),
        store.snapshot(),
        store.changes(store.revision - 1),
        store.compact(store.revision),
        view.get(b"a"),
        view.scan(b"", b"z"),
        view.count(b"", b"z", 1),
    ):
        with pytest.raises(Unavailable, match="closed"):
            await use


async def test_closing_twice_is_closing_once(engine):
    store = await engine.open()
    await asyncio.gather(store.close(), store.close())
    await store.close()


async def test_a_compaction_under_way_ends_with_the_store(engine):
    store = await engine.open()
    for _ in range(20):
        await store.commit([Write(b"%d" % number, b"") for number in range(100)])
    compaction = asyncio.ensure_future(store.compact(store.revision))
    await asyncio.sleep(0)
    await store.close()
    (result,) = await asyncio.gather(compaction, return_exceptions=True)
    assert result is None or isinstance(result, Unavailable)
