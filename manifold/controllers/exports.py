"""What follows from a change of an export, for those who have bound it and for its endpoint slices.

Work is done along the index from exports to bindings, a page at a time, several bindings at once so that their commits
share a sync. The row goes when all have been looked at, unless somebody has written it again meanwhile (APIs reference,
sections 2bis and 3.5).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from manifold.base import clock, keys
from manifold.exports.effects import BindingEffects
from manifold.exports.export_effects import (
    IDENTITIES,
    SCHEMAS,
    identity_key,
    judged,
    reference_of,
    secret_key,
)
from manifold.exports.slices import Slices, slices_prefix
from manifold.registry import followed
from manifold.registry.effects import Plan
from manifold.registry.objects import Kinds
from manifold.registry.writing import Environment
from manifold.storage.contract import Guard, GuardFailed, Row, Write
from manifold.storage.pages import pages
from manifold.types.resource import Object
from manifold.views.consumers import (
    EXPORTS,
    SLICES,
    consumers_prefix,
    export_row,
    read_consumer,
)

PAGE = 200
AT_ONCE = 16
ATTEMPTS = 5


class ExportController:
    """Has every binding of an export take what it offers now."""

    name = EXPORTS

    def __init__(self, environment: Environment, kinds: Kinds, effects: BindingEffects) -> None:
        self._environment = environment
        self._store = environment.store
        self._bindings = kinds.get("apis.kcp.io", "apibindings")
        self._effects = effects

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Go through the bindings of an export."""
        cluster, name = parts
        limit = asyncio.Semaphore(AT_ONCE)
        async for consumers in pages(self._store, consumers_prefix(cluster, name), PAGE):
            async with asyncio.TaskGroup() as group:
                for one in consumers:
                    consumer = read_consumer(one.key, one.value)
                    group.create_task(self._rebind(consumer.cluster, consumer.binding, limit))
        await self._store.commit([Write(work.key, None)], [Guard(work.key, work.revision)])
        return 0.0

    async def _rebind(self, cluster: str, name: str, limit: asyncio.Semaphore) -> None:
        key = self._bindings.key(cluster, "", name)
        async with limit:
            for _ in range(ATTEMPTS):
                plan = Plan(await self._store.snapshot())
                row = await plan.snapshot.get(key)
                if row is None:
                    return
                await self._effects.rebind(plan, row, self._environment.clock.now())
                writes = [*plan.writes, *(Write(at, value) for at, value in plan.pointers.items())]
                if not writes:
                    return
                try:
                    await self._store.commit(writes, plan.guards)
                    return
                except GuardFailed:
                    continue
            raise GuardFailed(Guard(key, None), 0)


class SliceController:
    """Writes the URL of an export into its endpoint slices, or takes it out."""

    name = SLICES

    def __init__(self, environment: Environment, kinds: Kinds, slices: Slices) -> None:
        self._environment = environment
        self._store = environment.store
        self._kind = kinds.get("apis.kcp.io", "apiexportendpointslices")
        self._slices = slices

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Go through the slices of an export, or those that name a partition."""
        if len(parts) != 2:
            await self._tell_followers(parts[0], followed.key_at(parts), work)
            return 0.0
        cluster, name = parts
        async for found in pages(self._store, slices_prefix(cluster, name), PAGE):
            for one in found:
                await self._tell(*keys.parts(one.key)[-2:])
        await self._store.commit([Write(work.key, None)], [Guard(work.key, work.revision)])
        return 0.0

    async def _tell_followers(self, cluster: str, partition: bytes, work: Row) -> None:
        for name in await followed.followers(await self._store.snapshot(), partition, SLICES):
            if await self._tell(cluster, name) != partition:
                await followed.unfollow(self._store, partition, SLICES, name)
        await followed.finish(self._store, partition, work)

    async def _tell(self, cluster: str, name: str) -> bytes:
        """Write the status of a slice. Returns the key of the partition it names."""
        snapshot = await self._store.snapshot()
        row = await snapshot.get(self._kind.key(cluster, "", name))
        if row is None:
            return b""
        obj = self._kind.decode(row.value, row.revision)
        now = clock.format_seconds(self._environment.clock.now())
        await self._slices.tell(snapshot, cluster, obj, await self._slices.referred(snapshot, cluster, obj), now)
        value = self._kind.encode(obj)
        if value != row.value:
            await self._store.commit([Write(row.key, value)], [Guard(row.key, row.revision)])
        return self._slices.partition_key(cluster, obj)


class SchemaController:
    """Has the exports looked at that offer a schema which has come or gone."""

    name = SCHEMAS

    def __init__(self, environment: Environment, kinds: Kinds) -> None:
        self._store = environment.store
        self._exports = kinds.get("apis.kcp.io", "apiexports")

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Leave work for each of them."""
        cluster, name = parts
        async for found in pages(self._store, self._exports.prefix + keys.segment(cluster), PAGE):
            for one in found:
                obj = self._exports.decode(one.value, one.revision)
                if any(each.get("schema") == name for each in (obj.get("spec") or {}).get("resources") or ()):
                    await self._store.commit([Write(export_row(cluster, obj["metadata"]["name"]), b"{}")])
        await self._store.commit([Write(work.key, None)], [Guard(work.key, work.revision)])
        return 0.0


class IdentityController:
    """Compares the identities of exports with the secret they follow, after that has changed."""

    name = IDENTITIES

    def __init__(self, environment: Environment, kinds: Kinds) -> None:
        self._environment = environment
        self._store = environment.store
        self._exports = kinds.get("apis.kcp.io", "apiexports")
        self._secrets = kinds.get("", "secrets")

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Say in the status of the exports of a secret what it says."""
        key = followed.key_at(parts)
        for name in await followed.followers(await self._store.snapshot(), key, IDENTITIES):
            if not await self._compare(parts[0], name, key):
                await followed.unfollow(self._store, key, IDENTITIES, name)
        await followed.finish(self._store, key, work)
        return 0.0

    async def _compare(self, cluster: str, name: str, secret: bytes) -> bool:
        """Compare one export with a secret, given by its key. False: the export does not name it, or is gone."""
        snapshot = await self._store.snapshot()
        row = await snapshot.get(self._exports.key(cluster, "", name))
        obj = self._exports.decode(row.value, row.revision) if row is not None else {}
        reference = reference_of(obj)
        if row is None or reference is None or secret_key(self._secrets, cluster, reference) != secret:
            return False
        held = await snapshot.get(secret)
        content: Object | None = self._secrets.decode(held.value, held.revision) if held is not None else None
        before = obj.get("status") or {}
        now = clock.format_seconds(self._environment.clock.now())
        obj["status"] = status = judged(before, content, reference[1], now)
        if status == before:
            return True
        writes = [Write(row.key, self._exports.encode(obj))]
        if status.get("identityHash") != before.get("identityHash"):
            writes.append(Write(export_row(cluster, name), b"{}"))
            writes.append(Write(identity_key(status["identityHash"], cluster, name), b""))
        seen = Guard(secret, held.revision if held is not None else 0)
        await self._store.commit(writes, [Guard(row.key, row.revision), seen])
        return True
