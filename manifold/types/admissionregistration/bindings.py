"""Bindings of admission policies: what a policy is about, with which parameters, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from manifold.base.fields import FieldError, Path, duplicate, forbidden, invalid, required
from manifold.base.label_validation import validate_selector
from manifold.base.names import dns_subdomain, segment_name
from manifold.types.admissionregistration.rules import default_match, match_errors, one_of
from manifold.types.resource import Object
from manifold.types.strategies import PlainStrategy

_SPEC = Path("spec")


class PolicyBindingStrategy(PlainStrategy):
    """Bindings of policies to what they are about; a validating one also says what is done."""

    __slots__ = ("_acts",)

    def __init__(self, acts: bool) -> None:
        self._acts = acts

    def default(self, new: Object) -> None:
        """Fill in what is matched."""
        default_match((new.get("spec") or {}).get("matchResources"))

    def validate(self, new: Object) -> list[FieldError]:
        """What is wrong with the spec."""
        spec = new.get("spec") or {}
        policy, place = spec.get("policyName") or "", _SPEC.child("policyName")
        errors = [invalid(place, policy, text) for text in dns_subdomain(policy)] if policy else [required(place)]
        if spec.get("paramRef") is not None:
            errors.extend(_param_errors(spec["paramRef"], _SPEC.child("paramRef")))
        if spec.get("matchResources") is not None:
            errors.extend(match_errors(spec["matchResources"], _SPEC.child("matchResources")))
        if self._acts:
            errors.extend(_action_errors(spec.get("validationActions") or [], _SPEC.child("validationActions")))
        return errors


def _param_errors(reference: Mapping[str, Any], path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    name, selector = reference.get("name") or "", reference.get("selector")
    both = "name and selector are mutually exclusive"
    if name:
        errors.extend(invalid(path.child("name"), name, text) for text in segment_name(name, False))
        if selector is not None:
            errors.append(forbidden(path.child("name"), both))
    if selector is not None:
        errors.extend(validate_selector(selector, path.child("selector")))
        if name:
            errors.append(forbidden(path.child("selector"), both))
    elif not name:
        errors.append(required(path, "one of name or selector must be specified"))
    actions = ("Deny", "Allow")
    action = reference.get("parameterNotFoundAction")
    return errors + one_of(action, path.child("parameterNotFoundAction"), actions, needed=True)


def _action_errors(actions: Sequence[str], path: Path) -> list[FieldError]:
    if not actions:
        return [required(path, "at least one validation action is required")]
    errors: list[FieldError] = []
    for position, action in enumerate(actions):
        errors.extend(one_of(action, path.at(position), ("Audit", "Deny", "Warn"), needed=True))
        if action in actions[:position]:
            errors.append(duplicate(path.at(position), action))
    if {"Deny", "Warn"} <= set(actions):
        text = (
            "must not contain both Deny and Warn (repeating the same validation failure information in the API "
            "response and headers serves no purpose)"
        )
        errors.append(invalid(path, list(actions), text))
    return errors
