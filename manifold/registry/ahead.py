"""Creations in the commit of another one: objects that come with what makes their place.

What is in a plan is not in the store yet. So the verb is computed on a snapshot that is ahead of the store by the
plan's own rows, and what it comes to joins the plan: rows that both write become one, and what it rests on among the
plan's own rows needs no guard, because they are written in the same instant. Admission, validation and effects are
those of any creation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from manifold.registry.create import make
from manifold.registry.effects import Plan
from manifold.registry.options import PLAIN_WRITE
from manifold.registry.writing import Environment, Target, default_manager
from manifold.storage.contract import Guard, Row, Snapshot, Write
from manifold.types.resource import Object

NOT_YET = -1
"""The revision of rows that are not in the store, and of a snapshot that sees some: no row and no snapshot of the store
ever has it, so that nothing that is remembered by revision is remembered of them.
"""


class Ahead:
    """A snapshot that sees some writes as well (implements `Snapshot`)."""

    def __init__(self, snapshot: Snapshot, writes: Sequence[Write]) -> None:
        self._snapshot = snapshot
        self._written = {write.key: write.value for write in writes}

    @property
    def revision(self) -> int:
        """None that the store has."""
        return NOT_YET

    def writes(self, key: bytes) -> bool:
        """Whether a row is among the writes."""
        return key in self._written

    async def get(self, key: bytes) -> Row | None:
        """See `Snapshot`."""
        if key not in self._written:
            return await self._snapshot.get(key)
        value = self._written[key]
        return None if value is None else Row(key, value, NOT_YET)

    async def scan(self, start: bytes, end: bytes, limit: int = 0) -> Sequence[Row]:
        """See `Snapshot`."""
        own = {key: value for key, value in self._written.items() if start <= key < end}
        rows = await self._snapshot.scan(start, end, limit + len(own) if limit else 0)
        found = [row for row in rows if row.key not in own]
        found += [Row(key, value, NOT_YET) for key, value in own.items() if value is not None]
        found.sort(key=lambda row: row.key)
        return found[:limit] if limit else found

    async def count(self, start: bytes, end: bytes, limit: int) -> int:
        """See `Snapshot`."""
        return len(await self.scan(start, end, limit))


async def create_within(environment: Environment, target: Target, obj: Object, plan: Plan, now: datetime) -> None:
    """Add the creation of `obj` (in stored form, with a name; owned by this call) to a plan that makes its place: the
    logical cluster and the namespace it lies in. Raises the refusals of any creation; the plan is then as it was.
    """
    # What the object rests on may have been written a moment ago. Guards are per row, so each may be of another moment.
    ahead = Ahead(await environment.store.snapshot(), plan.writes)
    operation = replace(environment.operation(target, default_manager(target.agent)), now=now)
    own = Plan(ahead)
    made = await make(environment, target, obj, PLAIN_WRITE, operation, own)
    own.guards.append(Guard(made.write.key, 0))
    places = {write.key: index for index, write in enumerate(plan.writes)}
    for write in (made.write, *own.writes):
        if write.key in places:
            plan.writes[places[write.key]] = write
        else:
            plan.writes.append(write)
    # Several of one provider rest on the same rows, and a commit has room for so many guards.
    found = dict.fromkeys(guard for guard in own.guards if not ahead.writes(guard.key))
    plan.guards += [guard for guard in found if guard not in plan.guards]
    plan.pointers.update(own.pointers)
