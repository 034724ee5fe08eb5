"""Schemas of built-in types, from nodes: `components.schemas` of an OpenAPI v3 document.

A type with a name is written once and referred to; everything else stands where it is used. A reference cannot carry
anything beside itself in OpenAPI 3.0, so a place that also has a default or a description wraps it in `allOf`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from manifold.schema.loading import built_in_schemas, kinds_of
from manifold.schema.model import Node
from manifold.schema.openapi.describing import texts_of

Schema = dict[str, Any]  # a JSON schema in OpenAPI's dialect

REFERENCE = "#/components/schemas/"
META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_TIMES = {f"{META}Time", f"{META}MicroTime"}
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_SCALARS: dict[str, Schema] = {
    **{name: {"type": "string", "format": "date-time"} for name in _TIMES},
    _QUANTITY: {"oneOf": [{"type": "string"}, {"type": "number"}]},
}
_UNTOLD_TOPOLOGY = {f"{META}APIResource": ("verbs",)}
"""Lists whose topology is not told, as the items of every list object; nobody applies to them."""
_TYPES = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean"}


def reference(name: str) -> Schema:
    """A reference to the schema `name`."""
    return {"$ref": REFERENCE + name}


def components(names: Iterable[str]) -> dict[str, Schema]:
    """The schemas `names` and all they refer to, by full name in alphabetical order. KeyError for unknown names."""
    found: dict[str, Schema] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        referred: set[str] = set()
        found[name] = _component(name, referred)
        waiting.extend(referred)
    return dict(sorted(found.items()))


def _component(name: str, referred: set[str]) -> Schema:
    texts = texts_of(name)
    schema: Schema = {"description": texts[""]} if texts.get("") else {}
    scalar = _SCALARS.get(name)
    if scalar is not None:
        return schema | scalar
    node = built_in_schemas()[name]
    if node.kind == "any":
        if node.format == "object":
            schema["type"] = "object"
        return schema
    schema["type"] = "object"
    if node.properties:
        schema["properties"] = {
            field: _place(child, texts.get(field, ""), referred) for field, child in node.properties.items()
        }
        for field in _UNTOLD_TOPOLOGY.get(name, ("items",) if name.endswith("List") else ()):
            schema["properties"].get(field, {}).pop("x-kubernetes-list-type", None)
    if node.required:
        schema["required"] = [field for field in node.properties if field in node.required]
    if node.map_type == "atomic":
        schema["x-kubernetes-map-type"] = "atomic"
    kinds = kinds_of(name)
    if kinds:
        schema["x-kubernetes-group-version-kind"] = [
            {"group": group, "version": version, "kind": kind} for group, version, kind in kinds
        ]
    return schema


def _place(node: Node, description: str, referred: set[str]) -> Schema:
    """The schema of a property."""
    schema: Schema = {"description": description} if description else {}
    if node.type_name:
        referred.add(node.type_name)
        schema["allOf"] = [reference(node.type_name)]
    else:
        schema |= _shape(node, referred)
        if node.kind == "list":
            _add_topology(schema, node)
    if node.default is not None:
        schema["default"] = node.default
    if node.enum and node.kind != "list":
        schema["enum"] = list(node.enum)
    return schema


def _add_topology(schema: Schema, node: Node) -> None:
    if node.list_type:
        schema["x-kubernetes-list-type"] = node.list_type
    if node.map_keys:
        schema["x-kubernetes-list-map-keys"] = list(node.map_keys)
    if node.patch_key:
        schema["x-kubernetes-patch-merge-key"] = node.patch_key
    if node.patch_strategy:
        schema["x-kubernetes-patch-strategy"] = node.patch_strategy


def _shape(node: Node, referred: set[str]) -> Schema:
    """The schema of a value without a name of its own, wherever it stands."""
    if node.kind == "list":
        assert node.items is not None
        items = _element(node.items, referred)
        if node.enum:
            items["enum"] = list(node.enum)
        return {"type": "array", "items": items}
    if node.kind == "map":
        assert node.values is not None
        return {"type": "object", "additionalProperties": _element(node.values, referred)}
    if node.kind == "any":
        return {}
    schema: Schema = {"type": _TYPES[node.kind]}
    if node.format:
        schema["format"] = node.format
    return schema


def _element(node: Node, referred: set[str]) -> Schema:
    """The schema of the elements of a list or the values of a map."""
    if node.type_name:
        referred.add(node.type_name)
        if node.default is None:
            return reference(node.type_name)
        return {"allOf": [reference(node.type_name)], "default": node.default}
    schema = _shape(node, referred)
    if node.default is not None:
        schema["default"] = node.default
    return schema
