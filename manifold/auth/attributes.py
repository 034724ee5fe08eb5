"""The question authorization answers: may this user do this, here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from manifold.base.user import User


class Attributes(NamedTuple):
    """What is asked for. Either a resource (`resource` set) or a path (`path` set).

    `cluster` is the logical cluster's name, `*` for a wildcard request, empty for a request outside all clusters.
    `name` and `namespace` are empty where the request names none; `subresource` is without a slash.
    """

    user: User
    verb: str
    cluster: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. `reason` is for the audit trail, never for the client, who is told `access denied`."""

    allowed: bool
    reason: str = ""


class Authorizer(Protocol):
    """The whole chain of section 4.2 of the tenancy reference, behind one question."""

    async def authorize(self, attributes: Attributes) -> Decision:
        """Whether the request may proceed. Never raises for lack of a right."""


class Authenticator(Protocol):
    """Turns what a connection and its headers say into a user."""

    async def authenticate(self, authorization: str, certificate: bytes | None, cluster: str) -> User:
        """The caller. `authorization` is the header (empty where absent), `certificate` the verified client
        certificate in DER, `cluster` the logical cluster asked for. Without credentials: anonymous. Raises the 401
        `Status` for credentials that are not good.
        """


class ExportPolicies(Protocol):
    """Where maximal permission policies come from: answered by the layer that resolves what a cluster has bound."""

    async def policy_cluster(self, cluster: str, group: str, resource: str) -> str:
        """The logical cluster whose RBAC bounds the use of a resource bound in `cluster`.

        Empty where the resource is not bound there, or its export sets no `maximalPermissionPolicy.local`.
        """
