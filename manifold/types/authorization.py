"""Reviews of what somebody may do (Kubernetes API reference, group authorization.k8s.io).

Each asks about either a resource or a path, for a named user, for the caller, or within one namespace. Selectors in a
question (KEP-4601) are looked at as far as they can be wrong; operators of a newer client are let through, because a
question that cannot be narrowed is still a question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from manifold.base import names
from manifold.base.errors import bad_request
from manifold.base.fields import FieldError, Path, forbidden, invalid, required
from manifold.types.resource import Object
from manifold.types.reviews import metadata_errors, review
from manifold.types.strategies import PlainStrategy

GROUP = "authorization.k8s.io"

_SPEC = Path("spec")
_RESOURCE = _SPEC.child("resourceAttributes")
_PATH = _SPEC.child("nonResourceAttributes")


def _shown_path(attributes: Mapping[str, Any]) -> Object:
    """A question about a path, shown as the Go structure, whose fields have no JSON names there."""
    return {"Path": attributes.get("path", ""), "Verb": attributes.get("verb", "")}


def _requirement_errors(requirement: Mapping[str, Any], labels: bool, path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    key, operator = requirement.get("key") or "", requirement.get("operator")
    values = requirement.get("values") or ()
    if not labels and not key:
        errors.append(required(path.child("key"), "must be specified"))
    if operator in ("In", "NotIn") and not values:
        errors.append(required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"))
    if operator in ("Exists", "DoesNotExist") and values:
        text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        errors.append(forbidden(path.child("values"), text))
    if labels:
        errors.extend(invalid(path.child("key"), key, text) for text in names.label_key(key))
        for position, value in enumerate(values):
            errors.extend(invalid(path.child("values").at(position), value, text) for text in names.label_value(value))
    return errors


def _selector_errors(selector: Mapping[str, Any] | None, labels: bool, path: Path) -> list[FieldError]:
    """What is wrong with the label or field selector of a question about a resource."""
    if selector is None:
        return []
    errors: list[FieldError] = []
    raw, requirements = selector.get("rawSelector") or "", selector.get("requirements") or ()
    if raw and requirements:
        errors.append(invalid(path.child("rawSelector"), raw, "may not specified at the same time as requirements"))
    if not raw and not requirements:
        text = f"when {path} is specified, requirements or rawSelector is required"
        errors.append(required(path.child("requirements"), text))
    for position, requirement in enumerate(requirements):
        errors.extend(_requirement_errors(requirement, labels, path.child("requirements").at(position)))
    return errors


def attribute_errors(spec: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with the question: exactly one of resource and path must be asked about."""
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        return [invalid(_PATH, _shown_path(path), "cannot be specified in combination with resourceAttributes")]
    if resource is None and path is None:
        text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [invalid(_RESOURCE, None, text)]
    return []


def _narrowing_errors(spec: Mapping[str, Any]) -> list[FieldError]:
    resource = spec.get("resourceAttributes") or {}
    return _selector_errors(resource.get("fieldSelector"), False, _RESOURCE.child("fieldSelector")) + _selector_errors(
        resource.get("labelSelector"), True, _RESOURCE.child("labelSelector")
    )


class AccessReviewStrategy(PlainStrategy):
    """A question about a named user (or groups); `local` in one namespace only."""

    __slots__ = ("_local",)

    def __init__(self, local: bool) -> None:
        self._local = local

    def validate_create(self, new: Object) -> list[FieldError]:
        """All that is wrong with the question."""
        spec = new.get("spec") or {}
        errors = attribute_errors(spec)
        if not spec.get("user") and not spec.get("groups"):
            errors.append(invalid(_SPEC.child("user"), "", "at least one of user or group must be specified"))
        errors += _narrowing_errors(spec) + metadata_errors(new, self._local)
        if self._local:
            resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
            if resource is not None:
                namespace = resource.get("namespace", "")
                if namespace != (new.get("metadata", {}).get("namespace") or ""):
                    errors.append(invalid(_RESOURCE.child("namespace"), namespace, "must match metadata.namespace"))
            if path is not None:
                errors.append(invalid(_PATH, _shown_path(path), "disallowed on this kind of request"))
        return errors


class SelfAccessReviewStrategy(PlainStrategy):
    """A question about the caller."""

    __slots__ = ()

    def validate_create(self, new: Object) -> list[FieldError]:
        """All that is wrong with the question."""
        spec = new.get("spec") or {}
        return attribute_errors(spec) + _narrowing_errors(spec) + metadata_errors(new, False)


class RulesReviewStrategy(PlainStrategy):
    """A question for all the caller may do in a namespace."""

    __slots__ = ()

    def validate_create(self, new: Object) -> list[FieldError]:
        """Raises the 400 of a question without a namespace."""
        if not (new.get("spec") or {}).get("namespace"):
            raise bad_request("no namespace on request")
        return []


LOCAL_SUBJECT_ACCESS_REVIEWS = review(
    GROUP,
    "localsubjectaccessreviews",
    "LocalSubjectAccessReview",
    AccessReviewStrategy(local=True),
    namespaced=True,
    nameless=True,
)
SELF_SUBJECT_ACCESS_REVIEWS = review(
    GROUP, "selfsubjectaccessreviews", "SelfSubjectAccessReview", SelfAccessReviewStrategy(), nameless=True
)
SELF_SUBJECT_RULES_REVIEWS = review(
    GROUP, "selfsubjectrulesreviews", "SelfSubjectRulesReview", RulesReviewStrategy(), nameless=True
)
SUBJECT_ACCESS_REVIEWS = review(
    GROUP, "subjectaccessreviews", "SubjectAccessReview", AccessReviewStrategy(local=False), nameless=True
)

TYPES = (
    LOCAL_SUBJECT_ACCESS_REVIEWS,
    SELF_SUBJECT_ACCESS_REVIEWS,
    SELF_SUBJECT_RULES_REVIEWS,
    SUBJECT_ACCESS_REVIEWS,
)
