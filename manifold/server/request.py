"""One HTTP request as the server works with it: what was sent, read lazily, bounded."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from manifold.auth.attributes import Attributes
from manifold.base import errors
from manifold.base.user import User, anonymous
from manifold.registry.options import Query
from manifold.server.fairness import Turns
from manifold.server.request_info import RequestInfo, parse
from manifold.views.view import View

MAX_BODY = 3 << 20
Receive = Callable[[], Awaitable[dict[str, Any]]]
NO_QUERY: Query = {}
ANYONE = anonymous()

_DURATION = re.compile(
    r"[-+]?(?:0|(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*)"
)


class Request:
    """A request: `headers` by lower-case name (the last one wins, except for `impersonate`, which keeps all in
    order).
    """

    __slots__ = (
        "_receive",
        "certificate",
        "headers",
        "impersonate",
        "info",
        "method",
        "place",
        "query",
        "query_string",
        "scope",
        "turns",
        "user",
        "view",
    )

    def __init__(self, scope: dict[str, Any], receive: Receive) -> None:
        self.scope = scope
        self._receive = receive
        self.method: str = scope["method"]
        headers: dict[bytes, bytes] = {}
        impersonate: list[tuple[str, str]] = []
        for name, value in scope["headers"]:
            if name[:11] == b"impersonate":
                impersonate.append((name.decode("latin-1"), value.decode("latin-1")))
            elif name == b"accept" and name in headers:
                headers[name] += b"," + value
            else:
                headers[name] = value
        self.headers = headers
        self.impersonate = impersonate
        self.query_string: bytes = scope["query_string"]
        self.query: Query = NO_QUERY
        if self.query_string:
            try:
                self.query = parse_qs(self.query_string.decode(), keep_blank_values=True)
            except ValueError:
                raise errors.bad_request("the query cannot be read") from None
        self.info: RequestInfo = self.read(self.raw_path)
        self.user: User = ANYONE
        self.turns: Turns | None = None
        self.place = ""
        self.view: View | None = None
        tls = scope.get("extensions", {}).get("tls")
        self.certificate: bytes | None = tls["client_certificate"] if tls else None

    @property
    def raw_path(self) -> str:
        """The path as it was sent."""
        path: bytes = self.scope["raw_path"]
        return path.decode("latin-1")

    def read(self, raw_path: str) -> RequestInfo:
        """What the request would be about at another path."""
        if not self.query:
            return parse(self.method, raw_path)
        watch = "watch" in self.query and self.query["watch"][0] not in ("false", "0")
        return parse(self.method, raw_path, watch, _named(self.query))

    def header(self, name: bytes) -> str:
        """A header's value, empty where absent."""
        return self.headers.get(name, b"").decode("latin-1")

    async def body(self) -> bytes:
        """The whole body. Raises the 413 of one longer than 3 MiB."""
        length = self.headers.get(b"content-length")
        if length is not None and length.isdigit() and int(length) > MAX_BODY:
            raise errors.too_large(MAX_BODY)
        message = await self._receive()
        body: bytes = message.get("body", b"")
        if not message.get("more_body"):
            return body
        parts = [body]
        size = len(body)
        while message.get("more_body"):
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise errors.bad_request("the client went away before the body was complete")
            part = message.get("body", b"")
            size += len(part)
            if size > MAX_BODY:
                raise errors.too_large(MAX_BODY)
            parts.append(part)
        return b"".join(parts)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises the 413 of one longer than 3 MiB."""
        length = self.headers.get(b"content-length")
        if length is not None and length.isdigit() and int(length) > MAX_BODY:
            raise errors.too_large(MAX_BODY)
        size, more = 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise errors.bad_request("the client went away before the body was complete")
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size > MAX_BODY:
                raise errors.too_large(MAX_BODY)
            if piece:
                yield piece
            more = message.get("more_body", False)

    def leave(self) -> None:
        """Give back the place among the requests under way, if it has one."""
        if self.turns is not None:
            self.turns.leave(self.place)
            self.turns = None

    async def gone(self) -> None:
        """Wait until the client has closed the connection, or sent all it had to send and then closed."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def check_common(self) -> None:
        """Refuse parameters that no verb takes in a wrong form."""
        if not self.query:
            return
        timeout = self.query.get("timeout")
        if timeout and timeout[0] and not _DURATION.fullmatch(timeout[0]):
            raise errors.bad_request(
                f'invalid timeout specified in the request URL - time: invalid duration "{timeout[0]}"'
            )


def _named(query: Query) -> str:
    """The one name a field selector asks for; authorization treats such a list as one of that name."""
    for text in query.get("fieldSelector", ()):
        for term in text.split(","):
            if term.startswith("metadata.name=") and "\\" not in term:
                return term[len("metadata.name=") :].removeprefix("=")
    return ""


def attributes_of(request: Request, cluster: str) -> Attributes:
    """What authorization is asked about a request, in the logical cluster it was resolved to."""
    info = request.info
    return Attributes(
        request.user,
        info.verb,
        cluster,
        info.group,
        info.version,
        info.resource,
        info.subresource,
        info.namespace,
        info.name,
        "" if info.resource else info.path,
    )
