"""core.kcp.io: logical clusters, and shards.

Sections 2.4, 2.5 and 6.1 of the tenancy reference. Most of what admission says about a logical cluster does not bind
privileged users: `refusal_of_change` says it, and whoever knows the user asks.
"""

from __future__ import annotations

from typing import Any

from manifold.types.apiextensions.instances import CustomStatus, CustomStrategy
from manifold.types.kcp.catalog import kcp_type
from manifold.types.kcp.rules import at
from manifold.types.resource import Object

GROUP = "core.kcp.io"
DELETE_REFUSED = "LogicalCluster cannot be deleted"
INACTIVE = ("core.kcp.io/inactive", "internal.kcp.io/inactive")
"""The annotations that take a logical cluster out of service when they are `true`; the second is the old name."""
_ORDER = {"": 1, "Scheduling": 2, "Initializing": 3, "Ready": 4}


def refusal_of_change(new: Object, old: Object) -> str:
    """Why a user without privileges may not change a logical cluster like this; empty where there is no reason."""
    phase, former = _phase(new), _phase(old)
    wanted, had = set(_names(new, "spec")), set(_names(old, "spec"))
    if wanted != had:
        return "spec.initializers is immutable"
    left, before = _names(new, "status"), _names(old, "status")
    if phase == "Initializing" and former != "Initializing":
        if set(left) != wanted:
            return "status.initializers do not equal spec.initializers"
    elif phase == former == "Initializing":
        if not set(left) <= set(before):
            return "status.initializers must not grow"
    elif set(left) != set(before) and former != "Initializing":
        return "status.initializers is immutable after initialization"
    if former == "Initializing" != phase and left:
        return "status.initializers is not empty"
    if _ORDER.get(phase, 0) < _ORDER.get(former, 0):
        return f'cannot transition from "{former}" to "{phase}"'
    if _inactive(new) and not _inactive(old) and phase != "Ready":
        return f'LogicalCluster can only be marked inactive in phase "Ready", but is in phase "{phase}"'
    return ""


def _phase(cluster: Object) -> str:
    return str(at(cluster, "status", "phase") or "")


def _names(cluster: Object, part: str) -> list[Any]:
    return at(cluster, part, "initializers") or []


def _inactive(cluster: Object) -> bool:
    annotations = cluster["metadata"].get("annotations") or {}
    return any(annotations.get(name) == "true" for name in INACTIVE)


def begin_initialization(new: Object, old: Object) -> None:
    """Give a logical cluster that becomes Initializing what there is to be done: its initializers and terminators."""
    if _phase(new) != "Initializing" or _phase(old) == "Initializing":
        return
    status = new["status"]
    for name in ("initializers", "terminators"):
        wanted = at(new, "spec", name)
        if wanted:
            status[name] = list(wanted)
        else:
            status.pop(name, None)


class LogicalClusterStatus(CustomStatus):
    """The status of a logical cluster, which takes over the initializers when it becomes Initializing."""

    __slots__ = ()

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep everything but the status."""
        super().prepare_update(new, old)
        if type(new.get("status")) is dict:
            begin_initialization(new, old)


class ShardStrategy(CustomStrategy):
    """Shards: URLs that are not given are the base URL."""

    __slots__ = ()

    def default(self, new: Object) -> None:
        """Fill in the schema's defaults, then the URLs."""
        super().default(new)
        spec = new.get("spec")
        if type(spec) is dict and spec.get("baseURL"):
            for name in ("externalURL", "virtualWorkspaceURL"):
                if not spec.get(name):
                    spec[name] = spec["baseURL"]


LOGICAL_CLUSTERS = kcp_type(GROUP, "logicalclusters", "v1alpha1", status=LogicalClusterStatus)
SHARDS = kcp_type(GROUP, "shards", "v1alpha1", strategy=ShardStrategy)
