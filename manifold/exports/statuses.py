"""What a binding says of itself: bound, in conflict, or why it cannot be bound.

A pure function of the binding, of what its reference leads to and of what its logical cluster has bound already. The
condition types, reasons and texts are those of the APIs reference, sections 3.2, 3.5 and 3.8; one reason is our own,
for exports this server does not serve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from manifold.exports import conditions
from manifold.exports.bindings import Export, bound_resources
from manifold.types.resource import Object

BINDING, BOUND = "Binding", "Bound"
EXPORT_VALID = "APIExportValid"
UP_TO_DATE = "BindingUpToDate"
COMPLETED = "InitialBindingCompleted"
CLAIMS_APPLIED, CLAIMS_VALID = "PermissionClaimsApplied", "PermissionClaimsValid"
RESOURCES_DELETED = "BindingResourceDeleteSuccess"
NOT_SERVED = "ExportNotServed"
"""Our own reason: the export exists, and this server does not serve it."""
_SHOWN_CLAIMS = 10


@dataclass(frozen=True, slots=True)
class Referred:
    """What a reference leads to: the export's logical cluster, whether there is such an export, and the export itself
    where this server can serve it. `text` is the reference as messages show it.
    """

    cluster: str
    name: str
    text: str
    exists: bool
    export: Export | None


def conflicts(export: Export, name: str, held: Mapping[str, Object]) -> list[str]:
    """The locks of an export that somebody but the binding `name` holds, as messages show them."""
    found = []
    for one in export.resources:
        holder = held.get(one.lock)
        if holder is not None and holder.get("n") != name:
            crd = "true" if holder.get("c") else "false"
            found.append(f"{one.lock}:{{{holder.get('n', '')} {crd}}}")
    return sorted(found)


def status(
    binding: Object, referred: Referred, conflicting: Sequence[str], timestamp: str, in_cluster: bool = True
) -> Object:
    """The status of a binding. `conflicting`: what stands against it; `in_cluster`: it lies in a logical cluster that
    exists, so that something can be bound there.
    """
    former = binding.get("status") or {}
    before: Sequence[Object] = former.get("conditions") or ()
    export = referred.export
    if export is None:
        found = _unbound(referred, timestamp)
        told: Object = {"conditions": conditions.succeeding(found, before), "phase": BINDING}
        if former.get("phase") == BOUND:
            kept = [one for one in before if one["type"] != EXPORT_VALID]
            valid = [one for one in found if one["type"] == EXPORT_VALID]
            told = {**former, "conditions": conditions.succeeding([*kept, *valid], before)}
        return told
    claims = (binding.get("spec") or {}).get("permissionClaims") or ()
    told = {"apiExportClusterName": export.cluster}
    found = [conditions.true(EXPORT_VALID, timestamp), conditions.true(CLAIMS_APPLIED, timestamp)]
    found.append(_claims_condition(claims, timestamp))
    if not in_cluster:
        found += _failed("LogicalClusterNotFound", "LogicalCluster not found", timestamp)
        told["phase"] = BINDING
    elif conflicting:
        text = f"map[{' '.join(conflicting)}]"
        message = f"Unable to bind APIs because they are bound by other APIBindings or CRDs: {text}"
        found += _failed("NamingConflicts", message, timestamp)
        told["phase"] = BINDING
    else:
        told["boundResources"] = bound_resources(export)
        found += [conditions.true(one, timestamp) for one in (conditions.READY, UP_TO_DATE, COMPLETED)]
        told["phase"] = BOUND
    told["conditions"] = conditions.succeeding(found, before)
    return told


def bound_status(export: Export, timestamp: str) -> Object:
    """The status of a binding without claims that is complete since `timestamp`."""
    return status({}, Referred(export.cluster, export.name, "", True, export), (), timestamp)


def _failed(reason: str, message: str, timestamp: str) -> list[Object]:
    return [
        conditions.false(one, timestamp, conditions.ERROR, reason, message)
        for one in (conditions.READY, UP_TO_DATE, COMPLETED)
    ]


def _unbound(referred: Referred, timestamp: str) -> list[Object]:
    if referred.exists:
        message = (
            f"APIExport {referred.text} cannot be bound yet: this server serves the APIExports of the root workspace "
            "that come with it, and no others"
        )
        return _failed(NOT_SERVED, message, timestamp)
    missing = f"APIExport {referred.text} not found"
    waiting = "Waiting for API(s) to be established"
    return [
        conditions.false(EXPORT_VALID, timestamp, conditions.ERROR, "APIExportNotFound", missing),
        *(
            conditions.false(one, timestamp, conditions.INFO, "WaitingForEstablished", waiting)
            for one in (conditions.READY, COMPLETED)
        ),
    ]


def _claims_condition(claims: Sequence[Object], timestamp: str) -> Object:
    """Whether the accepted claims are ones the export makes. Those of the server make none."""
    wrong = sorted(
        {
            (claim.get("resource") or "", claim.get("group") or "", claim.get("identityHash") or "")
            for claim in claims
            if claim.get("state") == "Accepted"
        }
    )
    if not wrong:
        return conditions.true(CLAIMS_VALID, timestamp)
    shown = [
        f'unexpected/invalid claim for {resource}.{group} (identity "{identity}")'
        for resource, group, identity in wrong[:_SHOWN_CLAIMS]
    ]
    told = shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"
    message = f"{len(wrong)} unexpected and/or invalid permission claims (showing first {len(shown)}): {told}"
    return conditions.false(CLAIMS_VALID, timestamp, conditions.ERROR, "InvalidPermissionClaims", message)
