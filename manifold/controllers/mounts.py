"""Keeps mounted workspaces in agreement with what they mount.

A change of a mounted object leaves a work row for it, and a mounted workspace whose object's kind is not served has one
of its own, which stays until it is: these are come back to with growing pauses.
"""

from __future__ import annotations

from collections.abc import Sequence

from manifold.base import clock
from manifold.registry import followed
from manifold.registry.effects import Plan
from manifold.registry.objects import Kinds
from manifold.registry.writing import Environment
from manifold.storage.contract import Guard, Row, Write
from manifold.workspaces.mounts import WORK, Mounts, judged, mount_of, tell, work_row

RETRY_SECONDS = 60.0


class MountController:
    """Looks at mounted workspaces again."""

    name = WORK

    def __init__(self, environment: Environment, kinds: Kinds, mounts: Mounts) -> None:
        self._store = environment.store
        self._clock = environment.clock
        self._workspaces = kinds.get("tenancy.kcp.io", "workspaces")
        self._mounts = mounts

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Look at one workspace, or at all that mount one object."""
        if len(parts) == 2:
            return await self._reconcile_workspace(parts[0], parts[1], work)
        key = followed.key_at(parts)
        for name in await followed.followers(await self._store.snapshot(), key, WORK):
            if await self._update(parts[0], name) != key:
                await followed.unfollow(self._store, key, WORK, name)
        await followed.finish(self._store, key, work)
        return 0.0

    async def _reconcile_workspace(self, cluster: str, name: str, work: Row) -> float:
        if await self._update(cluster, name) == b"":
            return RETRY_SECONDS
        await self._store.commit([Write(work.key, None)], [Guard(work.key, work.revision)])
        return 0.0

    async def _update(self, cluster: str, name: str) -> bytes | None:
        """Bring a workspace up to date. Returns the key of what it mounts: empty where that is of an unknown kind, None
        where there is no such workspace.
        """
        plan = Plan(await self._store.snapshot())
        row = await plan.snapshot.get(self._workspaces.key(cluster, "", name))
        workspace = self._workspaces.decode(row.value, row.revision) if row is not None else None
        reference = mount_of(workspace) if workspace is not None else None
        if row is None or workspace is None or reference is None:
            return None
        found = await self._mounts.look(plan.snapshot, cluster, reference)
        changed = tell(workspace, *judged(reference, found.obj, clock.format_seconds(self._clock.now())))
        follows = await self._mounts.follow(plan, found, name)
        if not found.key:
            plan.put(work_row(cluster, name), b"{}")
            changed = changed or await plan.snapshot.get(work_row(cluster, name)) is None
        if changed or follows:
            plan.put(row.key, self._workspaces.encode(workspace))
            await self._store.commit(plan.writes, [Guard(row.key, row.revision), *found.guards(), *plan.guards])
        return found.key
