"""Index rows from a subject to the logical clusters that name it in a ClusterRoleBinding.

Entering a workspace, like everything else that is not namespaced, is granted by a ClusterRoleBinding in its logical
cluster. A row per binding and subject, written in the commit of the binding, finds the few logical clusters in which
somebody may have a right without looking at the others. A row decides nothing: what the role of the binding allows,
and whether it still does, is asked of the authorizer when the question is asked. So rows follow bindings alone, and
neither roles nor phases.

A binding of more than `CONSIDERED` subjects has one row that stands for anybody, because a commit is bounded. The
logical clusters of the system have none: they are no workspaces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from manifold.auth.names import RBAC_GROUP, service_account_user
from manifold.auth.rbac.policy import parse_binding
from manifold.base import clusters, keys
from manifold.registry.effects import Effects, Operation, Plan
from manifold.schema import records
from manifold.storage.contract import MAX_WRITES, Snapshot, Store, Write
from manifold.storage.pages import pages
from manifold.types.resource import Object

INDEX = "entry"
BINDINGS = (RBAC_GROUP, "clusterrolebindings")
USER, GROUP, ANYBODY = "user", "group", "anybody"
CONSIDERED = 16
LONGEST_NAME = 256
MARK = keys.META + keys.segment("entries")
"""There since every binding of the store has its rows."""


def subject_range(kind: str, name: str = "") -> bytes:
    """The range of the rows of a subject; what follows its prefix is a logical cluster."""
    if len(name) > LONGEST_NAME or "\x00" in name:  # names in bindings are written by clients
        name = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest() + "\n"
    return keys.index_key(INDEX, kind, name)


def rows(cluster: str, name: str, binding: Mapping[str, Any]) -> set[bytes]:
    """The keys of the rows of the ClusterRoleBinding `name` in a logical cluster."""
    if cluster.startswith(clusters.SYSTEM_PREFIX):
        return set()
    place = keys.segment(cluster) + keys.segment(name)
    found: set[bytes] = set()
    for kind, namespace, subject in parse_binding(binding, name, "").subjects:
        if kind == "User":
            found.add(subject_range(USER, subject) + place)
        elif kind == "Group":
            found.add(subject_range(GROUP, subject) + place)
        elif kind == "ServiceAccount" and namespace:
            found.add(subject_range(USER, service_account_user(namespace, subject)) + place)
    return found if len(found) <= CONSIDERED else {subject_range(ANYBODY) + place}


def rows_of(key: bytes, value: bytes) -> set[bytes]:
    """The same of a binding as it is stored."""
    place = keys.decode(key)
    return rows(place.cluster, place.name, records.decode(value, 0, records.ITEM_HEAD))


async def written(snapshot: Snapshot, key: bytes, before: bytes | None, after: bytes | None) -> list[Write]:
    """The writes of rows that go with a write of the binding at `key` beside the verbs; None where there is none."""
    old = rows_of(key, before) if before is not None else set()
    new = rows_of(key, after) if after is not None else set()
    gone = [Write(row, None) for row in sorted(old - new) if await snapshot.get(row) is not None]
    return [*gone, *(Write(row, b"") for row in sorted(new - old))]


class BindingEntries(Effects):
    """Keeps the rows of ClusterRoleBindings."""

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """Write the rows of a new binding."""
        for row in rows(operation.cluster, new["metadata"]["name"], new):
            plan.point(row, b"")

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """Write the rows that are new, take those away that are no more."""
        before, after = (rows(operation.cluster, operation.name, one) for one in (old, new))
        for row in before - after:
            await _clear(plan, row)
        for row in after - before:
            plan.point(row, b"")

    async def removing(self, operation: Operation, old: Object, plan: Plan) -> None:
        """Take the rows away."""
        for row in rows(operation.cluster, old["metadata"]["name"], old):
            await _clear(plan, row)


async def _clear(plan: Plan, row: bytes) -> None:
    if await plan.snapshot.get(row) is not None:
        plan.clear(row)
    else:  # this very commit may have been about to write it
        plan.pointers.pop(row, None)


async def complete(store: Store) -> None:
    """Write the rows of a store whose bindings are older than these rows. One read where that has been done."""
    if await (await store.snapshot()).get(MARK) is not None:
        return
    async for page in pages(store, keys.type_prefix(*BINDINGS)):
        due = [Write(row, b"") for one in page for row in sorted(rows_of(one.key, one.value))]
        for start in range(0, len(due), MAX_WRITES):
            await store.commit(due[start : start + MAX_WRITES])
    await store.commit([Write(MARK, b"{}")])
