"""Which versions of a CustomResourceDefinition have rules in CEL, and what is told of them."""

from __future__ import annotations

from typing import Any

from manifold.types.resource import Object

RULES = "x-kubernetes-validations"
UNENFORCED = (
    "this server keeps rules in CEL (x-kubernetes-validations) and does not enforce them: objects that break them are "
    "accepted"
)


def versions_with_rules(definition: Object) -> list[int]:
    """The positions of the versions whose schemas have rules."""
    return [
        position
        for position, version in enumerate(definition["spec"].get("versions") or ())
        if has_rules((version.get("schema") or {}).get("openAPIV3Schema"))
    ]


def has_rules(schema: Any) -> bool:
    """Whether there are rules anywhere in a schema."""
    if not isinstance(schema, dict):
        return False
    if schema.get(RULES):
        return True
    described = schema.get("properties")
    if isinstance(described, dict) and any(has_rules(child) for child in described.values()):
        return True
    return has_rules(schema.get("items")) or has_rules(schema.get("additionalProperties"))
