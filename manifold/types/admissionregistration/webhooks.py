"""Configurations of admission webhooks (Kubernetes docs, "Dynamic Admission Control")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from manifold.base.fields import FieldError, Path, duplicate, invalid, not_supported, required
from manifold.base.label_validation import validate_selector
from manifold.base.names import fully_qualified
from manifold.types.admissionregistration.rules import condition_errors, default_scopes, one_of, rule_errors
from manifold.types.apiextensions.webhooks import REVIEW_VERSIONS, review_errors, service_errors, url_errors
from manifold.types.resource import Object
from manifold.types.strategies import PlainStrategy

_WEBHOOKS = Path("webhooks")


def _webhook_errors(webhook: Mapping[str, Any], path: Path, mutating: bool) -> list[FieldError]:
    name = webhook.get("name") or ""
    place = path.child("name")
    errors = [invalid(place, name, text) for text in fully_qualified(name)] if name else [required(place)]
    for position, rule in enumerate(webhook.get("rules") or ()):
        errors.extend(rule_errors(rule, path.child("rules").at(position)))
    errors.extend(one_of(webhook.get("failurePolicy"), path.child("failurePolicy"), ("Fail", "Ignore")))
    errors.extend(one_of(webhook.get("matchPolicy"), path.child("matchPolicy"), ("Equivalent", "Exact")))
    effects = ("None", "NoneOnDryRun")
    if webhook.get("sideEffects") is None:
        errors.append(required(path.child("sideEffects"), f"must specify one of {', '.join(effects)}"))
    elif webhook["sideEffects"] not in effects:
        errors.append(not_supported(path.child("sideEffects"), webhook["sideEffects"], effects))
    timeout = webhook.get("timeoutSeconds")
    if timeout is not None and not 1 <= timeout <= 30:
        text = "the timeout value must be between 1 and 30 seconds"
        errors.append(invalid(path.child("timeoutSeconds"), timeout, text))
    for selector in ("namespaceSelector", "objectSelector"):
        errors.extend(validate_selector(webhook.get(selector), path.child(selector)))
    if mutating:
        policies = ("IfNeeded", "Never")
        errors.extend(one_of(webhook.get("reinvocationPolicy"), path.child("reinvocationPolicy"), policies))
    errors.extend(_client_errors(webhook.get("clientConfig") or {}, path.child("clientConfig")))
    errors.extend(condition_errors(webhook.get("matchConditions") or (), path.child("matchConditions")))
    place = path.child("admissionReviewVersions")
    versions = webhook.get("admissionReviewVersions") or []
    errors.extend(review_errors(versions, place, f"must specify one of {', '.join(REVIEW_VERSIONS)}"))
    return errors


def _client_errors(client: Mapping[str, Any], path: Path) -> list[FieldError]:
    url, service = client.get("url"), client.get("service")
    if (url is None) == (service is None):
        return [required(path, "exactly one of url or service is required")]
    if url is not None:
        return url_errors(url, path.child("url"))
    return service_errors(dict(service or {}), path.child("service"))


class WebhookStrategy(PlainStrategy):
    """Configurations of webhooks, validating or mutating."""

    __slots__ = ("_mutating",)

    def __init__(self, mutating: bool) -> None:
        self._mutating = mutating

    def default(self, new: Object) -> None:
        """Fill in policies, selectors, the timeout, the port of a service and the scope of rules."""
        for webhook in new.get("webhooks") or ():
            webhook.setdefault("failurePolicy", "Fail")
            webhook.setdefault("matchPolicy", "Equivalent")
            webhook.setdefault("namespaceSelector", {})
            webhook.setdefault("objectSelector", {})
            webhook.setdefault("timeoutSeconds", 10)
            if self._mutating:
                webhook.setdefault("reinvocationPolicy", "Never")
            service = (webhook.get("clientConfig") or {}).get("service")
            if service is not None:
                service.setdefault("port", 443)
            default_scopes(webhook.get("rules"))

    def validate(self, new: Object) -> list[FieldError]:
        """What is wrong with the webhooks."""
        errors: list[FieldError] = []
        seen: set[str] = set()
        for position, webhook in enumerate(new.get("webhooks") or ()):
            errors.extend(_webhook_errors(webhook, _WEBHOOKS.at(position), self._mutating))
            name = webhook.get("name") or ""
            if name and name in seen:
                errors.append(duplicate(_WEBHOOKS.at(position).child("name"), name))
            seen.add(name)
        return errors
