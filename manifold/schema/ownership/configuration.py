"""The set of fields an applied configuration names, and why a configuration cannot be applied.

Applying a field means naming its leaf: a struct is not owned for being the way to its fields, an entry of a map and a
member of an associative list are, and so is an empty object. A configuration is refused where it does not fit the
schema. Reading is one strict walk for the usual case; the words of a refusal are put together by a second one, which
goes through the whole configuration and tells everything that is wrong.
"""

from __future__ import annotations

from typing import Any

from manifold.schema.model import ANY, Node
from manifold.schema.ownership.elements import NoElement, element
from manifold.schema.ownership.fields import SELF, Fields, ordered, shown
from manifold.schema.ownership.places import (
    UNOWNED_METADATA,
    associative,
    child,
    granular,
    items,
    owned_annotations,
)
from manifold.schema.patches.printing import literal, printed

_LOOSE = frozenset(("int-or-string", "quantity"))


class Misfit(Exception):
    """The configuration does not fit the schema."""


def configured(configuration: dict[str, Any], node: Node) -> Fields:
    """The set of fields a configuration names, metadata without owners left out. Raises Misfit (see `misfits`)."""
    result: Fields = {}
    for name in sorted(configuration):
        value = configuration[name]
        if name == "metadata":
            fields = _metadata(value, child(node, name)) if value is not None else {}
            if fields:
                result["f:metadata"] = fields
        elif name in ("apiVersion", "kind"):
            if not isinstance(value, str):
                raise Misfit
        else:
            _entry(name, value, node, result)
    return result


def _metadata(metadata: Any, node: Node) -> Fields:
    if not isinstance(metadata, dict):
        raise Misfit
    result: Fields = {}
    for name in sorted(metadata):
        value = metadata[name]
        if name in UNOWNED_METADATA:
            _fields(value, node.child(name) or ANY)
            continue
        if name == "annotations":
            value = owned_annotations(value)
            if value is None:
                continue
        _entry(name, value, node, result)
    return result


def _entry(name: str, value: Any, node: Node, result: Fields) -> None:
    """Add the set of one entry of a granular object."""
    known = node.properties.get(name)
    if known is None and node.kind == "object" and node.values is None and node.properties and not node.preserve:
        raise Misfit
    fields = _fields(value, known or node.values or ANY)
    if fields is None:
        if known is None or value is None or value == {}:
            result["f:" + name] = {}
    elif known is not None:
        result["f:" + name] = fields
    elif fields and SELF not in fields:
        result["f:" + name] = {SELF: {}, **fields}
    else:
        result["f:" + name] = fields


def _fields(value: Any, node: Node) -> Fields | None:
    """The set of one value as a node; None where its own place is not in it by itself and nothing below it is."""
    kind = node.kind
    if kind == "string":
        if value.__class__ is str or value is None or node.format in _LOOSE:
            return {}
        raise Misfit
    if isinstance(value, dict):
        if kind != "object" and kind != "map" and kind != "any":
            raise Misfit
        if not granular(node):
            _check(value, node)
            return {}
        result: Fields = {}
        for name in sorted(value):
            _entry(name, value[name], node, result)
        return result or None
    if isinstance(value, list):
        if kind != "list" and kind != "any":
            raise Misfit
        if not associative(node):
            _check(value, node)
            return {}
        return _members(value, node)
    if value is None:
        return None if granular(node) or associative(node) else {}
    if kind == "any" or ((kind == "integer" or kind == "number") and value.__class__ in (int, float)):
        return {}
    if kind == "boolean" and value.__class__ is bool:
        return {}
    raise Misfit


def _members(value: list[Any], node: Node) -> Fields | None:
    result: Fields = {}
    inner = items(node)
    for item in value:
        try:
            key = element(item, node)
        except NoElement:
            raise Misfit from None
        if key in result:
            raise Misfit
        fields = _fields(item, inner)
        result[key] = {SELF: {}, **fields} if fields and SELF not in fields else fields or {}
    return ordered(result) or None


def _check(value: Any, node: Node) -> None:
    """Refuse what does not fit inside something atomic."""
    if node.kind != "any":
        found: list[str] = []
        _misfits(value, node, "", found)
        if found:
            raise Misfit


def misfits(configuration: dict[str, Any], node: Node) -> str:
    """All that is wrong with a configuration, in the words of Kubernetes' typed values; empty where nothing is."""
    found: list[str] = []
    _misfits(configuration, node, "", found)
    if len(found) < 2:
        return found[0] if found else ""
    return "\n".join(["errors:", *("  " + text for text in found)])


def _misfits(value: Any, node: Node, path: str, found: list[str]) -> None:
    kind = node.kind
    at = f"{path}: " if path else ""
    if value is None or kind == "any":
        return
    if kind == "object" or kind == "map":
        if not isinstance(value, dict):
            found.append(f"{at}expected map, got &{{{printed(value)}}}")
            return
        strict = kind == "object" and node.values is None and bool(node.properties) and not node.preserve
        for name in value:
            known = node.child(name)
            if known is not None:
                _misfits(value[name], known, f"{path}.{name}", found)
            elif strict:
                found.append(f"{path}.{name}: field not declared in schema")
    elif kind == "list":
        if not isinstance(value, list):
            found.append(f"{at}expected list, got &{{{printed(value)}}}")
            return
        _member_misfits(value, node, path, found)
    elif kind == "string":
        if not isinstance(value, str) and not (node.format in _LOOSE and not isinstance(value, dict | list)):
            found.append(f"{at}expected string, got &value.valueUnstructured{{Value:{literal(value)}}}")
    elif kind == "boolean":
        if not isinstance(value, bool):
            found.append(f"{at}expected boolean, got &{{{printed(value)}}}")
    elif isinstance(value, bool) or not isinstance(value, int | float):
        found.append(f"{at}expected numeric (int or float), got {_go_type(value)}")


def _member_misfits(value: list[Any], node: Node, path: str, found: list[str]) -> None:
    inner = items(node)
    if not associative(node):
        for position, item in enumerate(value):
            _misfits(item, inner, f"{path}[{position}]", found)
        return
    seen: set[str] = set()
    for position, item in enumerate(value):
        try:
            key = element(item, node)
        except NoElement as refusal:
            found.append(f"{path}: element {position}: {refusal}")
            continue
        if key in seen:
            found.append(f"{path}: duplicate entries for key {shown(key)}")
        seen.add(key)
        _misfits(item, inner, path + shown(key), found)


def _go_type(value: Any) -> str:
    if isinstance(value, str | bool):
        return "string" if isinstance(value, str) else "bool"
    return "map[string]interface {}" if isinstance(value, dict) else "[]interface {}"
