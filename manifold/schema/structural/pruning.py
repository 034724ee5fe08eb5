"""Pruning: fields a schema does not know are dropped, and nulls that mean nothing with them.

What stays: described properties, entries of described maps, everything under `x-kubernetes-preserve-unknown-fields`
(described parts of that are pruned in turn), and apiVersion, kind and metadata of an object or an embedded one. After
that a null goes where the schema is not nullable and has no default (a default replaces it later). A subtree in which
nothing could ever be dropped compiles to None and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Pruner = Callable[[Any, str, list[str]], None]
"""Takes a value, its path and the list that dropped paths are added to."""

META = frozenset(("apiVersion", "kind", "metadata"))


def compile_pruner(schema: dict[str, Any], root: bool = False) -> Pruner | None:
    """The pruner of `schema`; `root` for a whole object, whose apiVersion, kind and metadata always stay."""
    kind = schema.get("type")
    preserve = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    items = schema.get("items")
    if kind == "array" or (kind is None and isinstance(items, dict)):
        return _array(compile_pruner(items) if isinstance(items, dict) else None, isinstance(items, dict) or preserve)
    described = schema.get("properties") or {}
    additional = schema.get("additionalProperties")
    if kind != "object" and not preserve and not described:
        # int-or-string and scalars hold nothing; an object where a scalar belongs is refused by validation anyway
        return None
    whole = root or bool(schema.get("x-kubernetes-embedded-resource"))
    children = {name: pruner for name, child in described.items() if (pruner := compile_pruner(child)) is not None}
    if isinstance(additional, dict):
        return _mapping(frozenset(described), children, compile_pruner(additional))
    if preserve or additional is True:
        return _preserving(children) if children else None
    return _object(frozenset(described) | META if whole else frozenset(described), children)


def _object(known: frozenset[str], children: dict[str, Pruner]) -> Pruner:
    def prune(value: Any, path: str, dropped: list[str]) -> None:
        if type(value) is not dict:
            return
        if not value.keys() <= known:
            prefix = f"{path}." if path else ""
            for name in [name for name in value if name not in known]:
                del value[name]
                dropped.append(prefix + name)
        for name, child in children.items():
            if name in value:
                child(value[name], f"{path}.{name}" if path else name, dropped)

    return prune


def _preserving(children: dict[str, Pruner]) -> Pruner:
    def prune(value: Any, path: str, dropped: list[str]) -> None:
        if type(value) is not dict:
            return
        for name, child in children.items():
            if name in value:
                child(value[name], f"{path}.{name}" if path else name, dropped)

    return prune


def _mapping(known: frozenset[str], children: dict[str, Pruner], values: Pruner | None) -> Pruner | None:
    if values is None and not children:
        return None

    def prune(value: Any, path: str, dropped: list[str]) -> None:
        if type(value) is not dict:
            return
        for name, entry in value.items():
            child = children.get(name) if name in known else values
            if child is not None:
                child(entry, f"{path}.{name}" if path else name, dropped)

    return prune


def _array(items: Pruner | None, described: bool) -> Pruner | None:
    if not described:
        return _undescribed_items
    if items is None:
        return None

    def prune(value: Any, path: str, dropped: list[str]) -> None:
        if type(value) is not list:
            return
        for position, item in enumerate(value):
            items(item, f"{path}[{position}]", dropped)

    return prune


def _undescribed_items(value: Any, path: str, dropped: list[str]) -> None:
    for position, item in enumerate(value if type(value) is list else ()):
        if type(item) is dict:
            dropped.extend(f"{path}[{position}].{name}" for name in item)
            item.clear()
        else:
            _undescribed_items(item, f"{path}[{position}]", dropped)


Decode = Callable[[dict[str, Any], str], None]
"""Takes an object that holds metadata, and the path of that metadata."""


def compile_embedded_metadata(schema: dict[str, Any]) -> Callable[[Any, str, Decode], None] | None:
    """Finds the metadata of embedded resources; None where `schema` describes none."""
    own = bool(schema.get("x-kubernetes-embedded-resource"))
    described = schema.get("properties") or {}
    children = {
        name: found for name, child in described.items() if (found := compile_embedded_metadata(child)) is not None
    }
    additional = schema.get("additionalProperties")
    entries = compile_embedded_metadata(additional) if isinstance(additional, dict) else None
    nested = schema.get("items")
    items = compile_embedded_metadata(nested) if isinstance(nested, dict) else None
    if not own and not children and entries is None and items is None:
        return None

    def walk(value: Any, path: str, decode: Decode) -> None:
        if type(value) is dict:
            if own and "metadata" in value:
                decode(value, f"{path}.metadata")
            for name, child in children.items():
                if name in value:
                    child(value[name], f"{path}.{name}" if path else name, decode)
            if entries is not None:
                for name, entry in value.items():
                    if name not in described:
                        entries(entry, f"{path}.{name}", decode)
        elif type(value) is list and items is not None:
            for position, item in enumerate(value):
                items(item, f"{path}[{position}]", decode)

    return walk


NullPruner = Callable[[Any], None]


def compile_null_pruner(schema: dict[str, Any]) -> NullPruner | None:
    """Drops nulls of properties and map entries that are neither nullable nor defaulted."""
    described = schema.get("properties") or {}
    additional = schema.get("additionalProperties")
    items = schema.get("items")
    if isinstance(items, dict):
        inner = compile_null_pruner(items)
        return _null_items(inner) if inner is not None else None
    entries = additional if isinstance(additional, dict) else None
    if not described and entries is None:
        return None
    droppable = frozenset(name for name, child in described.items() if _droppable(child))
    children = {name: pruner for name, child in described.items() if (pruner := compile_null_pruner(child)) is not None}
    every = entries is not None and _droppable(entries)
    values = compile_null_pruner(entries) if entries is not None else None

    def prune(value: Any) -> None:
        if type(value) is not dict:
            return
        if None in value.values():
            for name in [name for name, entry in value.items() if entry is None]:
                if name in droppable or (every and name not in described):
                    del value[name]
        for name, child in children.items():
            if name in value:
                child(value[name])
        if values is not None:
            for name, entry in value.items():
                if name not in described:
                    values(entry)

    return prune


def _droppable(schema: dict[str, Any]) -> bool:
    return not schema.get("nullable") and "default" not in schema


def _null_items(inner: NullPruner) -> NullPruner:
    def prune(value: Any) -> None:
        if type(value) is list:
            for item in value:
                inner(item)

    return prune
