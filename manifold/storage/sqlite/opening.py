"""The file: how a store is created and opened, what is refused, and the lock of the process that owns it.

Every refusal is one line that says what is wrong and how to mend it. A file is refused before anything in it or beside
it is changed. Creation is one transaction, so a start that is killed leaves either nothing or a whole empty store.

One process owns a file: the lock is an `flock` on a file beside it, held until the store is closed and released by
the kernel when the process dies, however it dies. (SQLite's own locks would let a second process in: it would see
every commit, but its listeners would not.) The lock's file stays: removing it would let two processes lock two files.
"""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

import apsw

from manifold.storage.contract import StoreError
from manifold.storage.sqlite import layout

BUSY_MILLISECONDS = 2000
KEPT_WAL_BYTES = 16 << 20
"""A write-ahead log grown beyond this is cut back to it when it restarts."""

_HEAD = b"SQLite format 3\x00"
_NO_DATABASE = "{} is not a database: name another file for the store, or restore it from a backup"
_FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened store: the owner's lock (a file descriptor), and a connection each for the writer and the reader."""

    lock: int
    writer: apsw.Connection
    reader: apsw.Connection

    def close(self) -> None:
        """Give everything back, for a start that goes no further."""
        self.writer.close()
        self.reader.close()
        os.close(self.lock)


def open_file(path: Path, cache_bytes: int, mmap_bytes: int) -> Opened:
    """Open the store at `path`, creating it where there is none.

    `cache_bytes` is the memory of both page caches together. Raises StoreError for everything that stands in the way.
    """
    if not path.parent.is_dir():
        raise StoreError(f"the directory {path.parent} does not exist: create it, or name another place for the store")
    if path.is_dir():
        raise StoreError(f"{path} is a directory: name a file in it for the store")
    lock = _lock(path)
    connections: list[apsw.Connection] = []
    try:
        try:
            # Created here so that nobody else can read it; what SQLite puts beside it takes over the file's mode.
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                head = os.pread(file, len(_HEAD), 0)
            finally:
                os.close(file)
        except OSError as error:
            raise _denied(path, error) from error
        if head and head != _HEAD:
            # SQLite would say so too, but take a file of a few bytes for an empty database.
            raise StoreError(_NO_DATABASE.format(path))
        try:
            writer = apsw.Connection(os.fspath(path), flags=_FLAGS)
            connections.append(writer)
            writer.set_busy_timeout(BUSY_MILLISECONDS)
            _prepare_writer(writer, path, cache_bytes // 2, mmap_bytes)
            reader = apsw.Connection(os.fspath(path), flags=_FLAGS)
            connections.append(reader)
            reader.set_busy_timeout(BUSY_MILLISECONDS)
            _set_memory(reader, cache_bytes // 2, mmap_bytes)
            reader.pragma("query_only", True)
            reader.execute(layout.OLDEST).fetchall()
        except apsw.Error as error:
            raise explained(path, error) from error
    except BaseException:
        for connection in connections:
            connection.close()
        os.close(lock)
        raise
    return Opened(lock, writer, reader)


def _lock(path: Path) -> int:
    beside = path.with_name(path.name + ".lock")
    try:
        lock = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _denied(beside, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%d\n" % os.getpid(), 0)
    except BlockingIOError as error:
        owner = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "?"
        os.close(lock)
        raise StoreError(
            f"the store {path} is in use by process {owner}: stop that process, or give this one a store of its own"
        ) from error
    except OSError as error:
        os.close(lock)
        raise StoreError(f"the store {path} cannot be locked: {error.strerror}; put it on a local disk") from error
    return lock


def _prepare_writer(writer: apsw.Connection, path: Path, cache_bytes: int, mmap_bytes: int) -> None:
    application = writer.pragma("application_id")
    version = writer.pragma("user_version")
    empty = not writer.execute("SELECT count(*) FROM sqlite_schema").get
    if not empty or application or version:
        if application != layout.APPLICATION_ID:
            raise StoreError(f"{path} is the database of another program: name another file for the store")
        if version > layout.FORMAT:
            raise StoreError(
                f"the store {path} has format {version}, this version of Manifold reads up to {layout.FORMAT}: "
                "start the version that wrote it, or a newer one"
            )
    if empty:
        # Both must be said before the first page is written.
        writer.pragma("page_size", layout.PAGE_BYTES)
        writer.pragma("auto_vacuum", 2)
    if writer.pragma("journal_mode", "wal") != "wal":
        raise StoreError(f"the store {path} lies on a file system without shared memory: put it on a local disk")
    writer.pragma("synchronous", "full")
    writer.pragma("fullfsync", True)
    writer.pragma("journal_size_limit", KEPT_WAL_BYTES)
    writer.pragma("temp_store", "memory")
    _set_memory(writer, cache_bytes, mmap_bytes)
    for older in range(version, layout.FORMAT) if not empty else ():
        with writer:
            writer.execute(layout.UPGRADES[older])
    if empty:
        with writer:
            writer.execute(layout.SCHEMA)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _set_memory(connection: apsw.Connection, cache_bytes: int, mmap_bytes: int) -> None:
    connection.pragma("cache_size", -max(cache_bytes >> 10, 64))
    connection.pragma("mmap_size", mmap_bytes)
    # A plan that may depend on bound values is made anew at every scan; there is one good plan for each statement.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def _denied(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be opened for writing: {error.strerror}; let this user write there, or name another place"
    )


def explained(path: Path, error: apsw.Error) -> StoreError:
    """The one line for an error of SQLite's that kept the store at `path` from being opened."""
    match error:
        case apsw.NotADBError():
            return StoreError(_NO_DATABASE.format(path))
        case apsw.CorruptError():
            return StoreError(f"the store {path} is damaged ({error}): restore it from a backup")
        case apsw.ReadOnlyError() | apsw.CantOpenError() | apsw.PermissionsError():
            return StoreError(f"the store {path} cannot be written ({error}): let this user write there")
        case apsw.FullError():
            return StoreError(f"there is no space for the store {path}: free some, or name another place")
        case apsw.BusyError() | apsw.LockedError():
            return StoreError(f"the store {path} is locked by another program: close whatever has the file open")
        case _:
            return StoreError(f"the store {path} cannot be opened ({error}): check the disk it lies on")
