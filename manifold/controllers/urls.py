"""Brings the URLs in objects up to date after a start that was told others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from manifold.registry.objects import Kinds
from manifold.registry.served import Served
from manifold.storage.contract import Guard, GuardFailed, Row, Store, Write
from manifold.storage.pages import pages
from manifold.types.resource import Object
from manifold.workspaces.urls import (
    CONTROLLER,
    move_logical_cluster,
    move_slice,
    move_type,
    move_workspace,
)

PAGE = 200
AT_ONCE = 40
"""How many objects are written in one commit."""
ATTEMPTS = 8

Move = Callable[[Object, str], bool]


class UrlController:
    """Goes through all workspaces, logical clusters, types and slices once; anew where it was killed in the middle."""

    name = CONTROLLER

    def __init__(self, store: Store, kinds: Kinds, external_url: str, virtual_workspace_url: str) -> None:
        self._store = store
        self._work: Sequence[tuple[Served, Move, str]] = (
            (kinds.get("tenancy.kcp.io", "workspaces"), move_workspace, external_url),
            (kinds.get("core.kcp.io", "logicalclusters"), move_logical_cluster, external_url),
            (kinds.get("tenancy.kcp.io", "workspacetypes"), move_type, virtual_workspace_url),
            (kinds.get("apis.kcp.io", "apiexportendpointslices"), move_slice, virtual_workspace_url),
        )

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Move what has to be moved."""
        for served, move, base in self._work:
            await self._move_all(served, move, base)
        await self._store.commit([Write(work.key, None)], [Guard(work.key, work.revision)])
        return 0.0

    async def _move_all(self, served: Served, move: Move, base: str) -> None:
        async for rows in pages(self._store, served.prefix, PAGE):
            for start in range(0, len(rows), AT_ONCE):
                await self._move(served, move, base, rows[start : start + AT_ONCE])
            await asyncio.sleep(0)

    async def _move(self, served: Served, move: Move, base: str, rows: Sequence[Row]) -> None:
        for _ in range(ATTEMPTS):
            writes, guards = [], []
            for row in rows:
                obj = served.decode(row.value, row.revision)
                if move(obj, base):
                    writes.append(Write(row.key, served.encode(obj)))
                    guards.append(Guard(row.key, row.revision))
            if not writes:
                return
            try:
                await self._store.commit(writes, guards)
                return
            except GuardFailed:
                snapshot = await self._store.snapshot()
                found = [await snapshot.get(row.key) for row in rows]
                rows = [row for row in found if row is not None]
        raise GuardFailed(guards[0], 0)
