"""The view of an export, made once and kept until something it follows from changes.

What an export offers and claims is joined from the export, its schemas, and, for claims on what others export, the
exports that have the identity it names. Exports that come to the same have one view in memory, and one set of documents
(APIs reference, section 5.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from manifold.base import keys
from manifold.exports.bindings import Export
from manifold.exports.references import References
from manifold.registry.served import Served
from manifold.storage.contract import Change, Snapshot, Store
from manifold.views.consumers import EVENTS, IDENTITY_INDEX, normalized
from manifold.views.exported import BINDINGS, CLAIMABLE, Claim, ExportView, claims_of, export_view
from manifold.views.remembering import Remembered
from manifold.views.resolution import Resolver
from manifold.views.rows import BoundExport, Defined

REMEMBERED = 2_000
TYPES = 2_000
"""In the views that are kept, with the documents that are made of them."""
EXPORTS_OF_IDENTITY = 50


@dataclass(frozen=True, slots=True)
class Found:
    """The view of an export. `identity` is the export's, `own` says that it is one of the server's own; `shared`: other
    exports have the same identity. `sources`: by the identity of claims, logical cluster and name of the exports that
    have it.
    """

    view: ExportView
    identity: str
    own: bool
    shared: bool
    sources: dict[str, tuple[tuple[str, str], ...]]


class ExportViews:
    """Finds the views of exports. `kind` is the stored form of APIExport."""

    def __init__(self, store: Store, resolver: Resolver, references: References, kind: Served, schemas: Served) -> None:
        self.kind = kind
        self._store = store
        self._resolver = resolver
        self._references = references
        self._grounds = (kind.prefix, schemas.prefix, keys.index_key(IDENTITY_INDEX))
        self._known: Remembered[tuple[str, str], Found] = Remembered(REMEMBERED)
        self._views: Remembered[tuple[object, ...], ExportView] = Remembered(TYPES)
        store.listen(self._forget)

    def _forget(self, changes: Sequence[Change]) -> None:
        if len(self._known) and any(change.key.startswith(self._grounds) for change in changes):
            self._known = Remembered(REMEMBERED)

    async def find(self, cluster: str, name: str) -> Found | None:
        """The view of an export; None where there is none, or it has no identity yet."""
        found = self._known.get((cluster, name))
        if found is None:
            snapshot = await self._store.snapshot()
            found = await self._make(snapshot, cluster, name)
            if found is not None and snapshot.revision == self._store.revision:
                self._known.put((cluster, name), found)
        return found

    async def _make(self, snapshot: Snapshot, cluster: str, name: str) -> Found | None:
        row = await snapshot.get(self.kind.key(cluster, "", name))
        if row is None:
            return None
        obj = self.kind.decode(row.value, row.revision)
        own = self._references.is_own(cluster, name)
        export = await self._offered(snapshot, cluster, name)
        identity: str = (obj.get("status") or {}).get("identityHash") or ""
        if own and export is not None:
            identity = export.identity
        if not identity:
            return None
        claims = () if own else claims_of((obj.get("spec") or {}).get("permissionClaims") or ())
        exported = await self._exported(export, own)
        claimed: list[tuple[Claim, Served]] = []
        sources: dict[str, tuple[tuple[str, str], ...]] = {}
        for claim in claims:
            if claim.identity:
                brought, _ = self._resolver.exported_under(claim.identity)
                sources[claim.identity] = (*brought, *await self._exports_of(snapshot, claim.identity))
            claimed += [(claim, one) for one in await self._claimed(snapshot, claim, sources.get(claim.identity, ()))]
        base = self._resolver.base.served.values()
        bindings = [one for one in base if (one.type.group, one.type.resource) == BINDINGS]
        key = (
            *((one.identity, _content(one), one.type.version, one.type.resource, one.type.group) for one in exported),
            "claims",
            *((claim, one.identity, _content(one), one.type.version) for claim, one in claimed),
        )
        view = self._views.get(key)
        if view is None:
            view = export_view(exported, claimed, bindings)
            self._views.put(key, view, 1 + len(view.shown.served))
        shared = len(await self._exports_of(snapshot, identity)) > 1
        return Found(view, identity, own, shared, sources)

    async def _offered(self, snapshot: Snapshot, cluster: str, name: str) -> Export | None:
        """What there is of an export, also of one that cannot be bound because a schema is missing."""
        if self._references.is_own(cluster, name):
            return (await self._references.at(snapshot, cluster, name, "")).export
        found = await self._references.offerings.find(snapshot, cluster, name)
        return None if found is None else found.export or found.rest

    async def _exported(self, export: Export | None, own: bool) -> list[Served]:
        if export is None:
            return []
        if own:
            bound = BoundExport(export.cluster, export.name, export.identity)
            return [Served(one, export.identity) for one in self._resolver.types_of(bound)]
        return [one for told in export.offered for one in await self._versions(told, export.identity)]

    async def _versions(self, told: Defined, identity: str) -> list[Served]:
        # Not in the snapshot of the view: what an export offers is kept by its content when somebody first asks.
        definition = await self._resolver.content(await self._store.snapshot(), told, identity)
        return list(definition.versions.values()) if definition is not None else []

    async def _exports_of(self, snapshot: Snapshot, identity: str) -> tuple[tuple[str, str], ...]:
        """Logical cluster and name of the exports that have an identity."""
        prefix = keys.index_key(IDENTITY_INDEX, identity)
        rows = await snapshot.scan(prefix, keys.after(prefix), EXPORTS_OF_IDENTITY)
        places = [keys.parts(row.key) for row in rows]
        return tuple((place[2], place[3]) for place in places)

    async def _claimed(self, snapshot: Snapshot, claim: Claim, sources: Sequence[tuple[str, str]]) -> list[Served]:
        """The types of a claim, in all versions: built-in ones, or those of any export with the identity."""
        place = (claim.group, claim.resource)
        if not claim.identity:
            if place not in CLAIMABLE:
                return []
            places = EVENTS if place == EVENTS[0] else (place,)
            base = self._resolver.base.served.values()
            return [one for one in base if (one.type.group, one.type.resource) in places]
        _, own = self._resolver.exported_under(claim.identity)
        found = [Served(one, claim.identity) for one in own if (one.group, one.resource) == place]
        for cluster, name in sources if not found else ():
            export = await self._offered(snapshot, cluster, name)
            for told in export.offered if export is not None else ():
                if not found and normalized(told.group, told.resource) == place:
                    found = await self._versions(told, claim.identity)
        return found


def _content(served: Served) -> str:
    evolution = served.type.evolution
    return evolution.content if evolution is not None else ""


def same(one: Served | None, other: Served | None) -> bool:
    """Whether two are the same type of the same objects, as clients see it."""
    if one is None or other is None:
        return one is other
    return (one.identity, _content(one), one.type.verbs) == (other.identity, _content(other), other.type.verbs)
