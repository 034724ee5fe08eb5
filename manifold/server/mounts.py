"""The door to mounted workspaces: who passes, as whom, and what becomes of the URL.

Whoever may enter the logical cluster a mounted workspace lies in may go through it; what they may do behind it is for
the mounted server to say. They are introduced by name and groups, as an impersonation by the certificate this server
has for mounts (`--mount-proxy-client-cert-file`); without one the mounted server sees a stranger. Tokens and
certificates of callers stay here: whoever may write a mounted object decides where requests go, and must not collect
credentials.

An introduction is only good for names that mean the same on both sides. So nobody goes through whose name belongs to
the server or to one workspace: names that begin with `system:` (service accounts among them), and identities that are
confined to a workspace, as impersonated ones are. Groups that begin with `system:` stay behind.

A path below a mounted workspace leads on where the mount's URL is that of a workspace, and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from urllib.parse import unquote

from manifold.auth.attributes import Attributes
from manifold.auth.chain import Chain
from manifold.auth.denial import denial
from manifold.auth.names import CLUSTER_NAME_KEY, SCOPES_KEY
from manifold.base import clusters, errors
from manifold.base.user import User
from manifold.registry.hub import Event, Hub
from manifold.registry.served import Served
from manifold.server.mount_client import (
    PASSED_ON,
    UPGRADING,
    Header,
    MountClient,
    MountFailed,
    Outgoing,
    kept,
    place,
)
from manifold.server.open_watches import OpenWatches
from manifold.server.request import Request, attributes_of
from manifold.server.request_info import CLUSTERS, split_cluster
from manifold.server.responses import Responder
from manifold.server.tunnel import Tunnel
from manifold.workspaces.mounts import READY
from manifold.workspaces.paths import Mounted

NOT_AVAILABLE = "Not available."
HOPS = b"x-manifold-mount-hops"
MAX_HOPS = 3
TOKEN_PROTOCOL = b"base64url.bearer.authorization.k8s.io."
"""How browsers send a bearer token along with a websocket."""
SYSTEM = "system:"
_STREAMS = ("watch", "follow")


def introduction(user: User) -> list[Header] | None:
    """The headers that introduce a user to a mounted server; None for one whose name is not good there."""
    if user.name.startswith(SYSTEM) or not user.name or SCOPES_KEY in user.extra or CLUSTER_NAME_KEY in user.extra:
        return None
    names = [(b"impersonate-user", user.name)]
    names += [(b"impersonate-group", group) for group in user.groups if not group.startswith(SYSTEM)]
    if not all(name.isprintable() for _, name in names):
        return None
    return [(header, name.encode()) for header, name in names]


def target_of(url_path: str, below: tuple[str, ...], rest: str) -> str:
    """The path of a request at a mounted server: of the mount's URL, of what lies below, and of the request itself.

    Raises the 404 of a path below a mount that is no workspace, and the 400 of a path that would climb out of it.
    """
    if any(unquote(segment) in (".", "..") for segment in rest.split("/")):
        raise errors.bad_request("the path of a request to a mounted workspace cannot contain . or ..")
    if below:
        opening, found, path = url_path.rpartition(CLUSTERS)
        if not found or opening or not clusters.is_valid_path(path) or path == clusters.WILDCARD:
            raise errors.not_found("tenancy.kcp.io", "workspaces", ":".join(below))
        url_path = ":".join((url_path, *below))
    return url_path + rest


class _Passage:
    """A stream through a mount, which ends with the right to it (`OpenWatches`) and with the mount (`Hub`)."""

    served = None

    def __init__(self, workspaces: Served, mounted: Mounted, task: asyncio.Task[None]) -> None:
        self._workspaces = workspaces
        self._mounted = mounted
        self._task = task
        self.ended = False
        self.whole = True

    def end(self) -> None:
        """Break off."""
        self.ended = True
        self._task.cancel()

    def offer(self, event: Event) -> bool:
        """Hear of a change of the workspace."""
        workspace = event.new(self._workspaces)
        mounted = self._mounted
        if (
            workspace is None
            or workspace["spec"].get("URL") != mounted.url
            or workspace["status"].get("phase") != mounted.phase
        ):
            self.end()
        return False

    def flush(self) -> None:
        """Nothing waits."""


class Mounts:
    """Lets requests through to mounted servers."""

    def __init__(
        self, client: MountClient, chain: Chain, watches: OpenWatches, hub: Hub, workspaces: Served, introduce: bool
    ) -> None:
        """`introduce`: this server has a certificate by which a mounted one can believe it."""
        self._client = client
        self._chain = chain
        self._watches = watches
        self._hub = hub
        self._workspaces = workspaces
        self._introduce = introduce

    async def enter(self, request: Request, mounted: Mounted) -> Attributes:
        """Let a caller in, or not. Returns the question their passage rests on. Raises the 403 or the 503."""
        entering = Attributes(request.user, "access", mounted.cluster, path="/")
        if not (await self._chain.authorize(entering)).allowed:
            raise denial(attributes_of(request, mounted.cluster))
        if mounted.phase != READY or not mounted.url:
            raise errors.unavailable(NOT_AVAILABLE)
        return entering

    async def serve(self, request: Request, mounted: Mounted, entering: Attributes, responder: Responder) -> None:
        """Pass a request on that has been let in, and its answer back."""
        headers = introduction(request.user)
        if headers is None:
            raise errors.forbidden_path(f"User {request.user.name} is not known outside of this server")
        if self._client.full:
            raise errors.too_many_requests("too many requests to mounted workspaces, please try again later", 1)
        hops = request.headers.get(HOPS, b"0")
        if not hops.isdigit() or len(hops) > 2 or int(hops) >= MAX_HOPS:
            raise errors.StatusError(508, "LoopDetected", "the mount leads through too many servers")
        host, port, url_path = place(mounted.url)
        target = target_of(url_path, mounted.below, split_cluster(request.raw_path)[1]).encode("latin-1")
        if request.query_string:
            target += b"?" + request.query_string
        stream = any(request.query.get(name, ["false"])[0] not in ("false", "0") for name in _STREAMS)
        sent = asyncio.Event()
        outgoing = Outgoing(
            host,
            port,
            target,
            request.method,
            (
                *kept(request.scope["headers"], PASSED_ON),
                *(_upgrading(request) if b"upgrade" in request.headers else ()),
                *(headers if self._introduce else ()),
                (HOPS, b"%d" % (int(hops) + 1)),
            ),
            _body(request, sent) if _has_body(request) else None,
            stream,
            self._switch(request, responder) if b"upgrade" in request.headers else None,
        )
        if outgoing.body is None:
            sent.set()
        await self._run(request, sent, mounted, entering, outgoing, responder)

    def _switch(self, request: Request, responder: Responder) -> Callable[[list[Header]], Tunnel | None]:
        """What tells a client that its connection is upgraded. Raises the 501 where the transport cannot do that."""
        direct = request.scope.get("extensions", {}).get("transport")
        if direct is None:
            raise errors.StatusError(501, "NotImplemented", "this connection cannot be upgraded")

        def switch(headers: list[Header]) -> Tunnel | None:
            tunnel: Tunnel | None = direct.switch(headers)
            if tunnel is not None:
                responder.code = 101
                request.leave()
            return tunnel

        return switch

    async def _run(
        self,
        request: Request,
        sent: asyncio.Event,
        mounted: Mounted,
        entering: Attributes,
        outgoing: Outgoing,
        responder: Responder,
    ) -> None:
        async def begin(code: int, headers: list[Header]) -> None:
            if outgoing.stream:
                request.leave()  # it may stay for an hour; from here on it costs only what it is told
            await responder.start(code, headers)

        async def piece(data: bytes) -> None:
            passage.whole = data.endswith(b"\n")
            await responder.chunk(data)

        task = asyncio.ensure_future(self._client.exchange(outgoing, begin, piece))
        passage = _Passage(self._workspaces, mounted, task)
        gone = asyncio.ensure_future(_gone(request, sent))
        gone.add_done_callback(lambda _: passage.end())
        self._watches.add(passage, entering)
        self._hub.subscribe(mounted.key, passage)
        try:
            await task
        except MountFailed as failed:
            if responder.code:
                raise ConnectionError(f"the mounted server {failed}") from None
            text = f"error trying to reach the mounted server: it {failed}"
            raise (errors.timeout(text) if failed.late else errors.unavailable(text)) from None
        except asyncio.CancelledError:
            if not passage.ended:
                raise
            if responder.code == 101:
                return
            if not responder.code:
                raise errors.unavailable(NOT_AVAILABLE) from None
            if not outgoing.stream or not passage.whole:
                raise ConnectionError("the way through the mount has ended") from None
        finally:
            task.cancel()
            self._hub.unsubscribe(mounted.key, passage)
            self._watches.discard(passage)
            gone.cancel()
        if responder.code != 101:
            await responder.end()


def _upgrading(request: Request) -> list[Header]:
    """The headers of a request to upgrade. A protocol of websockets can be a token in disguise: these stay here."""
    found = []
    for name, value in kept(request.scope["headers"], UPGRADING):
        if name == b"sec-websocket-protocol":
            protocols = [one.strip() for one in value.split(b",")]
            value = b", ".join(one for one in protocols if not one.startswith(TOKEN_PROTOCOL))
        if value:
            found.append((name, value))
    return found


async def _body(request: Request, sent: asyncio.Event) -> AsyncIterator[bytes]:
    """The body of a request as it comes; `sent` is set when it is complete."""
    async for piece in request.pieces():
        yield piece
    sent.set()


async def _gone(request: Request, sent: asyncio.Event) -> None:
    """Wait until the client has gone, who cannot be listened for before the body is complete."""
    await sent.wait()
    await request.gone()


def _has_body(request: Request) -> bool:
    length = request.headers.get(b"content-length", b"")
    return length not in (b"", b"0") or b"transfer-encoding" in request.headers
