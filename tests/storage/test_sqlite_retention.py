"""The embedded engine: what the log forgets by itself, and that space comes back."""

import asyncio
import shutil

import pytest

from manifold.storage.contract import Compacted, Write
from manifold.storage.sqlite import open_store


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


async def update(store, times, size=1000):
    for _ in range(times):
        await store.commit([Write(b"%d" % number, bytes(size)) for number in range(50)])


async def until(condition):
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


async def settled(store):
    """Give the writer's thread a few turns."""
    for _ in range(20):
        await store.commit([Write(b"turn", b"")])


async def test_what_is_young_is_kept_however_much_it_is(path):
    clock = Clock()
    store = await open_store(path, retention_seconds=300, retention_bytes=10_000, clock=clock)
    start = store.revision
    await update(store, 20)
    clock.now += 299
    await settled(store)
    assert store.oldest == start
    assert len(await store.changes(start, 5000)) == store.revision - start
    await store.close()


async def test_what_is_little_is_kept_however_old_it_is(path):
    clock = Clock()
    store = await open_store(path, retention_seconds=300, retention_bytes=10_000_000, clock=clock)
    start = store.revision
    await update(store, 20)
    clock.now += 1_000_000
    await update(store, 5)
    await settled(store)
    assert store.oldest == start
    await store.close()


async def test_what_is_old_and_much_is_forgotten(path):
    clock = Clock()
    store = await open_store(path, retention_seconds=300, retention_bytes=200_000, clock=clock)
    start = store.revision
    await update(store, 20)
    clock.now += 200
    middle = store.revision
    await update(store, 20)
    clock.now += 150
    await settled(store)
    await until(lambda: store.oldest > start)
    assert store.oldest <= middle
    with pytest.raises(Compacted):
        await store.changes(start)
    assert (await store.changes(middle, 5000))[0].revision == middle + 1
    # The size is kept although all of it is old.
    clock.now += 1_000_000
    await settled(store)
    await until(lambda: store.oldest > middle)
    kept = await store.changes(store.oldest, 5000)
    assert sum(len(change.previous or b"") for change in kept) >= 150_000
    await store.close()


async def test_it_is_forgotten_without_another_commit(path):
    """The writer's thread looks by itself; nobody has to write for the space to come back."""
    store = await open_store(path, retention_seconds=0.5, retention_bytes=10_000)
    await update(store, 20)
    last = store.revision
    await until(lambda: store.oldest > last - 100)
    await store.close()


async def test_a_row_that_is_not_changed_is_no_log(path):
    clock = Clock()
    store = await open_store(path, retention_seconds=0, retention_bytes=0, clock=clock)
    start = store.revision
    for number in range(50):
        await store.commit([Write(b"%d" % number, bytes(1000))])
        clock.now += 1000
    assert len(await store.changes(start)) == 50
    await store.close()


async def test_the_size_of_the_log_is_known_again_after_opening(path):
    clock = Clock()
    settings = {"retention_seconds": 300, "retention_bytes": 200_000, "clock": clock}
    store = await open_store(path, **settings)
    start = store.revision
    for _ in range(10):
        await update(store, 2)
        await store.close()
        store = await open_store(path, **settings)
    assert store.oldest == start
    clock.now += 1000
    await settled(store)
    await until(lambda: store.oldest > start)
    kept = await store.changes(store.oldest, 5000)
    assert 150_000 <= sum(len(change.previous or b"") for change in kept) <= 400_000
    await store.close()


async def test_space_comes_back(path, tmp_path):
    """After deleting nearly everything, a compacted store is as small as one that never held more."""
    store = await open_store(path)
    names = [b"%06d" % (number * 7919 % 6000) for number in range(6000)]
    for start in range(0, 6000, 100):
        await store.commit([Write(name, bytes(1500)) for name in names[start : start + 100]])
    await store.commit([Write(b"big", bytes(2 << 20))])
    await store.commit([Write(b"big", None)])
    large = path.stat().st_size
    for start in range(100, 6000, 100):
        await store.commit([Write(name, None) for name in names[start : start + 100]])
    await store.compact(store.revision)
    files = [path.stat().st_size, path.with_name("store.db-wal").stat().st_size]
    assert len(await (await store.snapshot()).scan(b"", b"z")) == 100
    await store.close()

    fresh = await open_store(tmp_path / "fresh.db")
    for start in range(0, 6000, 100):
        await fresh.commit([Write(name, b"") for name in names[start : start + 100]])
    for start in range(100, 6000, 100):
        await fresh.commit([Write(name, None) for name in names[start : start + 100]])
    await fresh.commit([Write(name, bytes(1500)) for name in names[:100]])
    await fresh.compact(fresh.revision)
    await fresh.close()
    assert large > 9_000_000
    assert sum(files) < 1.2 * (tmp_path / "fresh.db").stat().st_size


async def test_a_store_in_which_everything_was_deleted_is_as_small_as_a_new_one(path, tmp_path):
    store = await open_store(path)
    new = path.stat().st_size
    for start in range(0, 5000, 100):
        await store.commit([Write(b"%d" % number, bytes(3000)) for number in range(start, start + 100)])
    for start in range(0, 5000, 100):
        await store.commit([Write(b"%d" % number, None) for number in range(start, start + 100)])
    await store.compact(store.revision)
    assert path.stat().st_size < 1.2 * max(new, 65536)
    await store.close()


async def test_background_work_gives_space_back_too(path):
    clock = Clock()
    store = await open_store(path, retention_seconds=10, retention_bytes=100_000, clock=clock)
    for start in range(0, 12_000, 100):
        await store.commit([Write(b"%d" % number, bytes(1500)) for number in range(start, start + 100)])
    large = path.stat().st_size
    for start in range(0, 12_000, 100):
        await store.commit([Write(b"%d" % number, None) for number in range(start, start + 100)])
    clock.now += 100
    for _ in range(300):
        await store.commit([Write(b"turn", bytes(1000))])
    await store.close()
    assert path.stat().st_size < large / 2


async def test_a_copy_of_a_closed_store_is_the_store(path, tmp_path):
    store = await open_store(path)
    await update(store, 3)
    revision = store.revision
    await store.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["store.db", "store.db.lock"]
    shutil.copy(path, tmp_path / "copy.db")
    copy = await open_store(tmp_path / "copy.db")
    assert copy.revision == revision
    assert await (await copy.snapshot()).count(b"", b"z", 0) == 50
    await copy.close()
