"""Roles and bindings: what may be done, and who may do it (Kubernetes API reference, group rbac.authorization.k8s.io).

Here is only what an object decides alone. That nobody grants what they do not have is admission's business, and what
a rule means is authorization's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from manifold.base import names, selectors
from manifold.base.fields import FieldError, Path, invalid, not_supported, required
from manifold.base.label_validation import validate_selector
from manifold.types.declaring import AGE, CREATED, NAME, built_in
from manifold.types.resource import Column, Object
from manifold.types.strategies import PlainStrategy

GROUP = "rbac.authorization.k8s.io"
SERVICE_ACCOUNT = "ServiceAccount"
USER = "User"
USER_GROUP = "Group"

_RULES = Path("rules")
_ROLE_REF = Path("roleRef")
_SUBJECTS = Path("subjects")
_SELECTORS = Path("aggregationRule.clusterRoleSelectors")


def validate_rule(rule: Mapping[str, Any], namespaced: bool, path: Path) -> list[FieldError]:
    """What is wrong with one rule (PolicyRule); `namespaced` where it stands in a Role."""
    errors = []
    if not rule.get("verbs"):
        errors.append(required(path.child("verbs"), "verbs must contain at least one value"))
    urls = rule.get("nonResourceURLs")
    if urls:
        place = path.child("nonResourceURLs")
        if namespaced:
            errors.append(invalid(place, urls, "namespaced rules cannot apply to non-resource URLs"))
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            errors.append(invalid(place, urls, "rules cannot apply to both regular resources and non-resource URLs"))
        return errors
    if not rule.get("apiGroups"):
        errors.append(required(path.child("apiGroups"), "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        errors.append(required(path.child("resources"), "resource rules must supply at least one resource"))
    return errors


class RoleStrategy(PlainStrategy):
    """Rules of a Role, or of a ClusterRole, which also may be put together from others."""

    __slots__ = ("_namespaced",)

    def __init__(self, namespaced: bool) -> None:
        self._namespaced = namespaced

    def default(self, new: Object) -> None:
        """No rules are written as null, however they were left out."""
        if not new.get("rules"):
            new["rules"] = None

    def validate(self, new: Object) -> list[FieldError]:
        """What is wrong with the rules and the aggregation rule."""
        errors: list[FieldError] = []
        for position, rule in enumerate(new.get("rules") or ()):
            errors.extend(validate_rule(rule, self._namespaced, _RULES.at(position)))
        aggregation = new.get("aggregationRule")
        return errors if aggregation is None else errors + _aggregation_errors(aggregation)


def _aggregation_errors(aggregation: Mapping[str, Any]) -> list[FieldError]:
    chosen = aggregation.get("clusterRoleSelectors")
    if not chosen:
        return [required(_SELECTORS, "at least one clusterRoleSelector required if aggregationRule is non-nil")]
    errors: list[FieldError] = []
    for position, selector in enumerate(chosen):
        path = _SELECTORS.at(position)
        errors.extend(validate_selector(selector, path))
        try:
            selectors.from_object(selector)
        except selectors.SelectorError:
            errors.append(invalid(path, None, "invalid label selector."))
    return errors


def _subject_errors(subject: Mapping[str, Any], namespaced: bool, path: Path) -> list[FieldError]:
    errors = []
    kind, name, group = (subject.get(field) or "" for field in ("kind", "name", "apiGroup"))
    if not name:
        errors.append(required(path.child("name")))
    if kind == SERVICE_ACCOUNT:
        if name:
            errors.extend(invalid(path.child("name"), name, text) for text in names.dns_subdomain(name))
        if group:
            errors.append(not_supported(path.child("apiGroup"), group, ("",)))
        if not namespaced and not subject.get("namespace"):
            errors.append(required(path.child("namespace")))
    elif kind in (USER, USER_GROUP):
        if group != GROUP:
            errors.append(not_supported(path.child("apiGroup"), group, (GROUP,)))
    else:
        errors.append(not_supported(path.child("kind"), kind, (SERVICE_ACCOUNT, USER, USER_GROUP)))
    return errors


class BindingStrategy(PlainStrategy):
    """A role and its subjects; the role of a binding can never be exchanged for another."""

    __slots__ = ("_kinds", "_namespaced")

    def __init__(self, namespaced: bool) -> None:
        self._namespaced = namespaced
        self._kinds = ("Role", "ClusterRole") if namespaced else ("ClusterRole",)

    def default(self, new: Object) -> None:
        """Fill in the API group of the role, and of users and groups."""
        role = new.get("roleRef")
        if role is not None and not role.get("apiGroup"):
            role["apiGroup"] = GROUP
        for subject in new.get("subjects") or ():
            if not subject.get("apiGroup") and subject.get("kind") in (USER, USER_GROUP):
                subject["apiGroup"] = GROUP

    def validate(self, new: Object) -> list[FieldError]:
        """What is wrong with role and subjects."""
        errors = []
        role = new.get("roleRef") or {}
        group, kind, name = (role.get(field) or "" for field in ("apiGroup", "kind", "name"))
        if group != GROUP:
            errors.append(not_supported(_ROLE_REF.child("apiGroup"), group, (GROUP,)))
        if kind not in self._kinds:
            errors.append(not_supported(_ROLE_REF.child("kind"), kind, self._kinds))
        if not name:
            errors.append(required(_ROLE_REF.child("name")))
        else:
            errors.extend(invalid(_ROLE_REF.child("name"), name, text) for text in names.segment_name(name, False))
        for position, subject in enumerate(new.get("subjects") or ()):
            errors.extend(_subject_errors(subject, self._namespaced, _SUBJECTS.at(position)))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """The binding, and that its role is the same."""
        errors = self.validate(new)
        role = new.get("roleRef") or {}
        if role != (old.get("roleRef") or {}):
            # Shown as the Go structure, whose fields have no JSON names there.
            shown = {"APIGroup": role.get("apiGroup"), "Kind": role.get("kind"), "Name": role.get("name")}
            errors.append(invalid(_ROLE_REF, shown, "cannot change roleRef"))
        return errors


def _role_cell(obj: Object, now: datetime) -> str:
    role = obj.get("roleRef") or {}
    return f"{role.get('kind', '')}/{role.get('name', '')}"


def _of_kind(obj: Object, kind: str) -> Sequence[Mapping[str, Any]]:
    return [subject for subject in obj.get("subjects") or () if subject.get("kind") == kind]


def _users(obj: Object, now: datetime) -> str:
    return ", ".join(subject.get("name", "") for subject in _of_kind(obj, USER))


def _groups(obj: Object, now: datetime) -> str:
    return ", ".join(subject.get("name", "") for subject in _of_kind(obj, USER_GROUP))


def _service_accounts(obj: Object, now: datetime) -> str:
    return ", ".join(
        f"{subject['namespace']}/{subject.get('name', '')}" if subject.get("namespace") else subject.get("name", "")
        for subject in _of_kind(obj, SERVICE_ACCOUNT)
    )


_BINDING_COLUMNS = (
    NAME,
    Column("Role", _role_cell, description="The role that is granted"),
    AGE,
    Column("Users", _users, description="Users it is granted to", priority=1),
    Column("Groups", _groups, description="Groups it is granted to", priority=1),
    Column("ServiceAccounts", _service_accounts, description="Service accounts it is granted to", priority=1),
)

CLUSTER_ROLE_BINDINGS = built_in(
    GROUP,
    "v1",
    "clusterrolebindings",
    "ClusterRoleBinding",
    BindingStrategy(namespaced=False),
    namespaced=False,
    check_name=names.segment_name,
    columns=_BINDING_COLUMNS,
    create_on_update=True,
)
CLUSTER_ROLES = built_in(
    GROUP,
    "v1",
    "clusterroles",
    "ClusterRole",
    RoleStrategy(namespaced=False),
    namespaced=False,
    check_name=names.segment_name,
    columns=(NAME, CREATED),
    create_on_update=True,
)
ROLE_BINDINGS = built_in(
    GROUP,
    "v1",
    "rolebindings",
    "RoleBinding",
    BindingStrategy(namespaced=True),
    namespaced=True,
    check_name=names.segment_name,
    columns=_BINDING_COLUMNS,
    create_on_update=True,
)
ROLES = built_in(
    GROUP,
    "v1",
    "roles",
    "Role",
    RoleStrategy(namespaced=True),
    namespaced=True,
    check_name=names.segment_name,
    columns=(NAME, CREATED),
    create_on_update=True,
)

TYPES = (CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES)
