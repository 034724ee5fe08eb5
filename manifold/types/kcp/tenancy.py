"""tenancy.kcp.io: workspaces, their types, and how their users may authenticate.

Sections 3.1, 3.2, 3.4 and 3.9 of the tenancy reference. What depends on who asks (setting spec.cluster and spec.URL),
on the type of a workspace or on rights is decided by the workspace layers.
"""

from __future__ import annotations

from typing import Any

from manifold.base.fields import FieldError
from manifold.schema.structural.validation import same_json
from manifold.types.apiextensions.instances import CustomStatus, CustomStrategy, broken_rule
from manifold.types.kcp.catalog import kcp_type
from manifold.types.kcp.rules import at, both, each, refuse, unchanging
from manifold.types.resource import Object

GROUP = "tenancy.kcp.io"
RESERVED_NAMES = frozenset(("any", "system"))
"""Names no workspace type can have, because they mean something in references to types."""


def _workspace_rules(new: Object, old: Object | None) -> list[FieldError]:
    spec, former = new.get("spec"), (old or {}).get("spec")
    if type(spec) is not dict or type(former) is not dict:
        return []
    errors: list[FieldError] = []
    for name in ("URL", "cluster"):
        if name in former and name not in spec:
            errors.append(broken_rule("spec", spec, f"{name} cannot be unset"))
    kind, before = spec.get("type"), former.get("type")
    if type(kind) is dict and type(before) is dict:
        if kind.get("name") != before.get("name"):
            errors.append(broken_rule("spec.type", kind, "name is immutable"))
        if ("path" in kind) != ("path" in before) or kind.get("path") != before.get("path"):
            errors.append(broken_rule("spec.type", kind, "path is immutable"))
    return errors


class WorkspaceStrategy(CustomStrategy):
    """Workspaces: what a mount may look like."""

    __slots__ = ()

    def validate_create(self, new: Object) -> list[FieldError]:
        """What the schema says; then the 403 of a mount that names nothing, or of a mounted workspace with a type."""
        errors = super().validate_create(new)
        reference = at(new, "spec", "mount", "ref")
        if errors or reference is None:
            return errors
        for name in ("kind", "name", "apiVersion"):
            if not reference.get(name):
                raise refuse(GROUP, "workspaces", new, f"spec.mount.{name} must be set")
        if at(new, "spec", "type") is not None:
            raise refuse(GROUP, "workspaces", new, "spec.type cannot be set for mounted workspaces")
        return errors


class WorkspaceStatus(CustomStatus):
    """The status of a workspace: one that becomes Ready must say where it is."""

    __slots__ = ()

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What the schema says; then the 403 of a phase that cannot be yet."""
        errors = super().validate_update(new, old)
        spec = new.get("spec") or {}
        becomes_ready = at(new, "status", "phase") == "Ready" != at(old, "status", "phase")
        if not errors and becomes_ready and "mount" not in spec:
            for name in ("cluster", "URL"):
                if not spec.get(name):
                    raise refuse(GROUP, "workspaces", new, f"spec.{name} must be set for phase Ready")
        return errors


class WorkspaceTypeStrategy(CustomStrategy):
    """Workspace types: reserved names, and references to other types that name their path."""

    __slots__ = ()

    def prepare_create(self, new: Object) -> None:
        """Drop the status. Raises the 403 of a reserved name, which kcp decides before the schema does."""
        name = new["metadata"].get("name")
        if name in RESERVED_NAMES:
            raise refuse(GROUP, "workspacetypes", new, f'metadata.name: Invalid value: "{name}": name is reserved')
        super().prepare_create(new)

    def validate_create(self, new: Object) -> list[FieldError]:
        """What the schema says; then the 403 of a reference without a path."""
        return self._with_paths(super().validate_create(new), new)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """As for a new one."""
        return self._with_paths(super().validate_update(new, old), new)

    def _with_paths(self, errors: list[FieldError], new: Object) -> list[FieldError]:
        spec = new.get("spec")
        if errors or type(spec) is not dict:
            return errors
        child = spec.get("defaultChildWorkspaceType")
        if child is not None and not child.get("path"):
            raise refuse(GROUP, "workspacetypes", new, ".spec.defaultChildWorkspaceType.path must be set")
        for limit in ("limitAllowedChildren", "limitAllowedParents"):
            for position, kind in enumerate(at(spec, limit, "types") or ()):
                if not kind.get("path"):
                    text = f".spec.{limit}.types[{position}].path must be set"
                    raise refuse(GROUP, "workspacetypes", new, text)
        return errors


_EITHER = "either claim or expression must be specified"
_NOT_BOTH = "claim and expression cannot both be specified"


def _claim_mapping(mapping: Any, field: str, needed: bool, prefixed: bool) -> list[FieldError]:
    if type(mapping) is not dict:
        return []
    claim, expression = "claim" in mapping, "expression" in mapping
    errors: list[FieldError] = []
    if needed and not claim and not expression:
        errors.append(broken_rule(field, mapping, _EITHER))
    if claim and expression:
        errors.append(broken_rule(field, mapping, _NOT_BOTH))
    if prefixed and "prefix" in mapping and not claim:
        errors.append(broken_rule(field, mapping, "prefix can only be specified when claim is specified"))
    return errors


def _claim_rule(rule: Any, field: str) -> list[FieldError]:
    if type(rule) is not dict:
        return []
    claim, expression = "claim" in rule, "expression" in rule
    value, message = "requiredValue" in rule, "message" in rule
    errors: list[FieldError] = []
    if not claim and not expression:
        errors.append(broken_rule(field, rule, _EITHER))
    if claim and expression:
        errors.append(broken_rule(field, rule, _NOT_BOTH))
    # As kcp has it: a claim also needs a value, and an expression a message.
    if not ((expression and not value) or (claim and value)):
        errors.append(broken_rule(field, rule, "requiredValue can only be specified when claim is specified"))
    if not ((expression and message) or (claim and not message)):
        errors.append(broken_rule(field, rule, "message can only be specified when expression is specified"))
    return errors


def _issuer_rules(issuer: Any, field: str) -> list[FieldError]:
    mappings = at(issuer, "claimMappings")
    errors: list[FieldError] = []
    for name, needed, prefixed in (("groups", True, True), ("uid", False, False), ("username", True, True)):
        errors.extend(_claim_mapping(at(mappings, name), f"{field}.claimMappings.{name}", needed, prefixed))
    for position, rule in enumerate(at(issuer, "claimValidationRules") or ()):
        errors.extend(_claim_rule(rule, f"{field}.claimValidationRules[{position}]"))
    return errors


def _authentication_rules(new: Object, old: Object | None) -> list[FieldError]:
    if old is not None and same_json(new.get("spec"), old.get("spec")):
        return []
    return each(new, None, ("spec", "jwt"), _issuer_rules)


WORKSPACES = kcp_type(
    GROUP,
    "workspaces",
    "v1alpha1",
    strategy=WorkspaceStrategy,
    status=WorkspaceStatus,
    rules=both(
        _workspace_rules,
        unchanging(("spec", "cluster"), "cluster is immutable"),
        unchanging(("spec", "mount"), "mount is immutable"),
    ),
)
WORKSPACE_TYPES = kcp_type(GROUP, "workspacetypes", "v1alpha1", strategy=WorkspaceTypeStrategy)
WORKSPACE_AUTHENTICATION_CONFIGURATIONS = kcp_type(
    GROUP, "workspaceauthenticationconfigurations", "v1alpha1", rules=_authentication_rules
)
TYPES = (WORKSPACES, WORKSPACE_TYPES, WORKSPACE_AUTHENTICATION_CONFIGURATIONS)
