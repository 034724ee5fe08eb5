"""Schemas of custom resources, from the schema their definition gives.

The definition's schema is served as it is, with what every object has put in: apiVersion, kind and a reference to the
common metadata. Embedded objects get the same. Types that are part of this system carry no prose in their
definition; it is put in by field path.
"""

from __future__ import annotations

from collections.abc import Mapping

from manifold.schema.openapi.components import META, Schema, reference
from manifold.schema.openapi.describing import Texts, list_texts, object_texts, texts_of
from manifold.schema.openapi.resources import Resource

_SCHEMAS = frozenset(("items", "additionalProperties", "not"))
_SCHEMA_LISTS = frozenset(("allOf", "anyOf", "oneOf"))


def custom_component(resource: Resource) -> Schema:
    """The schema of the objects of a custom resource."""
    assert resource.custom is not None
    texts = texts_of(resource.schema_name)
    given = dict(resource.custom)
    if texts:
        given = {"description": texts[""], **_described(given, texts, "")}
    schema = dict(_directed(given))
    schema["type"] = "object"
    schema["properties"] = _object_fields(schema.get("properties", {}), texts or object_texts())
    schema["x-kubernetes-group-version-kind"] = [
        {"group": resource.group, "version": resource.version, "kind": resource.kind}
    ]
    return schema | _selectable(resource)


def _selectable(resource: Resource) -> Schema:
    """What tells clients which fields objects can be selected by (KEP-4358)."""
    if not resource.selectable:
        return {}
    return {"x-kubernetes-selectable-fields": [{"fieldPath": field} for field in resource.selectable]}


def custom_list(resource: Resource) -> Schema:
    """The schema of the lists of a custom resource."""
    texts = list_texts(resource.kind)
    return {
        "description": texts[""],
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"description": texts["apiVersion"], "type": "string"},
            "items": {"description": texts["items"], "type": "array", "items": reference(resource.schema_name)},
            "kind": {"description": texts["kind"], "type": "string"},
            "metadata": {"description": texts["metadata"], "allOf": [reference(f"{META}ListMeta")]},
        },
        "x-kubernetes-group-version-kind": [
            {
                "group": resource.group,
                "version": resource.version,
                "kind": resource.list_kind or f"{resource.kind}List",
            }
        ],
        **_selectable(resource),
    }


def _object_fields(properties: Mapping[str, Schema], texts: Texts) -> dict[str, Schema]:
    """`properties` with the fields every object has, whatever the definition says of these."""
    return {
        "apiVersion": {"description": texts["apiVersion"], "type": "string"},
        "kind": {"description": texts["kind"], "type": "string"},
        "metadata": {"description": texts["metadata"], "allOf": [reference(f"{META}ObjectMeta")]},
        **{name: schema for name, schema in properties.items() if name not in ("apiVersion", "kind", "metadata")},
    }


def _described(given: Schema, texts: Texts, path: str) -> Schema:
    """A copy of a schema with the descriptions of `texts` put in. Paths go through lists and maps unchanged; what
    lies in a list has no description of its own beside that of the list.
    """
    schema = dict(given)
    properties = schema.get("properties")
    if properties:
        described = {}
        for name, child in properties.items():
            here = f"{path}.{name}" if path else name
            text = texts.get(here)
            child = _described(child, texts, here)
            described[name] = {"description": text, **child} if text and "description" not in child else child
        schema["properties"] = described
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            schema[name] = _described(schema[name], texts, path)
    return schema


def _directed(given: Schema) -> Schema:
    """A schema with merge directives, embedded objects' fields and the two types of int-or-string put in. Whatever
    needs none is not copied, because large definitions hardly contain any.
    """
    changed: Schema = {}
    for name, value in given.items():
        if name == "properties":
            children = {}
            for field, child in value.items():
                directed = _directed(child)
                if directed is not child:
                    children[field] = directed
            if children:
                changed[name] = {**value, **children}
        elif name in _SCHEMAS:
            if isinstance(value, dict):
                directed = _directed(value)
                if directed is not value:
                    changed[name] = directed
        elif name in _SCHEMA_LISTS and value:
            changed[name] = [_directed(child) for child in value]
        elif name == "x-kubernetes-list-map-keys" and value:
            changed["x-kubernetes-patch-merge-key"] = value[0]
    if given.get("x-kubernetes-embedded-resource"):
        properties = changed.get("properties") or given.get("properties") or {}
        changed["properties"] = _object_fields(properties, object_texts())
        required = given.get("required") or []
        changed["required"] = [*required, *(name for name in ("kind", "apiVersion") if name not in required)]
    if given.get("x-kubernetes-int-or-string") and not given.get("anyOf") and not given.get("allOf"):
        changed["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    return {**given, **changed} if changed else given
