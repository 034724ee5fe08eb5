"""One connection: HTTP/1.1 on uvicorn's httptools protocol, with what an API server needs beyond it.

Guarantees to the application, in the ASGI scope of every request:

- `extensions["tls"]["client_certificate"]`: the verified client certificate in DER, or None.
- `extensions["transport"]`: the way of watch frames around ASGI (`manifold.server.exchange.Direct`). Only HTTP/1.1 has
  it, because it writes chunks.

Nobody keeps a connection busy for ever: heads and bodies that trickle in, idle connections and readers that stopped
reading are closed by one sweep over all connections every few seconds (`Connection.overdue`). uvicorn arms and cancels
a timer per request instead, which costs more than it protects.

What is said on a connection, one request and its response at a time, is in `manifold.server.exchange`.
"""

from __future__ import annotations

import re
from asyncio import Transport
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from manifold.server.exchange import Exchange, State
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
_ASGI = {"version": "3.0", "spec_version": "2.3"}


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
