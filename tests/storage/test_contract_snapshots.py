"""Contract: a snapshot is a consistent view at one revision, and never sees a later write."""

import asyncio

import pytest

from manifold.storage.contract import Compacted, Row, Write


def keys(rows):
    return [row.key for row in rows]


async def test_scan_gives_the_half_open_range_in_key_order(store):
    await store.commit([Write(key, b"v" + key) for key in (b"c", b"a", b"bb", b"b", b"b\x00", b"d", b"\xff")])
    view = await store.snapshot()
    assert keys(await view.scan(b"", b"\xff")) == [b"a", b"b", b"b\x00", b"bb", b"c", b"d"]
    assert keys(await view.scan(b"b", b"c")) == [b"b", b"b\x00", b"bb"]
    assert keys(await view.scan(b"b\x00", b"bb")) == [b"b\x00"]
    assert keys(await view.scan(b"c", b"b")) == []
    assert keys(await view.scan(b"c", b"c")) == []
    assert keys(await view.scan(b"d\x00", b"\xff\xff")) == [b"\xff"]


async def test_rows_carry_key_value_and_revision(store):
    first = await store.commit([Write(b"a", b"1"), Write(b"b", b"2")])
    view = await store.snapshot()
    assert list(await view.scan(b"", b"z")) == [Row(b"a", b"1", first), Row(b"b", b"2", first + 1)]
    assert await view.get(b"b") == Row(b"b", b"2", first + 1)
    assert await view.get(b"c") is None
    assert hash(await view.get(b"a")) == hash(Row(b"a", b"1", first))


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("size", [1, 2, 7, 100, 101, 250, 1000])
async def test_pages_make_up_the_whole(store, size, later):
    names = [b"%03d" % (number * 7 % 250) for number in range(250)]
    for start in range(0, 250, 50):
        await store.commit([Write(name, name) for name in names[start : start + 50]])
    view = await store.snapshot()
    if later:
        await store.commit([Write(name, b"later") for name in names[::3]])
        await store.commit([Write(name, None) for name in names[1::3]])
        await store.commit([Write(name + b"x", b"new") for name in names[::3]])
    found, start = [], b""
    while page := await view.scan(start, b"\xff", size):
        assert len(page) <= size
        found += page
        start = page[-1].key + b"\x00"
    assert keys(found) == sorted(names)
    assert all(row.key == row.value for row in found)


async def test_count_stops_at_its_limit(store):
    await store.commit([Write(b"%02d" % number, b"") for number in range(20)])
    view = await store.snapshot()
    await store.commit([Write(b"%02d" % number, None) for number in range(0, 20, 2)])
    await store.commit([Write(b"x%02d" % number, b"") for number in range(50)])
    await store.commit([Write(b"01", b"again")])
    for limit, count in ((1, 1), (19, 19), (20, 20), (100, 20)):
        assert await view.count(b"", b"\xff", limit) == count
    assert await view.count(b"05", b"10", 100) == 5
    assert await (await store.snapshot()).count(b"", b"\xff", 1000) == 60


async def test_a_snapshot_never_sees_a_later_write(store):
    first = await store.commit([Write(b"changed", b"1"), Write(b"deleted", b"1"), Write(b"kept", b"1")])
    view = await store.snapshot()
    expected = list(await view.scan(b"", b"\xff"))
    assert view.revision == first + 2
    await store.commit([Write(b"changed", b"2"), Write(b"deleted", None), Write(b"new", b"2")])
    await store.commit([Write(b"changed", None), Write(b"deleted", b"3"), Write(b"new", None)])
    await store.commit([Write(b"changed", b"4"), Write(b"kept", b"4")])
    assert view.revision == first + 2
    assert list(await view.scan(b"", b"\xff")) == expected
    for row in expected:
        assert await view.get(row.key) == row
    assert await view.get(b"new") is None
    assert await view.count(b"", b"\xff", 10) == 3


async def test_a_snapshot_at_an_older_revision_is_what_was_seen_then(store):
    seen = {}
    for number in range(30):
        await store.commit([Write(b"%d" % (number % 7), b"%d" % number), Write(b"n%d" % number, b"")])
        if number % 5 == 4:
            await store.commit([Write(b"%d" % (number % 7), None)])
        view = await store.snapshot()
        seen[view.revision] = list(await view.scan(b"", b"\xff"))
    for revision, rows in seen.items():
        view = await store.snapshot(revision)
        assert view.revision == revision
        assert list(await view.scan(b"", b"\xff")) == rows
        there = {row.key: row for row in rows}
        for name in [b"%d" % number for number in range(7)] + [b"n%d" % number for number in range(30)]:
            assert await view.get(name) == there.get(name)


async def test_a_snapshot_far_behind_is_still_exact(store):
    await store.commit([Write(b"k%02d" % number, b"old") for number in range(50)])
    view = await store.snapshot()
    for turn in range(60):
        await store.commit([Write(b"k%02d" % number, b"%d" % turn) for number in range(0, 50, 2)])
    await store.commit([Write(b"k%02d" % number, None) for number in range(0, 50, 4)])
    await store.commit([Write(b"k%02d-new" % number, b"") for number in range(50)])
    rows = await view.scan(b"", b"\xff")
    assert keys(rows) == [b"k%02d" % number for number in range(50)]
    assert {row.value for row in rows} == {b"old"}
    assert keys(await view.scan(b"k10", b"k20", 4)) == [b"k10", b"k11", b"k12", b"k13"]
    assert await view.count(b"k10", b"k20", 100) == 10
    assert (await view.get(b"k04")).value == b"old"


async def test_many_reads_at_once_through_one_snapshot(store):
    await store.commit([Write(b"%02d" % number, b"old") for number in range(50)])
    view = await store.snapshot()

    async def read(number: int) -> None:
        assert (await view.get(b"%02d" % number)).value == b"old"
        await store.commit([Write(b"%02d" % number, b"new")])
        assert (await view.get(b"%02d" % number)).value == b"old"
        assert {row.value for row in await view.scan(b"", b"\xff")} == {b"old"}

    await asyncio.gather(*(read(number) for number in range(50)))


async def test_a_revision_that_does_not_exist_yet_is_a_value_error(store):
    with pytest.raises(ValueError, match=str(store.revision)):
        await store.snapshot(store.revision + 1000)


async def test_reading_below_the_window_raises_compacted(store):
    first = await store.commit([Write(b"a", b"1")])
    await store.commit([Write(b"a", b"2")])
    old = await store.snapshot(first)
    await store.commit([Write(b"a", b"3")])
    await store.compact(store.revision)
    for reading in (
        store.snapshot(first),
        old.get(b"a"),
        old.get(b"never there"),
        old.scan(b"", b"z"),
        old.count(b"", b"z", 1),
    ):
        with pytest.raises(Compacted) as caught:
            await reading
        assert caught.value.oldest == store.oldest
    assert (await (await store.snapshot(store.oldest)).get(b"a")).value == b"3"
