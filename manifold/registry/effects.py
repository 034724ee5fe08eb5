"""What else a write of some types does, in the same commit.

The layers above register effects for their types: a new namespace brings its service account, a new workspace its
content, a deletion leaves a work row. Effects add writes and guards to the plan of the commit; they do not commit
themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from manifold.base import keys
from manifold.base.user import User
from manifold.registry.served import Served
from manifold.storage.contract import Guard, Snapshot, Write
from manifold.types.resource import Object


@dataclass(slots=True)
class Plan:
    """A commit in the making. The object's own write is put in front when it is committed.

    `pointers` are rows that only say where to look or that there is work, by their key (None: the row goes). One too
    many does no harm, so they are written around the commit where they would make it too large.
    """

    snapshot: Snapshot
    writes: list[Write] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    pointers: dict[bytes, bytes | None] = field(default_factory=dict)

    def put(self, key: bytes, value: bytes) -> None:
        """Write a row beside the object."""
        self.writes.append(Write(key, value))

    def create(self, key: bytes, value: bytes) -> None:
        """Write a row beside the object that must not exist yet."""
        self.guards.append(Guard(key, 0))
        self.writes.append(Write(key, value))

    def point(self, key: bytes, value: bytes) -> None:
        """Write a pointer; twice is once."""
        self.pointers[key] = value

    def vacant(self, prefix: bytes) -> None:
        """Bind the commit to there being nothing in a range that was found empty."""
        self.guards.append(Guard(prefix, 0, keys.after(prefix)))

    def clear(self, key: bytes) -> None:
        """Delete a pointer, which must be there."""
        self.pointers[key] = None

    def delete(self, key: bytes) -> None:
        """Delete a row beside the object."""
        self.writes.append(Write(key, None))


@dataclass(frozen=True, slots=True)
class Operation:
    """Who writes what, where. `manager` is the field manager's name, `now` the time of the request."""

    user: User
    cluster: str
    served: Served
    namespace: str
    name: str
    subresource: str
    manager: str
    now: datetime


class Effects:
    """What else happens when an object of some type is written. The base class does nothing.

    `grace_period`: whether an object that waits for its end says that its grace period is over; `counts_deletion`:
    whether that it is to go counts as a change of what is wanted (metadata.generation). `in_turn`: clients' writes in
    one logical cluster are made one after the other, because all of them change one row.
    """

    in_turn = False
    grace_period = True
    counts_deletion = True

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """An object is about to be created; `new` may be completed."""

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """An object is about to be updated."""

    async def deleting(self, operation: Operation, old: Object, plan: Plan) -> bool:
        """An object is asked to go. True keeps it for now: it is written with its deletion timestamp.

        `old` may be completed (a phase, a finalizer). Called again for each further request to delete it.
        """
        return False

    async def removing(self, operation: Operation, old: Object, plan: Plan) -> None:
        """An object is about to disappear, by a deletion or by losing its last finalizer."""

    def finished(self, obj: Object) -> bool:
        """Whether an object with a deletion timestamp and without finalizers may disappear."""
        return True


NO_EFFECTS = Effects()
EffectsByType = Mapping[tuple[str, str], Effects]
"""Effects by (group, resource)."""
