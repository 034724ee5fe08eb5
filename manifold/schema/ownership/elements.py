"""How members of associative lists are told apart: the path element of a set's value or a map's keys.

A list of type `set` names its members by value (`v:"x"`), one of type `map` by the fields that are its keys
(`k:{"name":"x"}`), where a field that is left out counts with its default. Specified by KEP-555 (server-side apply) and
the list topology markers of the API conventions.
"""

from __future__ import annotations

from typing import Any

import orjson

from manifold.schema.model import Node

_TOO_LARGE = 2**63


class NoElement(ValueError):
    """A list member cannot be told apart from others; the message is the one Kubernetes gives."""


def dumped(value: object) -> str:
    """A scalar as path elements spell it: compact JSON, whole numbers without a fraction."""
    return orjson.dumps(_spelt(value)).decode()


def _spelt(value: Any) -> Any:
    """A number as it is written: whole ones of 64 bits as such, all others as floating point, like Go's decoder."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _TOO_LARGE:
        return int(value)
    if isinstance(value, int) and not -_TOO_LARGE <= value < _TOO_LARGE:
        return float(value)
    return value


def set_element(item: object) -> str:
    """The path element of a set's member. Raises NoElement for members that no set may have."""
    if isinstance(item, str):
        return "v:" + orjson.dumps(item).decode()
    if isinstance(item, dict):
        raise NoElement("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise NoElement("not supported: associative list with lists as elements")
    if item is None:
        raise NoElement("associative list without keys has an element that's an explicit null")
    return "v:" + dumped(item)


def map_element(item: object, node: Node) -> str:
    """The path element of a member of the map list `node`. Raises NoElement where it has none of the keys."""
    if not isinstance(item, dict):
        if item is None:
            raise NoElement("associative list with keys may not have a null element")
        raise NoElement("associative list with keys may not have non-map elements")
    keys: dict[str, Any] = {}
    for name in node.map_keys:
        value = item.get(name, keys)
        if value is keys:
            known = node.items.child(name) if node.items is not None else None
            value = known.default if known is not None else None
            if value is None:
                continue
        elif value.__class__ is not str:
            value = _spelt(value)
        keys[name] = value
    if not keys:
        names = " ".join(orjson.dumps(name).decode() for name in node.map_keys)
        raise NoElement(
            f"associative list with keys has an element that omits all key fields [{names}] "
            "(and doesn't have default values for any key fields)"
        )
    return "k:" + orjson.dumps(keys, option=orjson.OPT_SORT_KEYS).decode()


def element(item: object, node: Node) -> str:
    """The path element of a member of the associative list `node`. Raises NoElement."""
    return map_element(item, node) if node.list_type == "map" else set_element(item)


def grouped(items: list[Any], node: Node) -> dict[str, Any] | None:
    """Members of an associative list by path element, in order; a tuple holds those that share one.

    None where a member has no element: such a list can only be owned as a whole.
    """
    found: dict[str, Any] = {}
    keyed = node.list_type == "map"
    try:
        for item in items:
            key = map_element(item, node) if keyed else set_element(item)
            before = found.get(key, found)
            if before is found:
                found[key] = item
            else:
                found[key] = (*before, item) if isinstance(before, tuple) else (before, item)
    except NoElement:
        return None
    return found
