"""What exports offer, kept by its content: schemas as definitions, and lists of what is offered together.

A schema that is bound goes on being served when its object, its export or its whole workspace is gone. So what is bound
is not the object but its content, in a row whose key is the content's hash: equal schemas, wherever they are, are one
row, and are compiled once. A list of what an export offers is kept the same way, so that the row of a logical cluster
names what it has bound in a few bytes, however much that is (APIs reference, sections 3.5 and 9.4).

Rows of this kind never change and say nothing of where they come from. They are written before the commit that first
refers to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256

import orjson

from manifold.base import keys
from manifold.storage.contract import MAX_WRITES, Snapshot, Store, Write
from manifold.types.apiextensions.custom_types import content_hash
from manifold.types.resource import Object
from manifold.views.remembering import Remembered
from manifold.views.rows import ENDING, SERVED, BoundExport, Defined, Row, defined_list, defined_of

SCHEMAS, OFFERS = "schema", "offer"
PATH_SEGMENT_NAME = "PathSegmentName"
REMEMBERED_BYTES = 4 << 20
"""Of lists that are kept parsed; parsed, they are several times that."""
TOGETHER_BYTES = 256 << 10
"""How much of content goes in one commit, unless one row alone is more."""
_read: Remembered[str, tuple[Defined, ...]] = Remembered(REMEMBERED_BYTES)


def schema_key(content: str) -> bytes:
    """The key of the row that holds a schema, as the definition it amounts to."""
    return keys.index_key(SCHEMAS, content)


def offer_key(offer: str) -> bytes:
    """The key of the row that lists what is offered together."""
    return keys.index_key(OFFERS, offer)


def definition_of(schema: Object) -> Object:
    """An APIResourceSchema as the CustomResourceDefinition it amounts to, with all its names accepted.

    Nothing of the schema's own metadata goes in. A conversion goes in only where there is something to convert.
    """
    spec = schema["spec"]
    names = spec["names"]
    versions = [{**version, "schema": {"openAPIV3Schema": version["schema"]}} for version in spec["versions"]]
    made: Object = {"group": spec["group"], "names": names, "scope": spec["scope"], "versions": versions}
    if len(versions) > 1 and "conversion" in spec:
        made["conversion"] = _conversion(spec["conversion"])
    if spec.get("nameValidation") == PATH_SEGMENT_NAME:
        made["nameValidation"] = PATH_SEGMENT_NAME
    return {"spec": made, "status": {"acceptedNames": names}}


def _conversion(conversion: Object) -> Object:
    """A conversion in the form of definitions, where review versions and the client lie side by side as well."""
    return {name: value for name, value in conversion.items() if name in ("strategy", "webhook")}


def offered(definition: Object) -> tuple[Defined, bytes]:
    """What a row says of a definition made by `definition_of`, and the value of the row that holds it."""
    spec, names = definition["spec"], definition["status"]["acceptedNames"]
    told = Defined(
        f"{names['plural']}.{spec['group']}",
        content_hash(definition),
        SERVED,
        names["kind"],
        names.get("listKind", ""),
        names["plural"],
        names.get("singular", ""),
        tuple(names.get("shortNames", ())),
    )
    return told, orjson.dumps(definition, option=orjson.OPT_SORT_KEYS)


def offer_row(offered: Iterable[Defined]) -> tuple[str, bytes]:
    """The hash of what is offered together, in the order of names, and the value of its row."""
    value = orjson.dumps([defined_list(one) for one in sorted(offered, key=lambda one: one.name)])
    return sha256(value).hexdigest()[:32], value


def read_offer(value: bytes) -> tuple[Defined, ...]:
    """What is offered together; the inverse of `offer_row`."""
    return tuple(defined_of(entry) for entry in orjson.loads(value))


async def offer_of(snapshot: Snapshot, export: BoundExport) -> tuple[Defined, ...]:
    """What is bound of an export; empty for the server's own exports."""
    if not export.offer:
        return ()
    found = _read.get(export.offer)
    if found is None:
        row = await snapshot.get(offer_key(export.offer))
        if row is None:
            return ()
        found = read_offer(row.value)
        _read.put(export.offer, found, len(row.value))
    return found


async def bound_definitions(snapshot: Snapshot, exports: Sequence[BoundExport]) -> list[tuple[BoundExport, Defined]]:
    """Everything bound that is kept by its content, with its identity, and the export it comes from."""
    found = []
    for export in exports:
        flags = SERVED | ENDING if export.ending else SERVED
        for one in await offer_of(snapshot, export):
            found.append((export, replace(one, flags=flags, identity=export.identity)))
    return found


async def all_definitions(snapshot: Snapshot, row: Row) -> list[Defined]:
    """What a logical cluster has of its own and what it has bound, but for what the server itself knows."""
    return [*(one for _, one in await bound_definitions(snapshot, row.exports)), *row.definitions]


async def keep(store: Store, rows: Iterable[tuple[bytes, bytes]]) -> None:
    """Write rows that are not there yet, each but once. Small ones go together; a schema may be as large as a commit
    can be.
    """
    snapshot = await store.snapshot()
    due: list[Write] = []
    weight = 0
    for key, value in dict(rows).items():
        if await snapshot.get(key) is not None:
            continue
        if due and (len(due) == MAX_WRITES or weight + len(value) > TOGETHER_BYTES):
            await store.commit(due)
            due, weight = [], 0
        due.append(Write(key, value))
        weight += len(value)
    if due:
        await store.commit(due)
