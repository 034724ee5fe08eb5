"""Which types a logical cluster serves, and under which identities their objects lie.

Its row (see `manifold.views.rows`) says what it has bound and defined. Clusters that have bound the same exports share
one `Resolution` in memory whatever their number, and so do those with equal rows. A cluster without a row serves the
built-in and the system types. What a cluster defines itself is loaded when it is asked for: a request about a
ConfigMap is not kept waiting by the definitions around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from manifold.base import keys
from manifold.registry.every_identity import under_every_identity
from manifold.registry.served import Served
from manifold.storage.contract import Change, Snapshot, Store
from manifold.types.resource import ResourceType
from manifold.views.consumers import IDENTITY_INDEX, consumers_prefix, read_consumer
from manifold.views.definitions import GROUP, RESOURCE, Definition, Definitions
from manifold.views.known_types import known_range, read_known
from manifold.views.offers import bound_definitions
from manifold.views.policies import ExportPolicies
from manifold.views.remembering import Remembered
from manifold.views.rows import INDEX, SERVED, BoundExport, Claimed, Defined, Row, read_row, row_key

REMEMBERED = 5_000
SHARED = 1_000
DEFINITIONS_PER_UNIT = 20
"""So many definitions weigh as much as a logical cluster that is remembered."""
COMPLETE_BYTES = 16 << 20
"""How much JSON of definitions the lists of everything that are kept stand for; each counts for some more, because of
the documents that are made of it."""
COMPLETE_OWN_BYTES = 128 << 10
IDENTITIES_LOOKED_AT = 10
"""So many exports of one identity, and bindings of each, are asked for a type."""
KNOWN_LOOKED_AT = 50
"""So many definitions and schemas of a resource are asked for a version."""
SPANNED = 50
"""So many types are kept as they are asked for under every identity."""
READ_ONLY_VERBS = ("delete", "deletecollection", "get", "list", "watch")
"""What discovery shows of a definition that is going away."""


class Shape:
    """Types that are served together. Documents made from them are kept here by whoever makes them."""

    __slots__ = ("documents", "types")

    def __init__(self, types: Sequence[ResourceType]) -> None:
        self.types = tuple(types)
        self.documents: dict[tuple[str, ...], object] = {}


class Resolution:
    """What one or many logical clusters serve: the types of every one and of exports, and what they define.

    `definitions` are by name, and not among the types: those of the cluster's own, and what it has bound of exports of
    users, which has an identity and the export it comes from in `sources`. `claims` are those it has accepted. `row` is
    what all of this was made of.
    """

    claims: tuple[Claimed, ...]

    definitions: Mapping[str, Defined]
    sources: Mapping[str, BoundExport]
    row: bytes

    __slots__ = (
        "_by_kind",
        "_by_prefix",
        "_by_resource",
        "_names",
        "_policies",
        "claims",
        "definitions",
        "exports",
        "row",
        "served",
        "shape",
        "sources",
    )

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
        self._names = frozenset(f"{resource}.{group}" for group, resource in self._by_resource)
        self.definitions = {}
        self.sources = {}
        self.claims = ()
        self.row = b""

    def defining(self, bound: Sequence[tuple[BoundExport, Defined]], told: Row, row: bytes) -> Resolution:
        """This one with what is bound, and what a row says is defined and claimed; everything else is shared.

        What the server itself serves goes first, then what is bound, then what is defined (APIs reference, 9.2).
        """
        made = Resolution.__new__(Resolution)
        for name in Resolution.__slots__:
            setattr(made, name, getattr(self, name))
        found = {one.name: one for one in told.definitions if one.flags & SERVED}
        found.update((one.name, one) for _, one in reversed(bound))
        made.definitions = {name: one for name, one in found.items() if name not in self._names}
        made.sources = {one.name: export for export, one in reversed(bound)}
        made.claims = told.claims
        made.row = row
        return made

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


class Resolver:
    """Finds the resolution of a logical cluster.

    `everywhere` are the types every cluster serves; `exported` gives the identity hash and the types of an export,
    by the export's logical cluster and name.
    """

    def __init__(
        self,
        store: Store,
        everywhere: Sequence[ResourceType],
        exported: Mapping[tuple[str, str], tuple[str, Sequence[ResourceType]]],
    ) -> None:
        self._store = store
        self._exported = exported
        self._everywhere = [Served(one) for one in everywhere]
        self.base = Resolution(self._everywhere, (), {})
        own = self.base.any_version(GROUP, RESOURCE)
        self.definitions = Definitions(own) if own is not None else None
        self._policies = ExportPolicies(store, self.base.any_version("apis.kcp.io", "apiexports"))
        self._rows: Remembered[str, Resolution] = Remembered(REMEMBERED)
        self._complete: Remembered[bytes, Resolution] = Remembered(COMPLETE_BYTES)
        self._prefix = keys.index_key(INDEX)
        self._shared = lru_cache(SHARED)(self._build)
        self._defined: Remembered[bytes, Resolution] = Remembered(SHARED)
        self._identified = lru_cache(SHARED)(self._with_identity)
        self._everything = lru_cache(SPANNED)(under_every_identity)
        store.listen(self._forget)

    def _forget(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.key.startswith(self._prefix):
                self._rows.drop(keys.parts(change.key)[1])

    def types_of(self, export: BoundExport) -> Sequence[ResourceType]:
        """The types of an export."""
        _, types = self._exported.get((export.cluster, export.name), ("", ()))
        return types

    def _build(self, exports: tuple[BoundExport, ...]) -> Resolution:
        served = list(self._everywhere)
        own = {(one.type.group, one.type.resource) for one in served}
        for export in exports:
            # What the server itself serves goes before what is bound (APIs reference, section 9.2).
            served += [
                Served(one, export.identity) for one in self.types_of(export) if (one.group, one.resource) not in own
            ]
        policies = {export.identity: export.policy_cluster for export in exports if export.policy_cluster}
        return Resolution(served, exports, policies)

    async def _of(self, snapshot: Snapshot, value: bytes) -> Resolution:
        found = self._defined.get(value)
        if found is None:
            row = read_row(value)
            found = self._shared(row.exports)
            bound = await bound_definitions(snapshot, row.exports)
            if bound or row.definitions or row.claims:
                found = found.defining(bound, row, value)
            self._defined.put(value, found, _weight(found))
        return found

    async def resolve(self, cluster: str) -> Resolution:
        """What a logical cluster serves as of the last commit this process has seen; `*` serves what every cluster
        does.
        """
        found = self._rows.get(cluster)
        if found is not None:
            return found
        snapshot = await self._store.snapshot()
        row = await snapshot.get(row_key(cluster))
        found = await self._of(snapshot, row.value) if row is not None else self.base
        if snapshot.revision == self._store.revision:
            self._rows.put(cluster, found, _weight(found))
        return found

    async def find(self, cluster: str, group: str, version: str, resource: str) -> Served | None:
        """The type at a path of a logical cluster, its own definitions included; None where it serves none there."""
        resolution = await self.resolve(cluster)
        found = resolution.find(group, version, resource)
        if found is not None:
            return found
        defined = resolution.definitions.get(f"{resource}.{group}")
        definition = await self._load(cluster, defined) if defined is not None else None
        return definition.versions.get(version) if definition is not None else None

    async def stored(self, cluster: str, prefix: bytes) -> Served | None:
        """The type whose objects lie in a range of the store; None where it is not served."""
        resolution = await self.resolve(cluster)
        found = resolution.stored(prefix)
        if found is not None or not resolution.definitions:
            return found
        group, resource, identity = keys.parts(prefix)
        defined = resolution.definitions.get(f"{resource}.{group}")
        if defined is None or defined.identity != identity:
            return None
        definition = await self._load(cluster, defined)
        return definition.stored if definition is not None else None

    async def defined(self, cluster: str, namespace: str = "") -> list[Served]:
        """What a logical cluster defines itself or has bound of users' exports, and has objects of (in a namespace, if
        not empty), each in the version it is stored in.
        """
        resolution = await self.resolve(cluster)
        snapshot = await self._store.snapshot()
        found = []
        for defined in resolution.definitions.values():
            prefix = defined.prefix(cluster) + (keys.segment(namespace) if namespace else b"")
            if await snapshot.scan(prefix, keys.after(prefix), 1):
                definition = await self._load(cluster, defined)
                if definition is not None:
                    found.append(definition.stored)
        return found

    async def complete(self, cluster: str) -> Resolution:
        """What a logical cluster serves with everything it defines, for what is told of all of it."""
        resolution = await self.resolve(cluster)
        if not resolution.definitions:
            return resolution
        found = self._complete.get(resolution.row)
        if found is not None:
            return found
        served = list(resolution.served.values())
        weight = COMPLETE_OWN_BYTES
        snapshot = await self._store.snapshot()
        for defined in resolution.definitions.values():
            definition = await self._load(cluster, defined, snapshot)
            if definition is not None:
                weight += definition.weight
                shown = definition.versions.values()
                served += [_ending(one) for one in shown] if defined.ending else shown
        found = Resolution(served, resolution.exports, {})
        if snapshot.revision == self._store.revision and await self.resolve(cluster) is resolution:
            self._complete.put(resolution.row, found, weight)
        return found

    async def _load(self, cluster: str, defined: Defined, at: Snapshot | None = None) -> Definition | None:
        if self.definitions is None:
            return None
        return await self.definitions.load(at or await self._store.snapshot(), cluster, defined)

    async def kind(self, cluster: str, group: str, kind: str) -> Served | None:
        """The type of a kind as a logical cluster serves it (`KindFinder` of owner references)."""
        resolution = await self.resolve(cluster)
        found = resolution.kind(group, kind)
        if found is not None:
            return found
        for defined in resolution.definitions.values():
            if defined.kind == kind and defined.group == group:
                definition = await self._load(cluster, defined)
                return definition.stored if definition is not None else None
        return None

    async def identified(self, group: str, version: str, resource: str, identity: str) -> Served | None:
        """An exported type by the identity in a wildcard URL; None where nobody has bound any of that identity.

        What users export is told by the first who has bound it (APIs reference, section 4.2).
        """
        found = self._identified(group, version, resource, identity)
        if found is not None:
            return found
        snapshot = await self._store.snapshot()
        prefix = keys.index_key(IDENTITY_INDEX, identity)
        for row in await snapshot.scan(prefix, keys.after(prefix), IDENTITIES_LOOKED_AT):
            _, _, cluster, name = keys.parts(row.key)
            bound = consumers_prefix(cluster, name)
            for consumer in await snapshot.scan(bound, keys.after(bound), IDENTITIES_LOOKED_AT):
                place = read_consumer(consumer.key, consumer.value).cluster
                served = await self.find(place, group, version, resource)
                if served is not None and served.identity == identity:
                    return served
        return None

    async def under_every_identity(self, group: str, version: str, resource: str) -> Served | None:
        """A type that logical clusters define or exports offer, for the metadata of all its objects; None where none of
        those looked at serves the version.
        """
        for _, types in self._exported.values():
            for one in types:
                if (one.group, one.version, one.resource) == (group, version, resource):
                    return self._everything(one)
        snapshot = await self._store.snapshot()
        prefix = known_range(group, resource)
        for row in await snapshot.scan(prefix, keys.after(prefix), KNOWN_LOOKED_AT):
            cluster, content = read_known(row.key)
            if cluster:
                served = await self.find(cluster, group, version, resource)
            else:
                definition = await self.definitions.offered(snapshot, content) if self.definitions is not None else None
                served = definition.versions.get(version) if definition is not None else None
            if served is not None:
                return self._everything(served.type)
        return None

    def _with_identity(self, group: str, version: str, resource: str, identity: str) -> Served | None:
        for known, types in self._exported.values():
            for one in types if known == identity else ():
                if (one.group, one.version, one.resource) == (group, version, resource):
                    return Served(one, identity)
        return None

    def exported_under(self, identity: str) -> tuple[Sequence[tuple[str, str]], Sequence[ResourceType]]:
        """The exports that the server brings under an identity, by logical cluster and name, and their types."""
        places = [place for place, (known, _) in self._exported.items() if known == identity]
        return places, [one for place in places for one in self._exported[place][1]]

    async def content(self, snapshot: Snapshot, told: Defined, identity: str) -> Definition | None:
        """The types of what an export offers, for the objects of its identity."""
        return await self._load("", replace(told, identity=identity), snapshot)

    async def limits(self, cluster: str, name: str) -> bool:
        """Whether an export has a maximal permission policy."""
        return await self._policies.limits(cluster, name)

    async def policy_cluster(self, cluster: str, group: str, resource: str) -> str:
        """The logical cluster whose RBAC bounds the use of a bound resource (`ExportPolicies` of authorization)."""
        resolution = await self.resolve(cluster)
        source = resolution.sources.get(f"{resource}.{group}")
        if source is None or f"{resource}.{group}" not in resolution.definitions:
            return resolution.policy_cluster(group, resource)
        return source.cluster if await self._policies.limits(source.cluster, source.name) else ""


def _ending(served: Served) -> Served:
    """A type as discovery shows it while its definition is going away."""
    return Served(replace(served.type, verbs=READ_ONLY_VERBS), served.identity)


def _weight(resolution: Resolution) -> int:
    return 1 + len(resolution.definitions) // DEFINITIONS_PER_UNIT
