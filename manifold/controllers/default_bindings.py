"""Gives logical clusters the bindings their types bring.

A new one waits with the initializer `system:apibindings` until all are there; what cannot be bound yet is said in the
condition `APIBindingsInitialized` and tried again. Where a type maintains its bindings, one that is missing is made
again and one that has been changed is put right, and `APIBindingsReconciled` tells how that stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from manifold.base import clock, keys
from manifold.base.user import CONTROLLER_AGENT, CONTROLLER_USER
from manifold.exports import conditions
from manifold.exports.bindings import default_binding_name
from manifold.exports.references import References
from manifold.registry.create import create
from manifold.registry.objects import Kinds
from manifold.registry.options import PLAIN_WRITE
from manifold.registry.update import Change, Update, update
from manifold.registry.writing import Environment, Target
from manifold.schema import records
from manifold.storage.contract import MAX_WRITES, Guard, Row, Snapshot, Write
from manifold.storage.pages import pages
from manifold.types.resource import Object
from manifold.workspaces.content import APIBINDINGS_INITIALIZED, APIBINDINGS_INITIALIZER, LOGICAL_CLUSTER
from manifold.workspaces.default_bindings import (
    CONTROLLER,
    Wanted,
    binding_spec,
    is_complete,
    new_binding,
    type_of,
    wanted_bindings,
    work_row,
)
from manifold.workspaces.types import BrokenType, Closure, WorkspaceTypes

RETRY_SECONDS = 5.0
PAGE = 200
RECONCILED = "APIBindingsReconciled"
MISSING = "unable to complete initialization: unable to find at least 1 APIExport"


class DefaultBindingController:
    """Looks at one logical cluster, or at all whose type is, or extends, one that has changed."""

    name = CONTROLLER

    def __init__(self, environment: Environment, kinds: Kinds, types: WorkspaceTypes, references: References) -> None:
        self._environment = environment
        self._store = environment.store
        self._logical_clusters = kinds.get("core.kcp.io", "logicalclusters")
        self._bindings = kinds.get("apis.kcp.io", "apibindings")
        self._types = types
        self._references = references

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Do the work of one row."""
        if len(parts) == 2:
            await self._pass_on(*parts)
        elif not await self._settle(parts[0]):
            return RETRY_SECONDS
        await self._store.commit([Write(work.key, None)], [Guard(work.key, work.revision)])
        return 0.0

    async def _settle(self, cluster: str) -> bool:
        """Bring the default bindings of a logical cluster up to date. Whether nothing is left to be done."""
        snapshot = await self._store.snapshot()
        row = await snapshot.get(self._logical_clusters.key(cluster, "", LOGICAL_CLUSTER))
        if row is None or records.flags(row.value) & records.DELETING:
            return True
        logical_cluster = self._logical_clusters.decode(row.value, row.revision)
        status = logical_cluster.get("status") or {}
        beginning = APIBINDINGS_INITIALIZER in (status.get("initializers") or ())
        problem = ("", "")
        try:
            closure = await self._closure(snapshot, logical_cluster)
        except BrokenType as broken:
            problem = ("WorkspaceTypesInvalid", str(broken))
        else:
            wanted = [one for one in wanted_bindings(closure) if beginning or one.lasting]
            if not beginning and not wanted:
                return True
            problem = await self._bind_all(cluster, wanted, beginning)
        await self._tell(cluster, beginning, *problem)
        return not problem[0]

    async def _closure(self, snapshot: Snapshot, logical_cluster: Object) -> Closure:
        path, name = type_of(logical_cluster)
        found = await self._types.closure(snapshot, path, name) if path else None
        if found is None:
            raise BrokenType(f'workspace type "{path}:{name}" not found')
        return found

    async def _bind_all(self, cluster: str, wanted: Sequence[Wanted], beginning: bool) -> tuple[str, str]:
        """Make or mend bindings. Returns reason and message of what is still missing; both empty where nothing is."""
        missing, waiting = [], []
        for one in wanted:
            name = default_binding_name(cluster, one.path, one.export)
            snapshot = await self._store.snapshot()
            referred = await self._references.find(snapshot, cluster, one.path, one.export)
            row = await snapshot.get(self._bindings.key(cluster, "", name))
            if row is None and referred.export is None:
                missing.append(name)
                continue
            claims = referred.export.claims if referred.export is not None else ()
            spec = binding_spec(one.path, one.export, claims, not beginning)
            target = Target(CONTROLLER_USER, cluster, self._bindings, "", name, agent=CONTROLLER_AGENT)
            if row is None:
                body = new_binding(self._bindings.type, cluster, one, spec)
                await create(self._environment, target, body, PLAIN_WRITE)
            elif not beginning and referred.export is not None:
                await update(self._environment, target, Update(_replacing(spec), PLAIN_WRITE))
            row = await (await self._store.snapshot()).get(self._bindings.key(cluster, "", name))
            if row is None or not is_complete(self._bindings.decode(row.value, row.revision)):
                waiting.append(name)
        if missing:
            return "APIBindingErrors", MISSING
        if waiting:
            return "WaitingOnAPIBindings", f"APIBinding(s) not yet fully bound: {', '.join(sorted(waiting))}"
        return "", ""

    async def _tell(self, cluster: str, beginning: bool, reason: str, message: str) -> None:
        """Say how it stands; take the initializer off where all is done."""
        now = clock.format_seconds(self._environment.clock.now())
        kind = APIBINDINGS_INITIALIZED if beginning else RECONCILED
        severity = conditions.INFO if reason == "WaitingOnAPIBindings" else conditions.ERROR
        condition = conditions.false(kind, now, severity, reason, message) if reason else conditions.true(kind, now)

        def change(live: Object | None) -> Object:
            obj = live or {}
            conditions.with_one(obj, condition)
            status = obj["status"]
            if beginning and not reason:
                left = [one for one in status.pop("initializers", None) or () if one != APIBINDINGS_INITIALIZER]
                if left:
                    status["initializers"] = left
            return obj

        target = Target(
            CONTROLLER_USER, cluster, self._logical_clusters, "", LOGICAL_CLUSTER, "status", CONTROLLER_AGENT
        )
        await update(self._environment, target, Update(change, PLAIN_WRITE))

    async def _pass_on(self, cluster: str, name: str) -> None:
        """Leave work for every logical cluster whose type is, or extends, one that has changed, and that maintains
        bindings.
        """
        concerned: dict[tuple[str, str], bool] = {}
        async for rows in pages(self._store, self._logical_clusters.prefix, PAGE):
            snapshot = await self._store.snapshot()
            due = []
            for row in rows:
                kind = type_of(self._logical_clusters.decode(row.value, row.revision))
                if kind not in concerned:
                    concerned[kind] = await self._concerns(snapshot, kind, (cluster, name))
                if concerned[kind]:
                    due.append(Write(work_row(keys.decode(row.key).cluster), b"{}"))
            for start in range(0, len(due), MAX_WRITES):
                await self._store.commit(due[start : start + MAX_WRITES])
            await asyncio.sleep(0)

    async def _concerns(self, snapshot: Snapshot, kind: tuple[str, str], changed: tuple[str, str]) -> bool:
        try:
            closure = await self._types.closure(snapshot, *kind) if kind[0] else None
        except BrokenType:
            return False
        if closure is None or not any((one.cluster, one.name) == changed for one in closure.members):
            return False
        return any(one.lasting for one in wanted_bindings(closure))


def _replacing(spec: Object) -> Change:
    return lambda live: {**(live or {}), "spec": spec}
