"""The way of a request: understood, identified, allowed, answered.

One ASGI application serves every logical cluster. The order is fixed and the same for every door: health, request
info, the logical cluster, authentication, impersonation, its turn among others, authorization, and only then what is
asked for (tenancy reference, section 2.2). Nothing tells a caller who may not know whether something exists: a path
that resolves to nothing is a 403 for whoever has no access to where it would be.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from manifold.auth.attributes import Attributes, Authenticator
from manifold.auth.chain import Chain
from manifold.auth.denial import denial
from manifold.auth.impersonation import impersonate, requested_user
from manifold.base import clusters, errors
from manifold.base.user import User
from manifold.registry.served import Served
from manifold.server import health
from manifold.server.documents import METRICS, NOT_IN_WORKSPACE
from manifold.server.fairness import Turns
from manifold.server.mounts import Mounts
from manifold.server.negotiation import asks_for_metadata
from manifold.server.process_metrics import RequestMetrics
from manifold.server.request import Receive, Request, attributes_of
from manifold.server.request_info import RequestInfo
from manifold.server.resources import Resources
from manifold.server.responses import Responder, Send
from manifold.server.services import INDEX as SERVICES_INDEX
from manifold.server.services import PREFIX as SERVICES
from manifold.server.services import Services
from manifold.types.resource import Object
from manifold.views.resolution import Resolution, Resolver
from manifold.views.view import Shown
from manifold.workspaces.paths import Mounted

log = logging.getLogger("manifold.server")

HEALTH = ("/healthz", "/livez", "/readyz")
HOME = ("tenancy.kcp.io", "v1alpha1", "workspaces", "", "")
HOME_NAME = "~"
WILDCARD = "*"
INACTIVE = "Inactive"
ACROSS_NAMESPACES = "cross-cluster LIST and WATCH are required to be cross-namespace"
ALWAYS_IN_SERVICE = ("/openapi", "/apis/core.kcp.io/v1alpha1/logicalclusters")


class Homes(Protocol):
    """Knows the home workspace of everyone."""

    async def workspace(self, user: User) -> Object:
        """The home of a user as a Workspace, made if need be. Raises the 403 of one who may not have any."""


class Paths(Protocol):
    """Turns the path of a workspace into the name of its logical cluster."""

    async def resolve(self, path: str) -> str:
        """The logical cluster's name, or empty where the path leads nowhere."""

    async def mounted(self, path: str) -> Mounted | None:
        """The mounted workspace that a path goes through which leads to no logical cluster."""

    async def nearest(self, path: str) -> str:
        """The logical cluster of the last part of the path that leads somewhere; empty where none does."""


PathHandler = Callable[[Request, Resolution, str, Responder], Awaitable[bool]]
"""Serves paths that are no resource: request, what the cluster serves, the cluster, the way out. False: not mine."""


@dataclass(slots=True)
class Doors:
    """What the application hands requests to."""

    authenticator: Authenticator
    chain: Chain
    resolver: Resolver
    paths: Paths
    resources: Resources
    documents: PathHandler
    home_of_token: Callable[[str], str]
    checks: Sequence[health.Check]
    metrics: RequestMetrics
    turns: Turns
    services: Services
    homes: Homes | None = None
    mounts: Mounts | None = None


class Application:
    """The ASGI application."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3, type `http`)."""
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        responder = Responder(send, False, scope["method"] == "HEAD")
        request: Request | None = None
        try:
            request = Request(scope, receive)
            responder.gzip = b"gzip" in request.headers.get(b"accept-encoding", b"")
            await self._serve(request, responder)
        except errors.StatusError as refusal:
            if not responder.code:
                await responder.refuse(refusal, request.header(b"accept") if request is not None else "")
        except ConnectionError:
            return
        except Exception:
            log.exception("a request failed: %s %s", scope["method"], scope["path"])
            if not responder.code:
                await responder.refuse(errors.internal(), request.header(b"accept") if request is not None else "")
        finally:
            if request is not None and request.turns is not None:
                request.leave()
        if request is not None:
            info = request.info
            key = (info.verb, info.group, info.version, info.resource, info.subresource)
            self._doors.metrics.observe(key, responder.code, -1.0 if info.watch else time.perf_counter() - started)

    async def _serve(self, request: Request, responder: Responder) -> None:
        doors = self._doors
        info = request.info
        if not info.resource and info.path.startswith(HEALTH) and await self._known(info.cluster):
            answer = health.answer(info.path, request.query_string, doors.checks)
            await responder.raw(answer.status, answer.content_type.encode(), answer.body)
            return
        if info.cluster and info.path.rstrip("/") == METRICS:
            await responder.text(501, NOT_IN_WORKSPACE + "\n")
            return
        if info.path == SERVICES_INDEX and not info.cluster:
            await responder.redirect(SERVICES)
            return
        request.check_common()
        cluster = info.cluster
        authorization = request.header(b"authorization")
        if not cluster and authorization and not info.path.startswith(SERVICES):
            cluster = doors.home_of_token(authorization)
            if cluster:
                info = request.info = info._replace(cluster=cluster)
        unresolved = ""
        if cluster and not clusters.is_valid_path(cluster) and not cluster.startswith(clusters.SYSTEM_PREFIX):
            raise errors.bad_request(f'invalid cluster: "{cluster}" does not match the regex')
        mounted: Mounted | None = None
        if cluster and not clusters.is_name(cluster):
            unresolved, cluster = cluster, await doors.paths.resolve(cluster)
            if cluster:
                unresolved = ""
            elif doors.mounts is not None:
                mounted = await doors.paths.mounted(unresolved)
                cluster = mounted.cluster if mounted is not None else ""
        request.user = await doors.authenticator.authenticate(authorization, request.certificate, cluster)
        attributes = attributes_of(request, cluster)
        if request.impersonate:
            wanted = requested_user(request.impersonate)
            if wanted is not None:
                request.user = await impersonate(doors.chain, attributes, wanted)
                attributes = attributes_of(request, cluster)
        entering: Attributes | None = None
        if mounted is not None and doors.mounts is not None:
            entering = await doors.mounts.enter(request, mounted)
        elif unresolved:
            await self._unresolved(request, unresolved)
        if not request.user.privileged:
            place = doors.services.place(request) if info.path.startswith(SERVICES) else unresolved or cluster
            if not doors.turns.enter(place):
                await doors.turns.wait(place)
            request.turns, request.place = doors.turns, place
        if entering is not None and mounted is not None and doors.mounts is not None:
            await doors.mounts.serve(request, mounted, entering, responder)
            return
        if info.path.startswith(SERVICES):
            view = await doors.services.enter(request)
            info, cluster = request.info, view.cluster
            if info.path.rstrip("/") == METRICS:
                raise errors.unknown_resource()
            if view.shown is not None:
                await self._through(request, view.shown, cluster, responder)
                return
            attributes = attributes_of(request, cluster)
        elif info.name == HOME_NAME and doors.homes is not None and _is_home(request, cluster):
            # Before authorization: whoever may have a home need not be able to read the workspaces of root.
            await self._home(request, cluster, doors.homes, responder)
            return
        if not (await doors.chain.authorize(attributes)).allowed:
            raise denial(attributes)
        await self._in_service(info.path, cluster)
        resolution = await doors.resolver.resolve(cluster)
        if not info.resource:
            if resolution.definitions:
                resolution = await doors.resolver.complete(cluster)
            if not await doors.documents(request, resolution, cluster, responder):
                raise errors.unknown_resource()
            return
        served = await self._find(request, resolution, cluster)
        if served is None:
            raise errors.unknown_resource()
        await doors.resources.serve(request, served, cluster, responder)

    async def _through(self, request: Request, shown: Shown, cluster: str, responder: Responder) -> None:
        """Answer from the types of a view, which the caller may use."""
        info, doors = request.info, self._doors
        if not info.resource:
            if not await doors.documents(request, shown.resolution, cluster, responder):
                raise errors.unknown_resource()
            return
        served = None if info.identity else shown.served.get((info.group, info.version, info.resource))
        verbs = shown.verbs.get((info.group, info.resource)) or {}
        if served is None or info.subresource not in verbs:
            raise errors.unknown_resource()
        if info.verb not in verbs[info.subresource]:
            raise errors.verb_not_supported(info.verb, info.group, info.resource)
        if cluster == WILDCARD:
            _check_wildcard(info)
            if info.namespace:
                raise errors.bad_request(ACROSS_NAMESPACES)
        else:
            await self._in_service(info.path, cluster)
        await doors.resources.serve(request, served, cluster, responder)

    async def _home(self, request: Request, cluster: str, homes: Homes, responder: Responder) -> None:
        home = await homes.workspace(request.user)
        served = await self._find(request, await self._doors.resolver.resolve(cluster), cluster)
        if served is None:
            raise errors.unknown_resource()
        await self._doors.resources.show(request, served, home, responder)

    async def _in_service(self, path: str, cluster: str) -> None:
        """Refuse what is asked of a logical cluster that is out of service (tenancy reference, section 2.6)."""
        held = await self._doors.chain.logical_clusters.get(cluster)
        if held.value is not None and held.value.phase == INACTIVE and not path.startswith(ALWAYS_IN_SERVICE):
            text = "logical cluster is marked inactive"
            raise errors.forbidden("core.kcp.io", "logicalclusters", cluster, text)

    async def _known(self, cluster: str) -> bool:
        return not cluster or clusters.is_name(cluster) or bool(await self._doors.paths.resolve(cluster))

    async def _find(self, request: Request, resolution: Resolution, cluster: str) -> Served | None:
        info, resolver = request.info, self._doors.resolver
        if cluster == WILDCARD:
            _check_wildcard(info)
            if info.namespace:
                raise errors.bad_request(ACROSS_NAMESPACES)
            if info.identity:
                return await resolver.identified(info.group, info.version, info.resource, info.identity)
        served = resolution.find(info.group, info.version, info.resource)
        if served is None and cluster == WILDCARD and asks_for_metadata(request.header(b"accept")):
            return await resolver.under_every_identity(info.group, info.version, info.resource)
        if served is None and resolution.definitions:
            served = await resolver.find(cluster, info.group, info.version, info.resource)
        if info.identity and served is not None and served.identity != info.identity:
            return None
        return served

    async def _unresolved(self, request: Request, path: str) -> None:
        """Refuse a path that leads nowhere: a 404 for whoever may enter where it would begin, else a 403."""
        parent = await self._doors.paths.nearest(path)
        if parent:
            entering = Attributes(request.user, "access", parent, path="/")
            if request.user.privileged or (await self._doors.chain.authorize(entering)).allowed:
                raise errors.not_found("tenancy.kcp.io", "workspaces", path)
        raise denial(attributes_of(request, path))


def _check_wildcard(info: RequestInfo) -> None:
    """Refuse what cannot be asked of all logical clusters at once."""
    if info.verb not in ("list", "watch"):
        raise errors.StatusError(
            405,
            "MethodNotAllowed",
            f'{info.verb} is not supported on resources of kind "{info.resource}" in the `*` logical cluster',
            {"group": info.group, "kind": info.resource} if info.group else {"kind": info.resource},
        )


def _is_home(request: Request, cluster: str) -> bool:
    """Whether a request is for the home workspace of whoever asks (tenancy reference, section 3.7)."""
    info = request.info
    if cluster != clusters.ROOT or info.verb != "get" or request.method != "GET" or info.too_deep or info.identity:
        return False
    return (info.group, info.version, info.resource, info.subresource, info.namespace) == HOME
