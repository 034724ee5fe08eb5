"""The views of initializers and terminators: the logical clusters that wait for one, and what may be done to them.

An initializer sees the logical clusters that are Initializing and still name it, a terminator those on their way out
that do. What is seen follows from the status itself, not from the labels that clients select by. Through its view
each may take its own name off the list, and may say in conditions how it is getting on; nothing else, by whatever
kind of update (tenancy reference, section 3.6; stricter than there, where a list of equal length is not looked at).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from manifold.auth.attributes import Attributes
from manifold.auth.names import (
    EXTERNAL_LOGICAL_CLUSTER_ADMIN,
    INITIALIZER_PREFIX,
    LOGICAL_CLUSTER_ADMIN,
    SCOPE_PREFIX,
    SCOPES_KEY,
    TERMINATOR_PREFIX,
    WORKSPACE_BOOTSTRAPPER,
)
from manifold.auth.rbac.policy import compile_rules
from manifold.auth.rbac.rules import CompiledRule
from manifold.base import fields
from manifold.base.fields import FieldError
from manifold.base.user import MASTERS, User
from manifold.registry.served import Served
from manifold.storage.contract import Row, Snapshot
from manifold.types.kcp.core import LOGICAL_CLUSTERS
from manifold.types.resource import Object
from manifold.views.resolution import Resolution
from manifold.views.view import Shown
from manifold.views.waiting import scan, waiting_range

_SEGMENT = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_is_name = re.compile(f"{_SEGMENT}(?::{_SEGMENT})+").fullmatch
_LISTS = ("initializers", "terminators")
_SERVER_OWNED = ("phase", "URL")
_NEVER_ACTED_AS = frozenset((MASTERS, LOGICAL_CLUSTER_ADMIN, EXTERNAL_LOGICAL_CLUSTER_ADMIN, WORKSPACE_BOOTSTRAPPER))
"""Groups whose rights reach beyond a workspace. An owner has the rights of an owner without them."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """One end of a logical cluster's life, as names: of the service in URLs, of the verb on workspace types, of who
    does the work (`role`), of the groups that may do it.
    """

    service: str
    verb: str
    role: str
    group_prefix: str

    @property
    def field(self) -> str:
        """The list in the status of a LogicalCluster."""
        return f"{self.role}s"

    @property
    def permissions(self) -> str:
        """The rules in the spec of a WorkspaceType."""
        return f"{self.role}Permissions"

    def under_way(self, logical_cluster: Object) -> bool:
        """Whether a logical cluster is at this end of its life."""
        if self is INITIALIZING:
            return bool((logical_cluster.get("status") or {}).get("phase") == "Initializing")
        return "deletionTimestamp" in logical_cluster["metadata"]


INITIALIZING = Lifecycle("initializingworkspaces", "initialize", "initializer", INITIALIZER_PREFIX)
TERMINATING = Lifecycle("terminatingworkspaces", "terminate", "terminator", TERMINATOR_PREFIX)


def type_of(name: str) -> tuple[str, str] | None:
    """Logical cluster and name of the workspace type an initializer or terminator is of; None: not the name of one."""
    if not _is_name(name):
        return None
    cluster, _, kind = name.rpartition(":")
    return cluster, kind


def _names(logical_cluster: Object, field: str) -> list[Any]:
    status = logical_cluster.get("status")
    found = status.get(field) if isinstance(status, dict) else None
    return found if isinstance(found, list) else []


@dataclass(frozen=True, slots=True)
class LifecycleScope:
    """The logical clusters that wait for `name`."""

    lifecycle: Lifecycle
    name: str

    @property
    def traces(self) -> tuple[bytes, ...]:
        """Its name, as JSON."""
        return (b'"%b"' % self.name.encode(),)

    async def scan(self, snapshot: Snapshot, served: Served, start: bytes, end: bytes, limit: int) -> Sequence[Row]:
        """A page of the logical clusters that wait for it."""
        index = waiting_range(self.lifecycle.field, self.name)
        return await scan(snapshot, served, index, start, end, limit)

    def sees(self, obj: Object) -> bool:
        """Whether a logical cluster waits for it."""
        return self.name in _names(obj, self.lifecycle.field) and self.lifecycle.under_way(obj)

    def complete(self, new: Object) -> str:
        """Nothing is created here, and what is changed is seen."""
        return ""

    def refusal(self, obj: Object) -> str:
        """One that loses sight of a logical cluster by its own write has done its work."""
        return ""

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep what the server derives."""
        status, former = new.get("status"), old.get("status") or {}
        if not isinstance(status, dict):
            status = new["status"] = {}
        for name in _SERVER_OWNED:
            if name in former:
                status[name] = former[name]
            else:
                status.pop(name, None)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Refuse everything but that its own name is taken off."""
        found = []
        for field in _LISTS:
            left, before = _names(new, field), _names(old, field)
            if left == before:
                continue
            if field != self.lifecycle.field or left != [one for one in before if one != self.name]:
                text = f'only removing the "{self.name}" {self.lifecycle.role} is supported'
                found.append(fields.invalid(f"status.{field}", left, text))
        return found


def _shown() -> Shown:
    """Logical clusters: to be read, and their status to be changed."""
    kind = LOGICAL_CLUSTERS
    readable = replace(kind, verbs=("get", "list", "watch"))
    return Shown(
        Resolution([Served(readable)], (), {}),
        {(kind.group, kind.version, kind.resource): Served(kind)},
        {(kind.group, kind.resource): {"": ("get", "list", "watch"), "status": ("get", "update", "patch")}},
    )


SHOWN = _shown()


def permitted(rules: Iterable[CompiledRule], a: Attributes) -> bool:
    """Whether rules of a workspace type allow a request inside a workspace."""
    if not a.resource:
        return any(rule.allows_path(a.verb, a.path) for rule in rules)
    wanted = f"{a.resource}/{a.subresource}" if a.subresource else a.resource
    wildcard = f"*/{a.subresource}" if a.subresource else ""
    return any(rule.covers(a.verb, a.group, wanted, wildcard) and rule.names(a.name) is not False for rule in rules)


def permission_rules(spec: Object, lifecycle: Lifecycle) -> tuple[CompiledRule, ...]:
    """What a workspace type allows its initializer or terminator inside a workspace; empty: all the owner may do."""
    return compile_rules(spec.get(lifecycle.permissions))


def asked_for(a: Attributes) -> str:
    """What a request wants, as the refusal of permission rules puts it."""
    if not a.resource:
        return f"{a.verb} on {a.path}"
    subresource = f"/{a.subresource}" if a.subresource else ""
    return f"{a.verb} on {a.group or 'core'}/{a.resource}{subresource}"


def with_lifecycle_group(user: User, lifecycle: Lifecycle, name: str) -> User:
    """The caller as authorization knows an initializer or terminator at work."""
    return replace(user, groups=(*user.groups, lifecycle.group_prefix + name))


def owner(logical_cluster: Object, cluster: str) -> User | None:
    """Who made a logical cluster, with a reach that is that one, wherever it was when it asked for it (as one who is
    impersonated there); None where that was not recorded.
    """
    info = (logical_cluster.get("spec") or {}).get("createdBy") or {}
    if not info.get("username"):
        return None
    groups = tuple(
        group
        for group in info.get("groups") or ()
        if group not in _NEVER_ACTED_AS and not group.startswith((INITIALIZER_PREFIX, TERMINATOR_PREFIX))
    )
    extra = {key: tuple(values) for key, values in (info.get("extra") or {}).items()}
    extra[SCOPES_KEY] = (SCOPE_PREFIX + cluster,)
    return User(info["username"], info.get("uid") or "", groups, extra)
