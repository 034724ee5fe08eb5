"""The watches that are open, and the right each of them rests on.

A watch is allowed once, and would then outlive the right. So each is kept with its question, and asked again when
something it may rest on has changed in the log: the RBAC or the LogicalCluster of its logical cluster, what that has
bound, a policy that bounds everybody (`system:admin`, `root`), or what the view rests on that it came through.
Questions are asked by one task, after the commit; a watch whose answer has become no ends at the next event boundary,
and so does one in a logical cluster that has been taken out of service (tenancy reference, section 2.6). A watch of a
custom type ends also when its definition changes, so that clients come back to what is served now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from manifold.auth.attributes import Attributes
from manifold.auth.chain import Chain
from manifold.base import keys
from manifold.base.clusters import WILDCARD
from manifold.registry.served import Served
from manifold.storage.contract import Change, Store
from manifold.views.consumers import IDENTITY_INDEX
from manifold.views.consumers import INDEX as CONSUMERS
from manifold.views.resolution import Resolver
from manifold.views.rows import INDEX
from manifold.views.view import View

SHARED = frozenset(("root", "system:admin"))
"""Logical clusters whose policies reach into others."""
INACTIVE = "Inactive"
"""The phase of a logical cluster that is out of service."""
LOGICAL_CLUSTERS = ("core.kcp.io", "logicalclusters")
"""What can be watched there all the same."""
SLICE = 200
"""How many watches are asked about before the loop may do something else."""


class Stream(Protocol):
    """What is open: a watch, or another stream that rests on a right."""

    @property
    def served(self) -> Served | None:
        """The type it shows; None where that is not for this server to say."""

    def end(self) -> None:
        """End at the next boundary."""


class OpenWatches:
    """All open watches of a process. `run` is owned by the shard and ends by cancellation."""

    def __init__(self, store: Store, chain: Chain, resolver: Resolver, more: Sequence[bytes] = ()) -> None:
        """`more`: ranges beside RBAC and logical clusters that views may rest on."""
        self._chain = chain
        self._resolver = resolver
        self._rights: dict[Stream, tuple[Attributes, View | None]] = {}
        self._by_cluster: dict[str, dict[Stream, None]] = {}
        self._doubtful: set[str] = set()
        self._wake = asyncio.Event()
        rbac = keys.OBJECT + keys.segment("rbac.authorization.k8s.io")
        self._grounds = (rbac, keys.type_prefix("core.kcp.io", "logicalclusters"), *more)
        self._resolutions = keys.index_key(INDEX)
        self._consumers = keys.index_key(CONSUMERS)
        self._identities = keys.index_key(IDENTITY_INDEX)
        self.stopping = False
        store.listen(self._hear)

    def __len__(self) -> int:
        return len(self._rights)

    def add(self, watch: Stream, attributes: Attributes, view: View | None = None) -> None:
        """Take in a watch that begins, with the view it came through. One that begins while the process stops is ended
        at once.
        """
        self._rights[watch] = (attributes, view)
        for cluster in _grounds(attributes, view):
            self._by_cluster.setdefault(cluster, {})[watch] = None
        if self.stopping:
            watch.end()

    async def check(self, watch: Stream, attributes: Attributes, view: View | None = None) -> None:
        """End a watch of a type that is no longer served as it was when the watch began, be it by a view."""
        if view is not None and view.shown is not None:
            if not await view.holds():
                watch.end()
            return
        evolution = watch.served.type.evolution if watch.served is not None else None
        if watch.served is None or evolution is None or attributes.cluster == WILDCARD:
            return  # of all logical clusters, no single one tells what is served
        kind = watch.served.type
        served = await self._resolver.find(attributes.cluster, kind.group, kind.version, kind.resource)
        present = served.type.evolution if served is not None else None
        if present is None or present.content != evolution.content:
            watch.end()

    def discard(self, watch: Stream) -> None:
        """Forget a watch that has ended."""
        attributes, view = self._rights.pop(watch)
        for cluster in _grounds(attributes, view):
            members = self._by_cluster[cluster]
            del members[watch]
            if not members:
                del self._by_cluster[cluster]

    def stop(self) -> None:
        """End every watch, and every one that begins from now on."""
        self.stopping = True
        for watch in list(self._rights):
            watch.end()

    def _hear(self, changes: Sequence[Change]) -> None:
        if not self._by_cluster:
            return
        for change in changes:
            key = change.key
            if key.startswith(self._grounds):
                cluster = keys.decode(key).cluster
            elif key.startswith(self._resolutions):
                cluster = keys.parts(key)[1]
            elif key.startswith(self._consumers):
                cluster = keys.parts(key)[3]
            elif key.startswith(self._identities):
                cluster = identity_ground(keys.parts(key)[1])
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
                for watch in list(self._by_cluster.get(cluster, ())):
                    attributes, view = self._rights.get(watch, (None, None))
                    if attributes is None:
                        continue
                    ends = inactive and cluster == attributes.cluster and _kind(attributes) != LOGICAL_CLUSTERS
                    await self.check(watch, attributes, view)
                    if ends or not await self._allowed(attributes, view):
                        watch.end()
                    asked += 1
                    if asked % SLICE == 0:
                        await asyncio.sleep(0)

    async def _allowed(self, attributes: Attributes, view: View | None) -> bool:
        """Whether what a watch rests on is still there."""
        if view is not None:
            if view.shown is not None:
                return True  # `check` has asked
            if not await view.holds():
                return False
        return (await self._chain.authorize(attributes)).allowed


def identity_ground(identity: str) -> str:
    """What a view rests on beside logical clusters, and named like none of them: which exports have an identity."""
    return f"identity:{identity}"


def _grounds(attributes: Attributes, view: View | None) -> frozenset[str]:
    """The logical clusters in which something may happen that ends a watch."""
    return frozenset((attributes.cluster,)) if view is None else view.rests_on | {attributes.cluster}


def _kind(attributes: Attributes) -> tuple[str, str]:
    return attributes.group, attributes.resource
