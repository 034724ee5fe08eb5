"""What of an object is still what it was: the comparison behind ratcheting (KEP-4008).

It follows the schema. A field is compared where the schema describes it, so an object with a field of which nothing is
said counts as changed; and elements of a list are compared one by one only where the list is a map with keys, because
nothing else says which of the old elements one of the new was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manifold.schema.structural.validation import same_json

Schema = dict[str, Any]
_SCALARS = (str, bool, int, float)


def unchanged(schema: Schema, value: Any, old: Any) -> bool:
    """Whether a value is the old one, as far as the schema can tell."""
    if type(value) is dict and type(old) is dict:
        return len(value) == len(old) and all(
            name in old and (child := _described(schema, name)) is not None and unchanged(child, entry, old[name])
            for name, entry in value.items()
        )
    if type(value) is list and type(old) is list and _keys(schema):
        items = schema.get("items")
        find = elements_by_key(schema, old)
        return len(value) == len(old) and all(
            (former := find(item, None)) is not None and isinstance(items, dict) and unchanged(items, item, former)
            for item in value
        )
    return same_json(value, old)


def elements_by_key(schema: Schema, old: Any) -> Callable[[Any, Any], Any]:
    """What finds the old element with the keys of a new one, or gives its second argument."""
    keys = _keys(schema)
    if not keys or type(old) is not list:
        return lambda item, absent: absent
    known: dict[Any, Any] = {}
    for item in old:
        key = _key(item, keys)
        if key is not None:
            known.setdefault(key, item)

    def find(item: Any, absent: Any) -> Any:
        key = _key(item, keys)
        return absent if key is None else known.get(key, absent)

    return find


def _described(schema: Schema, name: str) -> Schema | None:
    described = (schema.get("properties") or {}).get(name)
    if described is None:
        described = schema.get("additionalProperties")
    return described if isinstance(described, dict) else None


def _keys(schema: Schema) -> tuple[str, ...]:
    if schema.get("x-kubernetes-list-type") != "map":
        return ()
    return tuple(schema.get("x-kubernetes-list-map-keys") or ())


def _key(item: Any, keys: tuple[str, ...]) -> tuple[Any, ...] | None:
    if type(item) is not dict:
        return None
    values = [item.get(name) for name in keys]
    if not all(type(value) in _SCALARS for value in values):
        return None
    return tuple((type(value), value) for value in values)
