"""The embedded engine: which files are refused, with which words, and that refusing changes nothing."""

import asyncio
import multiprocessing
import os
import sqlite3
import stat
import tempfile
from pathlib import Path

import pytest

from manifold.storage.contract import Change, Guard, StoreError, Write
from manifold.storage.sqlite import layout, open_store


async def refused(path):
    with pytest.raises(StoreError) as caught:
        await open_store(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path.name) in message
    return message


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


async def test_a_new_store_says_what_it_is_and_is_private(path):
    await (await open_store(path)).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with sqlite3.connect(path) as other:
        pragmas = [
            other.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version", "page_size", "auto_vacuum", "journal_mode")
        ]
        assert pragmas == [layout.APPLICATION_ID, layout.FORMAT, 8192, 2, "wal"]
        assert other.execute("SELECT value FROM meta WHERE name = 'created'").fetchone()[0] > 1_700_000_000


@pytest.mark.parametrize("content", [b"apiVersion: v1\n" * 1000, b"x", b"SQLite format 3\x00" + b"\xee" * 5000])
async def test_a_file_that_is_no_database(path, content):
    path.write_bytes(content)
    message = await refused(path)
    assert "not a database" in message or "damaged" in message
    assert path.read_bytes() == content


@pytest.mark.parametrize("left", [8192, 8192 * 2 + 100])
async def test_a_store_that_was_cut_off(path, left):
    store = await open_store(path)
    await store.commit([Write(b"%d" % number, bytes(5000)) for number in range(50)])
    await store.close()
    os.truncate(path, left)
    message = await refused(path)
    assert "damaged" in message
    assert "restore it from a backup" in message


async def test_an_opening_that_is_cancelled_holds_nothing(path):
    opening = asyncio.ensure_future(open_store(path))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    for _ in range(100):
        try:
            store = await open_store(path)
        except StoreError:
            await asyncio.sleep(0.01)
        else:
            break
    await store.commit([Write(b"a", b"")])
    await store.close()


async def test_an_empty_file_becomes_a_store(path):
    path.touch()
    store = await open_store(path)
    await store.commit([Write(b"a", b"")])
    await store.close()


async def test_the_database_of_another_program(path):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE cookies(name)")
    before = path.read_bytes()
    assert "another program" in await refused(path)
    assert path.read_bytes() == before


async def test_a_newer_format(path):
    await (await open_store(path)).close()
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA user_version = {layout.FORMAT + 1}")
    other.close()
    before = path.read_bytes()
    message = await refused(path)
    assert f"format {layout.FORMAT + 1}" in message
    assert f"up to {layout.FORMAT}" in message
    assert path.read_bytes() == before


FIRST_FORMAT = """
PRAGMA page_size = 8192;
PRAGMA auto_vacuum = 2;
CREATE TABLE entries(
    revision INTEGER PRIMARY KEY, next INTEGER NOT NULL, previous INTEGER NOT NULL,
    key BLOB NOT NULL, value BLOB) STRICT;
CREATE UNIQUE INDEX entries_current ON entries(key, next) WHERE next = 0;
CREATE INDEX entries_past ON entries(key, next) WHERE next > revision;
CREATE INDEX entries_ended ON entries(next) WHERE next <> 0;
CREATE TABLE marks(revision INTEGER PRIMARY KEY, time REAL NOT NULL, bytes INTEGER NOT NULL) STRICT;
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('oldest', 101), ('created', unixepoch());
INSERT INTO entries(revision, next, previous, key, value) VALUES
    (102, 104, 0, x'61', x'31'), (103, 105, 0, x'62', x'32'), (104, 0, 102, x'61', x'33'),
    (105, 105, 103, x'62', NULL), (106, 0, 0, x'63', x'34');
PRAGMA application_id = 1298230889;
PRAGMA user_version = 1;
"""


async def test_a_file_of_the_first_format(path):
    """What is in it is there at every revision, and can be written on."""
    with sqlite3.connect(path) as other:
        other.executescript(FIRST_FORMAT)
    other.close()
    store = await open_store(path)
    try:
        assert store.revision == 106
        now = await store.snapshot()
        assert [(row.key, row.value, row.revision) for row in await now.scan(b"", b"z")] == [
            (b"a", b"3", 104),
            (b"c", b"4", 106),
        ]
        then = await store.snapshot(103)
        assert [(row.key, row.value, row.revision) for row in await then.scan(b"", b"z")] == [
            (b"a", b"1", 102),
            (b"b", b"2", 103),
        ]
        assert await store.changes(103) == [
            Change(104, b"a", b"3", b"1", 102),
            Change(105, b"b", None, b"2", 103),
            Change(106, b"c", b"4", None, 0),
        ]
        assert await store.commit([Write(b"b", b"5"), Write(b"c", None)], [Guard(b"b", 0)]) == 107
        await store.compact(108)
        assert [row.key for row in await (await store.snapshot()).scan(b"", b"z")] == [b"a", b"b"]
    finally:
        await store.close()


async def test_a_directory_or_none(path, tmp_path):
    path.mkdir()
    assert "is a directory" in await refused(path)
    with pytest.raises(StoreError, match="does not exist: create it"):
        await open_store(tmp_path / "nowhere" / "store.db")


@pytest.fixture
def unprivileged():
    """A directory and a way to stop being root, for whom nothing is read-only."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        root = os.geteuid() == 0
        if root:
            os.chown(directory, 65534, 65534)
            os.seteuid(65534)
        yield directory
        directory.chmod(0o755)
        if root:
            os.seteuid(0)


async def test_a_read_only_directory(unprivileged):
    unprivileged.chmod(0o555)
    message = await refused(unprivileged / "store.db")
    assert "Permission denied" in message
    assert "let this user write there" in message
    assert list(unprivileged.iterdir()) == []


async def test_a_read_only_file(unprivileged):
    path = unprivileged / "store.db"
    await (await open_store(path)).close()
    path.chmod(0o400)
    assert "let this user write there" in await refused(path)


async def test_a_second_opening_in_one_process(path):
    store = await open_store(path)
    assert f"in use by process {os.getpid()}" in await refused(path)
    await store.commit([Write(b"a", b"")])
    await store.close()
    await (await open_store(path)).close()


def hold(path, pipe):
    async def main():
        store = await open_store(path)
        await store.commit([Write(b"a", b"1")])
        pipe.send(os.getpid())
        await asyncio.Event().wait()

    asyncio.run(main())


async def test_a_second_process_is_refused_until_the_first_is_dead(path):
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("forkserver").Process(target=hold, args=(path, there))
    process.start()
    there.close()
    owner = await asyncio.to_thread(here.recv)
    try:
        message = await refused(path)
        assert f"in use by process {owner}" in message
        assert "stop that process" in message
    finally:
        process.kill()
        process.join()
    store = await open_store(path)
    assert (await (await store.snapshot()).get(b"a")).value == b"1"
    await store.close()


async def test_a_refused_opening_holds_nothing(path):
    path.write_bytes(b"no database" * 500)
    await refused(path)
    path.unlink()
    await (await open_store(path)).close()


async def test_a_creation_that_was_cut_short_is_made_up_for(path):
    """Killed before its one transaction was committed, creation leaves a database without tables."""
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA page_size = 8192")
        other.execute("PRAGMA auto_vacuum = 2")
        other.execute("PRAGMA journal_mode = wal")
    other.close()
    assert path.stat().st_size
    store = await open_store(path)
    await store.commit([Write(b"a", b"")])
    await store.close()
