"""The bytes of a connection after both ends have agreed to speak something else than HTTP (RFC 9110, section 7.8).

What a client sends behind its request to upgrade waits here, bounded, until somebody reads it: the connection is not
read from while there is more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

WAITING = 64 << 10
"""Bytes of the client's that may wait to be read."""


class Flow(Protocol):
    """How a connection is held back."""

    def pause_reading(self) -> None:
        """Read no more from the client."""

    def resume_reading(self) -> None:
        """Read on."""

    async def drain(self) -> None:
        """Wait until the client has taken most of what was written."""


class Tunnel:
    """One client's end. `finish` is called once, when nothing more is to be sent."""

    def __init__(self, transport: asyncio.Transport, flow: Flow, early: bytes) -> None:
        self._transport = transport
        self._flow = flow
        self._buffer = bytearray(early)
        self._arrived = asyncio.Event()
        self._lost = False
        self.finish: Callable[[], None] = transport.close
        if early:
            self._arrived.set()

    def feed(self, data: bytes) -> None:
        """Take what the client has sent."""
        self._buffer += data
        self._arrived.set()
        if len(self._buffer) > WAITING:
            self._flow.pause_reading()

    def lose(self) -> None:
        """The connection is gone."""
        self._lost = True
        self._arrived.set()

    async def read(self) -> bytes:
        """What the client has sent since the last call; waits for it. Empty: nothing more comes."""
        while not self._buffer:
            if self._lost:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._buffer)
        self._buffer.clear()
        self._flow.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Send bytes to the client, and wait where it is slow."""
        self._transport.write(data)
        await self._flow.drain()
