"""Logical clusters: what their names and paths look like, and how new names come about.

A *name* is one flat token and never changes; it is what keys and annotations hold. A *path* is names joined by colons,
is what users type, and leads to a name. Everything below `system:` is a name although it has a colon, and has no
parent. Section 2.1 of the tenancy reference.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha224

from manifold.base.numerals import BASE36, numeral

ROOT = "root"
"""The logical cluster at the top of the tree."""
SYSTEM_ADMIN = "system:admin"
"""The logical cluster that holds what belongs to the shard itself."""
WILDCARD = "*"
"""The path of all logical clusters at once."""
USER_PREFIX = "user:"
"""Opens the path of a home workspace, before the name of its user."""
CHILD_NAME_BYTES = 32
"""How many random bytes the name of a child is made of."""

SYSTEM_PREFIX = "system:"
"""Opens the names of the logical clusters of the server itself."""
_SEGMENT = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_is_segment = re.compile(_SEGMENT).fullmatch
_is_flat = re.compile("[a-z0-9][a-z0-9-]{0,61}[a-z0-9]").fullmatch
_is_path = re.compile(f"{_SEGMENT}(?::{_SEGMENT})*").fullmatch


def is_valid_name(text: str) -> bool:
    """Whether `text` can be the name of a logical cluster: 2 to 63 characters, or anything below `system:`."""
    return bool(_is_flat(text)) or text.startswith(SYSTEM_PREFIX)


def is_valid_segment(text: str) -> bool:
    """Whether `text` can be one segment of a path: the name of a workspace, 1 to 63 characters."""
    return bool(_is_segment(text))


@lru_cache(8192)
def is_valid_path(text: str) -> bool:
    """Whether `text` is a path, the wildcard included. Upper case is not."""
    return text == WILDCARD or bool(_is_path(text))


def is_name(path: str) -> bool:
    """Whether a path is already a logical cluster's name, so that nothing has to be looked up."""
    return ":" not in path or path.startswith(SYSTEM_PREFIX)


def parse(path: str) -> tuple[str, ...]:
    """The segments of a path; what is below `system:` is one segment, as is the wildcard. Raises ValueError."""
    if not is_valid_path(path) and not path.startswith(SYSTEM_PREFIX):
        raise ValueError(f'"{path}" is not the path of a logical cluster')
    return (path,) if is_name(path) else tuple(path.split(":"))


def parent(path: str) -> str:
    """The path above, empty where there is none (`root`, a bare name, everything below `system:`)."""
    return "" if is_name(path) else path.rpartition(":")[0]


def base(path: str) -> str:
    """The last segment of a path."""
    return path if is_name(path) else path.rpartition(":")[2]


def join(path: str, name: str) -> str:
    """The path of the child `name` below `path`; `path` may be empty."""
    return f"{path}:{name}" if path else name


def is_below(path: str, ancestor: str) -> bool:
    """Whether `path` is `ancestor` or lies below it, segment by segment."""
    return path == ancestor or path.startswith(ancestor + ":")


def request_path(path: str) -> str:
    """The URL path a logical cluster is reached at."""
    return f"/clusters/{path}"


def base36(digest: bytes) -> str:
    """Bytes as a big-endian number in lower-case base 36, after one `0` for each leading zero byte."""
    zeros = len(digest) - len(digest.lstrip(b"\0"))
    return "0" * zeros + numeral(digest, BASE36)


def child_name(random: bytes) -> str:
    """The name of a new logical cluster from 32 random bytes: 16 characters. It says nothing about the path, so
    that a name that is taken can simply be drawn again."""
    if len(random) != CHILD_NAME_BYTES:
        raise ValueError(f"a child's name is made of {CHILD_NAME_BYTES} random bytes")
    return base36(sha224(random).digest())[:16]


def home_name(user: str) -> str:
    """The name of the home logical cluster of the user of that name: the same on every shard and at any time."""
    return base36(sha224(user.encode()).digest()[:8])


def shard_hash(shard: str) -> str:
    """The eight characters that stand for a shard in the annotation older clients read."""
    return base36(sha224(shard.encode()).digest())[:8]
