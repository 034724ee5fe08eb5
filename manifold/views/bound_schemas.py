"""The schemas of what a logical cluster has bound, wherever they lie: a view for whoever may read its bindings.

A schema belongs to the provider, whose workspace a consumer need not be able to enter. What a binding names as bound
tells which schemas those are (APIs reference, section 5.8).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from manifold.base import keys
from manifold.registry.reach import Part
from manifold.registry.served import Served
from manifold.storage.contract import Snapshot
from manifold.types.resource import Object, ResourceType
from manifold.views.exported import READ, shown_type
from manifold.views.resolution import Resolution
from manifold.views.view import Shown

GROUP, VERSION, RESOURCE = "apis.kcp.io", "v1alpha1", "apiresourceschemas"


def schemas_of(binding: Object) -> set[tuple[str, str]]:
    """Logical cluster and name of the schemas that a binding has bound (in the stored version, v1alpha2)."""
    status = binding.get("status") or {}
    home = status.get("apiExportClusterName")
    if status.get("phase") != "Bound" or not home:
        return set()
    return {(home, one["schema"]["name"]) for one in status.get("boundResources") or ()}


@dataclass(frozen=True, slots=True)
class SchemaReach:
    """The schemas that `cluster` has bound. `bindings` and `schemas` are the stored forms of both types."""

    cluster: str
    bindings: Served
    schemas: Served

    @property
    def grounds(self) -> Sequence[bytes]:
        """The bindings of the logical cluster."""
        return (self.bindings.prefix + keys.segment(self.cluster),)

    def about(self, key: bytes) -> str | None:
        """A binding may name schemas of any logical cluster."""
        return "" if key.startswith(self.grounds[0]) else None

    async def parts(self, snapshot: Snapshot, after: bytes = b"") -> AsyncIterator[Part]:
        """The schemas one by one."""
        prefix = self.grounds[0]
        found: set[tuple[str, str]] = set()
        for row in await snapshot.scan(prefix, keys.after(prefix)):
            found |= schemas_of(self.bindings.decode(row.value, row.revision))
        places = {self.schemas.key(cluster, "", name): cluster for cluster, name in found}
        for key in sorted(places):
            if key >= after:
                yield Part(places[key], key)

    async def parts_in(self, snapshot: Snapshot, cluster: str) -> Sequence[Part]:
        """Those of one provider."""
        return [part async for part in self.parts(snapshot) if part.cluster == cluster]


def shown_schemas(kind: ResourceType) -> Shown:
    """Schemas, to be read."""
    served = Served(shown_type(kind, READ, False))
    place = (kind.group, kind.version, kind.resource)
    return Shown(Resolution([served], (), {}), {place: served}, {(kind.group, kind.resource): {"": READ}})
