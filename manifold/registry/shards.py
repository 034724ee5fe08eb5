"""Shards: a part of all objects, by the hash of something about them that does not change.

N replicas of a controller that share its work each list and watch a range of hashes, and every object is in exactly one
of them, for as long as it lives. The form is that of Kubernetes' server-side sharded lists and watches (KEP-5866): the
query parameter `shardSelector`, whose ranges are of the 64-bit FNV-1a hash of `object.metadata.uid` or
`object.metadata.namespace`. A server that does not know the parameter sends everything; one that does repeats the
selector in the metadata of a list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from manifold.base import errors, fields
from manifold.types.resource import Object

PARAMETER = "shardSelector"
END = 1 << 64
MAX_RANGES = 64
_OFFSET, _PRIME = 0xCBF29CE484222325, 0x100000001B3
_HEX = "('0x[0-9a-fA-F]{1,17}'|\"0x[0-9a-fA-F]{1,17}\"|0x[0-9a-fA-F]{1,17})"
_range = re.compile(rf"\s*shardRange\(\s*object\.metadata\.(uid|namespace)\s*,\s*{_HEX}\s*,\s*{_HEX}\s*\)\s*").fullmatch


def hashed(text: str) -> int:
    """The 64-bit FNV-1a hash of a text in UTF-8."""
    found = _OFFSET
    for byte in text.encode():
        found = (found ^ byte) * _PRIME % END
    return found


@dataclass(frozen=True, slots=True)
class ShardRange:
    """The objects for which the hash of a field (`uid` or `namespace`) is at least `start` and below `end`."""

    field: str
    start: int
    end: int

    def has(self, obj: Object) -> bool:
        """Whether an object is one of them."""
        return self.start <= hashed(obj["metadata"].get(self.field) or "") < self.end


@dataclass(frozen=True, slots=True)
class Shards:
    """The objects of any of some ranges. `text` is how the client said it."""

    text: str
    ranges: tuple[ShardRange, ...]

    def has(self, obj: Object) -> bool:
        """Whether an object is in one of the ranges."""
        return any(one.has(obj) for one in self.ranges)


@lru_cache(256)
def parse(text: str) -> Shards:
    """Read a shard selector. Raises the 400 of one that cannot be read."""
    parts = text.split("||")
    found = tuple(map(_parsed, parts))
    if len(parts) > MAX_RANGES:
        raise _refused(text, f"must have at most {MAX_RANGES} ranges")
    return Shards(text, tuple(_checked(text, one) for one in found))


def _parsed(text: str) -> ShardRange | None:
    match = _range(text)
    if match is None:
        return None
    field, start, end = match.groups()
    return ShardRange(field, int(start.strip("'\""), 16), int(end.strip("'\""), 16))


def _checked(text: str, one: ShardRange | None) -> ShardRange:
    if one is None:
        form = "shardRange(object.metadata.uid, '0x0', '0x8000000000000000'), or several of these joined by ||"
        raise _refused(text, f"must be of the form {form}")
    if not one.start < one.end <= END:
        raise _refused(text, "the start of a range must be below its end, and that at most 0x10000000000000000")
    return one


def _refused(text: str, why: str) -> errors.StatusError:
    return errors.bad_request(f"{PARAMETER}: Invalid value: {fields.quote(text)}: {why}")
