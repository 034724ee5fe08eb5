"""How an object lies in the store: a small prefix, then its JSON without the fixed head.

A record is `format, flags, length of version, version, schema hash (8 bytes)` and the *tail*: the object's JSON from
right behind `"resourceVersion":"..."," on. The head (apiVersion, kind and the revision, which is the row's own) is
put back by concatenation, so a get is one, a list is a join, and an event is one, without parsing. It holds because
`metadata` is written first and is never empty. Flags answer the questions that would otherwise need a parse when a
whole cluster or namespace is deleted.
"""

from __future__ import annotations

from typing import Any

import orjson

FORMAT = 1
FINALIZERS = 1
DELETING = 2
OWNED = 4
NO_HASH = bytes(8)
"""Schema hash of types whose schema is the server's own."""


def head(api_version: str, kind: str) -> bytes:
    """What precedes the revision in the JSON of an object of this version and kind."""
    opening = orjson.dumps({"kind": kind, "apiVersion": api_version})
    return opening[:-1] + b',"metadata":{"resourceVersion":"'


ITEM_HEAD = b'{"metadata":{"resourceVersion":"'
"""The head of a list item of a built-in type, which carries neither apiVersion nor kind."""


def encode(obj: dict[str, Any], version: str, schema_hash: bytes = NO_HASH) -> bytes:
    """The record of `obj`, whose apiVersion, kind and metadata.resourceVersion are left out."""
    metadata = obj["metadata"]
    if "resourceVersion" in metadata:
        metadata = {name: value for name, value in metadata.items() if name != "resourceVersion"}
    rest = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind", "metadata")}
    tail = orjson.dumps(metadata)[1:]
    if rest:
        tail += b"," + orjson.dumps(rest)[1:]
    else:
        tail += b"}"
    flags = (FINALIZERS if metadata.get("finalizers") else 0) | (DELETING if "deletionTimestamp" in metadata else 0)
    if metadata.get("ownerReferences"):
        flags |= OWNED
    encoded = version.encode()
    return bytes((FORMAT, flags, len(encoded))) + encoded + schema_hash + tail


def flags(value: bytes) -> int:
    """`FINALIZERS`, `DELETING` and `OWNED` (it names owners) of a record."""
    return value[1]


def version(value: bytes) -> str:
    """The version the record was written in."""
    return value[3 : 3 + value[2]].decode()


def schema_hash(value: bytes) -> bytes:
    """The hash of the schema the record was written under."""
    start = 3 + value[2]
    return value[start : start + 8]


def tail(value: bytes) -> bytes:
    """The JSON behind the head."""
    return value[11 + value[2] :]


def render(value: bytes, revision: int, opening: bytes) -> bytes:
    """The object's whole JSON. `opening` is its `head`, or `ITEM_HEAD`."""
    return b'%b%d",%b' % (opening, revision, value[11 + value[2] :])


def decode(value: bytes, revision: int, opening: bytes) -> dict[str, Any]:
    """The object as plain JSON data; parsed anew at each call, so the caller owns it."""
    parsed: dict[str, Any] = orjson.loads(b'%b%d",%b' % (opening, revision, value[11 + value[2] :]))
    return parsed
