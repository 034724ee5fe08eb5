"""What an export offers now: its identity, its schemas as definitions, its claims.

An export names schemas in its own logical cluster. Joining them is done once per export in use and remembered, bounded,
until the log tells of a change there; so a thousand bindings read fifty schemas once. What is offered is kept by its
content before anybody can bind it (APIs reference, sections 2 and 3.5).

Who takes what is offered binds the commit to the export as it was, and to a row that every schema writes that comes or
goes in the same logical cluster: a guard on each of fifty schemas would not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from manifold.base import keys
from manifold.exports import conditions
from manifold.exports.bindings import EXTRA_PREFIX, Export, ExportedResource
from manifold.registry.served import Served
from manifold.storage.contract import Change, Guard, Snapshot, Store
from manifold.types.resource import Object
from manifold.views.known_types import offered_row
from manifold.views.offers import definition_of, keep, offer_key, offer_row, offered, schema_key
from manifold.views.remembering import Remembered
from manifold.views.rows import Defined

REMEMBERED = 2_000


def schemas_row(cluster: str) -> bytes:
    """The key of the row that is written whenever a schema comes or goes in a logical cluster."""
    return keys.index_key("schemas", cluster)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an export cannot be bound: what the condition APIExportValid of its bindings says."""

    severity: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Offering:
    """An export that exists: what it offers, or why it cannot be bound. `guards`: it is what it was. `rest`: what there
    is of one that lacks a schema, which its view goes on showing.
    """

    export: Export | None
    problem: Problem | None
    guards: tuple[Guard, ...]
    rest: Export | None = None


class Offerings:
    """Finds what exports of users offer. `exports` and `schemas` are the stored forms of both kinds."""

    def __init__(self, store: Store, exports: Served, schemas: Served) -> None:
        self._store = store
        self._exports = exports
        self._schemas = schemas
        self._known: Remembered[str, dict[str, Offering]] = Remembered(REMEMBERED)
        store.listen(self._forget)

    def _forget(self, changes: Sequence[Change]) -> None:
        prefixes = (self._exports.prefix, self._schemas.prefix)
        for change in changes:
            if change.key.startswith(prefixes):
                self._known.drop(keys.decode(change.key).cluster)

    def key(self, cluster: str, name: str) -> bytes:
        """The storage key of an export."""
        return self._exports.key(cluster, "", name)

    async def find(self, snapshot: Snapshot, cluster: str, name: str) -> Offering | None:
        """What an export offers; None where there is no such export."""
        known = self._known.get(cluster) or {}
        found = known.get(name)
        if found is not None:
            return found
        row = await snapshot.get(self.key(cluster, name))
        if row is None:
            return None
        export = self._exports.decode(row.value, row.revision)
        schemas = await snapshot.get(schemas_row(cluster))
        changed = Guard(schemas_row(cluster), schemas.revision if schemas is not None else 0)
        found = await self._join(snapshot, cluster, export, (Guard(row.key, row.revision), changed))
        if snapshot.revision == self._store.revision:
            known = {**(self._known.get(cluster) or {}), name: found}
            self._known.put(cluster, known, len(known))
        return found

    async def _join(self, snapshot: Snapshot, cluster: str, export: Object, guards: tuple[Guard, ...]) -> Offering:
        name, spec = export["metadata"]["name"], export.get("spec") or {}
        identity = (export.get("status") or {}).get("identityHash")
        if not identity:
            text = f"APIExport {name} has no identity hash"
            return Offering(None, Problem(conditions.WARNING, "MissingIdentityHash", text), guards)
        resources: list[ExportedResource] = []
        definitions: list[Defined] = []
        rows: list[tuple[bytes, bytes]] = []
        problem: Problem | None = None
        for one in spec.get("resources") or ():
            if "virtual" in (one.get("storage") or {}):
                continue
            row = await snapshot.get(self._schemas.key(cluster, "", one["schema"]))
            if row is None:
                problem = problem or _missing(one["schema"])
                continue
            schema = self._schemas.decode(row.value, row.revision)
            told, content = offered(definition_of(schema))
            definitions.append(told)
            rows.append((schema_key(told.content), content))
            rows.append((offered_row(told.group, told.plural, told.content), b""))
            stored = tuple(version["name"] for version in schema["spec"]["versions"] if version.get("storage"))
            resources.append(
                ExportedResource(schema["spec"]["group"], told.plural, one["schema"], schema["metadata"]["uid"], stored)
            )
        await keep(self._store, rows)
        annotations = export["metadata"].get("annotations") or {}
        made = Export(
            cluster,
            annotations.get("kcp.io/path") or cluster,
            name,
            identity,
            resources,
            offered=tuple(sorted(definitions, key=lambda told: told.name)),
            claims=spec.get("permissionClaims") or (),
            extra={key: value for key, value in annotations.items() if key.startswith(EXTRA_PREFIX)},
        )
        return Offering(made, None, guards) if problem is None else Offering(None, problem, guards, made)

    async def kept(self, bound: Sequence[Defined]) -> str:
        """The hash of what is bound together, once it can be referred to."""
        name, value = offer_row(bound)
        await keep(self._store, [(offer_key(name), value)])
        return name


def _missing(schema: str) -> Problem:
    text = f'Invalid APIExport. Please contact the APIExport owner to resolve: APIResourceSchema "{schema}" not found'
    return Problem(conditions.ERROR, "InternalError", text)
