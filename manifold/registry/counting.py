"""Exact limits: usage changes in the commit that creates or removes an object, and nothing is counted without a limit.

Which logical clusters have limits is remembered, bounded, and forgotten when the log tells of a change; where there are
none a write costs one look-up. A write that a limit covers waits in the queue of its logical cluster. Whoever is first
in it decides for all that wait: they are admitted one after the other in memory, those that fit go into one commit with
the new usage, and the rest are refused. So the writers that meet a limit share commits instead of failing each other's.

A limit that is new or changed is counted before anybody is admitted. Writes that were on their way before it was known
are in the log once its row is written anew, and everybody else waits in the queue; what a snapshot shows then is exact.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import islice
from typing import Protocol
from weakref import WeakValueDictionary

from manifold.base import keys
from manifold.registry.clusters import GROUP, NAME, RESOURCE
from manifold.registry.counting_queue import Batch, Queue, Waiter
from manifold.registry.limits import EVENTS, Created, Kind, Limit, admit, created, quota_limit
from manifold.registry.served import Served
from manifold.registry.totals import UNLIMITED, Total, Totals, usage_row
from manifold.schema import records
from manifold.storage.contract import (
    MAX_GUARDS,
    MAX_WRITES,
    Change,
    Guard,
    GuardFailed,
    Snapshot,
    Store,
    Unavailable,
    Write,
)

WORK = "limits"
"""The controller that counts what is to be counted anew."""
NEW, AGAIN = "new", "again"
REMEMBERED = 5_000
PAGE = 500
COUNTED_AT_ONCE = 2_000
ANYWHERE = ""
EVERYTHING: Kind = ("", "*")
"""Stands for all types but events."""

Coverage = Mapping[str, frozenset[Kind]]
"""What is limited, by namespace (`ANYWHERE`: in the whole logical cluster)."""
NOTHING: Coverage = {}


class Ranges(Protocol):
    """Knows where objects lie."""

    async def range(self, cluster: str, kind: Kind) -> bytes:
        """The range of the objects of one type in a logical cluster."""

    async def ranges(self, cluster: str) -> Sequence[bytes]:
        """The ranges of all objects in a logical cluster."""


def work_row(cluster: str, why: str = NEW) -> bytes:
    """The key of the work row of a logical cluster with limits that are `NEW`, or with some to be counted `AGAIN`."""
    return keys.work_key(WORK, cluster, why)


class Limits:
    """The limits of a process. `quotas` is the stored form of ResourceQuota, `logical_clusters` of LogicalCluster."""

    def __init__(self, store: Store, quotas: Served, logical_clusters: Served, ranges: Ranges, totals: Totals) -> None:
        self._store = store
        self._totals = totals
        self._quotas = quotas
        self._logical_clusters = logical_clusters
        self._ranges = ranges
        self._known: OrderedDict[str, Coverage] = OrderedDict()
        self._queues: WeakValueDictionary[str, Queue] = WeakValueDictionary()
        self._grounds = (quotas.prefix, keys.type_prefix(GROUP, RESOURCE))
        store.listen(self._forget)

    def _forget(self, changes: Sequence[Change]) -> None:
        grounds = self._grounds
        for change in changes:
            if change.key.startswith(grounds):
                self._known.pop(keys.decode(change.key).cluster, None)

    def known(self, cluster: str) -> Coverage | None:
        """What is limited in a logical cluster; None where that has to be read (`coverage`)."""
        return self._known.get(cluster)

    async def coverage(self, cluster: str) -> Coverage:
        """What is limited in a logical cluster, as of the last commit this process has seen."""
        while (found := self._known.get(cluster)) is None:
            snapshot = await self._store.snapshot()
            made: dict[str, frozenset[Kind]] = {}
            if (await self._total(snapshot, cluster)).most:
                made[ANYWHERE] = frozenset((EVERYTHING,))
            prefix = self._quotas.prefix + keys.segment(cluster)
            for row in await snapshot.scan(prefix, keys.after(prefix)):
                limit = quota_limit(self._quotas, row)
                kinds = frozenset(kind for kind in limit.kinds.values() if kind is not None)
                made[limit.namespace] = made.get(limit.namespace, frozenset()) | kinds
            if snapshot.revision == self._store.revision:
                self._known[cluster] = made or NOTHING
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
                return self._known[cluster]
        return found

    async def _total(self, snapshot: Snapshot, cluster: str) -> Total:
        row = await snapshot.get(self._logical_clusters.key(cluster, "", NAME))
        if row is None or not self._totals.concerns(row.value) or records.flags(row.value) & records.DELETING:
            return UNLIMITED
        return self._totals.of(cluster, self._logical_clusters.decode(row.value, row.revision))

    async def commit(self, cluster: str, writes: Sequence[Write], guards: Sequence[Guard]) -> int:
        """Commit into a logical cluster that may have limits. Raises what the store raises, and the 403 of a limit."""
        coverage = self._known.get(cluster)
        if coverage is None:
            coverage = await self.coverage(cluster)
        objects = [one for one in created(cluster, writes, guards) if _covers(coverage, one)] if coverage else ()
        if not objects:
            return await self._store.commit(writes, guards)  # nothing may be awaited between this and the look-up
        size = sum(len(write.key) + len(write.value or b"") for write in writes)
        waiter = Waiter(writes, guards, objects, size)
        queue = self._queue(cluster)
        queue.waiting.append(waiter)
        try:
            async with queue.held():
                while not waiter.decided:
                    await self._decide(cluster, queue)
        finally:
            if not waiter.decided and waiter in queue.waiting:
                queue.waiting.remove(waiter)
        if waiter.error is not None:
            raise waiter.error
        return waiter.revision

    def rewrites(self, served: Served) -> bool:
        """Whether what is counted is written into objects of a type."""
        return served.prefix == self._quotas.prefix

    def turn(self, cluster: str) -> AbstractAsyncContextManager[None]:
        """The turn in the queue of a logical cluster. Nothing is counted there by others while it is held; writes of
        who holds it pass.
        """
        return self._queue(cluster).held()

    async def check(self, cluster: str, writes: Sequence[Write], guards: Sequence[Guard]) -> None:
        """Raise the 403 of a limit that a commit which is not to be made would meet."""
        coverage = await self.coverage(cluster)
        objects = [one for one in created(cluster, writes, guards) if _covers(coverage, one)]
        if objects:
            async with self._queue(cluster).held():
                refusal = admit(await self._settled(cluster, _namespaces(objects)), objects, writes)
            if refusal is not None:
                raise refusal

    async def settle(self, cluster: str) -> None:
        """Count what has to be counted anew, and forget what is limited no longer."""
        namespaces = {one for one in await self.coverage(cluster) if one}
        async with self._queue(cluster).held():
            await self._settled(cluster, namespaces)
            snapshot = await self._store.snapshot()
            row = await snapshot.get(usage_row(cluster))
            if row is not None and not (await self._total(snapshot, cluster)).most:
                await self._store.commit([Write(row.key, None)], [Guard(row.key, row.revision)])

    def _queue(self, cluster: str) -> Queue:
        queue = self._queues.get(cluster)
        if queue is None:
            queue = self._queues[cluster] = Queue()
        return queue

    async def _load(self, snapshot: Snapshot, cluster: str, namespaces: set[str]) -> list[Limit]:
        found: dict[bytes, Limit] = {}
        own = self._quotas.prefix + keys.segment(cluster)
        for namespace in sorted({*namespaces, "admin"}):
            prefix = own + keys.segment(namespace)
            for row in await snapshot.scan(prefix, keys.after(prefix)):
                limit = quota_limit(self._quotas, row)
                if not limit.namespace or limit.namespace in namespaces:
                    found[row.key] = limit
        limits = list(found.values())
        total = await self._total(snapshot, cluster)
        if total.most:
            ground = self._logical_clusters.key(cluster, "", NAME)
            limits.append(self._totals.limit(cluster, total, await snapshot.get(usage_row(cluster)), ground))
        return limits

    async def _settled(self, cluster: str, namespaces: set[str]) -> list[Limit]:
        """The limits that cover some namespaces, counted. Called by whoever holds the queue."""
        while True:
            limits = await self._load(await self._store.snapshot(), cluster, namespaces)
            due = [limit for limit in limits if not limit.settled]
            if not due:
                return limits
            try:
                # Commits are made in order: what was on its way, and not counted, is there once this one is.
                await self._store.commit([], [limit.guard() for limit in due[:MAX_GUARDS]])
                snapshot = await self._store.snapshot()
                for limit in due[: MAX_WRITES // 2]:
                    limit.used = {name: await self._count(snapshot, cluster, limit, name) for name in limit.kinds}
                    # Not for a logical cluster that has just gone: another of its name would begin with it.
                    ground = (limit.ground,) if limit.ground is not None else ()
                    await self._store.commit([limit.write(self._quotas)], [limit.guard(), *ground])
            except GuardFailed:
                continue

    async def _count(self, snapshot: Snapshot, cluster: str, limit: Limit, name: str) -> int:
        kind = limit.kinds[name]
        if kind is None:
            apart = await self._ranges.range(cluster, EVENTS)
            return sum([await _rows(snapshot, one) for one in await self._ranges.ranges(cluster) if one != apart])
        prefix = await self._ranges.range(cluster, kind)
        return await _rows(snapshot, prefix + keys.segment(limit.namespace) if limit.namespace else prefix)

    async def _decide(self, cluster: str, queue: Queue) -> None:
        """Take from the front of a queue as many as one commit can hold, admit or refuse them, and commit."""
        first = queue.waiting[0]
        considered = list(islice(queue.waiting, MAX_WRITES))
        limits = await self._settled(cluster, _namespaces([one for waiter in considered for one in waiter.objects]))
        batch = Batch(limits, self._quotas)
        for waiter in considered:
            if waiter not in queue.waiting:  # given up meanwhile
                continue
            if not batch.takes(waiter):
                break
            queue.waiting.remove(waiter)
            refusal = batch.add(waiter)
            if refusal is not None:
                waiter.error = refusal
        if not first.decided and first not in batch.waiters:
            queue.waiting.remove(first)
            await self._alone(cluster, first, limits)
            return
        if not batch.waiters:
            return
        try:
            revision = await self._store.commit(*batch.commit())
        except GuardFailed as failed:
            left = []
            for waiter in batch.waiters:
                if failed.guard in waiter.guards:
                    waiter.error = GuardFailed(failed.guard, failed.current)
                else:
                    left.append(waiter)
            queue.waiting.extendleft(reversed(left))
        except Exception as error:
            for waiter in batch.waiters:
                waiter.error = error
        except BaseException:
            for waiter in batch.waiters:
                waiter.error = Unavailable("the process is stopping")
            raise
        else:
            for waiter in batch.waiters:
                waiter.revision = revision
                revision += len(waiter.writes)

    async def _alone(self, cluster: str, waiter: Waiter, limits: list[Limit]) -> None:
        """Commit what does not fit into one commit with the usage: large objects. What is used is never told too low,
        and is counted again behind it, also if the process ends in between.
        """
        refusal = admit(limits, waiter.objects, waiter.writes)
        if refusal is not None:
            waiter.error = refusal
            return
        written = {write.key for write in waiter.writes}
        changed = [limit for limit in limits if limit.changed and limit.key not in written]
        usage = [limit.write(self._quotas) for limit in changed]
        guards = [limit.guard() for limit in changed]
        again = Write(work_row(cluster, AGAIN), b"{}")
        try:
            if any(one.by > 0 for one in waiter.objects):
                await self._store.commit([*usage, again], guards)
            else:
                await self._store.commit([again])
            waiter.revision = await self._store.commit(waiter.writes, waiter.guards)
        except Exception as error:
            waiter.error = error

    async def recount(self, cluster: str) -> None:
        """Count all limits of a logical cluster anew, whatever they say."""
        namespaces = {one for one in await self.coverage(cluster) if one}
        async with self._queue(cluster).held():
            for limit in await self._load(await self._store.snapshot(), cluster, namespaces):
                snapshot = await self._store.snapshot()
                before = dict(limit.used)
                limit.used = {name: await self._count(snapshot, cluster, limit, name) for name in limit.kinds}
                if limit.used != before:
                    await self._store.commit([limit.write(self._quotas)], [limit.guard()])


def _covers(coverage: Coverage, one: Created) -> bool:
    for place in (ANYWHERE, one.namespace):
        kinds = coverage.get(place, frozenset())
        if one.kind in kinds or (EVERYTHING in kinds and one.kind != EVENTS):
            return True
    return False


def _namespaces(objects: Sequence[Created]) -> set[str]:
    return {one.namespace for one in objects if one.namespace}


async def _rows(snapshot: Snapshot, prefix: bytes) -> int:
    """How many rows a range has. A long one is counted in pieces, so that nobody else waits for it."""
    end = keys.after(prefix)
    count = await snapshot.count(prefix, end, COUNTED_AT_ONCE)
    if count < COUNTED_AT_ONCE:
        return count
    count, position = 0, prefix
    while True:
        rows = await snapshot.scan(position, end, PAGE)
        count += len(rows)
        if len(rows) < PAGE:
            return count
        position = rows[-1].key + b"\x00"
        await asyncio.sleep(0)
