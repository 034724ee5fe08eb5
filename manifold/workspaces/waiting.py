"""Keeps the rows that say which logical clusters wait for an initializer or a terminator (`manifold.views.waiting`).

They follow from the LogicalCluster alone. A store that was written before there were such rows gets them at its first
start.
"""

from __future__ import annotations

import asyncio

from manifold.base import keys
from manifold.registry.effects import Plan
from manifold.registry.served import Served
from manifold.storage.contract import MAX_WRITES, Guard, Store, Write
from manifold.storage.pages import pages
from manifold.types.resource import Object
from manifold.views.lifecycle import INITIALIZING, TERMINATING
from manifold.views.waiting import waiting_row

WRITTEN = keys.META + keys.segment("waiting")
"""The key of the row that says that the rows are there."""


def rows_of(logical_cluster: Object | None, cluster: str) -> set[bytes]:
    """The keys of the rows of a LogicalCluster; none where it is gone."""
    if logical_cluster is None:
        return set()
    status = logical_cluster.get("status") or {}
    return {
        waiting_row(lifecycle.field, name, cluster)
        for lifecycle in (INITIALIZING, TERMINATING)
        if lifecycle.under_way(logical_cluster)
        for name in status.get(lifecycle.field) or ()
    }


async def keep_rows(plan: Plan, cluster: str, old: Object | None, new: Object | None) -> None:
    """Bring the rows of a LogicalCluster into agreement with what is written of it (None: it goes)."""
    before, after = rows_of(old, cluster), rows_of(new, cluster)
    for key in sorted(after - before):
        plan.put(key, b"")
    for key in sorted(before - after):
        row = await plan.snapshot.get(key)
        if row is not None:
            plan.guards.append(Guard(key, row.revision))
            plan.delete(key)


async def write_rows(store: Store, logical_clusters: Served) -> None:
    """Write the rows of a store that has none yet. A start after the first one reads one row."""
    if await (await store.snapshot()).get(WRITTEN) is not None:
        return
    due: list[Write] = []
    async for rows in pages(store, logical_clusters.prefix):
        for row in rows:
            obj = logical_clusters.decode(row.value, row.revision)
            due += [Write(key, b"") for key in rows_of(obj, keys.decode(row.key).cluster)]
        await asyncio.sleep(0)
    for start in range(0, len(due), MAX_WRITES):
        await store.commit(due[start : start + MAX_WRITES])
    await store.commit([Write(WRITTEN, b"{}")])
