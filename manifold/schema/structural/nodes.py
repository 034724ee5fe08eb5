"""The nodes of a structural schema: the model that field ownership, apply and OpenAPI share with built-in types.

What a schema does not describe but keeps is `UNDESCRIBED`: what it is shows in the value, as Kubernetes deduces it;
maps are maps at every level, lists are replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manifold.schema.model import ANY, Kind, Node

UNDESCRIBED = Node("any", preserve=True)
UNDESCRIBED.values = UNDESCRIBED
_SCALARS: dict[str, Kind] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}


def build_node(
    schema: dict[str, Any], object_meta: Callable[[], Node], root: bool = False, preserve: bool = False
) -> Node:
    """The node of `schema`, of a whole object (`root`) or of a part of one.

    `object_meta` gives what takes the place of the schema's own description of metadata, in whole objects and in
    embedded ones. `preserve`: something around it keeps unknown fields; what is described below that takes them, too,
    in an apply, though it is pruned afterwards.
    """
    description = str(schema.get("description") or "")
    nullable = bool(schema.get("nullable"))
    default = schema.get("default")
    form = str(schema.get("format") or "")
    if schema.get("x-kubernetes-int-or-string"):
        return Node("any", format="int-or-string", default=default, nullable=nullable, description=description)
    preserve = preserve or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    kind = schema.get("type")
    if kind in _SCALARS:
        return Node(_SCALARS[kind], format=form, default=default, nullable=nullable, description=description)
    if kind == "array":
        items = schema.get("items")
        return Node(
            "list",
            items=build_node(items, object_meta, preserve=preserve) if isinstance(items, dict) else ANY,
            list_type=schema.get("x-kubernetes-list-type") or "atomic",
            map_keys=tuple(schema.get("x-kubernetes-list-map-keys") or ()),
            default=default,
            nullable=nullable,
            description=description,
        )
    described: dict[str, Any] = schema.get("properties") or {}
    additional = schema.get("additionalProperties")
    embedded = bool(schema.get("x-kubernetes-embedded-resource"))
    if kind is None and not described and not isinstance(additional, dict):
        return UNDESCRIBED if preserve else ANY
    properties = {name: build_node(child, object_meta, preserve=preserve) for name, child in described.items()}
    if embedded or root:
        properties.setdefault("apiVersion", Node("string"))
        properties.setdefault("kind", Node("string"))
        properties["metadata"] = object_meta()
    values = build_node(additional, object_meta, preserve=preserve) if isinstance(additional, dict) else None
    if values is None and (preserve or additional is True):
        values = UNDESCRIBED
    return Node(
        "object" if properties or values is None else "map",
        properties=properties,
        values=values,
        map_type=schema.get("x-kubernetes-map-type") or "granular",
        default=default,
        nullable=nullable,
        preserve=preserve,
        description=description,
    )
