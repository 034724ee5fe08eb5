"""The watch hub: the process's one reader of the log, and who is told of what.

The store calls `publish` with every change before the commit that made it returns. Each object change becomes one
`Event`, and the event is offered to the watchers of the ranges its key lies in: type, cluster, namespace and the
object itself; and of the resource under every identity, while anybody watches such a range. Finding them costs a few
dictionary look-ups however many watchers there are. The bytes of an event are made once per representation and shared
by everyone who gets them. What a group of commits brings a watcher leaves in one write, because a write to a TLS
connection costs more than all the rest.

Bookmarks are never ahead of what was sent: a watcher that is up to date has been offered everything up to `revision`,
because offering happens inside the same call that advances it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from manifold.base import keys
from manifold.registry.representation import Representation
from manifold.registry.served import Served
from manifold.storage.contract import Change, Store
from manifold.types.resource import Object

ADDED, MODIFIED, DELETED = b"ADDED", b"MODIFIED", b"DELETED"


class Event:
    """One object change on its way to watchers, with what has been made of it so far."""

    __slots__ = ("_frames", "_new", "_old", "key", "previous", "revision", "value")

    def __init__(self, change: Change) -> None:
        self.revision = change.revision
        self.key = change.key
        self.value = change.value
        self.previous = change.previous
        self._frames: dict[tuple[bytes, str, int], bytes] = {}
        self._new: tuple[Served, Object] | None = None
        self._old: tuple[Served, Object] | None = None

    @property
    def kind(self) -> bytes:
        """ADDED, MODIFIED or DELETED for someone who sees every object."""
        if self.value is None:
            return DELETED
        return MODIFIED if self.previous is not None else ADDED

    def new(self, served: Served) -> Object | None:
        """The object after the change; None once deleted. Shared: readers must not change it."""
        if self.value is None:
            return None
        found = self._new
        if found is None or found[0] is not served:
            found = self._new = (served, served.decode(self.value, self.revision))
        return found[1]

    def old(self, served: Served) -> Object | None:
        """The object before the change; None where there was none."""
        if self.previous is None:
            return None
        found = self._old
        if found is None or found[0] is not served:
            found = self._old = (served, served.decode(self.previous, self.revision))
        return found[1]

    def frame(self, served: Served, kind: bytes, representation: Representation, first: bool) -> bytes:
        """The event's bytes in a representation; a deletion shows the last state at the revision of the deletion."""
        shared = representation.key
        identity = (kind, shared, id(served))
        if shared:
            made = self._frames.get(identity)
            if made is not None:
                return made
        value = self.previous if kind is DELETED else self.value
        if value is None:  # a deletion of what was never there cannot be in the log
            raise ValueError("an event without an object")
        made = representation.event(kind, representation.frame(served, value, self.revision, first))
        if shared:
            self._frames[identity] = made
        return made


class Subscriber(Protocol):
    """Who is told of events. Both methods must be quick and must not raise."""

    def offer(self, event: Event) -> bool:
        """Take note of an event of the range subscribed to. True: call `flush` when all events at hand were offered."""

    def flush(self) -> None:
        """Send on what was offered since the last call."""


class Hub:
    """Distributes the log to subscribers by key range."""

    def __init__(self, store: Store) -> None:
        self.revision = store.revision
        self._ranges: dict[bytes, set[Subscriber]] = {}
        self._count = 0
        self._of_rows = 0
        self._of_resources = 0
        store.listen(self.publish)

    @property
    def count(self) -> int:
        """How many subscriptions there are."""
        return self._count

    def subscribe(self, prefix: bytes, subscriber: Subscriber) -> None:
        """Offer `subscriber` every later event under `prefix`: one of the ranges of `manifold.base.keys`, or a whole
        key, of objects or of rows of an index.
        """
        self._ranges.setdefault(prefix, set()).add(subscriber)
        self._count += 1
        self._of_rows += prefix[:1] != keys.OBJECT
        self._of_resources += keys.is_of_resource(prefix)

    def unsubscribe(self, prefix: bytes, subscriber: Subscriber) -> None:
        """End a subscription; unknown ones are ignored."""
        members = self._ranges.get(prefix)
        if members is not None and subscriber in members:
            members.discard(subscriber)
            self._count -= 1
            self._of_rows -= prefix[:1] != keys.OBJECT
            self._of_resources -= keys.is_of_resource(prefix)
            if not members:
                del self._ranges[prefix]

    def publish(self, changes: Sequence[Change]) -> None:
        """Offer changes to their subscribers. Called by the store on the event loop."""
        ranges = self._ranges
        if not ranges:
            if changes:
                self.revision = changes[-1].revision
            return
        touched: list[Subscriber] = []
        for change in changes:
            self.revision = change.revision
            key = change.key
            event: Event | None = None
            if key[:1] == keys.OBJECT:
                end = key.index(b"\x00", key.index(b"\x00") + 1) + 1
                if not self._of_resources:
                    end = key.index(b"\x00", end) + 1
            elif self._of_rows and key[:1] == keys.INDEX:
                end = key.index(b"\x00") + 1
            else:
                continue
            while True:
                members = ranges.get(key[:end])
                if members:
                    if event is None:
                        event = Event(change)
                    for subscriber in tuple(members):
                        if subscriber.offer(event):
                            touched.append(subscriber)
                if end >= len(key):
                    break
                end = key.index(b"\x00", end) + 1
        for subscriber in touched:
            subscriber.flush()
