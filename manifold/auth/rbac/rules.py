"""One policy rule: what it allows, in the words of rbac.authorization.k8s.io/v1 PolicyRule.

A rule is kept twice: as the tuples it was written with, because reviews and refusals show them in that order, and as
frozen sets, because a question is a few set lookups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifold.base.fields import quote

ALL = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """`verbs` on `resources` of `groups` (only those of `names`, where it has any), or on the paths `urls`."""

    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


class CompiledRule:
    """A rule ready to be asked. `rule` is what it was made from."""

    __slots__ = ("_groups", "_names", "_resources", "_urls", "_verbs", "prefixes", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._verbs = None if ALL in rule.verbs else frozenset(rule.verbs)
        self._groups = None if ALL in rule.groups else frozenset(rule.groups)
        self._resources = None if ALL in rule.resources else frozenset(rule.resources)
        self._names = frozenset(rule.names) if rule.names else None
        self._urls = frozenset(rule.urls)
        self.prefixes = tuple(url.rstrip(ALL) for url in rule.urls if url.endswith(ALL))

    def covers(self, verb: str, group: str, resource: str, wildcard: str) -> bool:
        """Whether it allows `verb` on some object of the resource.

        `resource` is `resource` or `resource/subresource`; `wildcard` is `*/subresource`, or empty without one.
        """
        if self._verbs is not None and verb not in self._verbs:
            return False
        if self._groups is None or group in self._groups:
            resources = self._resources
            if resources is None:
                return True
            return resource in resources or (wildcard != "" and wildcard in resources)
        return False

    def names(self, name: str) -> bool | None:
        """Whether it reaches the object called `name`; None where it reaches objects of every name."""
        return None if self._names is None else name in self._names

    def allows_path(self, verb: str, path: str) -> bool:
        """Whether it allows `verb` on a path that is no resource; `*` at the end of a URL matches any rest."""
        if self._verbs is not None and verb not in self._verbs:
            return False
        return path in self._urls or any(path.startswith(prefix) for prefix in self.prefixes)


def _strings(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def parse_rule(obj: Mapping[str, Any]) -> Rule:
    """The rule of a PolicyRule object; what is not a list of strings counts as absent."""
    return Rule(
        _strings(obj.get("verbs")),
        _strings(obj.get("apiGroups")),
        _strings(obj.get("resources")),
        _strings(obj.get("resourceNames")),
        _strings(obj.get("nonResourceURLs")),
    )


def parse_rules(value: object) -> tuple[Rule, ...]:
    """The rules of a role's `rules` field, which may be absent or null."""
    return tuple(parse_rule(item) for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def shown(rule: Rule) -> str:
    """A rule as refusals write it: `{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}`."""
    fields = (
        ("APIGroups", rule.groups),
        ("Resources", rule.resources),
        ("NonResourceURLs", rule.urls),
        ("ResourceNames", rule.names),
        ("Verbs", rule.verbs),
    )
    return "{" + ", ".join(f"{name}:{shown_list(values)}" for name, values in fields if values) + "}"


def shown_list(values: Sequence[str]) -> str:
    """A list of strings in Go's `%q`: `["a" "b"]`."""
    return "[" + " ".join(quote(value) for value in values) + "]"
