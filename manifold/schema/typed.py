"""The codec of built-in types: parsed JSON is brought into the form in which a Kubernetes server would store it.

Nearly every body is good, so a type is compiled into closures that only recognise good data, fix what is common
(nulls, empty optional values, missing written ones, forms of times and quantities) and give up at the first thing that
is wrong or unknown. Then `manifold.schema.decoding` walks the same data again and finds the words. What the closures
did until they gave up is what the walk would have done too, so going over it twice changes nothing.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from manifold.base import quantity
from manifold.base.errors import bad_request
from manifold.schema import decoding
from manifold.schema.model import Node

_Check = Callable[[Any], Any]
"""Takes a value that is not null, returns what it becomes, or `_DROP`. Raises _UnusualError."""


class _UnusualError(Exception):
    """Something is wrong or unknown; the exact way finds out what."""


class _Drop:
    """The type of `_DROP`."""


_DROP = _Drop()
_INT32 = (1 << 31) - 1
_INT64 = (1 << 63) - 1


class TypedCodec:
    """Codec of the built-in type `node`; refusals name its `kind` and `version`."""

    __slots__ = ("_kind", "_node", "_run", "_version")

    def __init__(self, node: Node, kind: str, version: str = "v1") -> None:
        self._node = node
        self._kind = kind
        self._version = version
        self._run: Callable[[dict[str, Any]], None] | None = None

    def normalize(self, obj: dict[str, Any], applied: bool = False) -> list[str]:
        """Bring `obj` in place into stored form; see `Codec` of the types layer. Raises a 400 Status.

        A null is an absent field wherever it comes from.
        """
        try:
            return self.decode(obj)
        except decoding.DecodingError as error:
            kind = self._kind
            raise bad_request(f'{kind} in version "{self._version}" cannot be handled as a {kind}: {error}') from None

    def decode(self, obj: dict[str, Any]) -> list[str]:
        """As `normalize`, but raises `decoding.DecodingError`: the decoder's own words, for callers that wrap them."""
        run = self._run
        if run is None:
            run = self._run = _structure(self._node, {})
        try:
            run(obj)
        except _UnusualError:
            return decoding.decode(self._node, obj)
        return []


def _structure(node: Node, known: dict[int, Callable[[dict[str, Any]], None]]) -> Callable[[dict[str, Any]], None]:
    """The closure that decodes a struct in place. Types contain themselves, so those under way are found in `known`."""
    found = known.get(id(node.properties))
    if found is not None:
        return found
    fields: dict[str, _Check] = {}
    written = tuple((name, child) for name, child in node.properties.items() if child.written)
    constants = tuple(
        (name, decoding.zero(child)) for name, child in written if child.kind != "object" or child.pointer
    )
    structures = tuple((name, child) for name, child in written if child.kind == "object" and not child.pointer)

    def run(obj: dict[str, Any]) -> None:
        dropped: list[str] | None = None
        for name, value in obj.items():
            check = fields.get(name)
            if check is None:
                raise _UnusualError
            became = check(value) if value is not None else _DROP
            if became is not value:
                if became is _DROP:
                    if dropped is None:
                        dropped = [name]
                    else:
                        dropped.append(name)
                else:
                    obj[name] = became
        if dropped is not None:
            for name in dropped:
                del obj[name]
        for name, constant in constants:
            if name not in obj:
                obj[name] = constant
        for name, child in structures:
            if name not in obj:
                obj[name] = decoding.zero_structure(child)

    known[id(node.properties)] = run
    keep_empty = decoding.json_stored(node)
    for name, child in node.properties.items():
        fields[name] = _place(child, known, keep_empty)
    return run


def _place(node: Node, known: dict[int, Callable[[dict[str, Any]], None]], keep_empty: bool) -> _Check:
    """The check of a field: that of its value, and what becomes of an empty one here."""
    check = _value(node, known)
    if node.kind in ("object", "any") or node.pointer:
        return check
    if node.written:
        if node.kind in ("list", "map") and not keep_empty:
            return partial(_unless_empty, check)
        return check
    return _optional_text if check is _text else partial(_unless_empty, check)


def _optional_text(value: Any) -> Any:
    if value.__class__ is not str:
        raise _UnusualError
    return value or _DROP


def _unless_empty(check: _Check, value: Any) -> Any:
    # A dropped value that is written comes back as its zero value, which for lists and maps is null.
    return check(value) or _DROP


def _value(node: Node, known: dict[int, Callable[[dict[str, Any]], None]]) -> _Check:
    kind = node.kind
    if kind == "string":
        return _TEXTS.get(node.format, _text)
    if kind == "boolean":
        return _boolean
    if kind == "integer":
        return partial(_integer, _INT32 if node.format == "int32" else _INT64)
    if kind == "number":
        return _number
    if kind == "object":
        return partial(_object, _structure(node, known))
    if kind == "map":
        assert node.values is not None
        if node.values.kind == "string" and not node.values.format:
            return _text_map
        return partial(_map, _value(node.values, known))
    if kind == "list":
        assert node.items is not None
        if node.items.kind == "string" and not node.items.format:
            return _text_list
        return partial(_list, _value(node.items, known))
    if node.format.startswith("schema-"):
        assert node.items is not None
        return partial(_schema_or, node.format, _structure(node.items, known))
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _text(value: Any) -> Any:
    if value.__class__ is not str:
        raise _UnusualError
    return value


def _boolean(value: Any) -> Any:
    if value.__class__ is not bool:
        raise _UnusualError
    return value


def _integer(highest: int, value: Any) -> Any:
    if value.__class__ is not int or not -highest - 1 <= value <= highest:
        raise _UnusualError
    return value


def _number(value: Any) -> Any:
    if value.__class__ is not int and value.__class__ is not float:
        raise _UnusualError
    return value


def _object(run: Callable[[dict[str, Any]], None], value: Any) -> Any:
    if value.__class__ is not dict:
        raise _UnusualError
    run(value)
    return value


def _text_map(value: Any) -> Any:
    if value.__class__ is not dict:
        raise _UnusualError
    for item in value.values():
        if item.__class__ is not str:
            raise _UnusualError
    return value


def _text_list(value: Any) -> Any:
    if value.__class__ is not list:
        raise _UnusualError
    for item in value:
        if item.__class__ is not str:
            raise _UnusualError
    return value


def _map(check: _Check, value: Any) -> Any:
    if value.__class__ is not dict:
        raise _UnusualError
    for name, item in value.items():
        if item is None:
            raise _UnusualError
        became = check(item)
        if became is not item:
            value[name] = became
    return value


def _list(check: _Check, value: Any) -> Any:
    if value.__class__ is not list:
        raise _UnusualError
    for position, item in enumerate(value):
        if item is None:
            raise _UnusualError
        became = check(item)
        if became is not item:
            value[position] = became
    return value


def _schema_or(form: str, run: Callable[[dict[str, Any]], None], value: Any) -> Any:
    if value.__class__ is dict:
        run(value)
        return value
    if form == "schema-or-bool":
        return _boolean(value)
    if form == "schema-or-array" and value.__class__ is list and value:
        for item in value:
            _object(run, item)
        return value
    raise _UnusualError


def _bytes(value: Any) -> Any:
    if value.__class__ is not str:
        raise _UnusualError
    if not value:
        return value
    try:
        binascii.a2b_base64(value, strict_mode=True)
        # Bits behind the last byte are not looked at above, and are not written.
        if (
            value[-1] == "="
            and binascii.b2a_base64(binascii.a2b_base64(value[-4:]), newline=False) != value[-4:].encode()
        ):
            raise _UnusualError
    except ValueError:
        raise _UnusualError from None
    return value


def _time(value: Any) -> Any:
    # Only the usual form passes; the rest, the zero time and mistakes included, go the exact way.
    if value.__class__ is not str or len(value) != 20 or value[4] != "-" or value[10] != "T" or value[19] != "Z":
        raise _UnusualError
    return _checked_time(value)


def _micro_time(value: Any) -> Any:
    if value.__class__ is not str or len(value) != 27 or value[4] != "-" or value[10] != "T" or value[26] != "Z":
        raise _UnusualError
    if value[19] != ".":
        raise _UnusualError
    return _checked_time(value)


def _checked_time(value: str) -> str:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise _UnusualError from None
    if value[5] == "W" or value[:4] == "0001" or not value.isascii():
        raise _UnusualError
    return value


def _quantity(value: Any) -> Any:
    if value.__class__ is not str:
        raise _UnusualError
    try:
        return quantity.canonical(value)
    except quantity.QuantityError:
        raise _UnusualError from None


_TEXTS: dict[str, _Check] = {
    "byte": _bytes,
    "date-time": _time,
    "micro-time": _micro_time,
    "quantity": _quantity,
}
