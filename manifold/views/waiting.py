"""Which logical clusters wait for an initializer or a terminator: rows by its name, so that its view reads no others.

A list or a watch of a view begins with these rows, and so costs what waits and not what there is. Whoever writes a
LogicalCluster writes them in the same commit (`manifold.workspaces.waiting`).
"""

from __future__ import annotations

from collections.abc import Sequence

from manifold.base import keys
from manifold.registry.served import Served
from manifold.storage.contract import Row, Snapshot

INDEX = "waiting"


def waiting_range(field: str, name: str) -> bytes:
    """The range of the rows of one initializer or terminator; `field` is the list in the status that names it."""
    return keys.index_key(INDEX, field, name)


def waiting_row(field: str, name: str, cluster: str) -> bytes:
    """The key of the row of a logical cluster that waits for it."""
    return waiting_range(field, name) + keys.segment(cluster)


async def scan(snapshot: Snapshot, served: Served, index: bytes, start: bytes, end: bytes, limit: int) -> Sequence[Row]:
    """As `Snapshot.scan` of a range of LogicalClusters, but only of those that have a row in the range `index`."""
    prefix = served.prefix
    position = index + start[len(prefix) :]
    behind = keys.after(index) if len(end) <= len(prefix) else index + end[len(prefix) :]
    found: list[Row] = []
    while True:
        wanted = limit - len(found)
        rows = await snapshot.scan(position, behind, wanted)
        for row in rows:
            logical_cluster = await snapshot.get(served.key(keys.parts(row.key)[-1], "", "cluster"))
            if logical_cluster is not None:
                found.append(logical_cluster)
        if len(rows) < wanted or len(found) == limit:
            return found
        position = rows[-1].key + b"\x00"
