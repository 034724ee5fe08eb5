"""Objects of kcp's own types as a writer brings them, and what the types say to them. For tests of this folder."""

from __future__ import annotations

import copy
from typing import Any

from manifold.base.errors import StatusError
from manifold.types.kcp import EXPORTED_TYPES, SYSTEM_TYPES
from manifold.types.resource import ResourceType

ALL = {
    (kind.resource, kind.version): kind
    for kind in (*SYSTEM_TYPES, *(kind for kinds in EXPORTED_TYPES.values() for kind in kinds))
}
SKIPPED = (
    "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


def kind_of(resource: str, version: str = "v1alpha1") -> ResourceType:
    """A type of kcp by its resource and version."""
    return ALL[resource, version]


def made(kind: ResourceType, spec: Any, name: str = "x", **more: Any) -> dict[str, Any]:
    """An object as it is decoded, with its defaults."""
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}, **more}
    if spec is not None:
        obj["spec"] = copy.deepcopy(spec)
    kind.codec.normalize(obj)
    kind.strategy.default(obj)
    return obj


def create(kind: ResourceType, spec: Any, name: str = "x", **more: Any) -> tuple[list[str], dict[str, Any]]:
    """What is wrong with a new object, and the object as it would be stored."""
    obj = made(kind, spec, name, **more)
    kind.strategy.prepare_create(obj)
    try:
        return [str(error) for error in kind.strategy.validate_create(obj)], obj
    except StatusError as refusal:
        return [f"{refusal.code} {refusal.message}"], obj


def update(kind: ResourceType, new: Any, old: Any, part: str = "", name: str = "x") -> list[str]:
    """What is wrong with a change, made through the subresource `part` where one is named."""
    before, after = made(kind, **old, name=name), made(kind, **new, name=name)
    writer: Any = kind.subresources[part] if part else kind.strategy
    writer.prepare_update(after, before)
    try:
        return [str(error) for error in writer.validate_update(after, before)]
    except StatusError as refusal:
        return [f"{refusal.code} {refusal.message}"]
