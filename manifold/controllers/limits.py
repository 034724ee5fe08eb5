"""Counts limits that are new or have changed, so that their status is there before anybody meets them."""

from __future__ import annotations

from collections.abc import Sequence

from manifold.registry.counting import AGAIN, WORK, Limits
from manifold.storage.contract import Guard, Row, Store, Write


class LimitController:
    """Settles the limits of a logical cluster."""

    name = WORK

    def __init__(self, store: Store, limits: Limits) -> None:
        self._store = store
        self._limits = limits

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Count what has to be counted; the row goes if it has not been written again meanwhile."""
        cluster, why = parts
        if why == AGAIN:
            await self._limits.recount(cluster)
        else:
            await self._limits.settle(cluster)
        await self._store.commit([Write(work.key, None)], [Guard(work.key, work.revision)])
        return 0.0
