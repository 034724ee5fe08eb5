"""Second attempts: what fails on its guards is computed anew, so that no client sees a conflict it did not ask for.

A first attempt waits for nobody. Who has met another writer of the same object takes a place in the line for it, and
whoever comes then goes behind: so each of many writers has its turn, in the order they came, and none computes in vain
again and again while others pass it. What a write shares with those that write other objects (the namespace it is in,
the owners it names) has no line: there it waits a little longer each time, and gives up only after `PATIENCE`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from manifold.storage.contract import GuardFailed

PATIENCE = 10.0
"""Seconds of attempts, the wait in a line not counted, after which a write is given up."""
FIRST_PAUSE = 0.002
LONGEST_PAUSE = 0.1

Answer = TypeVar("Answer")
Once = Callable[[int], Awaitable[Answer]]
"""One attempt, given how many have failed; raises GuardFailed where what it was computed from has changed."""


@dataclass(slots=True)
class _Line:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Lines:
    """The lines of a process, by the key of what is written; there are only those that somebody stands in."""

    def __init__(self) -> None:
        self._lines: dict[bytes, _Line] = {}

    def __contains__(self, key: bytes) -> bool:
        """Whether somebody stands in the line for a key."""
        return key in self._lines

    @asynccontextmanager
    async def place(self, key: bytes) -> AsyncIterator[None]:
        """Wait in the line for a key, and have the turn."""
        line = self._lines.setdefault(key, _Line())
        line.length += 1
        try:
            async with line.lock:
                yield
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[key]


async def in_line(once: Once[Answer], place: AbstractAsyncContextManager[None], wait: bool) -> Answer:
    """Attempt something until it succeeds: at first, unless told to `wait`, without the place in the line that all
    others have. Raises GuardFailed after `PATIENCE`, and what `once` raises.
    """
    failed = 0
    if not wait:
        try:
            return await once(0)
        except GuardFailed:
            failed = 1
    async with place:
        return await repeatedly(once, failed)


async def repeatedly(once: Once[Answer], failed: int = 0) -> Answer:
    """Attempt something that has `failed` so often until it succeeds. Raises GuardFailed after `PATIENCE`."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return await once(failed)
        except GuardFailed:
            if time.monotonic() > end:
                raise
        await asyncio.sleep(random.random() * min(FIRST_PAUSE * (1 << min(failed, 10)), LONGEST_PAUSE))
        failed += 1
