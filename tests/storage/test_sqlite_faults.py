"""The embedded engine: a full disk and a failing one.

The disk is made to fail under the open store, by replacing the descriptor of its write-ahead log: by `/dev/full`,
where every write meets a full disk; by `/dev/null`, where every sync fails; by the log itself opened for reading only.
(Devices read as nothing, so what the log holds is moved into the database before.)
"""

import asyncio
import os
import resource
from contextlib import contextmanager, suppress

import pytest

from manifold.storage.contract import Guard, Unavailable, Write
from manifold.storage.sqlite import open_store


@contextmanager
def failing(path, device=None):
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # The descriptor this very list was read through.
            if os.readlink(f"/proc/self/fd/{name}") == f"{path}-wal":
                found.append(int(name))
    replaced = [(descriptor, os.dup(descriptor)) for descriptor in found]
    assert replaced
    bad = os.open(device, os.O_RDWR) if device else os.open(f"{path}-wal", os.O_RDONLY)
    for descriptor, _ in replaced:
        os.dup2(bad, descriptor, inheritable=False)
    try:
        yield
    finally:
        for descriptor, kept in replaced:
            os.dup2(kept, descriptor, inheritable=False)
            os.close(kept)
        os.close(bad)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


async def contents(store):
    return {row.key: row.value for row in await (await store.snapshot()).scan(b"", b"\xff")}


async def test_a_full_disk_fails_the_group_and_nothing_else(path):
    store = await open_store(path)
    heard = []
    store.listen(heard.extend)
    await store.commit([Write(b"a", b"1")])
    before, revision, log = await contents(store), store.revision, list(heard)
    await store.compact(revision)
    with failing(path, "/dev/full"):
        results = await asyncio.gather(
            *(store.commit([Write(b"a", b"2"), Write(b"b%d" % number, bytes(5000))]) for number in range(20)),
            return_exceptions=True,
        )
        assert {type(result) for result in results} == {Unavailable}
        assert all("full" in str(result) and "free some space" in str(result) for result in results)
        assert (store.revision, heard) == (revision, log)
    assert await contents(store) == before
    # Space is back: so is the store.
    first = await store.commit([Write(b"a", b"3")], [Guard(b"b0", 0)])
    assert first == revision + 1
    assert await contents(store) == {b"a": b"3"}
    assert [change.revision for change in await store.changes(revision)] == [first]
    await store.close()
    store = await open_store(path)
    assert await contents(store) == {b"a": b"3"}
    await store.close()


async def test_a_write_that_fails_fails_its_group_and_nothing_else(path):
    store = await open_store(path)
    for number in range(10):
        await store.commit([Write(b"a", b"%d" % number)])
    revision = store.revision
    with failing(path):
        with pytest.raises(Unavailable, match="cannot be written"):
            await store.commit([Write(b"a", b"no")])
        assert await contents(store) == {b"a": b"9"}
    assert await store.commit([Write(b"a", b"yes")]) == revision + 1
    assert await contents(store) == {b"a": b"yes"}
    await store.close()


async def test_a_compaction_that_fails_can_be_repeated(path):
    store = await open_store(path)
    for number in range(10):
        await store.commit([Write(b"a", b"%d" % number)])
    with failing(path), pytest.raises(Unavailable):
        await store.compact(store.revision)
    await store.commit([Write(b"b", b"1")])
    await store.compact(store.revision)
    assert await contents(store) == {b"a": b"9", b"b": b"1"}
    await store.close()


async def test_after_a_failed_sync_the_store_refuses_to_go_on(path):
    store = await open_store(path)
    await store.commit([Write(b"a", b"1")])
    revision = store.revision
    await store.compact(revision)
    with failing(path, "/dev/null"), pytest.raises(Unavailable, match="start anew"):
        await store.commit([Write(b"a", b"2")])
    with pytest.raises(Unavailable, match="start anew"):
        await store.commit([Write(b"a", b"3")])
    with pytest.raises(Unavailable, match="start anew"):
        await store.compact(store.revision)
    # What was there can still be read.
    assert await contents(store) == {b"a": b"1"}
    assert store.revision == revision
    await store.close()
    store = await open_store(path)
    assert await contents(store) == {b"a": b"1"}
    assert await store.commit([Write(b"a", b"4")]) == revision + 1
    await store.close()


async def test_a_file_that_may_not_grow(path):
    """The same by a limit of the process, which meets the database file in checkpoints as well."""
    store = await open_store(path)
    for number in range(20):
        await store.commit([Write(b"%d" % number, bytes(10_000))])
    before, revision = await contents(store), store.revision
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
    made = 0
    try:
        for number in range(20):
            try:
                await store.commit([Write(b"n%d" % number, bytes(50_000))])
            except Unavailable:
                continue
            made += 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert made < 20
    assert store.revision == revision + made
    assert len(await contents(store)) == len(before) + made
    await store.commit([Write(b"x%d" % number, bytes(10_000)) for number in range(50)])
    await store.compact(store.revision)
    expected = await contents(store)
    await store.close()
    store = await open_store(path)
    assert await contents(store) == expected
    await store.close()
