"""A snapshot that sees writes which are not made yet answers as the store does once they are."""

import asyncio

import pytest

from manifold.registry.ahead import NOT_YET, Ahead
from manifold.storage.contract import Write
from manifold.storage.sqlite import open_store

STORED = [Write(key, b"old") for key in (b"a1", b"a2", b"a4", b"b1")]
COMING = [Write(b"a1", b"new"), Write(b"a2", None), Write(b"a3", b"new"), Write(b"a5", b"new"), Write(b"c1", b"new")]
RANGES = [(b"a", b"b"), (b"a2", b"a5"), (b"a", b"z"), (b"c", b"d"), (b"x", b"z")]


async def _answers(path, start, end, limit):
    """What is told before and after the writes: rows, their number, and each by its key."""
    store = await open_store(path)
    try:
        await store.commit(STORED)
        ahead = Ahead(await store.snapshot(), COMING)
        found = []
        for snapshot in (ahead, None):
            if snapshot is None:
                await store.commit(COMING)
                snapshot = await store.snapshot()
            rows = await snapshot.scan(start, end, limit)
            single = [await snapshot.get(key) for key in (b"a1", b"a2", b"a3", b"a4")]
            told = [(row.key, row.value) for row in rows], [row and row.value for row in single]
            found.append((*told, await snapshot.count(start, end, limit)))
        revisions = {row.key: row.revision for row in await ahead.scan(b"a", b"b")}
        return found, revisions, ahead.revision
    finally:
        await store.close()


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 10])
@pytest.mark.parametrize(("start", "end"), RANGES)
def test_it_answers_as_the_store_will(tmp_path, start, end, limit):
    (before, after), revisions, revision = asyncio.run(_answers(tmp_path / "store", start, end, limit))
    assert before == after
    assert {key for key, one in revisions.items() if one == NOT_YET} == {b"a1", b"a3", b"a5"}
    assert revision == NOT_YET
