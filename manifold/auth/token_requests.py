"""TokenRequest: a token for a service account, through its subresource `token` (authentication.k8s.io/v1).

The limits and texts are Kubernetes'; the claims are section 4.4 of the tenancy reference.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from manifold.auth.authentication.service_accounts import BoundObject, TokenIssuer
from manifold.auth.rbac.store import content
from manifold.base import fields, keys
from manifold.base.clock import format_seconds
from manifold.base.errors import bad_request, conflict, invalid, not_found
from manifold.storage.contract import Snapshot

_GROUP = "authentication.k8s.io"
DEFAULT_SECONDS = 3600
MIN_SECONDS = 600
MAX_SECONDS = 1 << 32
_ABSENT_KINDS = {"Pod": "pods", "Node": "nodes"}
"""Kinds a token could be bound to elsewhere; no logical cluster holds such objects."""


def check_expiration(seconds: int) -> None:
    """Raise the 422 for a lifetime that is too short or too long."""
    path = "spec.expirationSeconds"
    if seconds < MIN_SECONDS:
        error = fields.invalid(path, seconds, "may not specify a duration less than 10 minutes")
    elif seconds > MAX_SECONDS:
        error = fields.invalid(path, seconds, "may not specify a duration larger than 2^32 seconds")
    else:
        return
    raise invalid(_GROUP, "TokenRequest", "", [error])


async def bound_object(reference: dict[str, Any], cluster: str, namespace: str, snapshot: Snapshot) -> BoundObject:
    """The object a token is to be bound to. Raises 400 for a kind tokens are not bound to, 404 and 409 otherwise."""
    kind, version = str(reference.get("kind") or ""), str(reference.get("apiVersion") or "")
    name, uid = str(reference.get("name") or ""), str(reference.get("uid") or "")
    group, slash, _ = version.rpartition("/")
    if group == "" and kind in _ABSENT_KINDS:
        raise not_found("", _ABSENT_KINDS[kind], name)
    if kind != "Secret" or group:
        shown = version if slash else f"/{version}"
        raise bad_request(f"cannot bind token to object of type {shown}, Kind={kind}")
    try:
        row = await snapshot.get(keys.ObjectKey("", "secrets", "", cluster, namespace, name).encode())
    except ValueError:  # no object has a name that cannot be a key
        row = None
    if row is None:
        raise not_found("", "secrets", name)
    found = str(content(row)["metadata"].get("uid", ""))
    if uid and uid != found:
        why = (
            f"the UID in the bound object reference ({uid}) does not match the UID in record. "
            "The object might have been deleted and then recreated"
        )
        raise conflict("", "Secret", name, why)
    return BoundObject("Secret", name, found)


async def answer_token_request(
    obj: dict[str, Any],
    account: dict[str, Any],
    cluster: str,
    issuer: TokenIssuer,
    snapshot: Snapshot,
    now: float,
) -> dict[str, Any]:
    """The TokenRequest with defaults and its token filled in.

    `account` is the ServiceAccount the request is about, `now` seconds since the epoch.
    """
    spec = obj.get("spec") or {}
    metadata = account["metadata"]
    namespace, name, uid = metadata["namespace"], metadata["name"], metadata["uid"]
    if (obj.get("metadata") or {}).get("name") not in (None, "", name):
        raise bad_request(
            f"the name of the object ({obj['metadata']['name']}) does not match the name on the URL ({name})"
        )
    seconds = spec.get("expirationSeconds")
    seconds = DEFAULT_SECONDS if seconds is None else int(seconds)
    audiences = list(spec.get("audiences") or ()) or [issuer.issuer]
    check_expiration(seconds)
    reference = spec.get("boundObjectRef")
    bound = await bound_object(reference, cluster, namespace, snapshot) if reference else None
    token = issuer.issue(cluster, namespace, name, uid, audiences, seconds, now, bound)
    return {
        "kind": "TokenRequest",
        "apiVersion": f"{_GROUP}/v1",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid,
            "creationTimestamp": format_seconds(datetime.fromtimestamp(now, UTC)),
        },
        "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": reference},
        "status": {
            "token": token,
            "expirationTimestamp": format_seconds(datetime.fromtimestamp(int(now) + seconds, UTC)),
        },
    }
