"""Keeps mounted workspaces in agreement with what they mount.

A change of a mounted object leaves a work row for it, and a mounted workspace whose object's kind is not served has one
of its own, which stays until it is: these are come back to with growing pauses.
"""

from __future__ import annotations

from collections.abc import Sequence

from manifold.base import clock, keys
from manifold.registry.effects import Plan
from manifold.registry.followed import WORK, follower_row, followers, object_row
from manifold.registry.followed import work_row as object_work_row
from manifold.registry.objects import Kinds
from manifold.registry.writing import Environment
from manifold.storage.contract import Guard, Write
from manifold.workspaces.mounts import Mounts, judged, mount_of, tell, work_row

RETRY_SECONDS = 60.0


class MountController:
    """Looks at mounted workspaces again."""

    name = WORK

    def __init__(self, environment: Environment, kinds: Kinds, mounts: Mounts) -> None:
        self._store = environment.store
        self._clock = environment.clock
        self._workspaces = kinds.get("tenancy.kcp.io", "workspaces")
        self._mounts = mounts

    async def reconcile(self, parts: Sequence[str], value: bytes) -> float:
        """Look at one workspace, or at all that mount one object."""
        if len(parts) == 2:
            return await self._reconcile_workspace(*parts)
        cluster, group, resource, identity, namespace, name = parts
        key = keys.ObjectKey(group, resource, identity, cluster, namespace, name).encode()
        snapshot = await self._store.snapshot()
        work = await snapshot.get(object_work_row(key))
        if work is None:
            return 0.0
        left = 0
        for follower in await followers(snapshot, key):
            left += await self._follower(key, cluster, follower)
        writes, guards = [Write(work.key, None)], [Guard(work.key, work.revision)]
        followed = await snapshot.get(object_row(key))
        if not left and followed is not None:
            writes.append(Write(followed.key, None))
            guards.append(Guard(followed.key, followed.revision))
        await self._store.commit(writes, guards)
        return 0.0

    async def _follower(self, key: bytes, cluster: str, name: str) -> bool:
        """Look at a workspace that follows an object. False: it does so no longer."""
        known = await self._update(cluster, name)
        if known is None or key != known:
            row = follower_row(key, name)
            if await (await self._store.snapshot()).get(row) is not None:
                await self._store.commit([Write(row, None)], [Guard(row, None)])
            return False
        return True

    async def _reconcile_workspace(self, cluster: str, name: str) -> float:
        snapshot = await self._store.snapshot()
        work = await snapshot.get(work_row(cluster, name))
        if work is None:
            return 0.0
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
        followed = await self._mounts.follow(plan, found, name)
        if not found.key:
            plan.put(work_row(cluster, name), b"{}")
            changed = changed or await plan.snapshot.get(work_row(cluster, name)) is None
        if changed or followed:
            plan.put(row.key, self._workspaces.encode(workspace))
            await self._store.commit(plan.writes, [Guard(row.key, row.revision), *found.guards(), *plan.guards])
        return found.key
