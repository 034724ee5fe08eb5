"""CustomResourceDefinitions as a writer brings them, and what is wrong with them. For tests of this folder."""

from __future__ import annotations

import copy
from typing import Any

from manifold.types.apiextensions.definitions import CUSTOM_RESOURCE_DEFINITIONS as KIND

S = {"type": "string"}


def version(schema: Any = None, **more: Any) -> dict[str, Any]:
    """A version that is served and stored, with one property `spec.a` unless told otherwise."""
    schema = schema or {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": S}}}}
    return {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, **more}


def field(schema: Any) -> dict[str, Any]:
    """A version with one property `spec.a` of that schema."""
    return version({"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": schema}}}})


def definition(name: str = "things.t.example.com", **spec: Any) -> dict[str, Any]:
    """A definition of things, with these members of its spec."""
    whole = {
        "group": "t.example.com",
        "scope": "Namespaced",
        "names": {"plural": "things", "kind": "Thing"},
        "versions": [version()],
        **spec,
    }
    return {
        "apiVersion": KIND.api_version,
        "kind": KIND.kind,
        "metadata": {"name": name},
        "spec": copy.deepcopy(whole),
    }


def create(obj: dict[str, Any]) -> list[str]:
    """What is wrong with a new definition, which becomes what would be stored."""
    KIND.codec.normalize(obj)
    KIND.strategy.default(obj)
    KIND.strategy.prepare_create(obj)
    return [str(error) for error in KIND.strategy.validate_create(obj)]
