"""The versions of a type as field ownership asks for them: their schemas, and the way from one to the other.

Versions of a definition name fields as each other does, as far as this server converts them. Built-in types and kcp's
have conversions of their own, through the stored version.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import orjson

from manifold.schema.ownership import Versions, View
from manifold.types.resource import Object, ResourceType


@cache
def _siblings() -> Mapping[tuple[str, str], Mapping[str, ResourceType]]:
    """The server's own types by how they are stored, and by their apiVersion."""
    from manifold.types.kcp import EXPORTED_TYPES, SYSTEM_TYPES
    from manifold.types.table import built_in_types

    found: dict[tuple[str, str], dict[str, ResourceType]] = {}
    exported = [kind for kinds in EXPORTED_TYPES.values() for kind in kinds]
    for kind in (*built_in_types(), *SYSTEM_TYPES, *exported):
        found.setdefault(_stored(kind), {})[kind.api_version] = kind
    return found


def _stored(kind: ResourceType) -> tuple[str, str]:
    if kind.stored_resource:
        return kind.stored_group, kind.stored_resource
    return kind.group, kind.resource


def versions_of(kind: ResourceType) -> Versions:
    """What knows the versions of a type; `kind` is the one that is written in."""

    def find(api_version: str) -> View | None:
        if api_version == kind.api_version:
            return View(kind.schema)
        if kind.evolution is not None:
            group, _, version = api_version.rpartition("/")
            node = kind.evolution.node(version) if group == kind.group else None
            return None if node is None else View(node)
        other = _siblings().get(_stored(kind), {}).get(api_version)
        if other is None:
            return None
        return View(other.schema, lambda obj: _converted(obj, kind, other), lambda obj: _converted(obj, other, kind))

    return find


def _converted(obj: Object, one: ResourceType, other: ResourceType) -> Object:
    """An object of one version in another; what is given is left as it is."""
    copy: Object = orjson.loads(orjson.dumps(obj))
    if one.convert is not None:
        copy = one.convert.to_stored(copy)
    return copy if other.convert is None else other.convert.from_stored(copy)
