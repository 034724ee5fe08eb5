"""JSON values in the words of Go's formatting verbs, as they stand inside error texts clients compare."""

from __future__ import annotations

from typing import Any

import orjson


def printed(value: Any) -> str:
    """A JSON value as `%v` prints it: `map[a:1 b:[x y]]`, text without quotes, keys in order."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{name}:{printed(value[name])}" for name in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(printed, value)) + "]"
    if isinstance(value, str):
        return value
    return "<nil>" if value is None else orjson.dumps(value).decode()


def literal(value: Any) -> str:
    """A JSON value as `%#v` prints it: `map[string]interface {}{"a":1}`."""
    if isinstance(value, dict):
        inside = ", ".join(f"{literal(name)}:{literal(value[name])}" for name in sorted(value))
        return "map[string]interface {}{" + inside + "}"
    if isinstance(value, list):
        return "[]interface {}{" + ", ".join(map(literal, value)) + "}"
    return "interface {}(nil)" if value is None else orjson.dumps(value).decode()


def json_kind(value: Any) -> str:
    """What decoding errors call the JSON type of a value: `object`, `array`, `string`, `number`, `bool`."""
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    if isinstance(value, str):
        return "string"
    return "bool" if isinstance(value, bool) else "number"
