"""OpenAPI v2 in protobuf: the form in which Go clients read it.

Their clients ask for nothing else (`application/com.github.proto-openapi.spec.v2@v1.0+protobuf`) and take no JSON in
its place. The messages are those of gnostic's `openapi.v2.Document`; the numbers below are its field numbers. Only
what our documents contain is known here. It is written directly: a tree of messages would be built to be thrown away.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Mapping
from typing import Any

import orjson

Encode = Callable[[Any], bytes]

_SLICE = 25
_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}


def encode(document: Mapping[str, Any]) -> Generator[None, None, bytes]:
    """Encode a v2 document, yielding between pieces of work; returns the message."""
    paths = yield from _named_in_slices(2, document["paths"], _path_item)
    definitions = yield from _named_in_slices(1, document["definitions"], _schema)
    info = document["info"]
    security = b"".join(
        _bytes(12, b"".join(_bytes(1, _named(name, _texts(1, scopes))) for name, scopes in requirement.items()))
        for requirement in document["security"]
    )
    schemes = (
        _bytes(1, _named(name, _bytes(2, _scheme(one)))) for name, one in document["securityDefinitions"].items()
    )
    return b"".join(
        (
            _text(1, document["swagger"]),
            _bytes(2, _text(1, info["title"]) + _text(2, info["version"])),
            _bytes(8, paths),
            _bytes(9, definitions),
            security,
            _bytes(13, b"".join(schemes)),
        )
    )


def _named_in_slices(number: int, given: Mapping[str, Any], encode_one: Encode) -> Generator[None, None, bytes]:
    done = []
    for position, (name, value) in enumerate(given.items()):
        done.append(_bytes(number, _named(name, encode_one(value))))
        if position % _SLICE == _SLICE - 1:
            yield
    return b"".join(done)


def _varint(value: int) -> bytes:
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _texts(number: int, values: Any) -> bytes:
    return b"".join(_text(number, value) for value in values)


def _flag(number: int, value: bool) -> bytes:
    return _varint(number << 3) + _varint(bool(value))


def _whole(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(int(value))


def _real(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _named(name: str, value: bytes) -> bytes:
    return _text(1, name) + _bytes(2, value)


def _any(value: Any) -> bytes:
    """An arbitrary value, as YAML; JSON is YAML."""
    return _bytes(2, orjson.dumps(value) + b"\n")


def _extensions(number: int, given: Mapping[str, Any]) -> bytes:
    return b"".join(_bytes(number, _named(name, _any(value))) for name, value in given.items() if name.startswith("x-"))


def _scheme(given: Mapping[str, Any]) -> bytes:
    return b"".join(_text(number, given[name]) for number, name in enumerate(("type", "name", "in", "description"), 1))


def _additional(value: Any) -> bytes:
    return _flag(2, value) if isinstance(value, bool) else _bytes(1, _schema(value))


def _enumeration(number: int) -> Encode:
    return lambda values: b"".join(_bytes(number, _any(value)) for value in values)


def _number(number: int, encode_one: Callable[[int, Any], bytes]) -> Encode:
    return lambda value: encode_one(number, value)


_SCHEMA: Mapping[str, Encode] = {
    "$ref": _number(1, _text),
    "format": _number(2, _text),
    "title": _number(3, _text),
    "description": _number(4, _text),
    "multipleOf": _number(6, _real),
    "maximum": _number(7, _real),
    "exclusiveMaximum": _number(8, _flag),
    "minimum": _number(9, _real),
    "exclusiveMinimum": _number(10, _flag),
    "maxLength": _number(11, _whole),
    "minLength": _number(12, _whole),
    "pattern": _number(13, _text),
    "maxItems": _number(14, _whole),
    "minItems": _number(15, _whole),
    "uniqueItems": _number(16, _flag),
    "maxProperties": _number(17, _whole),
    "minProperties": _number(18, _whole),
    "required": _number(19, _texts),
    "enum": _enumeration(20),
    "additionalProperties": lambda value: _bytes(21, _additional(value)),
    "type": lambda value: _bytes(22, _text(1, value)),
    "items": lambda value: _bytes(23, _bytes(1, _schema(value))),
    "properties": lambda value: _bytes(25, b"".join(_bytes(1, _named(n, _schema(v))) for n, v in value.items())),
    "example": lambda value: _bytes(30, _any(value)),
}


def _schema(given: Mapping[str, Any]) -> bytes:
    return b"".join(_SCHEMA[name](value) for name, value in given.items() if name in _SCHEMA) + _extensions(31, given)


def _path_item(given: Mapping[str, Any]) -> bytes:
    done = [_bytes(number, _operation(given[method])) for method, number in _METHODS.items() if method in given]
    done.extend(_bytes(9, _parameter(parameter)) for parameter in given.get("parameters", ()))
    return b"".join(done)


def _operation(given: Mapping[str, Any]) -> bytes:
    done = [
        _texts(1, given.get("tags", ())),
        _text(3, given.get("description", "")),
        _text(5, given.get("operationId", "")),
        _texts(6, given["produces"]),
        _texts(7, given["consumes"]),
    ]
    done.extend(_bytes(8, _parameter(parameter)) for parameter in given.get("parameters", ()))
    answers = (_bytes(1, _named(code, _bytes(1, _answer(answer)))) for code, answer in given["responses"].items())
    done.append(_bytes(9, b"".join(answers)))
    done.append(_texts(10, given["schemes"]))
    if given.get("deprecated"):
        done.append(_flag(11, True))
    done.append(_extensions(13, given))
    return b"".join(done)


def _answer(given: Mapping[str, Any]) -> bytes:
    schema = given.get("schema")
    return _text(1, given["description"]) + (_bytes(2, _bytes(1, _schema(schema))) if schema is not None else b"")


def _parameter(given: Mapping[str, Any]) -> bytes:
    """A ParametersItem that holds a parameter in the body, the query or the path."""
    if given["in"] == "body":
        required = _flag(4, True) if given.get("required") else b""
        body = _text(2, given["name"]) + _text(3, "body") + required + _bytes(5, _schema(given["schema"]))
        return _bytes(1, _bytes(1, body))
    required = _flag(1, True) if given.get("required") else b""
    head = required + _text(2, given["in"]) + _text(3, given.get("description", "")) + _text(4, given["name"])
    if given["in"] == "path":
        other = _bytes(4, head + _text(5, given["type"]) + _flag(20, True))
    else:
        other = _bytes(3, head + _text(6, given["type"]) + _flag(20, True))
    return _bytes(1, _bytes(2, other))
