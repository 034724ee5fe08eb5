"""Pruning: fields a schema does not know are dropped, and nulls that mean nothing with them.

What stays: described properties, entries of described maps, everything under `x-kubernetes-preserve-unknown-fields`
(described parts of that are pruned in turn), and apiVersion, kind and metadata of an object or an embedded one. Where a
schema says nothing of what an object or a list holds, because it describes a scalar or leaves the entries of a map
open (`additionalProperties: true`), objects are emptied. After that a null goes where the schema is not nullable and
has no default (a default replaces it later). Where nothing could ever be dropped there is no pruner, and scalars are
not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Pruner = Callable[[Any, str, list[str]], None]
"""Takes an object or a list, its path and the list that dropped paths are added to."""

META = frozenset(("apiVersion", "kind", "metadata"))


def compile_pruner(schema: dict[str, Any], root: bool = False) -> Pruner | None:
    """The pruner of `schema`; `root` for a whole object, whose apiVersion, kind and metadata always stay."""
    preserve = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    whole = root or bool(schema.get("x-kubernetes-embedded-resource"))
    described = schema.get("properties") or {}
    additional, items = schema.get("additionalProperties"), schema.get("items")
    if not (preserve or whole or described or additional is not None or isinstance(items, dict)):
        return _empty
    children = {name: compile_pruner(child) for name, child in described.items() if not (whole and name in META)}
    if whole:
        children.update(dict.fromkeys(META))
    entries: Pruner | None = None
    if isinstance(additional, dict):
        entries = compile_pruner(additional)
    elif additional is not None:
        entries = _empty
    if preserve:
        item = compile_pruner({**items, "x-kubernetes-preserve-unknown-fields": True}) if items else None
    else:
        item = compile_pruner(items) if isinstance(items, dict) else _empty
    keeps = preserve or additional is not None
    if keeps and item is None and entries is None and not any(children.values()):
        return None
    return _Holder(children, entries, item, keeps).prune


class _Holder:
    """Prunes objects and lists: what is known of their fields and elements, and whether unknown fields stay."""

    __slots__ = ("_children", "_entries", "_item", "_keeps", "_known")

    def __init__(
        self, children: dict[str, Pruner | None], entries: Pruner | None, item: Pruner | None, keeps: bool
    ) -> None:
        self._children = children
        self._known = children.keys()
        self._entries = entries
        self._item = item
        self._keeps = keeps

    def prune(self, value: Any, path: str, dropped: list[str]) -> None:
        if type(value) is dict:
            prefix = f"{path}." if path else ""
            if not self._keeps and not value.keys() <= self._known:
                for name in [name for name in value if name not in self._known]:
                    del value[name]
                    dropped.append(prefix + name)
            for name, entry in value.items():
                kind = type(entry)
                if kind is dict or kind is list:
                    child = self._children.get(name, self._entries)
                    if child is not None:
                        child(entry, prefix + name, dropped)
        elif type(value) is list and self._item is not None:
            _each(self._item, value, path, dropped)


def _each(prune: Pruner, items: list[Any], path: str, dropped: list[str]) -> None:
    for position, item in enumerate(items):
        kind = type(item)
        if kind is dict or kind is list:
            prune(item, f"{path}[{position}]", dropped)


def _empty(value: Any, path: str, dropped: list[str]) -> None:
    """Prunes what nothing is said of."""
    if type(value) is dict:
        dropped.extend(f"{path}.{name}" for name in value)
        value.clear()
    elif type(value) is list:
        _each(_empty, value, path, dropped)


NullPruner = Callable[[Any], None]


def compile_null_pruner(schema: dict[str, Any]) -> NullPruner | None:
    """Drops nulls of properties and map entries that are neither nullable nor defaulted."""
    described = schema.get("properties") or {}
    additional, items = schema.get("additionalProperties"), schema.get("items")
    entries = additional if isinstance(additional, dict) else None
    droppable = frozenset(name for name, child in described.items() if _droppable(child))
    children = {name: pruner for name, child in described.items() if (pruner := compile_null_pruner(child)) is not None}
    every = entries is not None and _droppable(entries)
    values = compile_null_pruner(entries) if entries is not None else None
    inner = compile_null_pruner(items) if isinstance(items, dict) else None
    if not droppable and not children and not every and values is None and inner is None:
        return None

    def prune(value: Any) -> None:
        if type(value) is dict:
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
        elif type(value) is list and inner is not None:
            for item in value:
                inner(item)

    return prune


def _droppable(schema: dict[str, Any]) -> bool:
    return not schema.get("nullable") and schema.get("default") is None
