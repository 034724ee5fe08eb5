"""The envelope of protobuf bodies: four bytes of magic, then a runtime.Unknown that names version and kind.

The envelope has four fields and is read and written by hand; the message inside is the runtime's work. Errors are told
in the words of Kubernetes' own decoder, which names a place only where it has met an impossible tag.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from manifold.schema.decoding import DecodingError
from manifold.schema.json_documents import MAXIMUM_DEPTH, too_deep
from manifold.schema.loading import schema_name
from manifold.schema.protobuf.conversion import reader, writer
from manifold.schema.protobuf.messages import known, message_class

MAGIC = b"k8s\x00"
DELETE_OPTIONS = "k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions"
_TYPE_META, _RAW = 1, 2
_API_VERSION, _KIND = 1, 2
_FEW = 50
_UNEXPECTED_END = "unexpected EOF"
NO_CONTENT = b"\x1a\x00\x22\x00"
"""The last two fields of the envelope, encoding and type of the content, which Kubernetes writes empty."""


META_VERSION = "meta.k8s.io/v1"
_META = "k8s.io.apimachinery.pkg.apis.meta.v1."


@lru_cache(1024)
def message_for(group: str, version: str, kind: str) -> str:
    """The full name of the message of a built-in kind, or of its metadata alone; empty where there is none."""
    if group == "meta.k8s.io" and version == "v1" and kind in ("PartialObjectMetadata", "PartialObjectMetadataList"):
        return _META + kind
    name = _message_name(schema_name(group, version, kind))
    return name if known(name) else ""


@cache
def _message_name(name: str) -> str:
    """A type's name as that of its message: both are accepted, and packages have no hyphen."""
    return ("k8s.io" + name.removeprefix("io.k8s") if name.startswith("io.k8s") else name).replace("-", "_")


def decode(body: bytes) -> tuple[str, str, dict[str, Any]]:
    """apiVersion, kind and object of a body of a built-in type, the object without the two. Raises DecodingError."""
    api_version, kind, raw = open_envelope(body)
    group, _, version = api_version.rpartition("/")
    message = message_for(group, version, kind)
    if not message:
        raise DecodingError(f'no kind "{kind}" is registered for version "{api_version}"')
    return api_version, kind, decode_message(message, raw)


def encode(message: str, obj: dict[str, Any]) -> bytes:
    """The body of an object: its apiVersion and kind in the envelope, the rest as `message` in it."""
    raw = encode_message(message, obj)
    head = envelope_head(obj.get("apiVersion", ""), obj.get("kind", ""))
    return b"".join((head, opening(_RAW, len(raw)), raw, NO_CONTENT))


def encode_object(obj: dict[str, Any]) -> bytes:
    """The body of an object of a kind that has a message. Raises ValueError for others."""
    group, _, version = obj["apiVersion"].rpartition("/")
    message = message_for(group, version, obj["kind"])
    if not message:
        raise ValueError(f"no message for {obj['apiVersion']} {obj['kind']}")
    return encode(message, obj)


@lru_cache(1024)
def envelope_head(api_version: str, kind: str) -> bytes:
    """What precedes the message of an object in its body, without the length of the message: see `opening`. Behind the
    message comes NO_CONTENT.
    """
    head = delimited(_API_VERSION, api_version.encode()) + delimited(_KIND, kind.encode())
    return MAGIC + delimited(_TYPE_META, head)


def decode_message(message: str, raw: bytes) -> dict[str, Any]:
    """The JSON data of the bytes of a message, before the codec of its type. Raises DecodingError."""
    from google.protobuf.message import DecodeError

    name = _message_name(message)
    try:
        given = message_class(name).FromString(raw)
    except DecodeError:
        raise DecodingError(_wrong(raw) or _UNEXPECTED_END) from None
    try:
        made: dict[str, Any] = reader(name)(given)
    except RecursionError:
        raise DecodingError("exceeded max depth") from None
    if raw.count(b"{") + raw.count(b"[") > _FEW and too_deep(made):
        # The runtime bounds the depth of messages, but JSON may stand in the innermost.
        raise DecodingError("exceeded max depth")
    return made


def encode_message(message: str, obj: dict[str, Any]) -> bytes:
    """The bytes of an object in stored form as a message; apiVersion and kind are not part of it."""
    name = _message_name(message)
    made = message_class(name)()
    writer(name)(made, obj)
    raw: bytes = made.SerializeToString(deterministic=True)
    return raw


def open_envelope(body: bytes) -> tuple[str, str, bytes]:
    """apiVersion, kind and the bytes of the message of a body. Raises DecodingError."""
    if not body:
        raise DecodingError("empty data")
    if not body.startswith(MAGIC):
        expected = " ".join(str(byte) for byte in MAGIC)
        raise DecodingError(f"provided data does not appear to be a protobuf message, expected prefix [{expected}]")
    if len(body) == len(MAGIC):
        raise DecodingError("empty body")
    parts = _parts(body, len(MAGIC), {1: "TypeMeta", 2: "Raw", 3: "ContentEncoding", 4: "ContentType"})
    head = _parts(parts.get(_TYPE_META, b""), 0, {1: "APIVersion", 2: "Kind"})
    api_version = head.get(_API_VERSION, b"").decode("utf-8", "replace")
    return api_version, head.get(_KIND, b"").decode("utf-8", "replace"), parts.get(_RAW, b"")


def delimited(number: int, content: bytes) -> bytes:
    """A field of strings, bytes or a message. `number` is below 16."""
    return opening(number, len(content)) + content


def opening(number: int, size: int) -> bytes:
    """What precedes the `size` bytes of a field: its tag, and how many they are."""
    if size < 128:
        return bytes((number << 3 | 2, size))
    if size < 16384:
        return bytes((number << 3 | 2, size & 127 | 128, size >> 7))
    written = bytearray((number << 3 | 2,))
    while size > 127:
        written.append(size & 127 | 128)
        size >>= 7
    written.append(size)
    return bytes(written)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if shift >= 64:
            raise DecodingError("proto: integer overflow")
        if at >= len(data):
            raise DecodingError(_UNEXPECTED_END)
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _parts(data: bytes, at: int, names: dict[int, str]) -> dict[int, bytes]:
    """The fields of a message that has none but strings, bytes and messages; of a repeated one the last."""
    found: dict[int, bytes] = {}
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number in names:
            if wire != 2:
                raise DecodingError(f"proto: wrong wireType = {wire} for field {names[number]}")
            size, at = _varint(data, at)
            if at + size > len(data):
                raise DecodingError(_UNEXPECTED_END)
            found[number] = data[at : at + size]
            at += size
        else:
            at = _skipped(data, at, wire)
    return found


def _skipped(data: bytes, at: int, wire: int) -> int:
    """The position behind a value nobody asked for."""
    depth = 0
    while True:
        if wire == 0:
            at = _varint(data, at)[1]
        elif wire == 2:
            size, at = _varint(data, at)
            at += size
        elif wire == 3:
            depth += 1
        elif wire == 4:
            if not depth:
                raise DecodingError("proto: unexpected end of group")
            depth -= 1
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise DecodingError(f"proto: illegal wireType {wire}")
        if at > len(data) or depth > MAXIMUM_DEPTH:
            raise DecodingError(_UNEXPECTED_END)
        if not depth:
            return at
        tag, at = _varint(data, at)
        wire = tag & 7


def _wrong(raw: bytes) -> str:
    """What is wrong at the outermost level of a message; empty where it lies deeper."""
    try:
        _parts(raw, 0, {})
    except DecodingError as error:
        return str(error)
    return ""
