"""The embedded engine: what the event loop may see while the writer's thread is ahead of it, and how reads behave."""

import asyncio
import sqlite3
import time
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from support.examples import examples
from test_contract_model import run_example, steps

from manifold.storage.contract import Write
from manifold.storage.sqlite import open_store, reading
from manifold.storage.sqlite.store import QUIET_PASSES


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


def last_in_file(path):
    with sqlite3.connect(path) as other:
        return other.execute("SELECT max(revision) FROM entries").fetchone()[0]


async def test_rows_the_loop_has_not_been_told_of_are_not_seen(path):
    """The loop is kept from running while the writer commits: the file is ahead, the store is not."""
    store = await open_store(path)
    await store.commit([Write(b"changed", b"1"), Write(b"deleted", b"1"), Write(b"kept", b"1")])
    held = await store.snapshot()
    rows = list(await held.scan(b"", b"z"))
    revision = store.revision
    heard = []
    store.listen(heard.extend)
    commit = asyncio.ensure_future(store.commit([Write(b"changed", b"2"), Write(b"deleted", None), Write(b"new", b"")]))
    for _ in range(
        QUIET_PASSES + 2
    ):  # One in which it is gathered, one more to see that it is new, and the quiet ones.
        await asyncio.sleep(0)
    deadline = time.monotonic() + 10
    while last_in_file(path) == revision:
        assert time.monotonic() < deadline, "the commit has not been handed over"
        time.sleep(0.001)  # noqa: ASYNC251 (holding the loop is the point)
    # Nothing below suspends, so the loop does not get to the outcome.
    assert (store.revision, heard) == (revision, [])
    for view in (held, await store.snapshot()):
        assert view.revision == revision
        assert list(await view.scan(b"", b"z")) == rows
        assert list(await view.scan(b"", b"z", 2)) == rows[:2]
        assert [await view.get(row.key) for row in rows] == rows
        assert await view.get(b"new") is None
        assert await view.count(b"", b"z", 0) == 3
    assert list(await store.changes(revision)) == []
    assert (await store.changes(revision - 3))[-1].revision == revision
    first = await commit
    assert [change.revision for change in heard] == [first, first + 1, first + 2]
    assert [row.key for row in await (await store.snapshot()).scan(b"", b"z")] == [b"changed", b"kept", b"new"]
    assert list(await held.scan(b"", b"z")) == rows
    await store.close()


async def test_the_log_has_no_gaps(path):
    store = await open_store(path)
    start = store.revision
    assert start == 101
    await asyncio.gather(
        *(store.commit([Write(b"%d" % n, b""), Write(b"x", b"%d" % n)]) for n in range(50)),
        *(store.commit([Write(b"absent", None)]) for n in range(50)),
        return_exceptions=True,
    )
    assert [change.revision for change in await store.changes(start)] == list(range(start + 1, start + 101))
    await store.close()


async def test_commits_that_wait_together_share_a_transaction(path):
    store = await open_store(path)
    calls = []
    store.listen(lambda changes: calls.append(len(changes)))
    await asyncio.gather(*(store.commit([Write(b"%d" % number, b"")]) for number in range(200)))
    assert sum(calls) == 200
    assert len(calls) < 10
    await store.close()


async def test_a_view_between_the_writes_of_a_commit(path):
    store = await open_store(path)
    first = await store.commit([Write(b"a", b"1"), Write(b"b", b"1")])
    await store.commit([Write(b"a", b"2"), Write(b"b", None)])
    keys = [[row.key for row in await (await store.snapshot(first + n)).scan(b"", b"z")] for n in range(4)]
    assert keys == [[b"a"], [b"a", b"b"], [b"a", b"b"], [b"a"]]
    await store.close()


async def test_a_listener_that_raises_harms_nobody(path):
    store = await open_store(path)
    problems, heard = [], []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: problems.append(context["exception"]))

    def broken(changes):
        raise ZeroDivisionError

    store.listen(broken)
    store.listen(heard.extend)
    await store.commit([Write(b"a", b"")])
    assert len(heard) == 1
    assert [type(problem) for problem in problems] == [ZeroDivisionError]
    await store.close()


async def test_reading_keeps_the_write_ahead_log_bounded(path):
    """No read transaction outlives a call: views that are kept and used do not stop the log from restarting."""
    store = await open_store(path)
    views = [await store.snapshot()]
    largest = 0
    wal = path.with_name("store.db-wal")
    for _ in range(60):
        await asyncio.gather(*(store.commit([Write(b"%d" % number, bytes(8000))]) for number in range(100)))
        views.append(await store.snapshot())
        for view in views:
            await view.scan(b"1", b"2", 5)
            await view.get(b"50")
        largest = max(largest, wal.stat().st_size)
    assert largest < 32 << 20
    await store.close()


@pytest.mark.fuzz
@pytest.mark.parametrize("near", [-1, 3, 10**9])
def test_each_way_of_finding_past_rows_equals_the_model(path, runner, monkeypatch, near):
    monkeypatch.setattr(reading, "NEAR", near)
    store = runner.run(open_store(path))
    prefixes = count(1)

    @settings(max_examples=examples(60), suppress_health_check=list(HealthCheck))
    @given(steps)
    def hold(steps):
        runner.run(run_example(store, b"%06d/" % next(prefixes), steps))

    hold()
    runner.run(store.close())
