"""Whether a logical cluster may be written: what each write guards beside its own key.

A write into a logical cluster that does not exist is refused for everyone, and one into a cluster that goes away
while the write is under way must not leave an object behind. So every write carries a guard on the LogicalCluster at
the revision it was seen at; the revision is remembered, and forgotten when the log tells of a change.

The other way round, what ends a logical cluster looks through it for what has to see that coming. Whatever is one more
of these is written together with a row (`held_row`), which the end is bound to: it passes over none that came just now.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from manifold.base import errors, keys
from manifold.schema import records
from manifold.storage.contract import Change, Guard, Store

GROUP, RESOURCE, NAME = "core.kcp.io", "logicalclusters", "cluster"
REMEMBERED = 5_000
HELD = "held"


def held_row(cluster: str) -> bytes:
    """The key of the row that is written when there is one more object in a logical cluster that its end must wait for:
    one with a finalizer, or a workspace.
    """
    return keys.index_key(HELD, cluster)


@dataclass(frozen=True, slots=True)
class ClusterState:
    """A logical cluster as writes see it. `revision` 0: there is none."""

    revision: int
    deleting: bool

    @property
    def exists(self) -> bool:
        """Whether there is such a logical cluster."""
        return self.revision > 0


class Clusters:
    """The states of the logical clusters in use, bounded."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._states: OrderedDict[str, ClusterState] = OrderedDict()
        self._prefix = keys.type_prefix(GROUP, RESOURCE)
        store.listen(self._forget)

    def _forget(self, changes: Sequence[Change]) -> None:
        prefix = self._prefix
        for change in changes:
            if change.key.startswith(prefix):
                self._states.pop(keys.decode(change.key).cluster, None)

    def key(self, cluster: str) -> bytes:
        """The storage key of a cluster's LogicalCluster."""
        return self._prefix + f"{cluster}\x00\x00{NAME}\x00".encode()

    async def state(self, cluster: str) -> ClusterState:
        """The state of a cluster as of the last commit this process has seen."""
        state = self._states.get(cluster)
        if state is None:
            snapshot = await self._store.snapshot()
            row = await snapshot.get(self.key(cluster))
            state = ClusterState(0, False)
            if row is not None:
                state = ClusterState(row.revision, bool(records.flags(row.value) & records.DELETING))
            if snapshot.revision == self._store.revision:
                self._states[cluster] = state
                if len(self._states) > REMEMBERED:
                    self._states.popitem(last=False)
        return state

    async def guard(self, cluster: str) -> Guard | None:
        """The guard a write into `cluster` needs; None for the system's own clusters, which have no LogicalCluster.

        Raises the 403 of a cluster that does not exist.
        """
        if cluster.startswith("system:"):
            return None
        state = await self.state(cluster)
        if not state.exists:
            raise errors.forbidden(GROUP, RESOURCE, cluster, "the logical cluster does not exist")
        return Guard(self.key(cluster), state.revision)
