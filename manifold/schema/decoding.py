"""Decoding JSON data into a built-in type with every mistake told as a Go server tells it.

This is the exact way, taken when `manifold.schema.typed` has met something unusual. It walks the data in the order of
the body, because which mistake is told depends on it: of values of the wrong JSON type the first is told, once all is
read; a time, a quantity or a schema that cannot be read ends decoding at once and is told instead. Messages name the
Go struct, the path of fields to it (neither list positions nor map keys) and the Go type. Unknown fields are collected
with their whole path: each once, at most 100.

An absent value and null are one. What becomes of an empty value is a matter of its place: left out, kept behind a
pointer, or written (`Node.written`, `Node.pointer`).
"""

from __future__ import annotations

import binascii
from typing import Any

from manifold.base import clock, quantity
from manifold.base.fields import quote
from manifold.schema.json_documents import MAXIMUM_PROBLEMS, Trail, path
from manifold.schema.model import Node

ZERO_TIME = "0001-01-01T00:00:00Z"
_ZERO_MICRO_TIME = "0001-01-01T00:00:00.000000Z"
_RANGES = {"int32": (-(1 << 31), (1 << 31) - 1), "int64": (-(1 << 63), (1 << 63) - 1), "": (-(1 << 63), (1 << 63) - 1)}
_INLINED = {
    "v1.RuleWithOperations": ("Rule", frozenset(("apiGroups", "apiVersions", "resources", "scope"))),
    "v1.NamedRuleWithOperations": (
        "RuleWithOperations",
        frozenset(("operations", "apiGroups", "apiVersions", "resources", "scope")),
    ),
}
"""Go types that hold another one inline: its name stands in the path of fields, though not in the JSON."""


class DecodingError(Exception):
    """The data does not fit the type; the text is the decoder's own, without the words about kind and version."""


def decode(node: Node, obj: dict[str, Any]) -> list[str]:
    """Bring `obj` in place into the stored form of `node`, an object.

    Returns one `unknown field "a.b"` for each field the type has not, in order of appearance. Raises DecodingError.
    """
    walk = _Walk()
    walk.structure(node, obj, None)
    if walk.mismatch is not None:
        raise DecodingError(walk.mismatch)
    return walk.problems


def zero(node: Node) -> Any:
    """What is written for a value that was never set: the JSON of Go's zero value at this place."""
    if node.pointer:
        return None
    kind = node.kind
    if kind == "object":
        return zero_structure(node)
    if kind == "string":
        return "0" if node.format == "quantity" else None if node.format in ("date-time", "micro-time", "byte") else ""
    return 0 if kind in ("integer", "number") else False if kind == "boolean" else None


def zero_structure(node: Node) -> dict[str, Any]:
    """The JSON of a Go struct in which nothing was set."""
    return {name: zero(child) for name, child in node.properties.items() if child.written}


def empty(value: Any) -> bool:
    """Whether Go's omitempty leaves the value out. Structures are never empty, so callers must not ask about them."""
    return value is None or value == "" or value is False or value == 0 or value == [] or value == {}


def json_stored(node: Node) -> bool:
    """Whether objects of the type are stored as JSON, where an empty list stays one. Elsewhere it becomes null."""
    return ".apiextensions." in node.type_name


def base64_text(text: str) -> str:
    """Base64 as Go writes what it read from `text`. Raises DecodingError naming the first byte that is wrong."""
    position = 0
    group = 0
    digits: list[str] = []
    end = len(text)
    while position < end:
        letter = text[position]
        position += 1
        if letter in "\r\n":
            continue
        if letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/":
            digits.append(letter)
            group = (group + 1) % 4
            continue
        offset = _offset(text, position - 1)
        if letter != "=" or group < 2:
            raise DecodingError(f"illegal base64 data at input byte {offset}")
        if group == 2:
            while position < end and text[position] in "\r\n":
                position += 1
            if position == end:
                raise DecodingError(f"illegal base64 data at input byte {_offset(text, end)}")
            if text[position] != "=":
                raise DecodingError(f"illegal base64 data at input byte {_offset(text, position) - 1}")
            position += 1
        while position < end and text[position] in "\r\n":
            position += 1
        if position < end:
            raise DecodingError(f"illegal base64 data at input byte {_offset(text, position)}")
        digits.append("=" * (4 - group))
        group = 0
    if group:
        raise DecodingError(f"illegal base64 data at input byte {_offset(text, end) - group}")
    return binascii.b2a_base64(binascii.a2b_base64("".join(digits)), newline=False).decode()


def _offset(text: str, position: int) -> int:
    return position if text.isascii() else len(text[:position].encode())


def canonical_time(text: str, form: str) -> str | None:
    """A Time or MicroTime (by format) as it is written; None for the zero time. Raises DecodingError."""
    try:
        written = clock.canonical_micro(text) if form == "micro-time" else clock.canonical(text)
    except ValueError as error:
        raise DecodingError(str(error)) from None
    return None if written in (ZERO_TIME, _ZERO_MICRO_TIME) else written


def json_type(value: object) -> str:
    """The JSON type of a value in Go's words."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    return "array" if isinstance(value, list) else "object" if isinstance(value, dict) else "number"


class _Walk:
    """One decoding: where it is in the Go types, and what it has found."""

    def __init__(self, strict: bool = True) -> None:
        self.problems: list[str] = []
        self.mismatch: str | None = None
        self.strict = strict
        self.struct = ""
        self.fields: list[str] = []

    def structure(self, node: Node, obj: dict[str, Any], trail: Trail) -> dict[str, Any]:
        """Decode the fields of a struct, in place."""
        outer, depth = self.struct, len(self.fields)
        properties = node.properties
        inlined = _INLINED.get(node.go)
        keep_empty = json_stored(node)
        for name, value in list(obj.items()):
            child = properties.get(name)
            where = (trail, f".{name}")
            if child is None:
                del obj[name]
                self.problem(where)
                continue
            self.struct = node.go.rpartition(".")[2]
            if inlined is not None and name in inlined[1]:
                self.fields.append(inlined[0])
                if inlined[0] == "RuleWithOperations" and name != "operations":
                    self.fields.append("Rule")
            self.fields.append(name)
            if value is not None:
                value = self.value(child, value, where)
            self.struct = outer
            del self.fields[depth:]
            if child.written and not child.pointer and (value is None or (value == [] and not keep_empty)):
                obj[name] = zero(child)
            elif value is None and child.written:
                obj[name] = None
            elif value is None or (
                not (child.pointer or child.written or child.kind == "object") and child.kind != "any" and empty(value)
            ):
                del obj[name]
            else:
                obj[name] = value
        for name, child in properties.items():
            if child.written and name not in obj:
                obj[name] = zero(child)
        return obj

    def value(self, node: Node, value: Any, trail: Trail) -> Any:
        """Decode one value that is not null."""
        kind = node.kind
        if kind == "string":
            return self.text(node, value)
        if kind == "object":
            return self.structure(node, value, trail) if isinstance(value, dict) else self.mismatched(node, value)
        if kind == "map":
            if not isinstance(value, dict):
                return self.mismatched(node, value)
            values = node.values
            assert values is not None
            for key, item in value.items():
                value[key] = self.element(values, item, (trail, f".{key}"))
            return value
        if kind == "list":
            if not isinstance(value, list):
                return self.mismatched(node, value)
            items = node.items
            assert items is not None
            value[:] = [self.element(items, item, (trail, f"[{position}]")) for position, item in enumerate(value)]
            return value
        if kind == "boolean":
            return value if isinstance(value, bool) else self.mismatched(node, value)
        if kind in ("integer", "number"):
            return self.number(node, value)
        return self.opaque(node, value)

    def element(self, node: Node, value: Any, trail: Trail) -> Any:
        """Decode a list element or map value, for which null is the zero value."""
        if value is None:
            return "" if node.format == "byte" else [] if node.kind == "list" else zero(node)
        return self.value(node, value, trail)

    def text(self, node: Node, value: Any) -> Any:
        form = node.format
        if form == "byte":
            if isinstance(value, str):
                try:
                    return base64_text(value)
                except DecodingError as error:
                    if self.mismatch is None:
                        self.mismatch = str(error)
                    return None
            if isinstance(value, list) and all(type(item) is int and 0 <= item < 256 for item in value):
                return binascii.b2a_base64(bytes(value), newline=False).decode()
            return self.mismatched(node, value)
        if form in ("date-time", "micro-time"):
            if not isinstance(value, str):
                raise DecodingError(self.told(json_type(value), "string"))
            return canonical_time(value, form)
        if form == "quantity":
            if isinstance(value, (bool, dict, list)):
                raise DecodingError(quantity.FORMAT_TEXT)
            try:
                return quantity.canonical(value.strip()) if isinstance(value, str) else str(quantity.of(value))
            except quantity.QuantityError as error:
                raise DecodingError(str(error)) from None
        return value if isinstance(value, str) else self.mismatched(node, value)

    def number(self, node: Node, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return self.mismatched(node, value)
        if node.kind == "number":
            return value
        low, high = _RANGES[node.format]
        if isinstance(value, int) and low <= value <= high:
            return value
        self.mismatched(node, value, f"number {value!r}")
        return None

    def opaque(self, node: Node, value: Any) -> Any:
        """Decode what decodes itself: raw JSON, and the schemas that may be something else instead."""
        if not node.format.startswith("schema-"):
            return value
        schema = node.items
        assert schema is not None
        if isinstance(value, dict):
            return self.inner(schema, value)
        if node.format == "schema-or-bool":
            if isinstance(value, bool):
                return value
            raise DecodingError("boolean or JSON schema expected")
        if not isinstance(value, list):
            return None
        if node.format == "schema-or-array":
            for item in value:
                if not isinstance(item, dict):
                    raise DecodingError(self.told(json_type(item), schema.go))
                self.inner(schema, item)
            return value or None
        for item in value:
            if not isinstance(item, str):
                raise DecodingError(self.told(json_type(item), "string"))
        return value

    def inner(self, schema: Node, value: dict[str, Any]) -> dict[str, Any]:
        """Decode a schema inside a self-decoding value: unknown fields in there are dropped without a word."""
        walk = _Walk(strict=False)
        walk.struct, walk.fields = self.struct, list(self.fields)
        walk.structure(schema, value, None)
        if walk.mismatch is not None:
            raise DecodingError(walk.mismatch)
        return value

    def mismatched(self, node: Node, value: Any, shown: str = "") -> None:
        """Note a value of the wrong JSON type, unless one was noted before."""
        if self.mismatch is None:
            self.mismatch = self.told(shown or json_type(value), node.go)

    def told(self, value: str, go: str) -> str:
        place = f"struct field {self.struct}.{'.'.join(self.fields)}" if self.fields else "value"
        return f"json: cannot unmarshal {value} into Go {place} of type {go}"

    def problem(self, trail: Trail) -> None:
        if self.strict and len(self.problems) < MAXIMUM_PROBLEMS:
            text = f"unknown field {quote(path(trail))}"
            if text not in self.problems:
                self.problems.append(text)
