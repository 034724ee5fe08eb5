"""Reviews: questions about identities and rights that are asked as objects (authentication.k8s.io,
authorization.k8s.io).

Each function takes the decoded object and gives it back with its status; nothing is stored. Whether the caller may
ask at all has been decided before. A denial says `access denied` and no more (section 8.2 of the tenancy reference);
what allowed is named, as Kubernetes does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from manifold.auth.attributes import Attributes, Decision
from manifold.auth.authentication.authenticator import Authentication
from manifold.auth.authentication.service_accounts import InvalidToken
from manifold.auth.chain import Chain
from manifold.auth.denial import ACCESS_DENIED
from manifold.base import fields
from manifold.base.clock import format_seconds
from manifold.base.errors import StatusError, bad_request, invalid
from manifold.base.fields import FieldError, Path
from manifold.base.user import User

_AUTHORIZATION = "authorization.k8s.io"
_SPEC = Path("spec")


def _answer(obj: Mapping[str, Any], status: dict[str, Any], **changed: Any) -> dict[str, Any]:
    body = {"kind": obj.get("kind"), "apiVersion": obj.get("apiVersion"), "metadata": obj.get("metadata") or {}}
    if "spec" in obj:
        body["spec"] = obj["spec"]
    return {**body, **changed, "status": status}


def _invalid(errors: list[FieldError]) -> StatusError:
    """The 422 of a review, which Kubernetes gives without the kind."""
    error = invalid(_AUTHORIZATION, "", "", errors)
    if error.details is not None:
        error.details.pop("kind", None)
    return error


def _selector_errors(attributes: Mapping[str, Any], path: Path) -> list[FieldError]:
    errors = []
    for name in ("fieldSelector", "labelSelector"):
        selector = attributes.get(name)
        if selector is None:
            continue
        raw, requirements, at = selector.get("rawSelector"), selector.get("requirements"), path.child(name)
        if raw and requirements:
            errors.append(
                fields.invalid(at.child("rawSelector"), raw, "may not specified at the same time as requirements")
            )
        if not raw and not requirements:
            detail = f"when {at} is specified, requirements or rawSelector is required"
            errors.append(fields.required(at.child("requirements"), detail))
    return errors


def _what_errors(spec: Mapping[str, Any]) -> list[FieldError]:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        shown = {"Path": path.get("path", ""), "Verb": path.get("verb", "")}
        detail = "cannot be specified in combination with resourceAttributes"
        return [fields.invalid(_SPEC.child("nonResourceAttributes"), shown, detail)]
    if resource is None and path is None:
        detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [fields.invalid(_SPEC.child("resourceAttributes"), None, detail)]
    return [] if resource is None else _selector_errors(resource, _SPEC.child("resourceAttributes"))


def _who_errors(spec: Mapping[str, Any]) -> list[FieldError]:
    if spec.get("user") or spec.get("groups"):
        return []
    return [fields.invalid(_SPEC.child("user"), "", "at least one of user or group must be specified")]


def _metadata_errors(obj: Mapping[str, Any], allowed: tuple[str, ...] = ()) -> list[FieldError]:
    metadata = obj.get("metadata") or {}
    set_by_client = {
        key: value
        for key, value in metadata.items()
        if value and key not in ("managedFields", "creationTimestamp", *allowed)
    }
    if not set_by_client:
        return []
    detail = "must be empty except for namespace" if allowed else "must be empty"
    return [fields.invalid("metadata", set_by_client, detail)]


def _subject(spec: Mapping[str, Any]) -> User:
    extra = {key: tuple(values or ()) for key, values in (spec.get("extra") or {}).items()}
    return User(spec.get("user") or "", spec.get("uid") or "", tuple(spec.get("groups") or ()), extra)


def _question(spec: Mapping[str, Any], user: User, cluster: str) -> Attributes:
    path = spec.get("nonResourceAttributes")
    if path is not None:
        return Attributes(user, path.get("verb") or "", cluster, path=path.get("path") or "")
    asked = spec["resourceAttributes"]
    parts = ("group", "version", "resource", "subresource", "namespace", "name")
    return Attributes(user, asked.get("verb") or "", cluster, **{part: asked.get(part) or "" for part in parts})


def _verdict(decision: Decision) -> dict[str, Any]:
    if not decision.allowed:
        return {"allowed": False, "reason": ACCESS_DENIED}
    return {"allowed": True, "reason": decision.reason} if decision.reason else {"allowed": True}


async def answer_subject_access_review(
    obj: Mapping[str, Any], cluster: str, chain: Chain, deep: bool = False
) -> dict[str, Any]:
    """May the user of `spec` do this in the logical cluster? Raises the 422 for a question that is none.

    `deep` asks without entering the workspace; only `system:masters` may ask so, which the caller has seen to.
    """
    spec = obj.get("spec") or {}
    errors = _what_errors(spec) + _who_errors(spec) + _metadata_errors(obj)
    if errors:
        raise _invalid(errors)
    question = _question(spec, _subject(spec), cluster)
    decision = await (chain.authorize_deep(question) if deep else chain.authorize(question))
    return _answer(obj, _verdict(decision))


async def answer_local_subject_access_review(
    obj: Mapping[str, Any], cluster: str, namespace: str, chain: Chain
) -> dict[str, Any]:
    """The same about one namespace, which the request names."""
    spec = obj.get("spec") or {}
    errors = _what_errors(spec) + _who_errors(spec) + _metadata_errors(obj, ("namespace",))
    resource = spec.get("resourceAttributes")
    if resource is not None and (resource.get("namespace") or "") != namespace:
        at = _SPEC.child("resourceAttributes", "namespace")
        errors.append(fields.invalid(at, resource.get("namespace") or "", "must match metadata.namespace"))
    path = spec.get("nonResourceAttributes")
    if path is not None:
        shown = {"Path": path.get("path", ""), "Verb": path.get("verb", "")}
        detail = "disallowed on this kind of request"
        errors.append(fields.invalid(_SPEC.child("nonResourceAttributes"), shown, detail))
    if errors:
        raise _invalid(errors)
    return _answer(obj, _verdict(await chain.authorize(_question(spec, _subject(spec), cluster))))


async def answer_self_subject_access_review(
    obj: Mapping[str, Any], user: User, cluster: str, chain: Chain
) -> dict[str, Any]:
    """May the caller do this in the logical cluster?"""
    spec = obj.get("spec") or {}
    errors = _what_errors(spec) + _metadata_errors(obj)
    if errors:
        raise _invalid(errors)
    return _answer(obj, _verdict(await chain.authorize(_question(spec, user, cluster))))


async def answer_self_subject_rules_review(
    obj: Mapping[str, Any], user: User, cluster: str, chain: Chain
) -> dict[str, Any]:
    """What the caller may do in a namespace. The answer is rules of RBAC as written, and repeats no spec."""
    namespace = (obj.get("spec") or {}).get("namespace")
    if not namespace:
        raise bad_request("no namespace on request")
    resource_rules: list[dict[str, Any]] = []
    path_rules: list[dict[str, Any]] = []
    for rule in await chain.rules_for(user, cluster, namespace):
        if rule.resources:
            told = {"verbs": list(rule.verbs), "apiGroups": list(rule.groups), "resources": list(rule.resources)}
            if rule.names:
                told["resourceNames"] = list(rule.names)
            resource_rules.append(told)
        if rule.urls:
            path_rules.append({"verbs": list(rule.verbs), "nonResourceURLs": list(rule.urls)})
    status = {"resourceRules": resource_rules, "nonResourceRules": path_rules, "incomplete": False}
    return _answer(obj, status, metadata={}, spec={})


async def answer_self_subject_review(obj: Mapping[str, Any], user: User, now: datetime) -> dict[str, Any]:
    """Who the caller is, to this server."""
    metadata = {**(obj.get("metadata") or {}), "creationTimestamp": format_seconds(now)}
    return _answer(obj, {"userInfo": user.info()}, metadata=metadata)


async def answer_token_review(obj: Mapping[str, Any], authentication: Authentication) -> dict[str, Any]:
    """Whose token it is."""
    spec = obj.get("spec") or {}
    token = spec.get("token")
    if not token:
        raise bad_request("token is required for TokenReview in authentication")
    try:
        user, audiences = await authentication.review(token, tuple(spec.get("audiences") or ()))
    except InvalidToken as error:
        return _answer(obj, {"user": {}, "error": str(error)})
    return _answer(obj, {"authenticated": True, "user": user.info(), "audiences": list(audiences)})
