"""What lists are sets or maps: rules that no OpenAPI validator knows, and the walk to the places they are for.

Elements of a set and keys of a map-like list must differ (Kubernetes API conventions, "Lists of named subobjects").
Paths here name map entries as `[key]`, unlike those of the other checks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from manifold.base.fields import FieldError
from manifold.schema.structural.validation import repeated, unstructured

T = TypeVar("T")
Walk = Callable[[Any, str, list[T]], None]


def compile_lists(schema: dict[str, Any]) -> Walk[FieldError] | None:
    """Finds repeated elements of sets and repeated keys of map-like lists; None where there are no such lists."""
    return compile_walk(schema, _list_check)


def _list_check(schema: dict[str, Any]) -> Walk[FieldError] | None:
    kind = schema.get("x-kubernetes-list-type")
    if kind == "set":
        return _set
    if kind == "map":
        return _map(schema.get("x-kubernetes-list-map-keys") or [])
    return None


def compile_walk(schema: dict[str, Any], checks: Callable[[dict[str, Any]], Walk[T] | None]) -> Walk[T] | None:
    """What `checks` gives for each part of a schema, applied to all values of that part; None where it gives nothing.

    A list adds what is found to; what that is, is up to `checks`.
    """
    own = checks(schema)
    described = schema.get("properties") or {}
    children = {name: found for name, child in described.items() if (found := compile_walk(child, checks)) is not None}
    additional = schema.get("additionalProperties")
    entries = compile_walk(additional, checks) if isinstance(additional, dict) else None
    nested = schema.get("items")
    items = compile_walk(nested, checks) if isinstance(nested, dict) else None
    if own is None and not children and entries is None and items is None:
        return None

    def walk(value: Any, path: str, found: list[T]) -> None:
        if own is not None:
            own(value, path, found)
        if type(value) is dict:
            for name, child in children.items():
                if name in value:
                    child(value[name], f"{path}.{name}" if path else name, found)
            if entries is not None:
                for name, entry in value.items():
                    if name not in described:
                        entries(entry, f"{path}[{name}]", found)
        elif type(value) is list and items is not None:
            for position, item in enumerate(value):
                items(item, f"{path}[{position}]", found)

    return walk


def _set(value: Any, path: str, errors: list[FieldError]) -> None:
    if type(value) is list and len(value) > 1:
        repeated(value, path, errors)


class _Unspecified:
    """The key of an element that does not say it."""


_UNSPECIFIED = _Unspecified()


def _map(keys: list[str]) -> Walk[FieldError]:
    ordered = sorted(keys)
    only = ordered[0] if ordered else ""

    def check(value: Any, path: str, errors: list[FieldError]) -> None:
        if type(value) is not list:
            return
        for position, item in enumerate(value):
            if item is not None and type(item) is not dict:
                text = "must be an object for an array of list-type map"
                errors.append(unstructured(f"{path}[{position}]", item, text))
                return
        if len(value) > 1:
            named = [{name: item[name] for name in ordered if name in (item or ())} for item in value]
            if len(ordered) > 1:
                repeated(named, path, errors)
            else:
                alone = [item.get(only, _UNSPECIFIED) for item in named]
                repeated(alone, path, errors, lambda key: {} if key is _UNSPECIFIED else {only: key})

    return check
