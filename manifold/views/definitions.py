"""The types of CustomResourceDefinitions, made once per content and shared by all clusters with equal ones.

What is kept is bounded by the size of the definitions' JSON, and what is not kept is made again from the object: a
definition costs memory while it is used. The hash is that of what was really read, never of what somebody expected to
find there, so that no logical cluster can put its types in another one's place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from manifold.registry.large import LARGE, off_loop
from manifold.registry.served import Served
from manifold.storage.contract import Row, Snapshot
from manifold.types.apiextensions.custom_types import content_hash, custom_types
from manifold.types.resource import Object
from manifold.views.offers import schema_key
from manifold.views.remembering import Remembered
from manifold.views.rows import Defined

GROUP, RESOURCE = "apiextensions.k8s.io", "customresourcedefinitions"
REMEMBERED_BYTES = 24 << 20
"""How much JSON of definitions the types that are kept were made of; compiled, it is several times that."""


@dataclass(frozen=True, slots=True)
class Definition:
    """The served versions of a definition, by name; the one its objects are stored in; and the size of its JSON."""

    content: str
    versions: Mapping[str, Served]
    stored: Served
    weight: int

    def identified(self, identity: str) -> Definition:
        """The same types for the objects of an identity."""
        stored = Served(self.stored.type, identity)
        versions = {
            name: stored if one is self.stored else Served(one.type, identity) for name, one in self.versions.items()
        }
        return Definition(self.content, versions, stored, self.weight)


class Definitions:
    """Finds the types of a definition. `kind` is the stored form of CustomResourceDefinition."""

    def __init__(self, kind: Served) -> None:
        self._kind = kind
        self._remembered: Remembered[str, Definition] = Remembered(REMEMBERED_BYTES)
        self._identified: Remembered[str, Definition] = Remembered(REMEMBERED_BYTES)
        self._one_by_one = asyncio.Lock()  # many ask for the same large one at once, after a start

    async def load(self, snapshot: Snapshot, cluster: str, defined: Defined) -> Definition | None:
        """The types of a definition in a logical cluster; None where it is gone. What is bound is there as long as
        anybody has bound it, and has the identity of its export.
        """
        if defined.identity:
            return await self._bound(snapshot, defined)
        found = self._remembered.get(defined.content)
        if found is not None:
            return found
        row = await snapshot.get(self._kind.key(cluster, "", defined.name))
        if row is None:
            return None
        if len(row.value) < LARGE:
            return self._keep(self._make(row))
        async with self._one_by_one:
            found = self._remembered.get(defined.content)
            return found or self._keep(await off_loop(self._make, row))

    async def _bound(self, snapshot: Snapshot, defined: Defined) -> Definition | None:
        name = f"{defined.content}/{defined.identity}"
        found = self._identified.get(name)
        if found is not None:
            return found
        plain = await self.offered(snapshot, defined.content)
        if plain is None:
            return None
        found = plain.identified(defined.identity)
        self._identified.put(name, found, found.weight)
        return found

    async def offered(self, snapshot: Snapshot, content: str) -> Definition | None:
        """The types of a schema that is or was offered, under no identity; None where nobody has offered it."""
        found = self._remembered.get(content)
        if found is not None:
            return found
        row = await snapshot.get(schema_key(content))
        if row is None:
            return None
        if len(row.value) < LARGE:
            return self._keep(_made(orjson.loads(row.value), len(row.value)))
        async with self._one_by_one:
            found = self._remembered.get(content)
            return found or self._keep(await off_loop(_read, row))

    def _keep(self, made: Definition) -> Definition:
        found = self._remembered.get(made.content)
        if found is not None:
            return found
        self._remembered.put(made.content, made, made.weight)
        return made

    def _make(self, row: Row) -> Definition:
        return _made(self._kind.decode(row.value, row.revision), len(row.value))


def _read(row: Row) -> Definition:
    return _made(orjson.loads(row.value), len(row.value))


def _made(definition: Object, weight: int) -> Definition:
    content = content_hash(definition)
    types = custom_types(definition, content)
    stored = Served(types.stored)
    served = {one.version: stored if one is types.stored else Served(one) for one in types.served}
    return Definition(content, served, stored, weight)
