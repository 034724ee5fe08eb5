"""Which groups and resources any logical cluster serves beside what every one does: an index by group and resource.

Two kinds of rows: one per logical cluster whose own definition serves a resource, written and taken away with its
register; and one per schema that an export has offered, by the hash of its content, which stays as that content stays.
A row only says where to look. Whoever asks for a type under every identity begins here (APIs reference, section 4.2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import orjson

from manifold.base import keys
from manifold.storage.contract import MAX_WRITES, Store, Write
from manifold.storage.pages import pages
from manifold.views.offers import SCHEMAS
from manifold.views.rows import INDEX as RESOLUTIONS
from manifold.views.rows import Defined, read_row

INDEX = "types"
WRITTEN = keys.META + keys.segment("types")
"""The key of the row that says that the rows are there."""
SCHEMAS_AT_ONCE = 20
"""How many schemas are read at once: one may be as large as a commit."""


def known_range(group: str, resource: str) -> bytes:
    """The range of the rows of a resource."""
    return keys.index_key(INDEX, group, resource)


def defined_row(group: str, resource: str, cluster: str) -> bytes:
    """The key of the row of a logical cluster that defines a resource and serves it."""
    return keys.index_key(INDEX, group, resource, cluster, "")


def offered_row(group: str, resource: str, content: str) -> bytes:
    """The key of the row of a schema that is offered, given by the hash of its content."""
    return keys.index_key(INDEX, group, resource, "", content)


def read_known(key: bytes) -> tuple[str, str]:
    """Logical cluster and content of a row, one of which is empty."""
    *_, cluster, content = keys.parts(key)
    return cluster, content


def defined_rows(definitions: Iterable[Defined], cluster: str) -> set[bytes]:
    """The keys of the rows of what a logical cluster defines."""
    return {defined_row(one.group, one.resource, cluster) for one in definitions if one.served}


async def write_rows(store: Store) -> None:
    """Write the rows of a store that has none yet. A start after the first one reads one row."""
    if await (await store.snapshot()).get(WRITTEN) is not None:
        return
    async for rows in pages(store, keys.index_key(RESOLUTIONS)):
        found: set[bytes] = set()
        for row in rows:
            found |= defined_rows(read_row(row.value).definitions, keys.parts(row.key)[1])
        await _write(store, found)
    async for rows in pages(store, keys.index_key(SCHEMAS), SCHEMAS_AT_ONCE):
        found = set()
        for row in rows:
            spec = orjson.loads(row.value)["spec"]
            found.add(offered_row(spec["group"], spec["names"]["plural"], keys.parts(row.key)[1]))
        await _write(store, found)
    await store.commit([Write(WRITTEN, b"{}")])


async def _write(store: Store, rows: set[bytes]) -> None:
    due = [Write(key, b"") for key in sorted(rows)]
    for start in range(0, len(due), MAX_WRITES):
        await store.commit(due[start : start + MAX_WRITES])
    await asyncio.sleep(0)
