"""RBAC as it lies in the store: loaded per logical cluster on first use, dropped by the change that touches it.

The listener runs before the commit that made the change returns, so a right that was revoked is gone from the next
request on. `system:admin` is loaded like any other cluster and goes into every compilation (bindings may name its
roles), so a change there drops everything; it is rare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from manifold.auth.names import RBAC_GROUP, SYSTEM_ADMIN
from manifold.auth.rbac.bootstrap import bootstrap_policy
from manifold.auth.rbac.held import Derived, Held
from manifold.auth.rbac.policy import Binding, Key, Policy, Rules, compile_policy, compile_rules, parse_binding
from manifold.base import keys
from manifold.schema import records
from manifold.storage.contract import Change, Row, Snapshot, Store

PAGE = 500
_GROUP_PREFIX = keys.OBJECT + keys.segment(RBAC_GROUP)
_RESOURCES = frozenset(("roles", "rolebindings", "clusterroles", "clusterrolebindings"))
LIMIT = 1_000_000
"""Rules and subjects held in memory, over all logical clusters."""


def content(row: Row) -> dict[str, Any]:
    """A stored object without apiVersion and kind, as plain JSON data."""
    parsed: dict[str, Any] = orjson.loads(b'{"metadata":{' + records.tail(row.value))
    return parsed


async def rows(snapshot: Snapshot, group: str, resource: str, cluster: str) -> list[tuple[keys.ObjectKey, Row]]:
    """All objects of one type in a logical cluster, read in pages."""
    start = keys.cluster_prefix(group, resource, "", cluster)
    end = keys.after(start)
    found: list[tuple[keys.ObjectKey, Row]] = []
    while True:
        page = await snapshot.scan(start, end, PAGE)
        found += [(keys.decode(row.key), row) for row in page]
        if len(page) < PAGE:
            return found
        start = page[-1].key + b"\x00"


class RBAC:
    """The policies of all logical clusters."""

    def __init__(self, store: Store, limit: int = LIMIT) -> None:
        self._store = store
        self._policies: Derived[Policy] = Derived(self._load, limit)
        self._shared: Derived[Policy] = Derived(self._load_shared, limit)
        store.listen(self.on_changes)

    async def policy(self, cluster: str) -> Held[Policy]:
        """The policy of a logical cluster; empty where it holds no RBAC."""
        return await (self._shared if cluster == SYSTEM_ADMIN else self._policies).get(cluster)

    async def shared(self) -> Held[Policy]:
        """The policy of `system:admin`, which holds everywhere. Until it has been written, the built-in one."""
        return await self._shared.get(SYSTEM_ADMIN)

    def on_changes(self, changes: Sequence[Change]) -> None:
        """Drop what the changes touch. A listener of the store."""
        for change in changes:
            if not change.key.startswith(_GROUP_PREFIX):
                continue
            _, resource, _, cluster, *_ = change.key.split(b"\x00", 4)
            if resource.decode() not in _RESOURCES:
                continue
            if cluster == SYSTEM_ADMIN.encode():
                self._shared.clear()
                self._policies.clear()
            else:
                self._policies.drop(cluster.decode())

    async def _load(self, cluster: str) -> tuple[Policy, int]:
        shared = await self.shared()
        return await self._compile(cluster, shared.value.cluster_roles)

    async def _load_shared(self, cluster: str) -> tuple[Policy, int]:
        policy, weight = await self._compile(cluster, {})
        return (policy, weight) if policy.cluster_roles or policy.users or policy.groups else (bootstrap_policy(), 1)

    async def _compile(self, cluster: str, shared_roles: Mapping[str, Rules]) -> tuple[Policy, int]:
        snapshot = await self._store.snapshot()
        cluster_roles = {
            key.name: compile_rules(content(row).get("rules"))
            for key, row in await rows(snapshot, RBAC_GROUP, "clusterroles", cluster)
        }
        roles: dict[Key, Rules] = {
            (key.namespace, key.name): compile_rules(content(row).get("rules"))
            for key, row in await rows(snapshot, RBAC_GROUP, "roles", cluster)
        }
        bindings: list[Binding] = []
        for resource in ("clusterrolebindings", "rolebindings"):
            found = await rows(snapshot, RBAC_GROUP, resource, cluster)
            bindings += [parse_binding(content(row), key.name, key.namespace) for key, row in found]
        policy = compile_policy(cluster_roles, roles, bindings, shared_roles)
        return policy, policy.weight
