"""Who a request is made by: the identity that authentication finds and authorization judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
MASTERS = "system:masters"
ANONYMOUS = "system:anonymous"

_NO_EXTRA: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class User:
    """An identity: name, uid (may be empty), groups in the order given, extra keys with their values.

    The shape is authentication.k8s.io/v1 UserInfo; the well-known names are in section 4.1 of the tenancy
    reference.
    """

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_EXTRA, hash=False)

    def __hash__(self) -> int:
        """By the name alone: every request looks decisions up by its user, and a text remembers its hash."""
        return hash(self.name)

    @property
    def privileged(self) -> bool:
        """Whether the whole authorization chain is passed: membership of `system:masters`."""
        return MASTERS in self.groups

    def info(self) -> dict[str, Any]:
        """The UserInfo object of this identity; empty fields are left out."""
        body: dict[str, Any] = {"username": self.name}
        if self.uid:
            body["uid"] = self.uid
        if self.groups:
            body["groups"] = list(self.groups)
        if self.extra:
            body["extra"] = {key: list(values) for key, values in self.extra.items()}
        return body


def anonymous() -> User:
    """The identity of a request without credentials."""
    return User(ANONYMOUS, groups=(UNAUTHENTICATED,))


CONTROLLER_USER = User("system:manifold:controllers", groups=(MASTERS,))
"""Who the server's own controllers are, and whoever does in a request's commit what is a controller's else."""
CONTROLLER_AGENT = "manifold-controllers"
"""The User-Agent they would send: the field manager of what they write."""
