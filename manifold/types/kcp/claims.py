"""Permission claims: what a provider may claim, and what a claim must say (APIs reference, 2.1, 3.1 and 5.4)."""

from __future__ import annotations

from typing import Any

from manifold.base.fields import FieldError, invalid, required
from manifold.types.apiextensions.instances import broken_rule
from manifold.types.resource import Object

_EITHER = 'either "all" or "resourceSelector" must be set'
BUILT_IN_CLAIMS = frozenset(
    (
        ("", "namespaces"),
        ("", "configmaps"),
        ("", "events"),
        ("", "resourcequotas"),
        ("", "secrets"),
        ("", "serviceaccounts"),
        ("rbac.authorization.k8s.io", "clusterroles"),
        ("rbac.authorization.k8s.io", "clusterrolebindings"),
        ("rbac.authorization.k8s.io", "roles"),
        ("rbac.authorization.k8s.io", "rolebindings"),
        ("certificates.k8s.io", "certificatesigningrequests"),
        ("coordination.k8s.io", "leases"),
        ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
        ("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
        ("admissionregistration.k8s.io", "mutatingadmissionpolicies"),
        ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings"),
        ("admissionregistration.k8s.io", "validatingadmissionpolicies"),
        ("admissionregistration.k8s.io", "validatingadmissionpolicybindings"),
        ("events.k8s.io", "events"),
        ("apiextensions.k8s.io", "customresourcedefinitions"),
        ("core.kcp.io", "logicalclusters"),
        ("authorization.k8s.io", "subjectaccessreviews"),
        ("authorization.k8s.io", "localsubjectaccessreviews"),
        ("authentication.k8s.io", "tokenreviews"),
    )
)
"""Types of the server itself that an export may claim without naming an identity (APIs reference, 5.4)."""


def older_claim_errors(claim: Any, field: str) -> list[FieldError]:
    """The rules of v1alpha1 on a claim at `field`: all objects, or selected ones, but not both."""
    if type(claim) is not dict:
        return []
    selectors = claim.get("resourceSelector") or []
    errors: list[FieldError] = []
    if bool(claim.get("all")) == bool(selectors):
        errors.append(broken_rule(field, claim, _EITHER))
    for position, selector in enumerate(selectors):
        if "namespace" not in selector and "name" not in selector:
            place = f"{field}.resourceSelector[{position}]"
            errors.append(broken_rule(place, selector, "at least one field must be set"))
    return errors


def selector_errors(claim: Object, field: str) -> list[FieldError]:
    """What is wrong with the selector of a claim in v1alpha2, which is at `field`."""
    selector = claim.get("selector") or {}
    labels, expressions = selector.get("matchLabels"), selector.get("matchExpressions")
    if not selector.get("matchAll"):
        if labels or expressions:
            return []
        return [required(field, "either one of matchAll, matchLabels, or matchExpressions must be set")]
    ordered = {name: selector[name] for name in ("matchLabels", "matchExpressions", "matchAll") if selector.get(name)}
    return [
        invalid(f"{field}.{name}", ordered, f"{name} cannot be used with matchAll")
        for name in ("matchLabels", "matchExpressions")
        if selector.get(name)
    ]
