"""Which types a logical cluster serves, and under which identities their objects lie.

One row per logical cluster says what it has bound; it is written in the commit that changes a binding, so a request
never joins anything. The row holds no name of the cluster or of a binding: clusters that have bound the same exports
have equal rows, and share one `Resolution` in memory whatever their number. A cluster without a row serves the
built-in and the system types. The row is remembered per cluster in a bounded cache, and forgotten when the log tells
of a change.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson

from manifold.base import keys
from manifold.registry.served import Served
from manifold.storage.contract import Change, Store
from manifold.types.resource import ResourceType

INDEX = "resolution"
REMEMBERED = 5_000
SHARED = 1_000


@dataclass(frozen=True, slots=True)
class BoundExport:
    """An export as a cluster has bound it: its logical cluster and name, its identity hash, and where its maximal
    permission policy lies (empty: it has none). `ending`: its binding is going away, and no new objects are taken."""

    cluster: str
    name: str
    identity: str
    policy_cluster: str = ""
    ending: bool = False


class Shape:
    """Types that are served together. Documents made from them are kept here by whoever makes them."""

    __slots__ = ("documents", "types")

    def __init__(self, types: Sequence[ResourceType]) -> None:
        self.types = tuple(types)
        self.documents: dict[tuple[str, ...], object] = {}


class Resolution:
    """What one or many logical clusters serve."""

    __slots__ = ("_by_kind", "_by_prefix", "_by_resource", "_policies", "exports", "served", "shape")

    def __init__(self, served: Iterable[Served], exports: Sequence[BoundExport], policies: Mapping[str, str]) -> None:
        self.served = {(one.type.group, one.type.version, one.type.resource): one for one in served}
        self.shape = Shape([one.type for one in self.served.values()])
        self.exports = tuple(exports)
        self._policies = dict(policies)
        self._by_resource: dict[tuple[str, str], Served] = {}
        for one in self.served.values():
            self._by_resource.setdefault((one.type.group, one.type.resource), one)
        self._by_kind = {(one.type.group, one.type.kind): one for one in reversed(self.served.values())}
        self._by_prefix = {one.prefix: one for one in reversed(self.served.values())}

    def find(self, group: str, version: str, resource: str) -> Served | None:
        """The type at a path, or None."""
        return self.served.get((group, version, resource))

    def any_version(self, group: str, resource: str) -> Served | None:
        """A type in its first version, or None."""
        return self._by_resource.get((group, resource))

    def kind(self, group: str, kind: str) -> Served | None:
        """The type of a kind in its first version, or None."""
        return self._by_kind.get((group, kind))

    def stored(self, prefix: bytes) -> Served | None:
        """The type whose objects lie in a range of the store, in its first version, or None."""
        return self._by_prefix.get(prefix)

    def policy_cluster(self, group: str, resource: str) -> str:
        """Where the maximal permission policy of a bound resource lies; empty where there is none."""
        found = self._by_resource.get((group, resource))
        return self._policies.get(found.identity, "") if found is not None and found.identity else ""


def row_key(cluster: str) -> bytes:
    """The key of a cluster's resolution row."""
    return keys.index_key(INDEX, cluster)


def row_value(exports: Iterable[BoundExport]) -> bytes:
    """The value of a resolution row: a list per export, with its fields in order; the last only where it is true."""
    return orjson.dumps(
        [[one.cluster, one.name, one.identity, one.policy_cluster, *([True] if one.ending else [])] for one in exports]
    )


def row_exports(row: bytes) -> list[BoundExport]:
    """What a resolution row says; the inverse of `row_value`."""
    return [BoundExport(*entry) for entry in orjson.loads(row)]


class Resolver:
    """Finds the resolution of a logical cluster.

    `everywhere` are the types every cluster serves; `exported` gives the types of an export, by the export's logical
    cluster and name.
    """

    def __init__(
        self,
        store: Store,
        everywhere: Sequence[ResourceType],
        exported: Mapping[tuple[str, str], Sequence[ResourceType]],
    ) -> None:
        self._store = store
        self._exported = exported
        self._everywhere = [Served(one) for one in everywhere]
        self.base = Resolution(self._everywhere, (), {})
        self._rows: OrderedDict[str, Resolution] = OrderedDict()
        self._prefix = keys.index_key(INDEX)
        self._shared = lru_cache(SHARED)(self._build)
        self._identified = lru_cache(SHARED)(self._with_identity)
        store.listen(self._forget)

    def _forget(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.key.startswith(self._prefix):
                self._rows.pop(keys.parts(change.key)[1], None)

    def _build(self, row: bytes) -> Resolution:
        exports = row_exports(row)
        served = list(self._everywhere)
        own = {(one.type.group, one.type.resource) for one in served}
        for export in exports:
            types = self._exported.get((export.cluster, export.name), ())
            # What the server itself serves goes before what is bound (APIs reference, section 9.2).
            served += [Served(one, export.identity) for one in types if (one.group, one.resource) not in own]
        policies = {export.identity: export.policy_cluster for export in exports if export.policy_cluster}
        return Resolution(served, exports, policies)

    async def resolve(self, cluster: str) -> Resolution:
        """What a logical cluster serves as of the last commit this process has seen; `*` serves what every cluster
        does.
        """
        found = self._rows.get(cluster)
        if found is not None:
            return found
        snapshot = await self._store.snapshot()
        row = await snapshot.get(row_key(cluster))
        found = self._shared(row.value) if row is not None else self.base
        if snapshot.revision == self._store.revision:
            self._rows[cluster] = found
            if len(self._rows) > REMEMBERED:
                self._rows.popitem(last=False)
        return found

    async def kind(self, cluster: str, group: str, kind: str) -> Served | None:
        """The type of a kind as a logical cluster serves it (`KindFinder` of owner references)."""
        return (await self.resolve(cluster)).kind(group, kind)

    def identified(self, group: str, version: str, resource: str, identity: str) -> Served | None:
        """An exported type by the identity in a wildcard URL; None where no export of that identity is known."""
        return self._identified(group, version, resource, identity)

    def _with_identity(self, group: str, version: str, resource: str, identity: str) -> Served | None:
        for types in self._exported.values():
            for one in types:
                if (one.group, one.version, one.resource) == (group, version, resource):
                    return Served(one, identity)
        return None

    async def policy_cluster(self, cluster: str, group: str, resource: str) -> str:
        """The logical cluster whose RBAC bounds the use of a bound resource (`ExportPolicies` of authorization)."""
        return (await self.resolve(cluster)).policy_cluster(group, resource)
