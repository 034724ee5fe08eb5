"""Who has bound an export, and what each has granted it: an index from exports to bindings.

A row is derived from one binding and written in the commit that writes the binding, so authority that is read from it
is that of the binding itself, at the revision of the snapshot. Rows of one export lie together in the order of the
logical clusters that have bound it, which is also the order of objects of any one type: a view over all consumers walks
both side by side (APIs reference, sections 3.1, 3.8 and 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from manifold.base import keys
from manifold.types.resource import Object

INDEX = "consumers"
IDENTITY_INDEX = "identity"
"""Exports by their identity: identity, logical cluster and name of each are the parts of a key."""
SLICES, EXPORTS = "endpointslices", "exports"
"""Controllers of what follows from a change of an export or of who has bound it."""
ACCEPTED = "Accepted"
EVENTS = (("", "events"), ("events.k8s.io", "events"))


@dataclass(frozen=True, slots=True)
class GrantedClaim:
    """A claim that a binding accepts: on what, for which verbs (`*`: all), and for which objects.

    `selector` is the `matchLabels` and `matchExpressions` of the binding's claim; None: all objects.
    """

    group: str
    resource: str
    identity: str
    verbs: tuple[str, ...]
    selector: Object | None = None

    def allows(self, verb: str) -> bool:
        """Whether a verb is granted."""
        return "*" in self.verbs or verb in self.verbs


@dataclass(frozen=True, slots=True)
class Consumer:
    """A binding of an export: its logical cluster and name, whether it serves what it is bound to, whether it is going
    away, and what it grants.
    """

    cluster: str
    binding: str
    bound: bool
    ending: bool
    claims: tuple[GrantedClaim, ...] = ()

    def claim(self, group: str, resource: str, identity: str) -> GrantedClaim | None:
        """The accepted claim on a type; None where there is none. Events are one type under two groups."""
        group, resource = normalized(group, resource)
        return next(
            (one for one in self.claims if (one.group, one.resource, one.identity) == (group, resource, identity)),
            None,
        )


def normalized(group: str, resource: str) -> tuple[str, str]:
    """A group and resource as claims name them: events are those of the core group."""
    return EVENTS[0] if (group, resource) == EVENTS[1] else (group, resource)


def consumer_key(export_cluster: str, export_name: str, cluster: str, binding: str) -> bytes:
    """The key of the row of a binding."""
    return keys.index_key(INDEX, export_cluster, export_name, cluster, binding)


def consumers_prefix(export_cluster: str, export_name: str, cluster: str = "") -> bytes:
    """The range of the bindings of an export, of one logical cluster if `cluster` is not empty."""
    return keys.index_key(INDEX, export_cluster, export_name, *([cluster] if cluster else []))


def consumers_in(export_cluster: str) -> bytes:
    """The range of the bindings of all exports of a logical cluster."""
    return keys.index_key(INDEX, export_cluster)


def consumer_value(binding: Object) -> bytes:
    """The value of the row of a binding (in the stored version, v1alpha2)."""
    accepted = [
        _claim_list(one)
        for one in (binding.get("spec") or {}).get("permissionClaims") or ()
        if isinstance(one, dict) and one.get("state") == ACCEPTED
    ]
    bound = (binding.get("status") or {}).get("phase") == "Bound"
    return orjson.dumps([bound, "deletionTimestamp" in binding["metadata"], *accepted])


def _claim_list(claim: Object) -> list[Any]:
    selector = claim.get("selector") or {}
    chosen = {name: selector[name] for name in ("matchLabels", "matchExpressions") if selector.get(name)}
    group, resource = normalized(claim.get("group") or "", claim["resource"])
    # A selector that says nothing selects nothing: only `matchAll` grants everything.
    granted = None if selector.get("matchAll") else chosen
    return [group, resource, claim.get("identityHash") or "", claim.get("verbs") or [], granted]


def read_consumer(key: bytes, value: bytes) -> Consumer:
    """What a row says; the inverse of `consumer_key` and `consumer_value`."""
    *_, cluster, binding = keys.parts(key)
    bound, ending, *claims = orjson.loads(value)
    return Consumer(
        cluster,
        binding,
        bound,
        ending,
        tuple(
            GrantedClaim(group, resource, identity, tuple(verbs), selector)
            for group, resource, identity, verbs, selector in claims
        ),
    )


def slices_row(export_cluster: str, export_name: str) -> bytes:
    """The key of the work row that has the endpoint slices of an export looked at."""
    return keys.work_key(SLICES, export_cluster, export_name)


def export_row(export_cluster: str, export_name: str) -> bytes:
    """The key of the work row that has the bindings of an export looked at."""
    return keys.work_key(EXPORTS, export_cluster, export_name)
