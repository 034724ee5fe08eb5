"""What a store needs before it can serve: the identities of the server's own exports, kept in one row.

Identities are made once and never change, because the keys of every workspace contain them. The row also holds the
uids of the schema objects, so that a start reads one row instead of the objects, and a mark of what has been
written, so that a start that has nothing to write writes nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from manifold.base import keys
from manifold.exports.bindings import Export, ExportedResource
from manifold.registry.objects import Kinds
from manifold.registry.writing import Clock
from manifold.storage.contract import Guard, GuardFailed, Store, Write
from manifold.types.kcp import EXPORTED_TYPES
from manifold.types.kcp.catalog import schema_object_name
from manifold.types.resource import ResourceType

ROOT = "root"
KEY = keys.META + keys.segment("foundation")
TENANCY = "tenancy.kcp.io"


@dataclass(frozen=True, slots=True)
class Foundation:
    """`keys`: the secret of each export of root; `schemas`: uids of schema objects; `written`: the mark of the
    objects.
    """

    keys: Mapping[str, str]
    schemas: Mapping[str, str]
    written: str
    revision: int

    def identity(self, export: str) -> str:
        """The identity hash of an export of root."""
        return hashlib.sha256(self.keys[export].encode()).hexdigest()

    def exports(self) -> list[Export]:
        """The exports of root."""
        return [
            Export(
                ROOT,
                ROOT,
                name,
                self.identity(name),
                [
                    ExportedResource(
                        one.group,
                        one.resource,
                        schema_object_name(one),
                        self.schemas[schema_object_name(one)],
                        (one.stored_version or one.version,),
                    )
                    for one in types
                ],
                ROOT if name == TENANCY else "",
            )
            for name, types in EXPORTED_TYPES.items()
        ]

    def kinds(self, types: Sequence[ResourceType]) -> Kinds:
        """The stored forms of the server's own types and of what root exports beside them."""
        own = {(one.group, one.resource) for one in types}
        bound = [
            (name, one)
            for name, exported in EXPORTED_TYPES.items()
            for one in exported
            if (one.group, one.resource) not in own
        ]
        identities = {(one.group, one.resource): self.identity(name) for name, one in bound}
        return Kinds([*types, *(one for _, one in bound)], identities)


def _decode(value: bytes, revision: int) -> Foundation:
    body = orjson.loads(value)
    return Foundation(body["keys"], body["schemas"], body["written"], revision)


def encode(foundation: Foundation, written: str) -> bytes:
    """The row's value with a new mark."""
    return orjson.dumps({"keys": foundation.keys, "schemas": foundation.schemas, "written": written})


async def lay(store: Store, clock: Clock) -> Foundation:
    """Read the row, or make it. Names an earlier row lacks are added."""
    while True:
        row = await (await store.snapshot()).get(KEY)
        found = _decode(row.value, row.revision) if row is not None else Foundation({}, {}, "", 0)
        names = [schema_object_name(one) for types in EXPORTED_TYPES.values() for one in types]
        if set(EXPORTED_TYPES) <= set(found.keys) and set(names) <= set(found.schemas):
            return found
        completed = Foundation(
            {**{name: secrets.token_hex(32) for name in EXPORTED_TYPES}, **found.keys},
            {**{name: clock.uid() for name in names}, **found.schemas},
            "",
            found.revision,
        )
        try:
            await store.commit([Write(KEY, encode(completed, ""))], [Guard(KEY, found.revision)])
        except GuardFailed:
            continue
