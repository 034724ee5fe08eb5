"""Paths that are no resource: what a logical cluster publishes, and what the process tells about itself.

Discovery, OpenAPI and the list of paths belong to a shape and are shared by every cluster that serves the same
types; version, metrics and the keys of service account tokens belong to the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import orjson

from manifold.auth.authentication.service_accounts import TokenIssuer
from manifold.base import errors
from manifold.server import health
from manifold.server.metrics import Registry
from manifold.server.request import Request
from manifold.server.responses import Responder
from manifold.types.apiextensions.custom_types import schema_of
from manifold.views.publication import Publication
from manifold.views.resolution import Resolution

METRICS = "/metrics"
METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
NOT_IN_WORKSPACE = "shard-level endpoint not available at workspace scope"


class Documents:
    """Serves documents. `address` is the host and port clients use; `checks` name the health routes in the list of
    paths.
    """

    def __init__(
        self,
        address: str,
        metrics: Registry,
        issuer: TokenIssuer,
        issuer_url: str,
        checks: Callable[[], list[str]],
    ) -> None:
        self._address = address
        self._metrics = metrics
        self._issuer = issuer
        self._issuer_url = issuer_url
        self._checks = checks

    async def serve(self, request: Request, resolution: Resolution, cluster: str, responder: Responder) -> bool:
        """Answer a request for a path; False where there is nothing at it."""
        path = request.info.path
        if path.rstrip("/") == METRICS:
            await responder.raw(200, METRICS_TYPE, await self._exposition())
            return True
        if request.method not in ("GET", "HEAD"):
            raise errors.method_not_allowed()
        view = request.view
        if path == "/version" or path == "/version/":
            await responder.raw(200, b"application/json", health.version_document())
            return True
        if path == "/.well-known/openid-configuration":
            document = self._issuer.signing.discovery(f"{self._issuer_url}/openid/v1/jwks", self._issuer.issuer)
            await responder.raw(200, b"application/json", orjson.dumps(document))
            return True
        if path == "/openid/v1/jwks":
            document = self._issuer.signing.jwks()
            await responder.raw(200, b"application/jwk-set+json", orjson.dumps(document))
            return True
        hashes = request.query.get("hash")
        prefix = f"/clusters/{request.info.cluster}" if request.info.cluster else ""
        if view is not None:
            prefix = view.prefix + prefix
        answer = await self._publication(resolution, view is not None and view.shown is not None).answer(
            path,
            request.header(b"accept"),
            request.header(b"if-none-match"),
            hashes[0] if hashes else None,
            prefix,
        )
        if answer is None:
            return False
        headers = [
            (name.lower().encode(), value.encode()) for name, value in answer.headers.items() if name != "Content-Type"
        ]
        await responder.raw(answer.status, answer.headers.get("Content-Type", "").encode(), answer.body, headers)
        return True

    async def _exposition(self) -> bytes:
        """The metrics, made in slices: a server of many types has hundreds of histograms."""
        pieces: list[bytes] = []
        for piece in self._metrics.pieces():
            pieces.append(piece)
            if len(pieces) % 50 == 0:
                await asyncio.sleep(0)
        return b"".join(pieces)

    def _publication(self, resolution: Resolution, virtual: bool) -> Publication:
        shape = resolution.shape
        made = shape.documents.get(("publication",))
        if not isinstance(made, Publication):
            routes = () if virtual else self._checks()
            made = Publication(shape.types, schema_of, self._address, virtual=virtual, routes=routes)
            shape.documents[("publication",)] = made
        return made
