"""Files of the root directory: written whole or not at all, with their mode from the first byte on.

Secrets must never be readable by others, not even between `open` and `chmod`, and a start that is killed must leave
either the old file or the new one.
"""

from __future__ import annotations

import os
from pathlib import Path


class FileError(Exception):
    """A file or directory cannot be used. The message is one line: what is wrong and how to mend it."""


def make_directory(path: Path) -> None:
    """Make `path` a directory with mode 0700 where it does not exist. Raises FileError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the directory {path}: {error.strerror}; choose another or mend it") from None


def read(path: Path, largest: int = 1 << 20) -> bytes | None:
    """The content of the file at `path`, None where there is no such file. Raises FileError."""
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}; mend its permissions or remove it") from None
    if len(content) > largest:
        raise FileError(f"{path} is larger than {largest} bytes, so it is none of ours; remove it")
    return content


def write(path: Path, content: bytes, mode: int) -> None:
    """Put `content` at `path` with permissions `mode`, durably and in one step. Raises FileError."""
    make_directory(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        try:
            os.fchmod(descriptor, mode)
            with open(descriptor, "wb", closefd=False) as file:
                file.write(content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
        parent = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FileError(f"cannot write {path}: {error.strerror}; free space or mend its permissions") from None


def lock(directory: Path) -> int:
    """Lock `directory` for this process and return the open descriptor that holds the lock. Raises FileError."""
    import fcntl

    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise FileError(f"cannot open {directory}: {error.strerror}; mend its permissions or choose another") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise FileError(
            f"{directory} is in use by another process; stop it, or choose another root directory"
        ) from None
    return descriptor
