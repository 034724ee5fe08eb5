"""The binding of an export: the object, and the row that makes its types served.

A binding to an export that is known is complete when it is created: `Bound`, with all that is bound named in its
status. The same function makes the bindings a new workspace comes with and the status of one that a user creates
(APIs reference, sections on APIBinding).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from manifold.types.resource import Object
from manifold.views.resolution import BoundExport

FINALIZER = "apis.kcp.io/apibinding-finalizer"
LOCKS_ANNOTATION = "internal.apis.kcp.io/resource-bindings"
EXPORT_LABEL = "internal.apis.kcp.io/export"
_BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
CONDITIONS = (
    "Ready",
    "APIExportValid",
    "BindingUpToDate",
    "InitialBindingCompleted",
    "PermissionClaimsApplied",
    "PermissionClaimsValid",
)


@dataclass(frozen=True, slots=True)
class ExportedResource:
    """A resource of an export: its schema object by name and uid, and the versions it is stored in."""

    group: str
    resource: str
    schema: str
    uid: str
    storage_versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """An export as bindings see it: where it is, its identity hash, what it offers, and where its policy is."""

    cluster: str
    path: str
    name: str
    identity: str
    resources: Sequence[ExportedResource]
    policy_cluster: str = ""

    def bound(self) -> BoundExport:
        """The entry of a resolution row for a cluster that has bound this export."""
        return BoundExport(self.cluster, self.name, self.identity, self.policy_cluster)


def base62(digest: bytes) -> str:
    """A digest as one big-endian number in base 62, digits first, without padding."""
    number = int.from_bytes(digest, "big")
    digits = []
    while number:
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits)) or "0"


def default_binding_name(cluster: str, export: Export) -> str:
    """The name of the binding a workspace type brings (tenancy reference, section 3.5)."""
    digest = hashlib.sha224(f"{cluster}|{export.path}|{export.name}".encode()).digest()
    return f"{export.name[:247]}-{base62(digest)[:5].lower()}"


def export_label(export: Export) -> str:
    """The value of the label by which bindings of an export are found."""
    return base62(hashlib.sha224(f"{export.path}|{export.name}".encode()).digest())


def spec(export: Export) -> Object:
    """The spec of a binding to an export by its path."""
    return {"reference": {"export": {"name": export.name, "path": export.path}}}


def bound_status(export: Export, timestamp: str) -> Object:
    """The status of a binding that is complete since `timestamp`."""
    return {
        "apiExportClusterName": export.cluster,
        "boundResources": [
            {
                "group": one.group,
                "resource": one.resource,
                "schema": {"UID": one.uid, "identityHash": export.identity, "name": one.schema},
                "storageVersions": list(one.storage_versions),
            }
            for one in export.resources
        ],
        "conditions": [
            {"type": condition, "status": "True", "lastTransitionTime": timestamp} for condition in CONDITIONS
        ],
        "phase": "Bound",
    }


def locks(bound: Sequence[tuple[str, Export]]) -> str:
    """The annotation of a LogicalCluster that says which binding serves which resource; (binding name, export)."""
    held = {f"{one.resource}.{one.group}": {"n": name} for name, export in bound for one in export.resources}
    return orjson.dumps(dict(sorted(held.items()))).decode()
