"""Defaulting: values a schema gives to fields that are absent, or null without being nullable.

Defaults of an outer level come first, so a default may itself be completed by defaults inside it. Every object gets its
own copy. A subtree without defaults compiles to None.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson

from manifold.base.fields import Path
from manifold.schema.structural.embedded import EmbeddedError, decode_embedded

Defaulter = Callable[[Any], None]


def _maker(schema: dict[str, Any]) -> Callable[[], Any]:
    """What makes the default of a schema. Metadata of objects embedded in it loses what no metadata has."""
    value = schema["default"]
    if isinstance(value, (dict, list)):
        copy = orjson.loads(orjson.dumps(value))
        with suppress(EmbeddedError):  # definitions of old may say what is refused today
            decode_embedded(schema, copy, Path(""))
        encoded = orjson.dumps(copy)
        return lambda: orjson.loads(encoded)
    return lambda: value


def compile_defaulter(schema: dict[str, Any]) -> Defaulter | None:
    """The function that completes a value of `schema` in place."""
    items = schema.get("items")
    inside = _items(items) if isinstance(items, dict) else None
    described = schema.get("properties") or {}
    additional = schema.get("additionalProperties")
    makers = [
        (name, _maker(child), bool(child.get("nullable")))
        for name, child in described.items()
        if child.get("default") is not None
    ]
    children = [(name, inner) for name, child in described.items() if (inner := compile_defaulter(child)) is not None]
    entries = additional if isinstance(additional, dict) else None
    values = compile_defaulter(entries) if entries is not None else None
    fill = _maker(entries) if entries is not None and entries.get("default") is not None else None
    if entries is not None and entries.get("nullable"):
        fill = None
    if not makers and not children and values is None and fill is None:
        return inside

    def default(value: Any) -> None:
        if type(value) is not dict:
            if inside is not None:
                inside(value)
            return
        for name, make, nullable in makers:
            if name not in value or (value[name] is None and not nullable):
                value[name] = make()
        for name, inner in children:
            if name in value:
                inner(value[name])
        if fill is not None:
            for name in value:
                if value[name] is None and name not in described:
                    value[name] = fill()
        if values is not None:
            for name, entry in value.items():
                if name not in described:
                    values(entry)

    return default


def _items(items: dict[str, Any]) -> Defaulter | None:
    inner = compile_defaulter(items)
    fill = _maker(items) if items.get("default") is not None and not items.get("nullable") else None
    if inner is None and fill is None:
        return None

    def default(value: Any) -> None:
        if type(value) is not list:
            return
        for position, item in enumerate(value):
            if item is None and fill is not None:
                value[position] = item = fill()
            if inner is not None:
                inner(item)

    return default
