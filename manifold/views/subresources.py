"""Which subresources a type shows, with which verbs and kinds: one table for discovery and OpenAPI.

A subresource is either a write of the same object (`ResourceType.subresources`: status, approval, finalize) or a route
of its own that takes and gives another kind. The second sort is not part of a type, because no verb of the registry
serves it; those are in `ROUTES`, keyed by group and resource. A route that is added to the server is added here,
and is then discovered and documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from manifold.types.resource import ResourceType

READ_WRITE = ("get", "patch", "update")


@dataclass(frozen=True, slots=True)
class Shown:
    """A subresource as clients see it. `group`, `version` and `kind` are those of the body; group and version are
    empty where they are the resource's own (meta/v1 APIResource).
    """

    name: str
    kind: str
    verbs: tuple[str, ...] = READ_WRITE
    group: str = ""
    version: str = ""


ROUTES: Mapping[tuple[str, str], tuple[Shown, ...]] = {
    ("", "serviceaccounts"): (Shown("token", "TokenRequest", ("create",), "authentication.k8s.io", "v1"),),
}
"""Subresources served by routes: (group, resource) to what is shown of them."""

_WRITE_ONLY = {"finalize": ("update",)}
_ORDER_OF_CUSTOM = {"status": 0, "scale": 1}


def shown(resource_type: ResourceType) -> list[Shown]:
    """The subresources of a type in the order discovery lists them: by name; of custom resources, status before scale.

    A type that cannot be updated (a read-only view) shows its own subresources without verbs (the tenancy
    reference, section 3.6).
    """
    found = []
    writable = "update" in resource_type.verbs
    for name in resource_type.subresources:
        if name == "scale":
            entry = Shown("scale", "Scale", READ_WRITE if writable else (), "autoscaling", "v1")
        else:
            verbs = _WRITE_ONLY.get(name, READ_WRITE)
            entry = Shown(name, resource_type.kind, verbs if writable else ())
        found.append(entry)
    found.extend(ROUTES.get((resource_type.group, resource_type.resource), ()))
    if resource_type.custom:
        found.sort(key=lambda entry: (_ORDER_OF_CUSTOM.get(entry.name, 2), entry.name))
    else:
        found.sort(key=lambda entry: entry.name)
    return found
