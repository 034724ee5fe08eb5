"""The compiled RBAC of one logical cluster, and how a question is asked of it.

Compilation turns roles and bindings around: from a subject straight to the rules it has, cluster-wide and per
namespace, so that a question costs what its user was granted and not what the cluster holds. A binding resolves its
role here or in `system:admin`; one whose role does not exist grants nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from manifold.auth.names import service_account_user
from manifold.auth.rbac.rules import CompiledRule, Rule, parse_rules
from manifold.base.fields import quote
from manifold.base.user import User

Rules = tuple[CompiledRule, ...]


@dataclass(frozen=True, slots=True)
class Binding:
    """A RoleBinding or ClusterRoleBinding, as far as evaluation needs it; `namespace` is empty for the latter."""

    name: str
    namespace: str
    role_kind: str
    role: str
    subjects: tuple[tuple[str, str, str], ...]
    """(kind, namespace, name) of each subject."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Rules a subject has through one binding. `subject` is its kind and name as reasons show them."""

    binding: Binding
    rules: Rules
    subject: str

    def reason(self) -> str:
        """Why it allows, for reviews and the audit trail."""
        held = self.binding
        if held.namespace:
            kind, name = "RoleBinding", f"{held.name}/{held.namespace}"
        else:
            kind, name = "ClusterRoleBinding", held.name
        return f"RBAC: allowed by {kind} {quote(name)} of {held.role_kind} {quote(held.role)} to {self.subject}"


Key = tuple[str, str]
"""A namespace (empty: cluster-wide) and the name of a user or group."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Compiled RBAC. `weight` is roughly how much memory it takes, in rules and subjects."""

    cluster_roles: Mapping[str, Rules] = field(default_factory=dict)
    roles: Mapping[Key, Rules] = field(default_factory=dict)
    users: Mapping[Key, tuple[Grant, ...]] = field(default_factory=dict)
    groups: Mapping[Key, tuple[Grant, ...]] = field(default_factory=dict)
    weight: int = 1


NOTHING = Policy()


def parse_binding(obj: Mapping[str, Any], name: str, namespace: str) -> Binding:
    """The binding of a RoleBinding or ClusterRoleBinding object, which lies at `namespace` and `name`."""
    reference = obj.get("roleRef") or {}
    subjects = tuple(
        (str(subject.get("kind", "")), str(subject.get("namespace", "")), str(subject.get("name", "")))
        for subject in obj.get("subjects") or ()
        if isinstance(subject, dict)
    )
    return Binding(name, namespace, str(reference.get("kind", "")), str(reference.get("name", "")), subjects)


def compile_rules(value: object) -> Rules:
    """The compiled rules of a role's `rules` field."""
    return tuple(CompiledRule(rule) for rule in parse_rules(value))


def compile_policy(
    cluster_roles: Mapping[str, Rules],
    roles: Mapping[Key, Rules],
    bindings: Iterable[Binding],
    shared_roles: Mapping[str, Rules],
) -> Policy:
    """The policy of a logical cluster. `shared_roles` are the ClusterRoles of `system:admin`; local ones go first."""
    users: dict[Key, list[Grant]] = {}
    groups: dict[Key, list[Grant]] = {}
    weight = 1 + sum(len(rules) for rules in cluster_roles.values()) + sum(len(rules) for rules in roles.values())
    for binding in bindings:
        weight += 1 + len(binding.subjects)
        if binding.role_kind == "ClusterRole":
            rules = cluster_roles.get(binding.role) or shared_roles.get(binding.role)
        elif binding.role_kind == "Role" and binding.namespace:
            rules = roles.get((binding.namespace, binding.role))
        else:
            rules = None
        if not rules:
            continue
        for kind, namespace, name in binding.subjects:
            if kind == "User":
                users.setdefault((binding.namespace, name), []).append(Grant(binding, rules, f"User {quote(name)}"))
            elif kind == "Group":
                groups.setdefault((binding.namespace, name), []).append(Grant(binding, rules, f"Group {quote(name)}"))
            elif kind == "ServiceAccount" and (namespace or binding.namespace):
                home = namespace or binding.namespace
                grant = Grant(binding, rules, f"ServiceAccount {quote(f'{name}/{home}')}")
                users.setdefault((binding.namespace, service_account_user(home, name)), []).append(grant)
    return Policy(
        cluster_roles,
        roles,
        {key: tuple(grants) for key, grants in users.items()},
        {key: tuple(grants) for key, grants in groups.items()},
        weight,
    )


def grants(policies: Sequence[Policy], users: Sequence[User], namespace: str) -> Iterator[Grant]:
    """What the users were granted: cluster-wide, and in `namespace` where it is not empty."""
    for scope in ("", namespace) if namespace else ("",):
        for policy in policies:
            for user in users:
                yield from policy.users.get((scope, user.name), ())
                for group in user.groups:
                    yield from policy.groups.get((scope, group), ())


@dataclass(frozen=True, slots=True)
class Answer:
    """Who granted what was asked for (None: nobody), and whether the object's name mattered for that."""

    grant: Grant | None
    named: bool


def ask_resource(
    policies: Sequence[Policy],
    users: Sequence[User],
    verb: str,
    group: str,
    resource: str,
    subresource: str,
    namespace: str,
    name: str,
) -> Answer:
    """Whether any of the users may do `verb` on a resource. `named` is false where any other name has the same
    answer.
    """
    wanted = f"{resource}/{subresource}" if subresource else resource
    wildcard = f"*/{subresource}" if subresource else ""
    by_name: Grant | None = None
    named = False
    for grant in grants(policies, users, namespace):
        for rule in grant.rules:
            if rule.covers(verb, group, wanted, wildcard):
                reached = rule.names(name)
                if reached is None:
                    return Answer(grant, False)
                named = True
                if reached and by_name is None:
                    by_name = grant
    return Answer(by_name, named)


def ask_path(policies: Sequence[Policy], users: Sequence[User], verb: str, path: str) -> Grant | None:
    """Who granted `verb` on a path that is no resource; only cluster-wide bindings can."""
    for grant in grants(policies, users, ""):
        for rule in grant.rules:
            if rule.allows_path(verb, path):
                return grant
    return None


def held_rules(policies: Sequence[Policy], users: Sequence[User], namespace: str) -> list[Rule]:
    """All rules the users have there, in the order of the bindings that gave them."""
    return [rule.rule for grant in grants(policies, users, namespace) for rule in grant.rules]
