"""Schemas of custom resources, from the schema their definition gives.

The definition's schema is served as it is, with what every object has put in: apiVersion, kind and a reference to the
common metadata. Embedded objects get the same. Types that are part of this system carry no prose in their
definition; it is put in by field path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from manifold.schema.openapi.components import META, Schema, reference
from manifold.schema.openapi.describing import Texts, list_texts, object_texts, texts_of
from manifold.schema.openapi.resources import Resource

_NESTED = ("not", "additionalItems")
_NESTED_LISTS = ("allOf", "anyOf", "oneOf")
_NO_TEXTS: Texts = {}


def custom_component(resource: Resource) -> Schema:
    """The schema of the objects of a custom resource."""
    assert resource.custom is not None
    own = texts_of(resource.schema_name)
    schema = _copy(resource.custom, own, "")
    schema["type"] = "object"
    texts = own or object_texts()
    schema["properties"] = _object_fields(schema.get("properties", {}), texts)
    schema["x-kubernetes-group-version-kind"] = [
        {"group": resource.group, "version": resource.version, "kind": resource.kind}
    ]
    return schema


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
    }


def _object_fields(properties: Mapping[str, Schema], texts: Texts) -> dict[str, Schema]:
    """`properties` with the fields every object has, whatever the definition says of these."""
    return {
        "apiVersion": {"description": texts["apiVersion"], "type": "string"},
        "kind": {"description": texts["kind"], "type": "string"},
        "metadata": {"description": texts["metadata"], "allOf": [reference(f"{META}ObjectMeta")]},
        **{name: schema for name, schema in properties.items() if name not in ("apiVersion", "kind", "metadata")},
    }


def _copy(given: Mapping[str, Any], texts: Texts, path: str) -> Schema:
    """A copy of a schema with descriptions and directives put in. Paths go through lists and maps unchanged."""
    schema = dict(given)
    text = texts.get(path)
    if text and "description" not in schema:
        schema = {"description": text, **schema}
    properties = schema.get("properties")
    if properties:
        schema["properties"] = {
            name: _copy(child, texts, f"{path}.{name}" if path else name) for name, child in properties.items()
        }
    for name in ("items", "additionalProperties"):
        child = schema.get(name)
        if isinstance(child, Mapping):
            schema[name] = _copy_element(child, texts, path)
    for name in _NESTED:
        child = schema.get(name)
        if isinstance(child, Mapping):
            schema[name] = _copy(child, _NO_TEXTS, "")
    for name in _NESTED_LISTS:
        children = schema.get(name)
        if children:
            schema[name] = [_copy(child, _NO_TEXTS, "") for child in children]
    if schema.get("x-kubernetes-embedded-resource"):
        schema["properties"] = _object_fields(schema.get("properties", {}), object_texts())
    keys = schema.get("x-kubernetes-list-map-keys")
    if keys:
        schema["x-kubernetes-patch-merge-key"] = keys[0]
    return schema


def _copy_element(given: Mapping[str, Any], texts: Texts, path: str) -> Schema:
    """A copy of the schema of elements: what lies below has the path of the list, whose text it does not repeat."""
    schema = _copy(given, texts, path)
    if "description" in schema and "description" not in given:
        del schema["description"]
    return schema
