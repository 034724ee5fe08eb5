"""One connection: HTTP/1.1 on uvicorn's httptools protocol, with what an API server needs beyond it.

Guarantees to the application, in the ASGI scope of every request:

- `extensions["tls"]["client_certificate"]`: the verified client certificate in DER, or None.
- `extensions["transport"]`: the way of watch frames around ASGI (`Direct` below). Only HTTP/1.1 has it, because it
  writes chunks.

A response head waits for the first part of its body and leaves with it, in one TLS record and one system call; a
streamed response whose body keeps waiting is sent at the end of the loop's turn, so that a watch without events begins.
Header names must be lower case, as ASGI demands.

Nobody keeps a connection busy for ever: heads and bodies that trickle in, idle connections and readers that stopped
reading are closed by one sweep over all connections every few seconds (`Connection.overdue`). uvicorn arms and cancels
a timer per request instead, which costs more than it protects.
"""

from __future__ import annotations

import asyncio
import re
from asyncio import Transport
from collections.abc import Iterable
from typing import Any, Protocol, cast
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from manifold.server.tunnel import Tunnel

HEAD_LIMIT = 128 << 10
"""Bytes of request line and headers. Identity providers put hundreds of groups into one token."""
HIGH_WATER = 256 << 10
HEAD_SECONDS = 30.0
BODY_SECONDS = 60.0
IDLE_SECONDS = 90.0
STALLED_SECONDS = 60.0
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64} ")
"""A method as any HTTP may have it (RFC 9110, section 9.1), and what stands behind it."""
_STAND_IN = b"TRACE "
_JOINED = 64 << 10  # bodies up to this size are copied behind their head, larger ones are written after it


class Direct(Protocol):
    """What `extensions["transport"]` offers once the response has started without a Content-Length."""

    @property
    def direct(self) -> bool:
        """True: `write` reaches the connection by itself, no `drain` is needed after it."""

    @property
    def paused(self) -> bool:
        """Whether more than `HIGH_WATER` bytes wait to be sent."""

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


class Connection(HttpToolsProtocol):
    """A connection. Made by the loop for each that is accepted."""

    def __init__(self, config: Config, server_state: State, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self.state = server_state
        self.since = self.loop.time()
        self.head_bytes = 0
        self.in_head = True
        self.in_body = False
        self.stalled_since = 0.0
        self.heads = 0
        self.odd_method = ""
        self.tls: dict[str, bytes | None] = {"client_certificate": None}
        self.tunnel: Tunnel | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # asyncio types it as the base
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=HIGH_WATER)
        ssl_object = transport.get_extra_info("ssl_object")
        if ssl_object is not None:
            # OpenSSL has verified what it hands out: the context asks for certificates only when it knows a CA.
            self.tls = {"client_certificate": ssl_object.getpeercert(True)}
        if self.state.stopping:
            transport.close()

    def overdue(self, now: float) -> bool:
        """Whether this connection has kept the server waiting too long."""
        if self.stalled_since:
            return now - self.stalled_since > STALLED_SECONDS
        waited = now - self.since
        if self.in_body:
            return waited > BODY_SECONDS and not self.flow.read_paused
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        return waited > (HEAD_SECONDS if self.in_head else IDLE_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.tunnel is not None:
            self.tunnel.lose()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.tunnel is not None:
            self.tunnel.feed(data)
            return
        fresh = not self.in_body and not self.head_bytes
        heads = self.heads
        if not self.in_body:
            if not self.in_head:
                self.in_head = True
                self.since = self.loop.time()
            self.head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # What follows is not HTTP. It waits for whoever agrees to speak it; an ordinary answer ends the connection.
            self.cycle.keep_alive = False
            self.tunnel = Tunnel(self.transport, self.flow, data[upgrade.args[0] :])
        except httptools.HttpParserInvalidMethodError:
            found = _TOKEN.match(data)
            if found is None or self.odd_method or not fresh or heads != self.heads:
                self._refuse(400)
            else:
                # The parser knows its list of methods only. That there are others is told by who knows the resources.
                self.odd_method = found[0][:-1].decode("ascii")
                self.head_bytes = 0
                self.parser = httptools.HttpRequestParser(self)
                self.data_received(_STAND_IN + data[found.end() :])
            return
        except httptools.HttpParserError:
            self._refuse(400)
            return
        if self.in_head and self.head_bytes > HEAD_LIMIT:
            self._refuse(431)

    def _refuse(self, code: int) -> None:
        """Answer what cannot be parsed, unless an answer is on its way already, and close."""
        if not self.transport.is_closing():
            cycle = self.cycle
            if cycle is not None and not cycle.response_complete and not cycle.response_started and not self.pipeline:
                # A body that turned out broken: its request is over, whatever the application still says.
                cycle.disconnected = cycle.response_complete = True
                cycle.message_event.set()
            if cycle is None or cycle.response_complete:
                line = STATUS_LINE[code]
                text = line[9:-2]
                head = b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
                self.transport.write(line + head % len(text) + text)
            self.transport.close()

    def on_message_begin(self) -> None:
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        self.heads += 1
        self.in_head = False
        self.in_body = True
        self.head_bytes = 0
        self.since = self.loop.time()
        parser = self.parser
        version = parser.get_http_version()
        url = httptools.parse_url(self.url)
        raw_path = url.path
        path = raw_path.decode("ascii")
        if "%" in path:
            path = unquote(path)
        extensions: dict[str, object] = {"tls": self.tls}
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": "",
            "headers": self.headers,
            "method": self.odd_method or parser.get_method().decode("ascii"),
            "path": path,
            "raw_path": raw_path,
            "query_string": url.query or b"",
            "extensions": extensions,
        }
        self.odd_method = ""
        before = self.cycle
        cycle = Exchange(self, scope, version == "1.1" and parser.should_keep_alive() and not self.state.stopping)
        if version == "1.1":
            extensions["transport"] = cycle
        else:
            cycle.chunked = False
        self.cycle = cycle
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def on_message_complete(self) -> None:
        self.in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.since = self.loop.time()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        if not self.pipeline:
            self.flow.resume_reading()

    def pause_writing(self) -> None:
        self.stalled_since = self.loop.time()
        self.flow.pause_writing()

    def resume_writing(self) -> None:
        self.stalled_since = 0.0
        self.flow.resume_writing()


_ASGI = {"version": "3.0", "spec_version": "2.3"}
_CLOSE = (b"connection", b"close")
_FRAMING = frozenset((b"content-length", b"connection", b"transfer-encoding"))


def _nothing() -> None:
    """Takes the place of the connection's callback when a request is over, so that the two let go of each other."""


class Exchange(RequestResponseCycle):
    """A request and its response; as `extensions["transport"]` also the direct way to the connection."""

    direct = True

    def __init__(self, connection: Connection, scope: dict[str, Any], keep_alive: bool) -> None:
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
