"""The client side of a mount: one request to a mounted server, passed on as it comes and answered as it comes.

Guarantees: nothing is kept but the piece that is on its way; every wait has a limit, and so has the size of a head and
the number of requests under way; redirects are not followed; of the caller's headers only those in `PASSED_ON` go out,
so no credential that is meant for this server does; the mounted server is who its certificate says.

A connection serves one request after the other (`manifold.server.mount_connections`). Its server may have ended it
just as the next one goes out. Then a request that only reads, and has no body, is made once more, on a connection of
its own; no other is, because nobody can tell whether it has been acted upon (RFC 9110, section 9.2.2). A connection on
which anything has failed, or that is to be upgraded, serves no other request.

h11 speaks HTTP/1.1 here; it and TLS are loaded by the first request to a mount. What a mounted server does wrong is
`MountFailed` as long as the client has not been answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from manifold.server.mount_connections import Connection, WaitingConnections
from manifold.server.tunnel import Tunnel

SEND_SECONDS = 30.0
"""How long the mounted server may take to accept what is waiting to be sent."""
HEAD_SECONDS = 60.0
SILENCE_SECONDS = 60.0
"""How long an answer may pause that is no stream."""
STREAM_SECONDS = 3600.0
"""How long a stream (a watch, a followed log) may last, and anything else but an upgraded connection."""
UPGRADED_SECONDS = 4 * 3600.0
UNDER_WAY = 1000
"""Requests to mounted servers at once, in the whole process."""
READING = frozenset(("GET", "HEAD", "OPTIONS"))
"""The methods of requests that change nothing (RFC 9110, section 9.2.1)."""
PASSED_ON = frozenset(
    (
        b"accept",
        b"accept-encoding",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"if-match",
        b"if-none-match",
        b"kubectl-command",
        b"kubectl-session",
        b"traceparent",
        b"user-agent",
    )
)
UPGRADING = frozenset(
    (
        b"sec-websocket-extensions",
        b"sec-websocket-key",
        b"sec-websocket-protocol",
        b"sec-websocket-version",
        b"upgrade",
        b"x-stream-protocol-version",
    )
)
"""What goes out as well where a connection is to be upgraded."""
SWITCHED = frozenset(
    (
        b"connection",
        b"sec-websocket-accept",
        b"sec-websocket-extensions",
        b"sec-websocket-protocol",
        b"upgrade",
        b"x-stream-protocol-version",
    )
)
"""What of the agreement to upgrade reaches the client."""
ANSWERED = frozenset(
    (
        b"allow",
        b"audit-id",
        b"cache-control",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"etag",
        b"expires",
        b"last-modified",
        b"retry-after",
        b"vary",
        b"warning",
        b"x-content-type-options",
        b"x-kubernetes-pf-flowschema-uid",
        b"x-kubernetes-pf-prioritylevel-uid",
    )
)
"""What of a mounted server's headers reaches the client: no cookies, no credentials, nothing of one connection."""

Header = tuple[bytes, bytes]


class MountFailed(Exception):
    """The mounted server did not answer as it should. `late`: it took too long; else the text says what was wrong."""

    def __init__(self, why: str, late: bool = False) -> None:
        super().__init__(why)
        self.late = late


class _Unanswered(Exception):
    """A connection that had served a request before was ended by its server, without a word about this one."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to a mounted server: where (host and port, and the target of the request line), and what.

    `body` gives the pieces of the body, None where there is none; `stream` tells that the answer may pause. `switch`
    is there where the connection is to be upgraded: it tells the client that this was agreed to, and gives its end.
    """

    host: str
    port: int
    target: bytes
    method: str
    headers: tuple[Header, ...]
    body: AsyncIterator[bytes] | None
    stream: bool
    switch: Callable[[list[Header]], Tunnel | None] | None = None

    @property
    def repeatable(self) -> bool:
        """Whether it does no harm to make this request twice."""
        return self.method in READING and self.body is None


@dataclass(frozen=True, slots=True)
class Credentials:
    """By what this server is known to mounted ones, and whom it believes; empty: by nothing, and the system's CAs."""

    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None

    def context(self) -> ssl.SSLContext:
        """The TLS of connections to mounted servers. Raises OSError where a file cannot be used."""
        context = ssl.create_default_context(cafile=str(self.authority) if self.authority is not None else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context


def place(url: str) -> tuple[str, int, str]:
    """Host, port and path of the URL of a mount."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 443, parts.path.rstrip("/")


def kept(headers: Iterable[Header], wanted: frozenset[bytes]) -> list[Header]:
    """The headers that are wanted, in their order."""
    return [(name, value) for name, value in headers if name in wanted]


class MountClient:
    """Makes requests to mounted servers. One per process."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._context: ssl.SSLContext | None = None
        self._waiting = WaitingConnections()
        self._under_way = 0

    @property
    def under_way(self) -> int:
        """How many requests there are at the moment."""
        return self._under_way

    @property
    def full(self) -> bool:
        """Whether there are as many as may be."""
        return self._under_way >= UNDER_WAY

    async def exchange(
        self,
        outgoing: Outgoing,
        begin: Callable[[int, list[Header]], Awaitable[None]],
        piece: Callable[[bytes], Awaitable[None]],
    ) -> None:
        """Make a request; give the head of the answer to `begin` and its body to `piece`, as they come.

        Raises MountFailed, also in the middle of an answer. Ends by cancellation at any time.
        """
        self._under_way += 1
        try:
            async with asyncio.timeout(STREAM_SECONDS if outgoing.switch is None else UPGRADED_SECONDS):
                place, known = (outgoing.host, outgoing.port), None
                if outgoing.switch is None:
                    known = self._waiting.take(place, outgoing.repeatable)
                try:
                    await self._on(known or await self._connect(outgoing), outgoing, begin, piece)
                except _Unanswered:
                    if not outgoing.repeatable:
                        raise MountFailed("broke off the connection before it answered") from None
                    await self._on(await self._connect(outgoing), outgoing, begin, piece)
        except TimeoutError:
            raise MountFailed("took too long", late=True) from None
        except OSError as error:
            raise MountFailed(f"broke off the connection ({type(error).__name__})") from None
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """End the connections that wait for a request."""
        self._waiting.close()

    async def _on(
        self,
        connection: Connection,
        outgoing: Outgoing,
        begin: Callable[[int, list[Header]], Awaitable[None]],
        piece: Callable[[bytes], Awaitable[None]],
    ) -> None:
        """Make a request on a connection, which waits for another one afterwards if all went well."""
        before, whole = connection.taken, False
        try:
            await _Exchange(connection, outgoing).run(begin, piece)
            whole = outgoing.switch is None
        except (OSError, MountFailed) as error:
            if connection.used and connection.ended and connection.taken == before:
                raise _Unanswered from error
            raise
        finally:
            if whole:
                self._waiting.give(connection)
            else:
                connection.abort()

    async def _connect(self, outgoing: Outgoing) -> Connection:
        if self._context is None:
            self._context = self._credentials.context()
        try:
            return await self._waiting.open((outgoing.host, outgoing.port), self._context)
        except TimeoutError:
            raise MountFailed("cannot be reached in time", late=True) from None
        except ssl.SSLCertVerificationError:
            raise MountFailed("has a certificate that is not trusted") from None
        except ssl.SSLError:
            raise MountFailed("does not agree about TLS") from None
        except OSError:
            raise MountFailed("cannot be reached") from None


class _Exchange:
    """One request on its connection."""

    def __init__(self, connection: Connection, outgoing: Outgoing) -> None:
        import h11

        self._h11 = h11
        self._connection = connection
        self._speech = connection.speech
        self._writer = connection.writer
        self._outgoing = outgoing

    async def run(
        self, begin: Callable[[int, list[Header]], Awaitable[None]], piece: Callable[[bytes], Awaitable[None]]
    ) -> None:
        outgoing, h11 = self._outgoing, self._h11
        host = f"[{outgoing.host}]" if ":" in outgoing.host else outgoing.host
        if outgoing.port != 443:
            host = f"{host}:{outgoing.port}"
        headers = [(b"host", host.encode()), *outgoing.headers]
        if outgoing.switch is not None:
            headers.append((b"connection", b"Upgrade"))
        if outgoing.body is not None and not any(name == b"content-length" for name, _ in headers):
            headers.append((b"transfer-encoding", b"chunked"))
        try:
            head = h11.Request(method=outgoing.method, target=outgoing.target, headers=headers)
            if outgoing.body is None:
                await self._send(head, h11.EndOfMessage())
                await self._receive(begin, piece)
                return
            await self._send(head)
            sender = asyncio.ensure_future(self._send_body(outgoing.body))
            sender.add_done_callback(self._sent)
            try:
                await self._receive(begin, piece)
            finally:
                sender.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError, TimeoutError):
                    await sender
        except h11.RemoteProtocolError:
            raise MountFailed("does not speak HTTP/1.1 as it should") from None
        except h11.LocalProtocolError:
            raise MountFailed("cannot be asked this") from None

    def _sent(self, sender: asyncio.Future[None]) -> None:
        """Wait for no answer to a request that cannot be sent."""
        if not sender.cancelled() and sender.exception() is not None:
            self._writer.transport.abort()

    async def _send(self, *events: Any) -> None:  # h11's events
        data = b"".join([self._speech.send(event) or b"" for event in events])
        if data:
            self._writer.write(data)
            async with asyncio.timeout(SEND_SECONDS):
                await self._writer.drain()

    async def _send_body(self, body: AsyncIterator[bytes]) -> None:
        async for data in body:
            await self._send(self._h11.Data(data=data))
        await self._send(self._h11.EndOfMessage())

    async def _next(self, seconds: float) -> Any:  # one of h11's events
        while True:
            event = self._speech.next_event()
            if event is not self._h11.NEED_DATA:
                return event
            async with asyncio.timeout(seconds):
                self._speech.receive_data(await self._connection.read())

    async def _receive(
        self, begin: Callable[[int, list[Header]], Awaitable[None]], piece: Callable[[bytes], Awaitable[None]]
    ) -> None:
        h11 = self._h11
        event = await self._next(HEAD_SECONDS)
        while type(event) is h11.InformationalResponse:
            if event.status_code == 101 and self._outgoing.switch is not None:
                tunnel = self._outgoing.switch(kept(event.headers, SWITCHED))
                if tunnel is not None:
                    await self._speak(tunnel)
                return
            event = await self._next(HEAD_SECONDS)
        if type(event) is not h11.Response:
            raise MountFailed("did not answer")
        code: int = event.status_code
        if 300 <= code < 400 and code != 304:
            raise MountFailed("answers with a redirect, which is not followed")
        await begin(code, kept(event.headers, ANSWERED))
        silence = STREAM_SECONDS if self._outgoing.stream else SILENCE_SECONDS
        while True:
            event = await self._next(silence)
            if type(event) is h11.Data:
                await piece(bytes(event.data))
            elif type(event) is h11.EndOfMessage:
                return
            else:
                raise MountFailed("broke off its answer")

    async def _speak(self, tunnel: Tunnel) -> None:
        """Pass bytes on both ways until one end has said all it has to say."""

        async def there() -> None:
            while data := await tunnel.read():
                self._writer.write(data)
                async with asyncio.timeout(SEND_SECONDS):
                    await self._writer.drain()

        async def back() -> None:
            early, _ = self._speech.trailing_data
            if early:
                await tunnel.write(early)
            while data := await self._connection.read():
                await tunnel.write(data)

        ways = [asyncio.ensure_future(way()) for way in (there, back)]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            tunnel.finish()
