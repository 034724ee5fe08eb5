"""Routes for what no verb of the registry serves: reviews, which are answered and not stored, and tokens of service
accounts.
"""

from __future__ import annotations

import orjson

from manifold.auth import reviews
from manifold.auth.authentication.authenticator import Authentication
from manifold.auth.authentication.service_accounts import TokenIssuer
from manifold.auth.chain import Chain
from manifold.auth.token_requests import answer_token_request
from manifold.base import errors
from manifold.registry import patch
from manifold.registry.large import LARGE, off_loop
from manifold.registry.options import write_options
from manifold.registry.served import Served
from manifold.registry.writing import Environment, Target
from manifold.schema.bodies import parse_body
from manifold.server.negotiation import READ_TYPES, negotiate
from manifold.server.request import Request
from manifold.server.resources import Route
from manifold.server.responses import Responder
from manifold.types.resource import Object, ResourceType
from manifold.types.table import find_type

DEEP_HEADER = b"x-kcp-internal-deep-subjectaccessreview"


async def read_object(request: Request, kind: ResourceType, validation: str, responder: Responder) -> Object:
    """The body of a request as an object of `kind`, in stored form, defaulted."""
    body = await request.body()
    wanted = (body, request.header(b"content-type"), kind.group, kind.version, kind.kind, kind.protobuf)
    parsed = parse_body(*wanted) if len(body) < LARGE else await off_loop(parse_body, *wanted)
    served = Served(kind)
    obj = patch.finish(served, parsed, validation, responder.warn)
    kind.strategy.default(obj)
    return obj


class Routes:
    """The routes of one process."""

    def __init__(
        self, environment: Environment, chain: Chain, authentication: Authentication, issuer: TokenIssuer
    ) -> None:
        self._environment = environment
        self._chain = chain
        self._authentication = authentication
        self._issuer = issuer

    def table(self) -> dict[tuple[str, str, str], Route]:
        """The routes by group, resource and subresource."""
        authentication, authorization = "authentication.k8s.io", "authorization.k8s.io"
        return {
            (authentication, "selfsubjectreviews", ""): self._review,
            (authentication, "tokenreviews", ""): self._review,
            (authorization, "subjectaccessreviews", ""): self._review,
            (authorization, "localsubjectaccessreviews", ""): self._review,
            (authorization, "selfsubjectaccessreviews", ""): self._review,
            (authorization, "selfsubjectrulesreviews", ""): self._review,
            ("", "serviceaccounts", "token"): self._token,
        }

    async def _review(self, request: Request, served: Served, target: Target, responder: Responder) -> None:
        kind = served.type
        if request.method != "POST" or target.name or (kind.namespaced and not target.namespace):
            raise errors.method_not_allowed()
        responder.accepted = accepted = negotiate(request.header(b"accept"), protobuf=True)
        if accepted.form != "object":
            raise errors.not_acceptable(READ_TYPES)
        options = write_options(request.query, "CreateOptions")
        obj = await read_object(request, kind, options.validation, responder)
        answer = await self._answer(kind.resource, obj, request, target)
        await responder.json(201, orjson.dumps(answer) + b"\n")

    async def _answer(self, resource: str, obj: Object, request: Request, target: Target) -> Object:
        chain, cluster, user = self._chain, target.cluster, target.user
        if resource == "subjectaccessreviews":
            deep = user.privileged and request.headers.get(DEEP_HEADER) == b"true"
            return await reviews.answer_subject_access_review(obj, cluster, chain, deep)
        if resource == "localsubjectaccessreviews":
            return await reviews.answer_local_subject_access_review(obj, cluster, target.namespace, chain)
        if resource == "selfsubjectaccessreviews":
            return await reviews.answer_self_subject_access_review(obj, user, cluster, chain)
        if resource == "selfsubjectrulesreviews":
            return await reviews.answer_self_subject_rules_review(obj, user, cluster, chain)
        if resource == "selfsubjectreviews":
            return await reviews.answer_self_subject_review(obj, user, self._environment.clock.now())
        return await reviews.answer_token_review(obj, self._authentication)

    async def _token(self, request: Request, served: Served, target: Target, responder: Responder) -> None:
        if request.method != "POST":
            raise errors.method_not_allowed()
        responder.accepted = negotiate(request.header(b"accept"), protobuf=True)
        options = write_options(request.query, "CreateOptions")
        kind = find_type("authentication.k8s.io", "v1", "tokenrequests")
        if kind is None:
            raise errors.unknown_resource()
        snapshot = await self._environment.store.snapshot()
        row = await snapshot.get(served.key(target.cluster, target.namespace, target.name))
        if row is None:
            raise target.missing()
        account = served.decode(row.value, row.revision)
        obj = await read_object(request, kind, options.validation, responder)
        now = self._environment.clock.now().timestamp()
        answer = await answer_token_request(obj, account, target.cluster, self._issuer, snapshot, now)
        await responder.json(201, orjson.dumps(answer) + b"\n")
