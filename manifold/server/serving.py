"""The listening process: accept, sweep, stop.

Guarantees: `Server.stop` ends within its grace period whatever clients and handlers do; before that it stops accepting,
closes idle connections, tells responses under way to be the last on theirs, and lets handlers finish. uvicorn's own
server loop is not used because it wakes ten times a second, prints banners and exits the process by itself.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

from uvicorn.config import Config

from manifold.server.exchange import State
from manifold.server.transport import Connection

TICK_SECONDS = 1.0
SWEEP_TICKS = 5
HANDSHAKE_SECONDS = 10.0
SHUTDOWN_SECONDS = 2.0
CLOSING_SECONDS = 0.5  # how long peers may take to say goodbye when the server stops
BACKLOG = 2048

logger = logging.getLogger("manifold.server")


def tls_context(chain: Path, key: Path, client_authority: Path | None) -> ssl.SSLContext:
    """A server's TLS: 1.2 and later, HTTP/1.1 only, client certificates asked for where a CA for them is given.

    No session tickets: Kubernetes clients do not resume, and resuming would skip the check of a client certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(chain, key)
    if client_authority is not None:
        context.load_verify_locations(client_authority)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def bind(address: str, port: int) -> socket.socket:
    """A socket bound to `address` and `port` that does not listen yet. Raises OSError."""
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.family == socket.AF_INET6:
            # `::` serves IPv4 too, as Go's listeners do.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((address, port))
    except BaseException:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


class Server:
    """An ASGI application behind one listening socket."""

    def __init__(self, app: Any, context: ssl.SSLContext | None) -> None:  # an ASGI application, typed by uvicorn only
        self._config = Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            loop="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
        )
        self._config.load()
        self._context = context
        self._server: asyncio.AbstractServer | None = None
        self._ticker: asyncio.Task[None] | None = None
        self.state = State()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self.state.connections)

    async def start(self, listener: socket.socket, tick: Callable[[float], None] | None = None) -> None:
        """Listen. `tick` is called once a second with how many seconds the loop was late: its lag."""
        loop = asyncio.get_running_loop()
        self._set_date()
        tls: dict[str, Any] = {}
        if self._context is not None:
            tls = {
                "ssl": self._context,
                "ssl_handshake_timeout": HANDSHAKE_SECONDS,
                "ssl_shutdown_timeout": SHUTDOWN_SECONDS,
            }
        self._server = await loop.create_server(self._connection, sock=listener, backlog=BACKLOG, **tls)
        self._ticker = asyncio.create_task(self._tick(loop, tick))

    async def stop(self, grace: float) -> None:
        """Stop accepting, let requests under way finish for `grace` seconds, then cancel them and cut connections."""
        loop = asyncio.get_running_loop()
        self.state.stopping = True
        if self._ticker is not None:
            self._ticker.cancel()
        if self._server is not None:
            self._server.close()
        for connection in list(self.state.connections):
            connection.shutdown()
        if self.state.tasks:
            await asyncio.wait(set(self.state.tasks), timeout=grace)
        for task in list(self.state.tasks):
            task.cancel()
        end = loop.time() + CLOSING_SECONDS
        while self.state.connections and loop.time() < end:
            for connection in list(self.state.connections):
                connection.shutdown()
            await asyncio.sleep(0.02)
        for connection in list(self.state.connections):
            connection.transport.abort()

    def _connection(self) -> Connection:
        return Connection(self._config, self.state, {})

    def _set_date(self) -> None:
        self.state.date = b"date: %b\r\n" % formatdate(usegmt=True).encode()

    async def _tick(self, loop: asyncio.AbstractEventLoop, tick: Callable[[float], None] | None) -> None:
        """Once a second: the date, the loop's lag; every few seconds: connections that keep the server waiting."""
        # uvloop's own clock counts whole milliseconds, too coarse for the lag.
        due = time.monotonic()
        for count in range(1, 1 << 62):
            due = max(due + TICK_SECONDS, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            self._set_date()
            if tick is not None:
                tick(max(0.0, time.monotonic() - due))
            if count % SWEEP_TICKS == 0:
                self._sweep(loop.time())

    def _sweep(self, now: float) -> None:
        for connection in list(self.state.connections):
            if isinstance(connection, Connection) and connection.overdue(now):
                if connection.stalled_since:
                    connection.transport.abort()
                else:
                    connection.transport.close()
