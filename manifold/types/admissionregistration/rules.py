"""What a webhook or a policy is asked about: operations, types, selectors, conditions.

Expressions of conditions are looked at only from outside: whether they are good CEL is for whoever evaluates them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from manifold.base.fields import TOO_MANY, FieldError, Path, duplicate, invalid, not_supported, required
from manifold.base.label_validation import validate_selector
from manifold.base.names import label_key, segment_name
from manifold.types.resource import Object

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
MAX_CONDITIONS = 64


def one_of(value: Any, path: Path, allowed: Sequence[str], needed: bool = False) -> list[FieldError]:
    """What is wrong with a value that must be one of `allowed`; an empty one is only wrong where it is needed."""
    if value is None or value == "":
        return [required(path)] if needed else []
    return [] if value in allowed else [not_supported(path, value, allowed)]


def rule_errors(rule: Mapping[str, Any], path: Path) -> list[FieldError]:
    """What is wrong with a rule: operations, then the types it is about."""
    errors: list[FieldError] = []
    operations = rule.get("operations") or []
    place = path.child("operations")
    if not operations:
        errors.append(required(place))
    if len(operations) > 1 and "*" in operations:
        errors.append(invalid(place, operations, "if '*' is present, must not specify other operations"))
    for position, operation in enumerate(operations):
        errors.extend(one_of(operation, place.at(position), OPERATIONS, needed=True))
    for field, text in (("apiGroups", "API groups"), ("apiVersions", "API versions")):
        values, place = rule.get(field) or [], path.child(field)
        if not values:
            errors.append(required(place))
        if len(values) > 1 and "*" in values:
            errors.append(invalid(place, values, f"if '*' is present, must not specify other {text}"))
    place = path.child("apiVersions")
    for position, version in enumerate(rule.get("apiVersions") or ()):
        if not version:
            errors.append(required(place.at(position)))
    errors.extend(_resource_errors(rule.get("resources") or [], path.child("resources")))
    errors.extend(one_of(rule.get("scope"), path.child("scope"), ("*", "Cluster", "Namespaced")))
    return errors


def _resource_errors(resources: Sequence[str], path: Path) -> list[FieldError]:
    if not resources:
        return [required(path)]
    errors: list[FieldError] = []
    all_parts: set[str] = set()
    all_resources: set[str] = set()
    for position, resource in enumerate(resources):
        name, slash, part = resource.partition("/")
        if not resource:
            errors.append(required(path.at(position)))
        if not slash:
            continue
        if name in all_parts:
            text = f"if '{name}/*' is present, must not specify {resource}"
            errors.append(invalid(path.at(position), resource, text))
        if part in all_resources:
            text = f"if '*/{part}' is present, must not specify {resource}"
            errors.append(invalid(path.at(position), resource, text))
        if part == "*":
            all_parts.add(name)
        if name == "*":
            all_resources.add(part)
    if len(resources) > 1 and "*/*" in resources:
        errors.append(invalid(path, list(resources), "if '*/*' is present, must not specify other resources"))
    if "*" in resources and any(name and "/" not in name and name != "*" for name in resources):
        text = "if '*' is present, must not specify other resources without subresources"
        errors.append(invalid(path, list(resources), text))
    return errors


def condition_errors(conditions: Sequence[Mapping[str, Any]], path: Path) -> list[FieldError]:
    """What is wrong with match conditions (KEP-3716): how many, their names, and that each has an expression."""
    errors: list[FieldError] = []
    if len(conditions) > MAX_CONDITIONS:
        text = f"Too many: {len(conditions)}: must have at most {MAX_CONDITIONS} items"
        errors.append(FieldError(TOO_MANY, path, text))
    seen: set[str] = set()
    for position, condition in enumerate(conditions):
        place, name = path.at(position), condition.get("name") or ""
        if not (condition.get("expression") or "").strip():
            errors.append(required(place.child("expression")))
        if not name:
            errors.append(required(place.child("name")))
            continue
        errors.extend(invalid(place.child("name"), name, text) for text in label_key(name))
        if name in seen:
            errors.append(duplicate(place.child("name"), name))
        seen.add(name)
    return errors


def default_scopes(rules: Iterable[Object] | None) -> None:
    """Rules without a scope are about both, in place."""
    for rule in rules or ():
        if rule.get("scope") is None:
            rule["scope"] = "*"


def default_match(match: Object | None) -> None:
    """Defaults of the resources a policy or a binding matches, in place."""
    if match is not None:
        match.setdefault("matchPolicy", "Equivalent")
        match.setdefault("namespaceSelector", {})
        match.setdefault("objectSelector", {})
        default_scopes(match.get("resourceRules"))
        default_scopes(match.get("excludeResourceRules"))


def match_errors(match: Mapping[str, Any], path: Path) -> list[FieldError]:
    """What is wrong with the resources a policy or a binding matches."""
    errors = one_of(match.get("matchPolicy"), path.child("matchPolicy"), ("Equivalent", "Exact"), needed=True)
    for selector in ("namespaceSelector", "objectSelector"):
        errors.extend(validate_selector(match.get(selector), path.child(selector)))
    for field in ("resourceRules", "excludeResourceRules"):
        for position, rule in enumerate(match.get(field) or ()):
            place = path.child(field).at(position)
            names = rule.get("resourceNames") or []
            for number, name in enumerate(names):
                named = place.child("resourceNames").at(number)
                errors.extend(invalid(named, name, text) for text in segment_name(name, False))
                if name in names[:number]:
                    errors.append(duplicate(named, name))
            errors.extend(rule_errors(rule, place))
    return errors
