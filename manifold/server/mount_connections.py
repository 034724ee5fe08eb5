"""Connections to mounted servers, and those among them that wait for another request.

Guarantees: a connection serves one request at a time. It waits for the next one only when both sides have said all
they had to say (RFC 9112, section 9.3): request and answer are complete, nothing is left to be read or sent, and
neither side has asked for the end. What arrives on a waiting connection, its end included, ends it at once, so that no
byte is taken for the answer to a request that came after it. How many wait is bounded, for one server and for all, and
so is how long; they are let go by one timer, which runs only while there are any.

A connection belongs to a host and a port as the URL of a mount names them. By what this server is known there, and whom
it believes, is the same for all connections of a process. Whom a request is made for is said in its own head.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import h11

CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 2.0
IDLE_SECONDS = 4.0
"""How long a connection waits for another request: less than servers usually do, so that they seldom end it first."""
FRESH_SECONDS = 1.0
"""How long at most one has waited that carries a request which must not be made twice."""
WAITING_PER_SERVER = 16
WAITING = 128
HEAD_LIMIT = 64 << 10
PIECE = 64 << 10

Place = tuple[str, int]
"""Host and port."""


class Connection(asyncio.StreamReaderProtocol):
    """A connection to a mounted server. `speech` is h11's end of it; `used` says that it has served a request."""

    def __init__(self, place: Place, waiting: WaitingConnections) -> None:
        import h11  # by the first request to a mount

        self._reader = asyncio.StreamReader(limit=PIECE)
        super().__init__(self._reader)
        self.place = place
        self.used = False
        self.since = 0.0
        self.speech: h11.Connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
        self._waiting = waiting
        self._writer: asyncio.StreamWriter | None = None
        self._fed = self._taken = 0
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        writing = cast(asyncio.Transport, transport)  # uvloop's own classes stand for it
        self._writer = asyncio.StreamWriter(writing, self, self._reader, asyncio.get_running_loop())

    def data_received(self, data: bytes) -> None:
        """Take what the server has sent; of a connection that waits nothing is expected."""
        if not self._waiting.lose(self):
            self._fed += len(data)
            super().data_received(data)

    def eof_received(self) -> bool | None:
        """The server sends no more."""
        self._over = True
        self._waiting.lose(self)
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._over = True
        self._waiting.lose(self)
        super().connection_lost(exc)

    @property
    def writer(self) -> asyncio.StreamWriter:
        """Where to write to."""
        assert self._writer is not None
        return self._writer

    @property
    def ended(self) -> bool:
        """Whether the server sends no more."""
        return self._over

    @property
    def taken(self) -> int:
        """How many bytes have been read."""
        return self._taken

    async def read(self) -> bytes:
        """What the server has sent since the last call; waits for it. Empty: nothing more comes."""
        data = await self._reader.read(PIECE)
        self._taken += len(data)
        return data

    def abort(self) -> None:
        """Break off. What has not been sent is lost."""
        self._over = True
        self.writer.transport.abort()

    def settle(self) -> bool:
        """Make ready for another request. False: there can be none on this connection."""
        import h11

        speech, transport = self.speech, self.writer.transport
        if self._over or transport.is_closing() or transport.get_write_buffer_size() or self._fed != self._taken:
            return False
        if speech.our_state is not h11.DONE or speech.their_state is not h11.DONE or speech.trailing_data[0]:
            return False
        speech.start_next_cycle()
        self.used = True
        return True


class WaitingConnections:
    """The connections that wait for another request. One per process."""

    def __init__(self) -> None:
        self._by_place: dict[Place, list[Connection]] = {}
        self._all: OrderedDict[Connection, None] = OrderedDict()  # those that have waited longest come first
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._all)

    async def open(self, place: Place, context: ssl.SSLContext) -> Connection:
        """A new connection. Raises what connecting raises."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_SECONDS):
            _, connection = await loop.create_connection(
                lambda: Connection(place, self), *place, ssl=context, ssl_shutdown_timeout=CLOSE_SECONDS
            )
        return connection

    def take(self, place: Place, repeatable: bool) -> Connection | None:
        """A connection that waits, the last one to be given back; it waits no longer. None where there is none.

        `repeatable`: the request it is for may be made again, if the server has just ended the connection.
        """
        most = asyncio.get_running_loop().time() - (IDLE_SECONDS if repeatable else FRESH_SECONDS)
        while known := self._by_place.get(place):
            connection = known[-1]
            if connection.since < most:
                return None
            self._remove(connection)
            if not connection.writer.transport.is_closing():
                return connection
        return None

    def give(self, connection: Connection) -> None:
        """Have a connection wait whose request has been answered, if it can; else it ends."""
        if not connection.settle():
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        known = self._by_place.setdefault(connection.place, [])
        connection.since = loop.time()
        known.append(connection)
        self._all[connection] = None
        if len(known) > WAITING_PER_SERVER:
            self.lose(known[0])
        elif len(self._all) > WAITING:
            self.lose(next(iter(self._all)))
        if self._timer is None:
            self._timer = loop.call_later(IDLE_SECONDS, self._sweep)

    def lose(self, connection: Connection) -> bool:
        """End a connection that waits. False: it does not wait."""
        if connection not in self._all:
            return False
        self._remove(connection)
        connection.abort()
        return True

    def close(self) -> None:
        """End all that wait."""
        while self._all:
            self.lose(next(iter(self._all)))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _remove(self, connection: Connection) -> None:
        del self._all[connection]
        known = self._by_place[connection.place]
        known.remove(connection)
        if not known:
            del self._by_place[connection.place]

    def _sweep(self) -> None:
        """End those that have waited long enough, and come back for the next."""
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._all:
            oldest = next(iter(self._all))
            left = oldest.since + IDLE_SECONDS - loop.time()
            if left > 0:
                self._timer = loop.call_later(left, self._sweep)
                return
            self.lose(oldest)
