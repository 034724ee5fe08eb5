"""Nobody grants what they do not have: the check on roles and bindings that are written.

A writer of a role must hold every right in it, or the verb `escalate` on it; a writer of a binding every right of its
role, or the verb `bind` on that role (RBAC documentation, "Privilege escalation prevention and bootstrapping").
Rights are compared as written, never by asking about single objects, so that the answer does not depend on what
exists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from manifold.auth.attributes import Attributes
from manifold.auth.chain import Chain
from manifold.auth.names import RBAC_GROUP, SYSTEM_ADMIN
from manifold.auth.rbac.policy import Rules
from manifold.auth.rbac.rules import ALL, Rule, parse_rules, shown, shown_list
from manifold.base.errors import forbidden, not_found
from manifold.base.fields import quote
from manifold.base.user import MASTERS, User

FULL_AUTHORITY = (Rule((ALL,), (ALL,), (ALL,)), Rule((ALL,), urls=(ALL,)))
MAX_COMPARISONS = 200_000
"""Steps of one check; a role that needs more is refused unless its writer may escalate."""
MAX_TOLD = 1000
"""Missing rights one refusal lists."""
_SLICE = 2000


class _TooMany(Exception):
    """A role is too large to be compared."""


def only_collected(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Whether an update changes nothing but owner references and finalizers, which anyone who may update may drop."""

    def rest(obj: dict[str, Any]) -> dict[str, Any]:
        ignored = ("ownerReferences", "finalizers", "managedFields", "resourceVersion")
        metadata = {key: value for key, value in obj.get("metadata", {}).items() if key not in ignored}
        return {**obj, "metadata": metadata}

    return rest(new) == rest(old)


def _covers_resource(held: frozenset[str], resource: str) -> bool:
    if ALL in held or resource in held:
        return True
    _, slash, subresource = resource.partition("/")
    return bool(slash) and f"*/{subresource}" in held


def _covers_url(held: Sequence[str], url: str) -> bool:
    return any(own == url or (own.endswith(ALL) and url.startswith(own.rstrip(ALL))) for own in held)


class _Comparison:
    """Which parts of rules are not within the rules somebody holds."""

    def __init__(self, held: Sequence[Rule]) -> None:
        distinct = dict.fromkeys(held)
        self._resources = [
            (frozenset(rule.groups), frozenset(rule.resources), frozenset(rule.names), frozenset(rule.verbs))
            for rule in distinct
            if rule.resources
        ]
        self._urls = [(rule.urls, frozenset(rule.verbs)) for rule in distinct if rule.urls]
        self._steps = 0

    async def _step(self, count: int) -> None:
        before = self._steps
        self._steps += count
        if self._steps > MAX_COMPARISONS:
            raise _TooMany
        if before // _SLICE != self._steps // _SLICE:
            await asyncio.sleep(0)

    async def missing(self, rule: Rule) -> list[Rule]:
        """The single rights of a rule that are not held, verbs of one kind together, in the rule's own order."""
        verbs = tuple(dict.fromkeys(rule.verbs))
        lacking: list[Rule] = []
        for group in dict.fromkeys(rule.groups):
            await self._step(len(self._resources))
            in_group = [held for held in self._resources if ALL in held[0] or group in held[0]]
            for resource in dict.fromkeys(rule.resources):
                await self._step(1 + len(in_group))
                reaching = [held for held in in_group if _covers_resource(held[1], resource)]
                for name in dict.fromkeys(rule.names) or ("",):
                    await self._step(1 + len(reaching))
                    allowed = frozenset[str]().union(
                        *(held for _, _, names, held in reaching if not names or (rule.names and name in names))
                    )
                    left = () if ALL in allowed else tuple(verb for verb in verbs if verb not in allowed)
                    if left:
                        lacking.append(Rule(left, (group,), (resource,), (name,) if rule.names else ()))
        for url in dict.fromkeys(rule.urls):
            await self._step(1 + len(self._urls))
            allowed = frozenset[str]().union(*(held for urls, held in self._urls if _covers_url(urls, url)))
            if ALL not in allowed:
                # Unlike rights on resources, these are told one verb at a time.
                lacking += [Rule((verb,), urls=(url,)) for verb in verbs if verb not in allowed]
        return lacking


async def uncovered(held: Sequence[Rule], wanted: Sequence[Rule]) -> list[Rule]:
    """The rights in `wanted` that `held` does not give; rights that differ in nothing but the verb are one rule."""
    comparison = _Comparison(held)
    merged: dict[tuple[object, ...], Rule] = {}
    for rule in dict.fromkeys(wanted):
        for lacking in await comparison.missing(rule):
            key = (
                lacking.groups,
                lacking.resources,
                lacking.names,
                lacking.urls,
                lacking.verbs if lacking.urls else (),
            )
            known = merged.get(key)
            if known is not None:
                lacking = replace(lacking, verbs=tuple(dict.fromkeys((*known.verbs, *lacking.verbs))))
            merged[key] = lacking
    return list(merged.values())


async def _lacks(chain: Chain, user: User, cluster: str, namespace: str, wanted: Sequence[Rule]) -> str:
    """Why a user may not grant these rules, or nothing where it may."""
    held = await chain.rules_for(user, cluster, namespace)
    try:
        lacking = await uncovered(held, wanted)
    except _TooMany:
        return "the role is too large to be compared with the permissions currently held"
    if not lacking:
        return ""
    lines = sorted({shown(rule) for rule in lacking})
    told = "\n".join(lines[:MAX_TOLD])
    if len(lines) > MAX_TOLD:
        told += f"\n... and {len(lines) - MAX_TOLD} more"
    who = f"user {quote(user.name)} (groups={shown_list(user.groups)})"
    return f"{who} is attempting to grant RBAC permissions not currently held:\n{told}"


async def check_role(
    chain: Chain,
    user: User,
    cluster: str,
    resource: str,
    namespace: str,
    role: dict[str, Any],
    old: dict[str, Any] | None = None,
) -> None:
    """Raise the 403 unless the user may write this role.

    `resource` is `roles` or `clusterroles`; `namespace` is empty for the latter; `old` is the role it replaces.
    Setting an aggregation rule, which can gather anything, needs all rights there are.
    """
    if MASTERS in user.groups or (old is not None and only_collected(role, old)):
        return
    name = str(role["metadata"].get("name", ""))
    # A create names its object in the body, not in the request, so the right to escalate by name is for updates.
    named = name if old is not None else ""
    asked = Attributes(user, "escalate", cluster, RBAC_GROUP, "*", resource, "", namespace, named)
    if (await chain.authorize(asked)).allowed:
        return
    gathers = role.get("aggregationRule") is not None or (old is not None and old.get("aggregationRule") is not None)
    if gathers and await _lacks(chain, user, cluster, namespace, FULL_AUTHORITY):
        raise forbidden(RBAC_GROUP, resource, name, "must have cluster-admin privileges to use an aggregationRule")
    why = await _lacks(chain, user, cluster, namespace, parse_rules(role.get("rules")))
    if why:
        raise forbidden(RBAC_GROUP, resource, name, why)


async def referenced_rules(chain: Chain, cluster: str, namespace: str, kind: str, name: str) -> Rules | None:
    """The rules of the role a binding in `namespace` (empty: cluster-wide) names, or None where it does not exist."""
    local = (await chain.rbac.policy(cluster)).value
    if kind == "Role":
        return local.roles.get((namespace, name)) if namespace else None
    if kind != "ClusterRole":
        return None
    found = local.cluster_roles.get(name)
    if found is None and cluster != SYSTEM_ADMIN:
        found = (await chain.rbac.shared()).value.cluster_roles.get(name)
    return found


async def check_binding(
    chain: Chain,
    user: User,
    cluster: str,
    resource: str,
    namespace: str,
    binding: dict[str, Any],
    old: dict[str, Any] | None = None,
) -> None:
    """Raise the 403 unless the user may write this binding, or the 404 where its role does not exist.

    `resource` is `rolebindings` or `clusterrolebindings`; `namespace` is empty for the latter.
    """
    if MASTERS in user.groups or (old is not None and only_collected(binding, old)):
        return
    reference = binding.get("roleRef") or {}
    kind, role = str(reference.get("kind", "")), str(reference.get("name", ""))
    roles = "roles" if kind == "Role" else "clusterroles"
    asked = Attributes(user, "bind", cluster, RBAC_GROUP, "*", roles, "", namespace, role)
    if (await chain.authorize(asked)).allowed:
        return
    rules = await referenced_rules(chain, cluster, namespace, kind, role)
    if rules is None:
        raise not_found(RBAC_GROUP, resource, role)
    why = await _lacks(chain, user, cluster, namespace, [compiled.rule for compiled in rules])
    if why:
        raise forbidden(RBAC_GROUP, resource, str(binding["metadata"].get("name", "")), why)
