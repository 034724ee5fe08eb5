"""Admission policies, validating and mutating (Kubernetes docs; KEP-3488, KEP-3962).

Expressions are looked at only from outside: that they are there where they must be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from manifold.base.fields import FieldError, Path, duplicate, forbidden, invalid, not_supported, required
from manifold.base.names import dns_label_1035, dns_subdomain, label_key
from manifold.types.admissionregistration.rules import condition_errors, default_match, match_errors, one_of
from manifold.types.resource import Object
from manifold.types.strategies import PlainStrategy, StatusStrategy

MAX_ANNOTATIONS = 20
MAX_ANNOTATION_EXPRESSION = 5 * 1024
_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*\Z")
_WORDS = frozenset(
    (
        *("as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop"),
        *("namespace", "null", "package", "return", "true", "var", "void", "while"),
    )
)
"""Words that CEL keeps for itself."""
_SPEC = Path("spec")


def _param_kind_errors(kind: Mapping[str, Any], path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    version, name = kind.get("apiVersion") or "", kind.get("kind") or ""
    place = path.child("apiVersion")
    group, slash, plain = version.rpartition("/")
    if not version:
        errors.append(required(place))
    elif "/" in group:
        errors.append(invalid(place, version, f"unexpected GroupVersion string: {version}"))
    else:
        if slash and (wrong := dns_subdomain(group)):
            errors.append(invalid(place, group, ",".join(wrong)))
        if wrong := dns_label_1035(plain):
            errors.append(invalid(place, plain, ",".join(wrong)))
    if not name:
        errors.append(required(path.child("kind")))
    elif wrong := dns_label_1035(name.lower()):
        text = "may have mixed case, but should otherwise match: " + ",".join(wrong)
        errors.append(invalid(path.child("kind"), name, text))
    return errors


def _variable_errors(variable: Mapping[str, Any], path: Path) -> list[FieldError]:
    name = variable.get("name") or ""
    errors: list[FieldError] = []
    if not name.strip():
        errors.append(required(path.child("name"), "name is not specified"))
    elif not _IDENTIFIER.match(name) or name in _WORDS:
        errors.append(invalid(path.child("name"), name, "must be a valid CEL identifier"))
    return errors + _expression_errors(variable, "expression", path)


def _expression_errors(holder: Mapping[str, Any], field: str, path: Path) -> list[FieldError]:
    if (holder.get(field) or "").strip():
        return []
    return [required(path.child(field), f"{field} is not specified")]


def _validation_errors(validation: Mapping[str, Any], path: Path) -> list[FieldError]:
    errors = _expression_errors(validation, "expression", path)
    expression, message = validation.get("messageExpression") or "", validation.get("message") or ""
    if expression and not expression.strip():
        errors.append(invalid(path.child("messageExpression"), expression, "must be non-empty if specified"))
    if message and not message.strip():
        errors.append(invalid(path.child("message"), message, "message must be non-empty if specified"))
    elif "\n" in message.strip() or "\r" in message.strip():
        errors.append(invalid(path.child("message"), message, "message must not contain line breaks"))
    elif "\n" in (validation.get("expression") or "").strip() and not message:
        errors.append(required(path.child("message"), "message must be specified if expression contains line breaks"))
    reasons = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
    return errors + one_of(validation.get("reason"), path.child("reason"), reasons)


def _annotation_errors(annotation: Mapping[str, Any], policy: str, path: Path) -> list[FieldError]:
    key, expression = annotation.get("key") or "", annotation.get("valueExpression") or ""
    place = path.child("key")
    if policy:
        errors = [invalid(place, f"{policy}/{key}", text) for text in label_key(f"{policy}/{key}")]
    else:
        errors = [invalid(place, key, "requires metadata.name be non-empty")]
    errors.extend(_expression_errors(annotation, "valueExpression", path))
    if len(expression) > MAX_ANNOTATION_EXPRESSION:
        text = f"must not exceed {MAX_ANNOTATION_EXPRESSION} bytes in length"
        errors.append(required(path.child("valueExpression"), text))
    return errors


def _policy_errors(spec: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with what both kinds of policies have."""
    errors = one_of(spec.get("failurePolicy"), _SPEC.child("failurePolicy"), ("Fail", "Ignore"), needed=True)
    if spec.get("paramKind") is not None:
        errors.extend(_param_kind_errors(spec["paramKind"], _SPEC.child("paramKind")))
    match, place = spec.get("matchConstraints"), _SPEC.child("matchConstraints")
    if match is None:
        errors.append(required(place))
    else:
        errors.extend(match_errors(match, place))
        if not match.get("resourceRules"):
            errors.append(required(place.child("resourceRules")))
    errors.extend(condition_errors(spec.get("matchConditions") or (), _SPEC.child("matchConditions")))
    for position, variable in enumerate(spec.get("variables") or ()):
        errors.extend(_variable_errors(variable, _SPEC.child("variables").at(position)))
    return errors


def _default_policy(new: Object) -> Object:
    spec: Object = new.get("spec") or {}
    spec.setdefault("failurePolicy", "Fail")
    default_match(spec.get("matchConstraints"))
    return spec


class ValidatingPolicyStrategy(StatusStrategy):
    """ValidatingAdmissionPolicies."""

    __slots__ = ()

    def default(self, new: Object) -> None:
        """Fill in the failure policy and what is matched."""
        _default_policy(new)

    def prepare_create(self, new: Object) -> None:
        """Start with an empty status."""
        new["status"] = {}

    def validate(self, new: Object) -> list[FieldError]:
        """What is wrong with the spec."""
        spec = new.get("spec") or {}
        errors = _policy_errors(spec)
        validations, annotations = spec.get("validations") or [], spec.get("auditAnnotations") or []
        if not validations and not annotations:
            text = "validations or auditAnnotations must contain at least one item"
            return [
                *errors,
                required(_SPEC.child("validations"), text),
                required(_SPEC.child("auditAnnotations"), text),
            ]
        for position, validation in enumerate(validations):
            errors.extend(_validation_errors(validation, _SPEC.child("validations").at(position)))
        place = _SPEC.child("auditAnnotations")
        if len(annotations) > MAX_ANNOTATIONS:
            text = f"must not have more than {MAX_ANNOTATIONS} auditAnnotations"
            errors.append(invalid(place, annotations, text))
        keys = [annotation.get("key") for annotation in annotations]
        policy = new["metadata"].get("name") or ""
        for position, annotation in enumerate(annotations):
            errors.extend(_annotation_errors(annotation, policy, place.at(position)))
            if keys[position] in keys[:position]:
                errors.append(duplicate(place.at(position).child("key"), keys[position]))
        return errors


_PATCHES = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}


def _mutation_errors(mutation: Mapping[str, Any], path: Path) -> list[FieldError]:
    kind = mutation.get("patchType") or ""
    if not kind:
        return [required(path.child("patchType"), "patchType is not specified")]
    if kind not in _PATCHES:
        return [not_supported(path.child("patchType"), kind, tuple(_PATCHES))]
    errors: list[FieldError] = []
    for name, field in _PATCHES.items():
        given, place = mutation.get(field), path.child(field)
        if name == kind and given is None:
            errors.append(required(place, f"must be specified when patchType is {kind}"))
        elif name == kind:
            errors.extend(_expression_errors(given or {}, "expression", place))
        elif given is not None:
            errors.append(forbidden(place, f"must not be specified when patchType is {kind}"))
    return errors


class MutatingPolicyStrategy(PlainStrategy):
    """MutatingAdmissionPolicies."""

    __slots__ = ()

    def default(self, new: Object) -> None:
        """Fill in policies and what is matched."""
        _default_policy(new).setdefault("reinvocationPolicy", "Never")

    def validate(self, new: Object) -> list[FieldError]:
        """What is wrong with the spec."""
        spec = new.get("spec") or {}
        errors = _policy_errors(spec)
        mutations, place = spec.get("mutations") or [], _SPEC.child("mutations")
        if not mutations:
            errors.append(required(place, "mutations must contain at least one item"))
        for position, mutation in enumerate(mutations):
            errors.extend(_mutation_errors(mutation, place.at(position)))
        policies = ("IfNeeded", "Never")
        errors.extend(one_of(spec.get("reinvocationPolicy"), _SPEC.child("reinvocationPolicy"), policies, needed=True))
        return errors
