"""What a binding says of itself: bound, in conflict, or why it cannot be bound.

A pure function of the binding, of what its reference leads to and of what its logical cluster has bound already. The
condition types, reasons and texts are those of the APIs reference, sections 3.2, 3.5 and 3.8. What was complete once
stays complete: a binding that was Bound says in `BindingUpToDate` what stands against a later change of its export.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from manifold.base import selectors
from manifold.exports import conditions
from manifold.exports.bindings import Export, ExportedResource, bound_resources
from manifold.exports.offering import Problem
from manifold.storage.contract import Guard
from manifold.types.resource import Object

BINDING, BOUND = "Binding", "Bound"
EXPORT_VALID = "APIExportValid"
UP_TO_DATE = "BindingUpToDate"
COMPLETED = "InitialBindingCompleted"
CLAIMS_APPLIED, CLAIMS_VALID = "PermissionClaimsApplied", "PermissionClaimsValid"
RESOURCES_DELETED = "BindingResourceDeleteSuccess"
_SHOWN_CLAIMS = 10


@dataclass(frozen=True, slots=True)
class Referred:
    """What a reference leads to: the export's logical cluster, whether there is such an export, and the export itself
    where it can be bound; else `problem` says why not. `text` is the reference as messages show it, `guards` are the
    state of the export that this was found in.
    """

    cluster: str
    name: str
    text: str
    exists: bool
    export: Export | None
    problem: Problem | None = None
    guards: tuple[Guard, ...] = ()


def blocked(export: Export, name: str, held: Mapping[str, Object]) -> set[str]:
    """The locks of an export that somebody but the binding `name` holds."""
    return {one.lock for one in export.resources if held.get(one.lock, {"n": name}).get("n") != name}


def conflicts(export: Export, name: str, held: Mapping[str, Object]) -> list[str]:
    """The same as messages show it: lock, holder, and whether that is a definition."""
    found = []
    for lock in blocked(export, name, held):
        holder = held[lock]
        crd = "true" if holder.get("c") else "false"
        found.append(f"{lock}:{{{holder.get('n', '')} {crd}}}")
    return sorted(found)


def up_to_date(binding: Object) -> bool:
    """Whether a binding serves all that its export offers."""
    told = binding.get("status") or {}
    late = any(one["type"] == UP_TO_DATE and one["status"] != "True" for one in told.get("conditions") or ())
    return told.get("phase") == BOUND and not late


def status(
    binding: Object,
    referred: Referred,
    conflicting: Sequence[str],
    timestamp: str,
    in_cluster: bool = True,
    *,
    naming: str = "",
    bound: Sequence[ExportedResource] | None = None,
) -> Object:
    """The status of a binding. `conflicting`: who holds what it should serve; `naming`: what stands against a name;
    `in_cluster`: it lies in a logical cluster that exists, so that something can be bound there. `bound` is what it
    serves now of the export; None: everything where nothing stands against it.
    """
    former = binding.get("status") or {}
    before: Sequence[Object] = former.get("conditions") or ()
    export = referred.export
    if export is None:
        return _unbound_status(former, referred, timestamp)
    claims = (binding.get("spec") or {}).get("permissionClaims") or ()
    told: Object = {"apiExportClusterName": export.cluster}
    applied = applied_claims(claims, export.claims)
    broken = {_place(one): why for one in applied if (why := _selector_problem(one))}
    applied = [one for one in applied if _place(one) not in broken]
    found = [conditions.true(EXPORT_VALID, timestamp), _applied_condition(broken, timestamp)]
    found.append(_claims_condition(claims, export.claims, timestamp))
    was_bound = former.get("phase") == BOUND
    against = _against(conflicting, naming, in_cluster)
    if bound is None:
        bound = () if against else export.resources
    resources = bound_resources(export, bound, former.get("boundResources") or ())
    if resources:
        told["boundResources"] = resources
    if against is None:
        found += [conditions.true(one, timestamp) for one in (conditions.READY, UP_TO_DATE, COMPLETED)]
    elif was_bound:
        found += [conditions.true(one, timestamp) for one in (conditions.READY, COMPLETED)]
        found.append(conditions.false(UP_TO_DATE, timestamp, conditions.ERROR, *against))
    else:
        found += _failed(*against, timestamp)
    told["phase"] = BOUND if against is None or was_bound else BINDING
    if export.claims:
        told["exportPermissionClaims"] = list(export.claims)
    if applied:
        told["appliedPermissionClaims"] = applied
    told["conditions"] = conditions.succeeding(found, before)
    return told


def _against(conflicting: Sequence[str], naming: str, in_cluster: bool) -> tuple[str, str] | None:
    """Reason and message of what stands against a binding."""
    if not in_cluster:
        return "LogicalClusterNotFound", "LogicalCluster not found"
    if conflicting:
        text = f"map[{' '.join(conflicting)}]"
        return "NamingConflicts", f"Unable to bind APIs because they are bound by other APIBindings or CRDs: {text}"
    return ("NamingConflicts", f"Unable to bind APIs: {naming}") if naming else None


def _unbound_status(former: Object, referred: Referred, timestamp: str) -> Object:
    """The status of a binding whose export cannot be bound (any more); what it serves, it goes on serving. It stays
    with the logical cluster it has found its export in: by that the export finds it again.
    """
    before: Sequence[Object] = former.get("conditions") or ()
    found = _unbound(referred, timestamp)
    told: Object = {"conditions": conditions.succeeding(found, before), "phase": BINDING}
    if referred.exists or former.get("apiExportClusterName"):
        told["apiExportClusterName"] = referred.cluster
    if former.get("phase") == BOUND:
        kept = [one for one in before if one["type"] != EXPORT_VALID]
        valid = [one for one in found if one["type"] == EXPORT_VALID]
        told = {**former, "conditions": conditions.succeeding([*kept, *valid], before)}
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
    problem = referred.problem
    if problem is None:
        problem = Problem(conditions.ERROR, "APIExportNotFound", f"APIExport {referred.text} not found")
    waiting = "Waiting for API(s) to be established"
    return [
        conditions.false(EXPORT_VALID, timestamp, problem.severity, problem.reason, problem.message),
        *(
            conditions.false(one, timestamp, conditions.INFO, "WaitingForEstablished", waiting)
            for one in (conditions.READY, COMPLETED)
        ),
    ]


def _place(claim: Object) -> tuple[str, str, str]:
    """Resource, group and identity of a claim, by which claims of export and binding are compared."""
    return claim.get("resource") or "", claim.get("group") or "", claim.get("identityHash") or ""


def _accepted(claims: Sequence[Object]) -> list[Object]:
    return [one for one in claims if one.get("state") == "Accepted"]


def applied_claims(claims: Sequence[Object], offered: Sequence[Object]) -> list[Object]:
    """The accepted claims that the export makes, as the status of a binding tells them."""
    made = {_place(one) for one in offered}
    found = [
        {name: value for name, value in one.items() if name != "state"}
        for one in _accepted(claims)
        if _place(one) in made
    ]
    return sorted(found, key=lambda one: "/".join(_place(one)))


def _selector_problem(claim: Object) -> str:
    """Why nothing can be selected by the selector of an accepted claim; empty where it can be read."""
    selector = claim.get("selector") or {}
    if selector.get("matchAll"):
        return ""
    try:
        selectors.from_object(selector)
    except selectors.SelectorError as error:
        return str(error)
    return ""


def _applied_condition(broken: Mapping[tuple[str, str, str], str], timestamp: str) -> Object:
    """Whether all claims that are accepted can be granted; `broken` says of the others why not."""
    if not broken:
        return conditions.true(CLAIMS_APPLIED, timestamp)
    told = [f"claim for {resource}.{group}: {why}" for (resource, group, _), why in broken.items()]
    message = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    return conditions.false(CLAIMS_APPLIED, timestamp, conditions.ERROR, "InternalError", message)


def _claims_condition(claims: Sequence[Object], offered: Sequence[Object], timestamp: str) -> Object:
    """Whether the accepted claims are ones the export makes, and as it makes them."""
    made = {_place(one): one for one in offered}
    wrong = sorted({_place(one) for one in _accepted(claims)} - set(made))
    if wrong:
        shown = [
            f'unexpected/invalid claim for {resource}.{group} (identity "{identity}")'
            for resource, group, identity in wrong[:_SHOWN_CLAIMS]
        ]
        told = shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"
        message = f"{len(wrong)} unexpected and/or invalid permission claims (showing first {len(shown)}): {told}"
        return conditions.false(CLAIMS_VALID, timestamp, conditions.ERROR, "InvalidPermissionClaims", message)
    differing = [one for one in _accepted(claims) if _differs(one, made[_place(one)])]
    if differing:
        names = ", ".join(sorted(f"{resource}.{group}" for resource, group, _ in map(_place, differing)))
        message = f"permission claims differ from those of the APIExport: {names}"
        return conditions.false(CLAIMS_VALID, timestamp, conditions.WARNING, "PermissionClaimsMismatch", message)
    return conditions.true(CLAIMS_VALID, timestamp)


def _differs(claim: Object, offered: Object) -> bool:
    """Whether a claim is accepted for other verbs or objects than the export asks for."""
    verbs, asked = set(claim.get("verbs") or ()), set(offered.get("verbs") or ())
    if "*" not in verbs and "*" not in asked and verbs != asked:
        return True
    default = offered.get("defaultSelector")
    return bool(default) and claim.get("selector") != default
