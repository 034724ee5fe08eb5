"""The binding of an export: the object, and the row that makes its types served.

A binding to an export that is known is complete when it is created: `Bound`, with all that is bound named in its
status. The same functions make the bindings a new workspace comes with and those that users create (APIs reference,
section 3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from manifold.base.numerals import BASE62, numeral
from manifold.types.resource import Object
from manifold.views.rows import BoundExport, Defined

GROUP, RESOURCE = "apis.kcp.io", "apibindings"
FINALIZER = "apis.kcp.io/apibinding-finalizer"
EXTRA_PREFIX = "extra.apis.kcp.io/"
"""Annotations of an export that its bindings have as well (APIs reference, section 2.3)."""
LOCKS_ANNOTATION = "internal.apis.kcp.io/resource-bindings"
EXPORT_LABEL = "internal.apis.kcp.io/export"
CLAIM_LABEL_PREFIX = "claimed.internal.apis.kcp.io/"
REFLEXIVE = "LstvmbbzVDDOn90ZbhzSQO5U3DMCf88h1pZ"
"""What the claim label of a binding says where no accepted claim on bindings covers it."""


@dataclass(frozen=True, slots=True)
class ExportedResource:
    """A resource of an export: its schema object by name and uid, and the versions it is stored in."""

    group: str
    resource: str
    schema: str
    uid: str
    storage_versions: tuple[str, ...]

    @property
    def lock(self) -> str:
        """The name under which a logical cluster notes who serves it."""
        return f"{self.resource}.{self.group}"


@dataclass(frozen=True, slots=True)
class Export:
    """An export as bindings see it: where it is, its identity hash, what it offers, and where its policy is.

    `offered` is what it offers as definitions, by name, empty for the server's own exports, whose types it knows.
    `claims` are the permission claims it makes, `extra` the annotations that its bindings are to have as well.
    """

    cluster: str
    path: str
    name: str
    identity: str
    resources: Sequence[ExportedResource]
    policy_cluster: str = ""
    offered: tuple[Defined, ...] = ()
    claims: Sequence[Object] = ()
    extra: Mapping[str, str] = field(default_factory=dict)

    def bound(self) -> BoundExport:
        """The entry of a resolution row for a cluster that has bound all of this export of the server's own."""
        return BoundExport(self.cluster, self.name, self.identity, self.policy_cluster)


def base62(digest: bytes) -> str:
    """A digest as one big-endian number in base 62, digits first, without padding."""
    return numeral(digest, BASE62) or "0"


@lru_cache(1000)
def hashed(text: str) -> str:
    """A text in the form of hashes in names and labels: SHA-224 in base 62 (APIs reference, section 0.1).

    Kept while in use: what names an export or a claim is asked for with every binding.
    """
    return base62(hashlib.sha224(text.encode()).digest())


def default_binding_name(cluster: str, path: str, export: str) -> str:
    """The name of the binding a workspace type brings to a logical cluster; `path` as the type gives it, or the type's
    logical cluster (tenancy reference, section 3.5).
    """
    return f"{export[:247]}-{hashed(f'{cluster}|{path}|{export}')[:5].lower()}"


def export_label(cluster: str, name: str) -> str:
    """The value of the label by which bindings of an export are found; `cluster` is the export's."""
    return hashed(f"{cluster}:{name}")


def claim_label(claim: Object) -> str:
    """The value of the label that objects of an accepted claim carry (APIs reference, section 3.8)."""
    told = {"group": claim.get("group"), "resource": claim.get("resource")}
    body: Object = {name: value for name, value in told.items() if value}
    body["verbs"] = None
    if claim.get("identityHash"):
        body["identityHash"] = claim["identityHash"]
    return hashed(orjson.dumps(body).decode())


def labels(cluster: str, name: str, claims: Iterable[Object] = ()) -> dict[str, str]:
    """The labels of a binding to the export `name` in `cluster`; `claims` are those of its spec."""
    label = export_label(cluster, name)
    covering = REFLEXIVE
    for claim in claims:
        if (claim.get("group"), claim.get("resource"), claim.get("state")) == (GROUP, RESOURCE, "Accepted"):
            covering = claim_label(claim)
    return {EXPORT_LABEL: label, CLAIM_LABEL_PREFIX + label: covering}


def spec(export: Export) -> Object:
    """The spec of a binding to an export by its path."""
    return {"reference": {"export": {"name": export.name, "path": export.path}}}


def bound_resources(
    export: Export, resources: Iterable[ExportedResource], former: Sequence[Object] = ()
) -> list[Object]:
    """What a binding of an export names as bound, by group and resource: `resources`, and what it had bound before.

    A schema that has been replaced leaves the versions its objects may be stored in.
    """
    found = {(one["group"], one["resource"]): one for one in former}
    for one in resources:
        before = found.get((one.group, one.resource)) or {}
        stored = set(before.get("storageVersions") or ()) | set(one.storage_versions)
        found[(one.group, one.resource)] = {
            "group": one.group,
            "resource": one.resource,
            "schema": {"UID": one.uid, "identityHash": export.identity, "name": one.schema},
            "storageVersions": sorted(stored),
        }
    return [found[key] for key in sorted(found)]


def export_cluster_of(binding: Object, here: str) -> str:
    """The logical cluster of the export that a binding in `here` refers to, as far as the binding itself tells.

    Its status names it once the export has been found, which is when the binding is made; only in its own logical
    cluster and in `root` may a binding wait for an export.
    """
    known = (binding.get("status") or {}).get("apiExportClusterName")
    return str(known or binding["spec"]["reference"]["export"].get("path") or here)


def locks(bound: Sequence[tuple[str, Export]]) -> str:
    """The annotation of a LogicalCluster that says which binding serves which resource; (binding name, export)."""
    return locks_text({one.lock: {"n": name} for name, export in bound for one in export.resources})


def locks_text(held: dict[str, Object]) -> str:
    """The text of that annotation."""
    return orjson.dumps(dict(sorted(held.items()))).decode()
