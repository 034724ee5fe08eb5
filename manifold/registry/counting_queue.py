"""Writes that a limit covers, while they wait to be admitted together (`manifold.registry.counting`).

All that wait in one logical cluster stand in one queue, and whoever has its turn decides for as many as fit into one
commit: none of them may depend on what another one of them writes, and the usage of each limit is written once for all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from manifold.base import errors
from manifold.registry.limits import Created, Limit, admit
from manifold.registry.served import Served
from manifold.storage.contract import MAX_BYTES, MAX_GUARDS, MAX_WRITES, Guard, Write


@dataclass(slots=True, eq=False)
class Waiter:
    """A commit that waits: which `objects` it creates and removes, its `size` in bytes; then the revision of its first
    write, or why there is none.
    """

    writes: Sequence[Write]
    guards: Sequence[Guard]
    objects: Sequence[Created]
    size: int
    revision: int = 0
    error: Exception | None = None

    @property
    def decided(self) -> bool:
        """Whether it waits no longer."""
        return bool(self.revision) or self.error is not None


@dataclass(slots=True, eq=False, weakref_slot=True)
class Queue:
    """Those that wait in one logical cluster; `holder` is who has the turn to decide."""

    waiting: deque[Waiter] = field(default_factory=deque)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    holder: asyncio.Task[Any] | None = None

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Wait for the turn in this queue; whoever has it need not wait again."""
        task = asyncio.current_task()
        if self.holder is task:
            yield
            return
        async with self.lock:
            self.holder = task
            try:
                yield
            finally:
                self.holder = None


class Batch:
    """Writes that go into one commit. None of them depends on what another one writes."""

    def __init__(self, limits: list[Limit], quotas: Served) -> None:
        self.waiters: list[Waiter] = []
        self._limits = limits
        self._quotas = quotas
        self._own = {limit.key for limit in limits}
        self._guards: dict[bytes, Guard] = {limit.key: limit.guard() for limit in limits}
        self._written: set[bytes] = set()
        self._writes = len(limits)
        self._size = sum(2 * len(limit.row.value) for limit in limits if limit.row is not None) + 256 * len(limits)
        self._closed = False

    def takes(self, waiter: Waiter) -> bool:
        """Whether one more fits."""
        if self._closed or self._writes + len(waiter.writes) > MAX_WRITES or self._size + waiter.size > MAX_BYTES:
            return False
        new = 0
        for guard in waiter.guards:
            if guard.end and any(guard.key <= key < guard.end for key in self._written):
                return False
            known = self._guards.get(guard.key)
            if guard.key in self._written or (known is not None and known != guard and guard.key not in self._own):
                return False
            new += known is None
        if self._own.intersection(write.key for write in waiter.writes) and self.waiters:
            return False
        if self._written.intersection(write.key for write in waiter.writes):
            return False
        return len(self._guards) + new <= MAX_GUARDS

    def add(self, waiter: Waiter) -> errors.StatusError | None:
        """Admit one, or say why not."""
        refusal = admit(self._limits, waiter.objects, waiter.writes)
        if refusal is not None:
            return refusal
        self.waiters.append(waiter)
        written = {write.key for write in waiter.writes}
        if self._own & written:
            # It changes a limit itself: what it writes stands, and nobody is decided by the old one with it.
            self._limits = [limit for limit in self._limits if limit.key not in written]
            self._closed = True
        for guard in waiter.guards:
            self._guards[guard.key] = guard
        self._written |= written
        self._writes += len(waiter.writes)
        self._size += waiter.size
        return None

    def commit(self) -> tuple[list[Write], list[Guard]]:
        """The commit of all."""
        writes = [write for waiter in self.waiters for write in waiter.writes]
        writes += [limit.write(self._quotas) for limit in self._limits if limit.changed]
        return writes, list(self._guards.values())
