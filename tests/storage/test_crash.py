"""The embedded engine killed while it writes: what was acknowledged is there, whole, and nothing is half there."""

import asyncio
import multiprocessing
import random
import time

import crash_writer

from manifold.storage.contract import Change, Store
from manifold.storage.sqlite import open_store

ROUNDS = 100


def killed_writer(path, seconds):
    """Run a writer for some time, kill it, and return what it acknowledged: token by first revision."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["crash_writer", "manifold.storage.sqlite"])
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=crash_writer.run, args=(path, there))
    process.start()
    there.close()
    acknowledged = {}
    try:
        deadline = None
        while True:
            if deadline is None:
                first, token = here.recv_bytes().split()
                acknowledged[int(first)] = token
                deadline = time.monotonic() + seconds
            elif here.poll(max(0.0, deadline - time.monotonic())):
                first, token = here.recv_bytes().split()
                acknowledged[int(first)] = token
            if time.monotonic() >= deadline:
                process.kill()
                break
        process.join()
        while True:
            # Half a message is no acknowledgement: its commit may be there or not.
            first, token = here.recv_bytes().split()
            acknowledged[int(first)] = token
    except EOFError:
        pass
    finally:
        process.kill()
        process.join()
        here.close()
    return acknowledged


async def log(store: Store, after: int) -> list[Change]:
    found: list[Change] = []
    while page := await store.changes(found[-1].revision if found else after):
        found += page
    return found


async def verify(path, start, acknowledged):
    """Everything behind `start` is whole commits without gaps, the acknowledged ones among them."""
    store = await open_store(path)
    changes = await log(store, max(start, store.oldest))
    revisions = [change.revision for change in changes]
    assert revisions == list(range(max(start, store.oldest) + 1, store.revision + 1))
    assert (store.revision - 101) % crash_writer.PARTS == 0
    there = {}
    for change in changes:
        position = (change.revision - 102) % crash_writer.PARTS
        assert change.key.endswith(b"/%d" % position)
        token = change.value.rstrip(b"\x00")
        assert len(change.value) == len(token) + 500 * position
        there.setdefault(change.revision - position, set()).add(token)
    assert all(len(tokens) == 1 for tokens in there.values())
    for first, token in acknowledged.items():
        assert first + crash_writer.PARTS - 1 <= store.revision
        if first > store.oldest:
            assert there[first] == {token}
    rows = await (await store.snapshot()).scan(b"", b"\xff")
    latest = {}
    for row in rows:
        latest.setdefault(row.key.split(b"/")[0], []).append(row)
    for parts in latest.values():
        assert [row.revision - parts[0].revision for row in parts] == list(range(crash_writer.PARTS))
        assert len({row.value.rstrip(b"\x00") for row in parts}) == 1
    current = {change.key: change for change in changes}
    for row in rows:
        if row.key in current:
            assert (row.value, row.revision) == (current[row.key].value, current[row.key].revision)
    revision = store.revision
    await store.close()
    return revision


def test_killed_a_hundred_times_while_writing(tmp_path):
    path = tmp_path / "store.db"
    chance = random.Random(1)
    start = 101
    total = 0
    for _ in range(ROUNDS):
        acknowledged = killed_writer(path, chance.uniform(0.0, 0.12))
        assert acknowledged
        total += len(acknowledged)
        start = asyncio.run(verify(path, start, acknowledged))
    assert total > ROUNDS
