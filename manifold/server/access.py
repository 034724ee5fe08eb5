"""What is in reach of whoever asks: `/services/access/self/clusters/<cluster>`.

`*` lists the workspaces the caller may enter, a workspace the types of which the caller may create workspaces in it
(and is refused in the words of that creation to whom may not create any). The types are those of `access.manifold`,
which discovery tells here and nowhere else.

Answers come in pages whether or not a limit is asked for, because what has to be looked at is bounded by the page. A
page begins where the token says, as of now: nothing is kept between pages. The token is sealed, since it may name a
logical cluster that was looked at and may not be entered.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping

import orjson

from manifold.auth.attributes import Attributes
from manifold.auth.chain import Chain
from manifold.auth.denial import denial
from manifold.base import clusters, errors
from manifold.base.user import AUTHENTICATED, User
from manifold.registry.options import list_options
from manifold.registry.representation import PLAIN, whole_list
from manifold.registry.served import Served
from manifold.registry.writing import Clock, Target
from manifold.server.forms import representation
from manifold.server.negotiation import negotiate
from manifold.server.request import Request, attributes_of
from manifold.server.resources import Route
from manifold.server.responses import Responder
from manifold.types.access import ACCESSIBLE_WORKSPACES, GROUP, USABLE_WORKSPACE_TYPES
from manifold.types.resource import ResourceType
from manifold.views.resolution import Resolution
from manifold.views.view import Shown, View
from manifold.workspaces.paths import Paths
from manifold.workspaces.reachable import Page, Reachable

NAME, SELF = "access", "self"
MOST = 500
"""Items of one page."""
_NONCE_BYTES = 12
_NO_TOKEN = "invalid continue token: continue key is not valid: malformed token"
_EXPIRED = "The provided continue parameter is of another run of the server. You can start a new list without it."


def _shown(kind: ResourceType) -> Shown:
    served = Served(kind)
    resolution = Resolution([served], (), {})
    verbs = {(kind.group, kind.resource): {"": ("list",)}}
    return Shown(resolution, {(kind.group, kind.version, kind.resource): served}, verbs)


WORKSPACES, TYPES = _shown(ACCESSIBLE_WORKSPACES), _shown(USABLE_WORKSPACE_TYPES)


async def _always() -> bool:
    return True


class Seal:
    """Makes places into tokens that tell nothing, for as long as the process runs (AES-GCM, NIST SP 800-38D)."""

    def __init__(self) -> None:
        self._key = os.urandom(16)

    def token(self, place: bytes, user: User) -> str:
        """The token of a place, for one user."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # hardly any answer has a second page

        nonce = os.urandom(_NONCE_BYTES)
        return base64.urlsafe_b64encode(nonce + AESGCM(self._key).encrypt(nonce, place, user.name.encode())).decode()

    def place(self, token: str, user: User) -> bytes:
        """The place of a token. Raises the 400 of what is none, and the 410 of one of another process or user."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            raw = base64.b64decode(token, b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise errors.bad_request(_NO_TOKEN) from None
        if len(raw) < _NONCE_BYTES + 16:
            raise errors.bad_request(_NO_TOKEN)
        try:
            return AESGCM(self._key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], user.name.encode())
        except InvalidTag:
            raise errors.expired(_EXPIRED) from None


class AccessService:
    """The service, and the routes of its types."""

    def __init__(self, chain: Chain, paths: Paths, reachable: Reachable, clock: Clock) -> None:
        self._chain = chain
        self._paths = paths
        self._reachable = reachable
        self._clock = clock
        self._seal = Seal()

    def routes(self) -> Mapping[tuple[str, str, str], Route]:
        """The routes by group, resource and subresource."""
        return {(GROUP, kind.resource, ""): self._list for kind in (ACCESSIBLE_WORKSPACES, USABLE_WORKSPACE_TYPES)}

    async def view(self, prefix: str, key: str, request: Request) -> View | None:
        """The view of whoever asks; None for the URL of anybody else's, and of no logical cluster."""
        caller, wanted = request.user, request.info.cluster
        if key != SELF:
            return None
        if not caller.privileged and AUTHENTICATED not in caller.groups:
            raise denial(attributes_of(request, ""))
        if wanted == clusters.WILDCARD:
            return View(prefix, wanted, caller, _always, shown=WORKSPACES)
        if not clusters.is_valid_path(wanted):
            return None
        parent = await self._paths.resolve(wanted)
        creating = Attributes(caller, "create", parent, "tenancy.kcp.io", "v1alpha1", "workspaces")
        if not parent or not (await self._chain.authorize(creating)).allowed:
            raise denial(creating)
        return View(prefix, parent, caller, _always, shown=TYPES)

    async def _list(self, request: Request, served: Served, target: Target, responder: Responder) -> None:
        if request.method != "GET" or target.name:
            raise errors.method_not_allowed()
        responder.accepted = accepted = negotiate(request.header(b"accept"))
        form = representation(request, accepted, self._clock.now)
        options = list_options(request.query, False)
        if options.labels or options.fields:
            raise errors.bad_request("selectors are not supported here: the answer is computed for whoever asks")
        limit = min(options.limit or MOST, MOST)
        start = self._seal.place(options.continuation, request.user) if options.continuation else b""
        page = await self._page(request.user, target, start, limit)
        metadata = {"resourceVersion": ""}
        if page.rest:
            metadata["continue"] = self._seal.token(page.rest, request.user)
        items = [orjson.dumps(one) if form is PLAIN else form.item(served, served.encode(one), 0) for one in page.items]
        await responder.made(200, whole_list(form, served, orjson.dumps(metadata), items))

    async def _page(self, user: User, target: Target, start: bytes, limit: int) -> Page:
        if target.served.type is ACCESSIBLE_WORKSPACES:
            return await self._reachable.workspaces(user, start, limit)
        return await self._reachable.types(user, target.cluster, start, limit)
