"""What authorization needs to know of a logical cluster: whether it exists, its phase, who may enter.

Read from the object `cluster` of the logical cluster itself, held per cluster, dropped by the change that touches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from manifold.auth.names import REQUIRED_GROUPS_ANNOTATION
from manifold.auth.rbac.held import Derived, Held
from manifold.auth.rbac.store import content
from manifold.base import keys
from manifold.storage.contract import Change, Store

_TYPE_PREFIX = keys.type_prefix("core.kcp.io", "logicalclusters")
LIMIT = 100_000
ENTERABLE = frozenset(("Initializing", "Ready", "Inactive", "Terminating", "Deleting"))
"""Phases in which a logical cluster's content can be reached."""


def logical_cluster_key(cluster: str) -> bytes:
    """Where the LogicalCluster object of a logical cluster lies."""
    return keys.ObjectKey("core.kcp.io", "logicalclusters", "", cluster, "", "cluster").encode()


@dataclass(frozen=True, slots=True)
class LogicalCluster:
    """`required_groups`: alternatives, each a set of groups all of which are needed; empty where none are."""

    phase: str
    required_groups: tuple[frozenset[str], ...] = ()
    initializers: tuple[str, ...] = ()
    terminators: tuple[str, ...] = ()


def parse_required_groups(text: str) -> tuple[frozenset[str], ...]:
    """`a,b;c` is (a and b) or c (section 4.3 of the tenancy reference)."""
    if not text.strip():
        return ()
    alternatives = [frozenset(group.strip() for group in part.split(",")) - {""} for part in text.split(";")]
    return tuple(alternative for alternative in alternatives if alternative) or (frozenset(("",)),)


class LogicalClusters:
    """The logical clusters of a store, as authorization sees them."""

    def __init__(self, store: Store, limit: int = LIMIT) -> None:
        self._store = store
        self._clusters: Derived[LogicalCluster | None] = Derived(self._load, limit)
        store.listen(self.on_changes)

    async def get(self, cluster: str) -> Held[LogicalCluster | None]:
        """The logical cluster, or None where there is none."""
        return await self._clusters.get(cluster)

    def on_changes(self, changes: Sequence[Change]) -> None:
        """Drop what the changes touch. A listener of the store."""
        for change in changes:
            if change.key.startswith(_TYPE_PREFIX):
                self._clusters.drop(keys.decode(change.key).cluster)

    async def _load(self, cluster: str) -> tuple[LogicalCluster | None, int]:
        row = await (await self._store.snapshot()).get(logical_cluster_key(cluster))
        if row is None:
            return None, 1
        obj = content(row)
        status = obj.get("status") or {}
        annotations = obj["metadata"].get("annotations") or {}
        found = LogicalCluster(
            status.get("phase") or "Scheduling",
            parse_required_groups(annotations.get(REQUIRED_GROUPS_ANNOTATION, "")),
            tuple(status.get("initializers") or ()),
            tuple(status.get("terminators") or ()),
        )
        return found, 1
