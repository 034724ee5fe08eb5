"""From the path of a workspace to the name of its logical cluster.

The first segment of a path is a logical cluster's name, each further one the name of a workspace inside the one
before (tenancy reference, section 2.2). `user:<name>` is one segment: the home of the user of that name, whose logical
cluster's name follows from it. One row is read per segment; answers are remembered in a bounded cache and forgotten
when the log tells of a change to a workspace they went through. A workspace that has no logical cluster yet is not on
any path.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from manifold.base import clusters, keys
from manifold.registry.served import Served
from manifold.storage.contract import Change, Snapshot, Store

REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Mounted:
    """A mounted workspace on the way of a path: the logical cluster and name of the Workspace, its storage key, its URL
    and phase, and the path below it.
    """

    cluster: str
    name: str
    key: bytes
    url: str
    phase: str
    below: tuple[str, ...]


def segments(path: str) -> tuple[str, ...]:
    """The name of the logical cluster a path begins with, and the names of workspaces below it. Raises ValueError."""
    found = clusters.parse(path)
    if len(found) > 1 and path.startswith(clusters.USER_PREFIX):
        return (clusters.home_name(found[1]), *found[2:])
    return found


class Paths:
    """Resolves paths on this shard. `workspaces` is the stored form of the Workspace type."""

    def __init__(self, store: Store, workspaces: Served) -> None:
        self._store = store
        self._workspaces = workspaces
        self._children: OrderedDict[tuple[str, str], str] = OrderedDict()
        store.listen(self._forget)

    def _forget(self, changes: Sequence[Change]) -> None:
        prefix = self._workspaces.prefix
        for change in changes:
            if change.key.startswith(prefix):
                place = keys.decode(change.key)
                self._children.pop((place.cluster, place.name), None)

    async def child(self, cluster: str, name: str) -> str:
        """The logical cluster of the workspace `name` in `cluster`, or empty."""
        found = self._children.get((cluster, name))
        if found is not None:
            return found
        snapshot = await self._store.snapshot()
        found = await self.child_at(snapshot, cluster, name)
        if found and snapshot.revision == self._store.revision:
            self._children[(cluster, name)] = found
            if len(self._children) > REMEMBERED:
                self._children.popitem(last=False)
        return found

    async def child_at(self, snapshot: Snapshot, cluster: str, name: str) -> str:
        """The same as of a snapshot, without the memory."""
        row = await snapshot.get(self._workspaces.key(cluster, "", name))
        if row is None:
            return ""
        spec = self._workspaces.decode(row.value, row.revision).get("spec", {})
        cluster_name: str = spec.get("cluster", "") if spec.get("URL") else ""
        return cluster_name

    async def resolve(self, path: str) -> str:
        """The logical cluster a path leads to, or empty. A name leads to itself, existing or not."""
        cluster, *names = segments(path)
        for name in names:
            cluster = await self.child(cluster, name)
            if not cluster:
                return ""
        return cluster

    async def mounted(self, path: str) -> Mounted | None:
        """The mounted workspace a path goes through, of a path that does not resolve; None where there is none."""
        cluster, *names = segments(path)
        for position, name in enumerate(names):
            below = await self.child(cluster, name)
            if not below:
                key = self._workspaces.key(cluster, "", name)
                row = await (await self._store.snapshot()).get(key)
                found = self._workspaces.decode(row.value, row.revision) if row is not None else {}
                spec = found.get("spec") or {}
                if not spec.get("mount"):
                    return None
                phase = (found.get("status") or {}).get("phase") or ""
                return Mounted(cluster, name, key, spec.get("URL") or "", phase, tuple(names[position + 1 :]))
            cluster = below
        return None

    async def nearest(self, path: str) -> str:
        """The logical cluster of the longest part of a path that leads somewhere."""
        cluster, *names = segments(path)
        for name in names:
            below = await self.child(cluster, name)
            if not below:
                break
            cluster = below
        return cluster
