"""Refusals as Kubernetes' `Status`: the one exception that reaches a client.

Every layer raises `StatusError` through the constructors here, so that a code, its reason and the shape of
its details are decided in one place (meta/v1 Status; API conventions, section "Response Status Kind").
Anything else that escapes a request is a bug and is answered as a bare 500 without its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from manifold.base.fields import FieldError


class StatusError(Exception):
    """A request is refused. `code` is the HTTP status, `reason` the machine-readable word (may be empty).

    `continuation` is the token of the Status' ListMeta: how an expired list may be gone on with.
    `details` is the `details` object of the Status without causes added, or None when it has none;
    `retry_after` is in seconds and becomes the Retry-After header.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        retry_after: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = dict(details) if details is not None else None
        self.retry_after = retry_after
        self.headers = dict(headers or {})
        self.continuation = ""

    def status(self) -> dict[str, Any]:
        """The Status object (meta/v1) of this refusal, as plain JSON data."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": self.continuation} if self.continuation else {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        details = self.details
        if self.retry_after:
            details = {**(details or {}), "retryAfterSeconds": self.retry_after}
        if details is not None:
            body["details"] = details
        body["code"] = self.code
        return body

    def body(self) -> bytes:
        """The Status object as JSON bytes."""
        return orjson.dumps(self.status()) + b"\n"


def qualified(group: str, resource: str) -> str:
    """A resource as messages name it: `configmaps`, `leases.coordination.k8s.io`."""
    return f"{resource}.{group}" if group else resource


def _details(group: str, resource: str, name: str) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if name:
        details["name"] = name
    if group:
        details["group"] = group
    details["kind"] = resource
    return details


def not_found(group: str, resource: str, name: str) -> StatusError:
    """404: the named object does not exist."""
    message = f'{qualified(group, resource)} "{name}" not found'
    return StatusError(404, "NotFound", message, _details(group, resource, name))


def unknown_resource() -> StatusError:
    """404: the server serves no such path, group, version or resource."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(group: str, resource: str, name: str) -> StatusError:
    """409: a create met an object of the same name."""
    message = f'{qualified(group, resource)} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, _details(group, resource, name))


def conflict(group: str, resource: str, name: str, why: str) -> StatusError:
    """409: an update was computed from something that is no longer true; `why` says what."""
    message = f'Operation cannot be fulfilled on {qualified(group, resource)} "{name}": {why}'
    return StatusError(409, "Conflict", message, _details(group, resource, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def invalid(group: str, kind: str, name: str, errors: Sequence[FieldError]) -> StatusError:
    """422: the object is well-formed but wrong; every error becomes a cause. Equal errors are told once in the text."""
    texts = list(dict.fromkeys(str(error) for error in errors))
    told = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    message = f'{qualified(group, kind)} "{name}" is invalid' + (f": {told}" if texts else "")
    details = _details(group, kind, name)
    if errors:
        details["causes"] = [error.cause() for error in errors]
    return StatusError(422, "Invalid", message, details)


def bad_request(message: str) -> StatusError:
    """400: the request cannot be understood."""
    return StatusError(400, "BadRequest", message)


def unauthorized() -> StatusError:
    """401: credentials were sent and are not good."""
    return StatusError(401, "Unauthorized", "Unauthorized")


def forbidden(group: str, resource: str, name: str, why: str) -> StatusError:
    """403 about a resource; `why` is the whole reason after `is forbidden: `."""
    named = f' "{name}"' if name else ""
    message = f"{qualified(group, resource)}{named} is forbidden: {why}"
    return StatusError(403, "Forbidden", message, _details(group, resource, name))


def forbidden_path(why: str) -> StatusError:
    """403 about a path that is no resource."""
    return StatusError(403, "Forbidden", f"forbidden: {why}", {})


def method_not_allowed() -> StatusError:
    """405: the resource exists, the method does not apply to it."""
    return StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def verb_not_supported(verb: str, group: str, resource: str) -> StatusError:
    """405: the resource exists, and this is not among what can be done to it here."""
    message = f'{verb} is not supported on resources of kind "{qualified(group, resource)}"'
    return StatusError(405, "MethodNotAllowed", message, _details(group, resource, ""))


def not_acceptable(accepted: Sequence[str]) -> StatusError:
    """406: the client accepts a form of what is there that is not made."""
    message = f"only the following media types are accepted: {', '.join(accepted)}"
    return StatusError(406, "NotAcceptable", message)


def no_representation(available: Sequence[str]) -> StatusError:
    """406: the client accepts none of the representations there are."""
    message = f"406: Not Acceptable\n\nAvailable representations: {', '.join(available)}"
    return StatusError(406, "NotAcceptable", message, {})


def unsupported_media_type(accepted: Sequence[str]) -> StatusError:
    """415: the body is in a format that is not read here."""
    message = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted)
    return StatusError(415, "UnsupportedMediaType", message)


def too_large(limit: int) -> StatusError:
    """413: the body is longer than `limit` bytes."""
    return StatusError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}")


def expired(message: str) -> StatusError:
    """410: the resource version or continue token is older than what the log still holds."""
    return StatusError(410, "Expired", message)


def timeout(message: str, details: Mapping[str, Any] | None = None, retry_after: int = 0) -> StatusError:
    """504: what was waited for did not come in time."""
    return StatusError(504, "Timeout", message, details, retry_after)


def future_revision(revision: int, current: int) -> StatusError:
    """504: a resource version was asked for that the store has not reached."""
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Timeout: Too large resource version: {revision}, current: {current}"
    return timeout(message, {"causes": causes}, 1)


def too_many_requests(message: str, retry_after: int) -> StatusError:
    """429: come back after `retry_after` seconds."""
    return StatusError(429, "TooManyRequests", message, None, retry_after)


def unavailable(message: str) -> StatusError:
    """503: this cannot be served now."""
    return StatusError(503, "ServiceUnavailable", message)


def internal(message: str = "Internal Server Error") -> StatusError:
    """500: the fault is the server's. Never put in a client's input or a secret."""
    return StatusError(500, "InternalError", f"Internal error occurred: {message}", {"causes": [{"message": message}]})
