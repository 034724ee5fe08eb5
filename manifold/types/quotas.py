"""ResourceQuota: how much of what a namespace may hold. The limits are `spec.hard`, the usage is in the status.

A quota counts standard resources, objects of any type (`count/<resource>.<group>`) and extended resources. Scopes
narrow it to a part of the pods or claims, so only few resources fit a scope. (Kubernetes API reference, ResourceQuota.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from manifold.base import names, quantity
from manifold.base.fields import IMMUTABLE, FieldError, Path, invalid, required
from manifold.types.declaring import AGE, NAME, built_in
from manifold.types.resource import Column, Object
from manifold.types.strategies import StatusStrategy, StatusSubresource

_POD_COUNT = frozenset(("pods",))
_POD_COMPUTE = frozenset(("cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"))
_CLAIMS = frozenset(("persistentvolumeclaims", "requests.storage"))
_COUNTED = frozenset(
    (
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    )
)
_QUOTA_RESOURCES = (
    _COUNTED
    | _POD_COMPUTE
    | frozenset(("ephemeral-storage", "requests.ephemeral-storage", "limits.ephemeral-storage", "requests.storage"))
)
_STANDARD_RESOURCES = _QUOTA_RESOURCES | {"storage"}
_HUGE_PAGES = ("hugepages-", "requests.hugepages-")

_POD_SCOPES = frozenset(
    ("Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity")
)
_SCOPES = _POD_SCOPES | {"BestEffort", "VolumeAttributesClass"}
_EXISTS_SCOPES = frozenset(
    ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity")
)
_CONTRADICTIONS = (frozenset(("BestEffort", "NotBestEffort")), frozenset(("Terminating", "NotTerminating")))
_EXISTS_TEXT = (
    "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)

_TOLD = 32
"""How many errors of scopes are told: each shows all scopes, so their number must not grow with them."""

_SPEC = Path("spec")
_STATUS = Path("status")


def is_quota_resource(name: str) -> bool:
    """Whether a resource without a domain can be limited."""
    return name in _QUOTA_RESOURCES or name.startswith(_HUGE_PAGES)


def is_counted(name: str) -> bool:
    """Whether amounts of a resource are whole numbers: objects, and extended resources (`domain/name`, `count/...`)."""
    if name in _COUNTED:
        return True
    if "/" not in name or "kubernetes.io/" in name or name.startswith("requests."):
        return False
    return names.is_label_key("requests." + name)


def fits_scope(scope: str, resource: str) -> bool:
    """Whether a standard resource can be limited within a scope."""
    if scope in _POD_SCOPES:
        return resource in _POD_COUNT or resource in _POD_COMPUTE
    if scope == "BestEffort":
        return resource in _POD_COUNT
    return resource in _CLAIMS if scope == "VolumeAttributesClass" else True


def _resource_name_errors(name: str, path: Path) -> list[FieldError]:
    errors = [invalid(path, name, text) for text in names.label_key(name)]
    if "/" not in name:
        if not errors and name not in _STANDARD_RESOURCES and not name.startswith(_HUGE_PAGES):
            errors.append(invalid(path, name, "must be a standard resource type or fully qualified"))
        if not is_quota_resource(name):
            errors.append(invalid(path, name, "must be a standard resource for quota"))
    return errors


def _amounts_errors(amounts: Mapping[str, str], path: Path) -> list[FieldError]:
    """What is wrong with a map of resources to quantities."""
    errors: list[FieldError] = []
    for name, text in amounts.items():
        place = path.key(name)
        errors.extend(_resource_name_errors(name, place))
        amount = quantity.parse(text)
        if amount.nano < 0:
            errors.append(invalid(place, str(amount), "must be greater than or equal to 0"))
        if not amount.whole and is_counted(name):
            errors.append(invalid(place, str(amount), "must be an integer"))
    return errors


def _scope_errors(scope: str, limited: Sequence[str], shown: object, own: Path, whole: Path) -> list[FieldError]:
    """What is wrong with one scope: unknown (told at `own`), or not for the limited resources (at `whole`)."""
    errors = []
    if scope not in _SCOPES:
        errors.append(invalid(own, shown if own == whole else scope, "unsupported scope"))
    unfit = sum(not fits_scope(scope, resource) for resource in limited)
    if unfit:
        errors.extend([invalid(whole, shown, "unsupported scope applied to resource")] * min(unfit, _TOLD))
    return errors


def _contradictions(scopes: Iterable[str], shown: object, path: Path) -> list[FieldError]:
    given = set(scopes)
    return [invalid(path, shown, "conflicting scopes") for pair in _CONTRADICTIONS if pair <= given]


def _selector_errors(spec: Mapping[str, Any], limited: Sequence[str]) -> list[FieldError]:
    """What is wrong with `spec.scopeSelector`."""
    selector = spec.get("scopeSelector")
    if selector is None:
        return []
    path = _SPEC.child("scopeSelector", "matchExpressions")
    errors: list[FieldError] = []
    expressions = selector.get("matchExpressions") or ()
    # The selector itself is shown as its Go structure, whose fields have no JSON names there.
    shown = {"MatchExpressions": [_go_expression(each) for each in expressions]}
    for expression in expressions:
        if len(errors) >= _TOLD:
            break
        scope, operator = expression.get("scopeName", ""), expression.get("operator", "")
        values = expression.get("values") or []
        errors.extend(_scope_errors(scope, limited, shown, path.child("scopeName"), path))
        if scope in _EXISTS_SCOPES and operator != "Exists":
            errors.append(invalid(path.child("operator"), operator, _EXISTS_TEXT))
        if operator in ("In", "NotIn"):
            if not values:
                text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
                errors.append(required(path.child("values"), text))
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
                errors.append(invalid(path.child("values"), values, text))
        else:
            errors.append(invalid(path.child("operator"), operator, "not a valid selector operator"))
    scopes = [expression.get("scopeName", "") for expression in expressions]
    return errors + _contradictions(scopes, spec.get("scopes"), path)


def _go_expression(expression: Mapping[str, Any]) -> Object:
    return {
        "ScopeName": expression.get("scopeName", ""),
        "Operator": expression.get("operator", ""),
        "Values": expression.get("values"),
    }


class ResourceQuotaStrategy(StatusStrategy):
    """Names and amounts of resources, and scopes, which cannot be changed."""

    __slots__ = ()

    def validate(self, new: Object) -> list[FieldError]:
        """All that is wrong with the spec."""
        spec = new.get("spec") or {}
        hard = spec.get("hard") or {}
        errors = _amounts_errors(hard, _SPEC.child("hard"))
        scopes = spec.get("scopes") or []
        limited = sorted(name for name in hard if is_quota_resource(name))
        path = _SPEC.child("scopes")
        before = len(errors)
        for scope in scopes:
            if len(errors) - before >= _TOLD:
                break
            errors.extend(_scope_errors(scope, limited, scopes, path, path))
        errors.extend(_contradictions(scopes, scopes, path))
        return errors + _selector_errors(spec, limited)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """The spec, and that the scopes are the same."""
        errors = self.validate(new)
        scopes = (new.get("spec") or {}).get("scopes")
        if set(scopes or ()) != set((old.get("spec") or {}).get("scopes") or ()):
            errors.append(invalid(_SPEC.child("scopes"), scopes, IMMUTABLE))
        return errors


class ResourceQuotaStatus(StatusSubresource):
    """What is enforced and what is used, each a map of quantities."""

    __slots__ = ()

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Names and amounts of both maps."""
        status = new.get("status") or {}
        return [
            error for part in ("hard", "used") for error in _amounts_errors(status.get(part) or {}, _STATUS.child(part))
        ]


def _usage(obj: Object, limits: bool) -> str:
    """`resource: used/hard` of all resources that are, or are not, limits."""
    status = obj.get("status") or {}
    used = status.get("used") or {}
    return ", ".join(
        f"{name}: {used.get(name, '0')}/{amount}"
        for name, amount in sorted((status.get("hard") or {}).items())
        if name.startswith("limits.") is limits
    )


def _requests(obj: Object, now: datetime) -> str:
    return _usage(obj, limits=False)


def _limits(obj: Object, now: datetime) -> str:
    return _usage(obj, limits=True)


RESOURCE_QUOTAS = built_in(
    "",
    "v1",
    "resourcequotas",
    "ResourceQuota",
    ResourceQuotaStrategy(),
    namespaced=True,
    short_names=("quota",),
    columns=(
        NAME,
        Column("Request", _requests, description="Used and allowed amounts, but for limits"),
        Column("Limit", _limits, description="Used and allowed amounts of limits"),
        AGE,
    ),
    subresources={"status": ResourceQuotaStatus()},
)
