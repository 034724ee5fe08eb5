"""What lists are sets or maps, and which objects are embedded resources: rules that no OpenAPI validator knows.

Elements of a set and keys of a map-like list must differ (Kubernetes API conventions, "Lists of named subobjects").
Paths here name map entries as `[key]`, unlike those of the other checks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manifold.base.fields import FieldError, invalid, required
from manifold.schema.structural.validation import repeated

Walk = Callable[[Any, str, list[FieldError]], None]


def compile_lists(schema: dict[str, Any]) -> Walk | None:
    """Finds repeated elements of sets and repeated keys of map-like lists; None where there are no such lists."""
    kind = schema.get("x-kubernetes-list-type")
    own: Walk | None = None
    if kind == "set":
        own = _set
    elif kind == "map":
        own = _map(schema.get("x-kubernetes-list-map-keys") or [], schema.get("items") or {})
    return _walk(schema, own, compile_lists)


def compile_embedded(schema: dict[str, Any]) -> Walk | None:
    """Finds embedded resources without apiVersion or kind, or with malformed ones; None where none are described."""
    own = _embedded if schema.get("x-kubernetes-embedded-resource") else None
    return _walk(schema, own, compile_embedded)


def _walk(schema: dict[str, Any], own: Walk | None, inner: Callable[[dict[str, Any]], Walk | None]) -> Walk | None:
    described = schema.get("properties") or {}
    children = {name: found for name, child in described.items() if (found := inner(child)) is not None}
    additional = schema.get("additionalProperties")
    entries = inner(additional) if isinstance(additional, dict) else None
    nested = schema.get("items")
    items = inner(nested) if isinstance(nested, dict) else None
    if own is None and not children and entries is None and items is None:
        return None

    def walk(value: Any, path: str, errors: list[FieldError]) -> None:
        if own is not None:
            own(value, path, errors)
        if type(value) is dict:
            for name, child in children.items():
                if name in value:
                    child(value[name], f"{path}.{name}" if path else name, errors)
            if entries is not None:
                for name, entry in value.items():
                    if name not in described:
                        entries(entry, f"{path}[{name}]", errors)
        elif type(value) is list and items is not None:
            for position, item in enumerate(value):
                items(item, f"{path}[{position}]", errors)

    return walk


def _set(value: Any, path: str, errors: list[FieldError]) -> None:
    if type(value) is list and len(value) > 1:
        repeated(value, path, errors)


def _map(keys: list[str], items: dict[str, Any]) -> Walk:
    described = items.get("properties") or {}
    defaults = {name: described[name]["default"] for name in keys if "default" in described.get(name, {})}
    ordered = sorted(keys)

    def check(value: Any, path: str, errors: list[FieldError]) -> None:
        if type(value) is not list:
            return
        wrong = [position for position, item in enumerate(value) if item is not None and type(item) is not dict]
        if wrong:
            for position in wrong:
                text = "must be an object for an array of list-type map"
                errors.append(invalid(f"{path}[{position}]", value[position], text))
            return
        if len(value) > 1:
            named = [{**defaults, **(item or {})} for item in value]
            repeated([{name: item[name] for name in ordered if name in item} for item in named], path, errors)

    return check


def _embedded(value: Any, path: str, errors: list[FieldError]) -> None:
    if type(value) is not dict:
        return
    for name in ("apiVersion", "kind"):
        if name not in value:
            errors.append(required(f"{path}.{name}"))
        elif type(value[name]) is not str:
            errors.append(invalid(f"{path}.{name}", value[name], "must be a string"))
        elif not value[name]:
            errors.append(invalid(f"{path}.{name}", value[name], "must not be empty"))
        elif name == "apiVersion" and value[name].count("/") > 1:
            errors.append(invalid(f"{path}.{name}", value[name], f"unexpected GroupVersion string: {value[name]}"))
