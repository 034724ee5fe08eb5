"""One request and its response: what is read of the one and how the other is written.

A response head waits for the first part of its body and leaves with it, in one TLS record and one system call; a
streamed response whose body keeps waiting is sent at the end of the loop's turn, so that a watch without events begins.
Header names must be lower case, as ASGI demands.

A watch starts as any response does and then writes past ASGI (`Direct`), where a message would cost more than the event
it carries.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Protocol, cast

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle
from uvicorn.server import ServerState

from manifold.server.tunnel import Tunnel

_JOINED = 64 << 10  # bodies up to this size are copied behind their head, larger ones are written after it
_CLOSE = (b"connection", b"close")
_FRAMING = frozenset((b"content-length", b"connection", b"transfer-encoding"))


class Direct(Protocol):
    """What `extensions["transport"]` offers once the response has started without a Content-Length."""

    @property
    def direct(self) -> bool:
        """True: `write` reaches the connection by itself, no `drain` is needed after it."""

    @property
    def paused(self) -> bool:
        """Whether more than `manifold.server.transport.HIGH_WATER` bytes wait to be sent."""

    @property
    def closing(self) -> bool:
        """Whether the connection is gone or going; what is written is lost."""

    def write(self, data: bytes) -> None:
        """Send `data` as one HTTP chunk. Never blocks, never raises for a connection that is gone."""

    def write_chunks(self, chunks: bytes) -> None:
        """Send bytes that are HTTP chunks already (see `chunk`): for what is made once and sent to many."""

    async def drain(self) -> None:
        """Wait until less than the low-water mark waits to be sent, or the connection is gone."""

    def switch(self, headers: Iterable[tuple[bytes, bytes]]) -> Tunnel | None:
        """Answer 101 to a request to upgrade, and speak on as agreed; None where that was not asked for. Instead of a
        response; `Tunnel.finish` ends it.
        """


def chunk(data: bytes) -> bytes:
    """`data` as a chunk of HTTP/1.1's chunked transfer coding (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class State(ServerState):
    """What all connections of a server share. `date` is the Date header line, kept current by the server."""

    def __init__(self) -> None:
        super().__init__()
        self.date = b""
        self.stopping = False


class Carrier(Protocol):
    """What an exchange needs of the connection it is on."""

    transport: asyncio.Transport
    flow: FlowControl
    loop: asyncio.AbstractEventLoop
    logger: logging.Logger
    state: State
    tunnel: Tunnel | None
    expect_100_continue: bool

    def on_response_complete(self) -> None:
        """The response is with the transport; the next request may begin."""


def _nothing() -> None:
    """Takes the place of the connection's callback when a request is over, so that the two let go of each other."""


class Exchange(RequestResponseCycle):
    """A request and its response; as `extensions["transport"]` also the direct way to the connection."""

    direct = True

    def __init__(self, connection: Carrier, scope: dict[str, Any], keep_alive: bool) -> None:
        # uvicorn's own constructor takes each of these by keyword; this runs for every request.
        self.scope = cast(Any, scope)  # uvicorn types its own scope without extensions
        self.transport = connection.transport
        self.flow = connection.flow
        self.logger = connection.logger
        self.access_log = False
        self.default_headers = []
        self.message_event = asyncio.Event()
        self.on_response = connection.on_response_complete
        self.disconnected = False
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = connection.expect_100_continue
        self.body = bytearray()
        self.more_body = True
        self.response_started = False
        self.response_complete = False
        self.chunked_encoding = None
        self.expected_content_length = 0
        self.connection = connection
        self.chunked = True
        self.without_body = False
        self.head: bytes | None = None

    @property
    def paused(self) -> bool:
        """See `Direct`."""
        return self.flow.write_paused

    @property
    def closing(self) -> bool:
        """See `Direct`."""
        return self.disconnected or self.transport.is_closing()

    def write(self, data: bytes) -> None:
        """See `Direct`."""
        self.write_chunks(b"%x\r\n%b\r\n" % (len(data), data))

    def write_chunks(self, chunks: bytes) -> None:
        """See `Direct`."""
        if self.disconnected:
            return
        if self.head is not None:
            chunks = self.head + chunks
            self.head = None
        self.transport.write(chunks)

    async def drain(self) -> None:
        """See `Direct`."""
        await self.flow.drain()

    def switch(self, headers: Iterable[tuple[bytes, bytes]]) -> Tunnel | None:
        """See `Direct`."""
        tunnel = self.connection.tunnel
        if tunnel is None or self.disconnected or self.response_started:
            return None
        self.response_started = True
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\n%b\r\n" % lines)
        tunnel.finish = self._finish_switched
        return tunnel

    def _finish_switched(self) -> None:
        self.response_complete = True
        self.message_event.set()
        self.transport.close()

    async def run_asgi(self, app: Any) -> None:  # an ASGI application, typed by uvicorn only
        """Run the application on this request. It is cancelled only when the server stops, which is no fault of it."""
        try:
            await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            self.transport.close()
        except Exception:
            self.logger.exception("a request failed in a way nobody foresaw")
            await self._fail()
        else:
            if not self.response_complete and not self.disconnected:
                self.logger.error("a request was left without its whole response")
                await self._fail()
        finally:
            # What refers in a circle would have to be found by the garbage collector, once per request.
            self.on_response = _nothing
            self.scope.pop("extensions")

    async def _fail(self) -> None:
        """Answer 500 where nothing has been answered yet, and close: the client must not take the rest for whole."""
        if not self.response_started:
            text = b"Internal Server Error"
            length = (b"content-length", b"%d" % len(text))
            plain = (b"content-type", b"text/plain; charset=utf-8")
            await self.send({"type": "http.response.start", "status": 500, "headers": [plain, length, _CLOSE]})
            await self.send({"type": "http.response.body", "body": text})
        else:
            self.transport.close()

    async def send(self, message: Any) -> None:  # an ASGI event, typed by uvicorn only
        """The application's `send`. What is wrong in a message is the application's bug and raises RuntimeError."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.body":
            if not self.response_started or self.response_complete:
                raise RuntimeError("a response body outside its response")
            self._send_body(message.get("body", b""), message.get("more_body", False))
        elif message["type"] == "http.response.start":
            if self.response_started:
                raise RuntimeError("a response was started twice")
            self._send_head(message["status"], message.get("headers", ()))
        else:
            raise RuntimeError(f"an ASGI message that is not understood: {message['type']}")

    def _send_head(self, status: int, headers: Any) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        parts = [STATUS_LINE[status], self.connection.state.date]
        lines = 2 if parts[1] else 1
        length = -1
        for name, value in headers:
            if name in _FRAMING:
                if name == b"content-length":
                    length = int(value)
                else:
                    if name == b"connection" and value.lower() == b"close":
                        self.keep_alive = False
                    continue
            parts += (name, b": ", value, b"\r\n")
            lines += 1
        self.without_body = status in (204, 304) or status < 200 or self.scope["method"] == "HEAD"
        if length >= 0:
            self.chunked = False
            self.expected_content_length = length
        elif self.without_body:
            self.chunked = False
        elif self.chunked:
            parts.append(b"transfer-encoding: chunked\r\n")
            lines += 1
        else:
            self.expected_content_length = -1  # HTTP/1.0: the body ends with the connection
        if self.connection.state.stopping:
            self.keep_alive = False
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
            lines += 1
        head = b"".join(parts)
        if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
            self.response_started = False
            raise RuntimeError("a response header contains a line break")
        self.head = head + b"\r\n"
        if length < 0 and not self.without_body:
            self.connection.loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Send the head alone, if nothing has taken it along yet."""
        if self.head is not None and not self.disconnected:
            self.transport.write(self.head)
            self.head = None

    def _send_body(self, body: bytes, more: bool) -> None:
        if self.without_body:
            body = b""
        elif self.chunked:
            if body:
                body = b"%x\r\n%b\r\n" % (len(body), body) if more else b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
            elif not more:
                body = b"0\r\n\r\n"
        elif self.expected_content_length >= 0:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0 or (not more and self.expected_content_length):
                raise RuntimeError("a response body is not as long as its Content-Length says")
        if self.head is not None:
            head, self.head = self.head, None
            if len(body) <= _JOINED:
                self.transport.write(head + body)
            else:
                self.transport.writelines((head, body))
        elif body:
            self.transport.write(body)
        if not more:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()
