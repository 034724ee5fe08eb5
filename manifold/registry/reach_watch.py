"""A watch over a reach: of the objects of some logical clusters, and of which ones those are.

It is a watch like any other until a row changes that its reach follows from. Then what has come into reach is ADDED,
what has left it DELETED, at the place in the log where the row changed, and a bookmark follows for those who asked for
bookmarks. To keep that order it goes back to the log at such a change, and takes events from the hub again when it has
caught up; what it may miss while it is not subscribed to a range, it reads from the log, so nothing is lost.

Such an ADDED or DELETED has the revision the object had. A client that is cut off in the middle of them comes back with
that one, or with an earlier one than it has seen: it is sent again what it may know already, from the reach as it was
at that revision on, and misses nothing. In memory are the parts of the reach, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from manifold.registry.hub import ADDED, DELETED, MODIFIED, Event
from manifold.registry.reach import Part, Reach
from manifold.registry.selection import within
from manifold.registry.watch import PAGE, Sink, Watch
from manifold.storage.contract import Change, Compacted, Row, Snapshot
from manifold.types.resource import Object

Parts = tuple[Part, ...]
SLICE = 100
"""How many logical clusters are taken in before the loop may do something else."""


class ReachWatch(Watch):
    """A watch of what `reach` has in the range of the watch. `over` is to be called before it runs."""

    _over: Reach

    def over(self, reach: Reach) -> ReachWatch:
        """Watch what a reach has. Returns the watch itself."""
        self._over = reach
        self._parts: dict[str, Parts] = {}
        self._sent = 0
        self._behind = True
        self._captured = None  # what comes before it is live is read from the log
        return self

    # ---- what is in reach ------------------------------------------------

    def _subscribe(self) -> None:
        for ground in self._over.grounds:
            self._hub.subscribe(ground, self)

    def _unsubscribe(self) -> None:
        for ground in self._over.grounds:
            self._hub.unsubscribe(ground, self)
        for cluster in list(self._parts):
            self._place(cluster, ())

    def _place(self, cluster: str, parts: Parts) -> None:
        """Take in the parts of a logical cluster in the place of those it had."""
        for part in self._parts.pop(cluster, ()):
            self._hub.unsubscribe(part.prefix, self)
        if parts:
            self._parts[cluster] = parts
        for part in parts:
            self._hub.subscribe(part.prefix, self)

    def _narrowed(self, parts: Iterable[Part]) -> Parts:
        found = (part.within(self._prefix) for part in parts)
        return tuple(part for part in found if part is not None)

    async def _all_parts(self, snapshot: Snapshot) -> dict[str, Parts]:
        found: dict[str, list[Part]] = {}
        async for part in self._over.parts(snapshot):
            found.setdefault(part.cluster, []).append(part)
            if len(found) % SLICE == 0:
                await asyncio.sleep(0)
        narrowed = {cluster: self._narrowed(parts) for cluster, parts in found.items()}
        return {cluster: parts for cluster, parts in narrowed.items() if parts}

    # ---- events ----------------------------------------------------------

    def offer(self, event: Event) -> bool:
        """Take an event from the hub, unless it is in the log that is being read, or makes that necessary."""
        if self._ended or self._behind or event.revision <= self._sent:
            return False
        if self._over.about(event.key) is not None:
            self._sent, self._behind = event.revision - 1, True
            self._wake()
            return False
        return super().offer(event)

    def _frame(self, event: Event) -> bytes | None:
        served = self._served
        part = self._part_of(event.key)
        if part is None:
            return None
        if part.scope is None and self._everything:
            kind = event.kind
        else:
            now, before = (
                obj is not None and self._selects(part, obj) for obj in (event.new(served), event.old(served))
            )
            if not now and not before:
                return None
            kind = (MODIFIED if before else ADDED) if now else DELETED
        made = event.frame(served, kind, self._representation, self._first)
        self._first = False
        return made

    def _part_of(self, key: bytes) -> Part | None:
        start = len(self._served.prefix)
        cluster = key[start : key.index(b"\x00", start)].decode()
        return _covering(self._parts.get(cluster, ()), key)

    def _selects(self, part: Part, obj: Object) -> bool:
        if part.scope is not None and not part.scope.sees(obj):
            return False
        return self._everything or self._selection.matches(self._served, obj)

    # ---- the stream ------------------------------------------------------

    async def _send_past(self, sink: Sink, horizon: int, deadline: float) -> bool:
        start = self._start
        if start.revision > horizon and not await self._reach(sink, start.revision, deadline):
            return False
        try:
            snapshot = await self._store.snapshot(0 if start.initial else start.revision)
        except Compacted as compacted:
            await self._send_expired(sink, start.revision, compacted)
            return False
        found = await self._all_parts(snapshot)
        for cluster, parts in found.items():
            self._place(cluster, parts)
            for part in parts if start.initial else ():
                await self._send_range(sink, snapshot, part.prefix, within(self._selection, part.scope))
        self._sent = snapshot.revision
        if start.initial and start.announce and not self._ended:
            self._announce(sink, self._sent)
        await sink.drain()
        return not self._ended and await self._follow(sink)

    async def _follow(self, sink: Sink) -> bool:
        """Send what the log has from where the stream is, until it can go on with what the hub offers."""
        while self._behind and not self._ended:
            horizon = self._hub.revision
            if self._sent >= horizon:
                self._behind = False
                break
            try:
                changes: Sequence[Change] = await self._store.changes(self._sent, PAGE)
                for change in changes:
                    if change.revision > horizon:
                        break
                    await self._send_change(sink, change)
                    self._sent = change.revision
            except Compacted as compacted:
                await self._send_expired(sink, self._sent, compacted)
                return False
            await sink.drain()
            await asyncio.sleep(0)
        return not self._ended

    async def _send_change(self, sink: Sink, change: Change) -> None:
        """Send an object's change as the reach was before it, then what changes with the reach."""
        if change.key.startswith(self._prefix):
            made = self._frame(Event(change))
            if made is not None:
                sink.write(made)
        cluster = self._over.about(change.key)
        if cluster is None:
            return
        snapshot = await self._store.snapshot(change.revision)
        if cluster:
            after = {cluster: self._narrowed(await self._over.parts_in(snapshot, cluster))}
        else:
            after = await self._all_parts(snapshot)
            after |= {one: () for one in self._parts if one not in after}
        moved = False
        for name in sorted(after):
            before = self._parts.get(name, ())
            if before != after[name]:
                moved = True
                await self._send_difference(sink, snapshot, before, after[name])
                self._place(name, after[name])
        if moved and self._bookmarks and not self._ended:
            sink.write(self._bookmark(change.revision, None))

    async def _send_difference(self, sink: Sink, snapshot: Snapshot, before: Parts, after: Parts) -> None:
        """Send what has come into reach in one logical cluster, and what has left it."""
        for prefix in _widest([part.prefix for part in (*before, *after)]):
            position, end = prefix, prefix[:-1] + b"\x01"
            while not self._ended:
                rows = await snapshot.scan(position, end, PAGE)
                made = [frame for row in rows if (frame := self._moved(row, before, after)) is not None]
                if made:
                    sink.write(b"".join(made))
                await sink.drain()
                if len(rows) < PAGE:
                    break
                position = rows[-1].key + b"\x00"
                await asyncio.sleep(0)

    def _moved(self, row: Row, before: Parts, after: Parts) -> bytes | None:
        served = self._served
        left, come = _covering(before, row.key), _covering(after, row.key)
        if left == come:
            return None
        obj = served.decode(row.value, row.revision)
        was = left is not None and self._selects(left, obj)
        now = come is not None and self._selects(come, obj)
        if was == now:
            return None
        form = self._representation
        body = form.frame(served, row.value, row.revision, self._first)
        self._first = False
        return form.event(ADDED if now else DELETED, body)


def _covering(parts: Parts, key: bytes) -> Part | None:
    for part in parts:
        if key.startswith(part.prefix):
            return part
    return None


def _widest(prefixes: Iterable[bytes]) -> list[bytes]:
    """Ranges without those that lie in others, in order."""
    found: list[bytes] = []
    for prefix in sorted(set(prefixes)):
        if not found or not prefix.startswith(found[-1]):
            found.append(prefix)
    return found
