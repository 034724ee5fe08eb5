"""Looks for a shard again for workspaces that fit nowhere, when one has changed."""

from __future__ import annotations

from collections.abc import Sequence

from manifold.base import errors, keys
from manifold.base.user import CONTROLLER_AGENT, CONTROLLER_USER
from manifold.registry.objects import Kinds
from manifold.registry.options import PLAIN_WRITE
from manifold.registry.update import Update, update
from manifold.registry.writing import Environment, Target
from manifold.storage.contract import Guard, Row, Write
from manifold.storage.pages import pages
from manifold.types.resource import Object
from manifold.workspaces.scheduling import CONDITION, CONTROLLER, Scheduling, unscheduled_prefix

PAGE = 200


class SchedulingController:
    """Goes along the rows of such workspaces. That a condition is taken off is what has the verb look again."""

    name = CONTROLLER

    def __init__(self, environment: Environment, kinds: Kinds, scheduling: Scheduling) -> None:
        self._environment = environment
        self._workspaces = kinds.get("tenancy.kcp.io", "workspaces")
        self._scheduling = scheduling

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Look at all of them."""
        store = self._environment.store
        async for rows in pages(store, unscheduled_prefix(), PAGE):
            for row in rows:
                await self._look(*keys.parts(row.key)[-2:])
        await store.commit([Write(work.key, None)], [Guard(work.key, work.revision)])
        return 0.0

    async def _look(self, cluster: str, name: str) -> None:
        snapshot = await self._environment.store.snapshot()
        row = await snapshot.get(self._workspaces.key(cluster, "", name))
        if row is None:
            return
        workspace = self._workspaces.decode(row.value, row.revision)
        if (await self._scheduling.look(snapshot, workspace.get("spec") or {})).problem:
            return
        target = Target(CONTROLLER_USER, cluster, self._workspaces, "", name, "status", CONTROLLER_AGENT)
        try:
            await update(self._environment, target, Update(_without_condition, PLAIN_WRITE))
        except errors.StatusError as error:
            if error.code != 404:
                raise


def _without_condition(live: Object | None) -> Object:
    obj = live or {}
    status = obj.setdefault("status", {})
    status["conditions"] = [one for one in status.get("conditions") or () if one.get("type") != CONDITION]
    return obj
