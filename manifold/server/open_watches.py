"""The watches that are open, and the right each of them rests on.

A watch is allowed once, and would then outlive the right. So each is kept with its question, and asked again when
something it may rest on has changed in the log: the RBAC or the LogicalCluster of its logical cluster, what that has
bound, or a policy that bounds everybody (`system:admin`, `root`). Questions are asked by one task, after the commit;
a watch whose answer has become no ends at the next event boundary, and so does one in a logical cluster that has been
taken out of service (tenancy reference, section 2.6). A watch of a custom type ends also when its definition changes, so
that clients come back to what is served now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from manifold.auth.attributes import Attributes
from manifold.auth.chain import Chain
from manifold.base import keys
from manifold.registry.watch import Watch
from manifold.storage.contract import Change, Store
from manifold.views.resolution import Resolver
from manifold.views.rows import INDEX

SHARED = frozenset(("root", "system:admin"))
"""Logical clusters whose policies reach into others."""
INACTIVE = "Inactive"
"""The phase of a logical cluster that is out of service."""
LOGICAL_CLUSTERS = ("core.kcp.io", "logicalclusters")
"""What can be watched there all the same."""
SLICE = 200
"""How many watches are asked about before the loop may do something else."""


class OpenWatches:
    """All open watches of a process. `run` is owned by the shard and ends by cancellation."""

    def __init__(self, store: Store, chain: Chain, resolver: Resolver) -> None:
        self._chain = chain
        self._resolver = resolver
        self._by_cluster: dict[str, dict[Watch, Attributes]] = {}
        self._doubtful: set[str] = set()
        self._wake = asyncio.Event()
        self._rbac = keys.OBJECT + keys.segment("rbac.authorization.k8s.io")
        self._logical_clusters = keys.type_prefix("core.kcp.io", "logicalclusters")
        self._resolutions = keys.index_key(INDEX)
        self.stopping = False
        store.listen(self._hear)

    def __len__(self) -> int:
        return sum(len(watches) for watches in self._by_cluster.values())

    def add(self, watch: Watch, attributes: Attributes) -> None:
        """Take in a watch that begins. One that begins while the process stops is ended at once."""
        self._by_cluster.setdefault(attributes.cluster, {})[watch] = attributes
        if self.stopping:
            watch.end()

    async def check(self, watch: Watch, attributes: Attributes) -> None:
        """End a watch of a type that is no longer served as it was when the watch began."""
        kind = watch.served.type
        evolution = kind.evolution
        if evolution is None:
            return
        served = await self._resolver.find(attributes.cluster, kind.group, kind.version, kind.resource)
        present = served.type.evolution if served is not None else None
        if present is None or present.content != evolution.content:
            watch.end()

    def discard(self, watch: Watch, attributes: Attributes) -> None:
        """Forget a watch that has ended."""
        members = self._by_cluster.get(attributes.cluster)
        if members is not None:
            members.pop(watch, None)
            if not members:
                del self._by_cluster[attributes.cluster]

    def stop(self) -> None:
        """End every watch, and every one that begins from now on."""
        self.stopping = True
        for members in list(self._by_cluster.values()):
            for watch in list(members):
                watch.end()

    def _hear(self, changes: Sequence[Change]) -> None:
        if not self._by_cluster:
            return
        for change in changes:
            key = change.key
            if key.startswith((self._rbac, self._logical_clusters)):
                cluster = keys.decode(key).cluster
            elif key.startswith(self._resolutions):
                cluster = keys.parts(key)[1]
            else:
                continue
            if cluster in SHARED and not key.startswith(self._resolutions):
                self._doubtful.update(self._by_cluster)
            elif cluster in self._by_cluster:
                self._doubtful.add(cluster)
        if self._doubtful:
            self._wake.set()

    async def run(self) -> None:
        """Ask again about watches in doubt, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            doubtful, self._doubtful = self._doubtful, set()
            asked = 0
            for cluster in doubtful:
                held = await self._chain.logical_clusters.get(cluster)
                inactive = held.value is not None and held.value.phase == INACTIVE
                for watch, attributes in list(self._by_cluster.get(cluster, {}).items()):
                    ends = inactive and (attributes.group, attributes.resource) != LOGICAL_CLUSTERS
                    await self.check(watch, attributes)
                    if ends or not (await self._chain.authorize(attributes)).allowed:
                        watch.end()
                    asked += 1
                    if asked % SLICE == 0:
                        await asyncio.sleep(0)
