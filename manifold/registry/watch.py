"""One watch: what was there, what happened since, what happens.

A watch starts by subscribing, so that nothing can fall between the past and the present; then it sends the past (the
objects as they are, or the log from a revision on) while events of the present wait in line; then it is live, and an
event goes straight to the connection inside the commit's own callback. A reader that cannot keep up is cut between
two events, and the stream ends cleanly, so that the client resumes from where it was (API conventions, "Efficient
detection of changes"; KEP-3157 for initial events, KEP-956 for bookmarks).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from manifold.base import errors, keys
from manifold.registry.hub import ADDED, DELETED, MODIFIED, Event, Hub
from manifold.registry.lists import FIRST_PAGE, SLICE_SECONDS, page_size
from manifold.registry.representation import Representation
from manifold.registry.selection import Selection
from manifold.registry.served import Served
from manifold.storage.contract import Change, Compacted, Snapshot, Store
from manifold.types.resource import Object

PAGE = 250
"""Changes of the log that are read at once."""
MAX_WAITING = 8 << 20
"""Bytes that may wait for a slow reader before its watch is cut."""
BOOKMARK_SECONDS = 60.0
FUTURE_SECONDS = 3.0
INITIAL_END = {"k8s.io/initial-events-end": "true"}


class Sink(Protocol):
    """Where the frames of a watch go."""

    @property
    def direct(self) -> bool:
        """Whether `write` reaches the connection by itself, without a `drain` after it."""

    @property
    def paused(self) -> bool:
        """Whether the connection has as much unsent as it should."""

    def write(self, data: bytes) -> None:
        """Send bytes; never blocks."""

    async def drain(self) -> None:
        """Wait until what was written is on its way."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a watch begins.

    `revision`: after this one; 0 where the client named none or `0`. `initial`: send what exists first. `announce`:
    send the bookmark that ends the initial events.
    """

    revision: int
    initial: bool
    announce: bool


class _Slices:
    """Frames of the past on their way to a sink, some milliseconds' work at a time."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._made: list[bytes] = []
        self._due = time.perf_counter() + SLICE_SECONDS

    def add(self, frame: bytes) -> None:
        """Take a frame, to be sent with its neighbours."""
        self._made.append(frame)

    async def turn(self) -> None:
        """To be called before every piece of work: where this has gone on for long, others have their turn."""
        if time.perf_counter() > self._due:
            await self.send()

    async def send(self) -> None:
        """Send what there is, and let the loop go on."""
        if self._made:
            self._sink.write(b"".join(self._made))
            self._made.clear()
        await self._sink.drain()
        await asyncio.sleep(0)
        self._due = time.perf_counter() + SLICE_SECONDS


class Watch:
    """A subscription with its past. Made by the registry, run once by whoever holds the connection."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        served: Served,
        prefix: bytes,
        selection: Selection,
        representation: Representation,
        start: Start,
        *,
        bookmarks: bool,
        seconds: float,
        visible: Callable[[bytes], bool] | None = None,
    ) -> None:
        self._store = store
        self._hub = hub
        self._served = served
        self._prefix = prefix
        self._selection = selection
        self._everything = selection.everything
        self._representation = representation
        self._start = start
        self._bookmarks = bookmarks
        self._seconds = seconds
        self._visible = visible
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._burst: list[bytes] = []
        self._captured: list[Event] | None = []
        self._captured_bytes = 0
        self._first = True
        self._ended = False
        self._sink: Sink | None = None
        self._waker: asyncio.Future[None] | None = None

    @property
    def served(self) -> Served:
        """The type as this watch shows it."""
        return self._served

    @property
    def ended(self) -> bool:
        """Whether the stream is over."""
        return self._ended

    def end(self) -> None:
        """End the stream at the next event boundary."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        waker = self._waker
        if waker is not None and not waker.done():
            waker.set_result(None)

    # ---- events ----------------------------------------------------------

    def offer(self, event: Event) -> bool:
        """Take an event from the hub: to be sent at once (True), or kept until the past has been sent."""
        if self._ended:
            return False
        if self._captured is not None:
            self._captured.append(event)
            self._captured_bytes += len(event.value or b"") + len(event.previous or b"")
            if self._captured_bytes > MAX_WAITING:
                self.end()
            return False
        try:
            made = self._frame(event)
        except errors.StatusError as refusal:
            made = self._refused(refusal)
        if made is None:
            return False
        self._burst.append(made)
        return len(self._burst) == 1

    def flush(self) -> None:
        """Send the events offered since the last call, in one write; they wait where the reader is slow."""
        burst = self._burst
        made = burst[0] if len(burst) == 1 else b"".join(burst)
        burst.clear()
        sink = self._sink
        if sink is not None and sink.direct and not self._waiting and not sink.paused:
            sink.write(made)
            return
        self._waiting.append(made)
        self._waiting_bytes += len(made)
        if self._waiting_bytes > MAX_WAITING:
            self.end()
        self._wake()

    def _frame(self, event: Event) -> bytes | None:
        served = self._served
        if self._visible is not None and not self._visible(event.key):
            return None
        if self._everything:
            kind = event.kind
        else:
            new, old = event.new(served), event.old(served)
            now = new is not None and self._selection.matches(served, new)
            before = old is not None and self._selection.matches(served, old)
            if not now and not before:
                return None
            kind = (MODIFIED if before else ADDED) if now else DELETED
        made = event.frame(served, kind, self._representation, self._first)
        self._first = False
        return made

    def _refused(self, refusal: errors.StatusError) -> bytes:
        """The last event of a watch of objects that cannot be shown."""
        self.end()
        return self._error(refusal)

    # ---- the stream ------------------------------------------------------

    async def run(self, sink: Sink) -> None:
        """Send the stream until it ends: by time, by `end`, or because the reader is too slow."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._seconds
        self._sink = sink
        self._subscribe()
        try:
            horizon = self._hub.revision
            if await self._send_past(sink, horizon, deadline):
                await self._live(sink, deadline)
        except errors.StatusError as refusal:
            sink.write(self._refused(refusal))
            await sink.drain()
        finally:
            self._unsubscribe()
            self._ended = True

    def _subscribe(self) -> None:
        self._hub.subscribe(self._prefix, self)

    def _unsubscribe(self) -> None:
        self._hub.unsubscribe(self._prefix, self)

    async def _send_past(self, sink: Sink, horizon: int, deadline: float) -> bool:
        """Send what lies before `horizon`, then what was captured meanwhile. False: the stream is over."""
        start = self._start
        reached = horizon
        if start.initial:
            if start.revision > horizon and not await self._reach(sink, start.revision, deadline):
                return False
            reached = await self._send_state(sink)
            if start.announce:
                self._announce(sink, reached)
        elif start.revision > horizon:
            if not await self._reach(sink, start.revision, deadline):
                return False
            reached = start.revision
        elif start.revision and start.revision < horizon and not await self._send_log(sink, start.revision, horizon):
            return False
        captured, self._captured = self._captured or [], None
        for event in captured:
            if event.revision > reached:
                made = self._frame(event)
                if made is not None:
                    sink.write(made)
        await sink.drain()
        return not self._ended

    def _announce(self, sink: Sink, revision: int) -> None:
        sink.write(self._bookmark(revision, INITIAL_END))

    async def _reach(self, sink: Sink, revision: int, deadline: float) -> bool:
        loop = asyncio.get_running_loop()
        until = min(deadline, loop.time() + FUTURE_SECONDS)
        while self._hub.revision < revision and not self._ended:
            left = until - loop.time()
            if left <= 0:
                if until < deadline:
                    self._send_error(sink, errors.future_revision(revision, self._hub.revision))
                    await sink.drain()
                return False
            await self._pause(min(left, 0.05))
        return not self._ended

    async def _send_state(self, sink: Sink) -> int:
        snapshot = await self._store.snapshot()
        await self._send_range(sink, snapshot, self._prefix, self._selection)
        return snapshot.revision

    async def _send_range(self, sink: Sink, snapshot: Snapshot, prefix: bytes, selection: Selection) -> None:
        """Send an ADDED for each selected object of a range."""
        served, representation = self._served, self._representation
        position, end = prefix, keys.after(prefix)
        everything, traces = selection.everything, selection.traces()
        size = FIRST_PAGE
        slices = _Slices(sink)
        while not self._ended:
            rows = await selection.scan(snapshot, served, position, end, size)
            for row in rows:
                await slices.turn()
                if self._visible is not None and not self._visible(row.key):
                    continue
                if not everything:
                    if any(trace not in row.value for trace in traces):
                        continue
                    if not selection.matches(served, served.decode(row.value, row.revision)):
                        continue
                body = representation.frame(served, row.value, row.revision, self._first)
                self._first = False
                slices.add(representation.event(ADDED, body))
            await slices.send()
            if len(rows) < size:
                break
            position = rows[-1].key + b"\x00"
            size = page_size(rows)

    async def _send_log(self, sink: Sink, after: int, horizon: int) -> bool:
        prefix = self._prefix
        slices = _Slices(sink)
        while after < horizon and not self._ended:
            try:
                changes: Sequence[Change] = await self._store.changes(after, PAGE)
            except Compacted as compacted:
                await self._send_expired(sink, after, compacted)
                return False
            if not changes:
                break
            for change in changes:
                if change.revision > horizon:
                    break
                if change.key.startswith(prefix):
                    await slices.turn()
                    made = self._frame(Event(change))
                    if made is not None:
                        slices.add(made)
            after = changes[-1].revision
            await slices.send()
        return True

    async def _send_expired(self, sink: Sink, after: int, compacted: Compacted) -> None:
        self._send_error(sink, errors.expired(f"too old resource version: {after} ({compacted.oldest})"))
        await sink.drain()

    async def _follow(self, sink: Sink) -> bool:
        """Do what an event was waiting for that cannot be done while it is offered. False: the stream is over."""
        return True

    async def _live(self, sink: Sink, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        bookmark = loop.time() + BOOKMARK_SECONDS if self._bookmarks else deadline
        while not self._ended:
            while self._waiting:
                data = b"".join(self._waiting)
                self._waiting.clear()
                self._waiting_bytes = 0
                sink.write(data)
                await sink.drain()
            if not await self._follow(sink):
                return
            now = loop.time()
            if now >= deadline or self._ended:
                return
            if now >= bookmark:
                sink.write(self._bookmark(self._hub.revision, None))
                await sink.drain()
                bookmark = loop.time() + BOOKMARK_SECONDS
                continue
            await self._pause(min(bookmark, deadline) - now)

    async def _pause(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._waker = waker = loop.create_future()
        timer = loop.call_later(seconds, self._wake)
        try:
            if not self._ended and not self._waiting:
                await waker
        finally:
            timer.cancel()
            self._waker = None

    def _bookmark(self, revision: int, annotations: dict[str, str] | None) -> bytes:
        metadata: Object = {"resourceVersion": str(revision)}
        if annotations:
            metadata["annotations"] = annotations
        form = self._representation
        made = form.event(b"BOOKMARK", form.bookmark(self._served, metadata, self._first))
        self._first = False
        return made

    def _error(self, refusal: errors.StatusError) -> bytes:
        form = self._representation
        return form.event(b"ERROR", form.status(refusal))

    def _send_error(self, sink: Sink, refusal: errors.StatusError) -> None:
        sink.write(self._error(refusal))
