"""apis.kcp.io between v1alpha1 and v1alpha2, in which exports and bindings are stored.

Sections 2.5 and 3.3 of the APIs reference. What one version cannot say travels in annotations of the other: verbs,
selectors and virtual storage in v1alpha1, resource selectors in v1alpha2. Claims are recognized by group, resource and
identity. The annotations are JSON lists with their fields in the order kcp writes them, empty ones left out. Anybody
can write them, so what they say is taken with its types or not at all: an object in which one of them is wrong can
still be read in either version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from manifold.types.resource import Object

PREFIX = "apis.v1alpha2.kcp.io/"
RESOURCE_SCHEMAS = PREFIX + "resource-schemas"
PERMISSION_CLAIMS = PREFIX + "permission-claims"
ACCEPTABLE_CLAIMS = PREFIX + "acceptable-permission-claims"
FORMER_CLAIMS = PREFIX + "v1alpha1-permission-claims"
STATUS_EXPORT_CLAIMS = PREFIX + "status-export-permission-claims"
STATUS_APPLIED_CLAIMS = PREFIX + "status-applied-permission-claims"
FORMER_STATUS_EXPORT_CLAIMS = PREFIX + "v1alpha1-status-export-permission-claims"
FORMER_STATUS_APPLIED_CLAIMS = PREFIX + "v1alpha1-status-applied-permission-claims"
STATUS_ANNOTATIONS = (
    STATUS_EXPORT_CLAIMS,
    STATUS_APPLIED_CLAIMS,
    FORMER_STATUS_EXPORT_CLAIMS,
    FORMER_STATUS_APPLIED_CLAIMS,
)
"""Annotations that are part of the status, and no writer of anything else may change."""
_FORMER_FIELDS = ("group", "resource", "all", "resourceSelector", "identityHash", "state")
_CLAIM_FIELDS = ("group", "resource", "verbs", "identityHash", "defaultSelector", "selector", "state")
_RESOURCE_FIELDS = ("group", "name", "schema", "storage")
_ALL_VERBS = ["*"]
_SELECTOR = {
    "matchLabels": {"*": str},
    "matchExpressions": [{"key": str, "operator": str, "values": [str]}],
    "matchAll": bool,
}
_CLAIM = {
    "group": str,
    "resource": str,
    "verbs": [str],
    "identityHash": str,
    "defaultSelector": _SELECTOR,
    "selector": _SELECTOR,
    "state": str,
    "all": bool,
    "resourceSelector": [{"name": str, "namespace": str}],
}
_VIRTUAL = {"reference": {"apiGroup": str, "kind": str, "name": str}, "identityHash": str}
_RESOURCE = {"group": str, "name": str, "schema": str, "storage": {"crd": {}, "virtual": _VIRTUAL}}
"""What an entry of an annotation may hold: the type of a value, `{"*": type}` for a map, `[type]` for a list."""

Claim = dict[str, Any]
Key = tuple[str, str, str]


def claim_key(claim: Claim) -> Key:
    """What tells one claim from another: group, resource, identity hash."""
    return claim.get("group") or "", claim.get("resource") or "", claim.get("identityHash") or ""


def decoded(annotation: str, text: str) -> list[Object] | None:
    """The list that an annotation of this name holds, without what it may not hold; None where it is malformed."""
    resources = annotation == RESOURCE_SCHEMAS
    try:
        found: list[Object] = _shaped(orjson.loads(text), [_RESOURCE if resources else _CLAIM])
    except ValueError:
        return None
    if resources and not all(
        one.get("name") and one.get("schema") and len(one.get("storage") or ()) == 1 for one in found
    ):
        return None
    return found


def _shaped(value: Any, shape: Any) -> Any:
    """A value with what `shape` names; ValueError where something in it is of another type."""
    if isinstance(shape, type):
        if type(value) is not shape:
            raise ValueError(value)
        return value
    if isinstance(shape, list):
        if type(value) is not list:
            raise ValueError(value)
        return [_shaped(one, shape[0]) for one in value]
    if type(value) is not dict:
        raise ValueError(value)
    if "*" in shape:
        return {name: _shaped(one, shape["*"]) for name, one in value.items()}
    return {name: _shaped(value[name], part) for name, part in shape.items() if value.get(name) is not None}


def read_claims(obj: Object, annotation: str) -> list[Claim]:
    """The list an annotation holds; empty where there is none or it cannot be read."""
    text = (obj["metadata"].get("annotations") or {}).get(annotation)
    return (decoded(annotation, text) or []) if text else []


def _ordered(entry: Object, fields: Iterable[str]) -> Object:
    return {name: entry[name] for name in fields if name == "verbs" or entry.get(name)}


def _annotate(obj: Object, annotation: str, entries: list[Claim], fields: Iterable[str]) -> None:
    metadata = obj["metadata"]
    annotations = metadata.get("annotations")
    if entries:
        if annotations is None:
            annotations = metadata["annotations"] = {}
        names = tuple(fields)
        annotations[annotation] = orjson.dumps([_ordered(entry, names) for entry in entries]).decode()
    elif annotations is not None and annotation in annotations:
        del annotations[annotation]
        if not annotations:
            del metadata["annotations"]


def _versioned(obj: Object, version: str) -> Object:
    obj["apiVersion"] = f"apis.kcp.io/{version}"
    obj.setdefault("spec", {})
    obj.setdefault("status", {})
    return obj


def _says_more(claim: Claim, scoped: bool) -> bool:
    """Whether v1alpha1 cannot say all of a claim."""
    if claim.get("verbs") != _ALL_VERBS or claim.get("defaultSelector"):
        return True
    return scoped and claim.get("selector") != {"matchAll": True}


def _older(claim: Claim, former: dict[Key, Claim], scoped: bool) -> Claim:
    """A claim as v1alpha1 says it."""
    told = {name: claim[name] for name in ("group", "resource") if claim.get(name)}
    known = former.get(claim_key(claim))
    if known is not None:
        told.update({name: known[name] for name in ("all", "resourceSelector") if known.get(name)})
    elif scoped and (claim.get("selector") or {}).get("matchAll"):
        told["all"] = True
    told.update({name: claim[name] for name in ("identityHash", "state") if claim.get(name)})
    return told


def _newer(claim: Claim, known: dict[Key, Claim], scoped: bool) -> Claim:
    """A claim as v1alpha2 says it, with the defaults v1alpha2 has."""
    group, resource, identity = claim_key(claim)
    saved = known.get((group, resource, identity), {})
    told: Claim = {"group": group, "identityHash": identity, "resource": resource}
    told["verbs"] = saved.get("verbs") or list(_ALL_VERBS)
    if saved.get("defaultSelector"):
        told["defaultSelector"] = saved["defaultSelector"]
    if scoped:
        told["selector"] = saved.get("selector") or {"matchAll": True}
    if "state" in claim:
        told["state"] = claim["state"]
    return told


def _by_key(claims: Iterable[Claim]) -> dict[Key, Claim]:
    return {claim_key(claim): claim for claim in claims}


def _claims_to_older(obj: Object, holder: Object, field: str, more: str, former: str, scoped: bool) -> None:
    """Rewrite the claims at `holder[field]`; `more` and `former` are the annotations beside them."""
    claims = holder.get(field) or []
    known = _by_key(read_claims(obj, former))
    _annotate(obj, more, [claim for claim in claims if _says_more(claim, scoped)], _CLAIM_FIELDS)
    _annotate(obj, former, [], ())
    if claims:
        holder[field] = [_older(claim, known, scoped) for claim in claims]


def _claims_to_newer(
    obj: Object,
    holder: Object,
    field: str,
    more: str,
    former: str,
    scoped: bool,
    keep: Callable[[Claim], Any],
) -> None:
    """The way back. All claims of v1alpha1 are kept where `keep` holds for one of them."""
    claims = holder.get(field) or []
    known = _by_key(read_claims(obj, more))
    _annotate(obj, more, [], ())
    _annotate(obj, former, claims if any(map(keep, claims)) else [], _FORMER_FIELDS)
    if claims:
        holder[field] = [_newer(claim, known, scoped) for claim in claims]


def split_schema_name(name: str) -> tuple[str, str] | None:
    """(resource, group) of an APIResourceSchema's name `prefix.resource.group`; None where it has not that form."""
    parts = name.split(".", 2)
    if len(parts) < 3:
        return None
    return parts[1], "" if parts[2] == "core" else parts[2]


class ExportConversion:
    """APIExport: v1alpha1 is served, v1alpha2 stored."""

    def to_stored(self, obj: Object) -> Object:
        """A v1alpha1 export as v1alpha2."""
        _versioned(obj, "v1alpha2")
        spec = obj["spec"]
        resources: list[Object] = []
        for name in spec.pop("latestResourceSchemas", None) or ():
            resource, group = split_schema_name(name) or ("", "")
            resources.append({"group": group, "name": resource, "schema": name, "storage": {"crd": {}}})
        resources.extend({"group": "", **entry} for entry in read_claims(obj, RESOURCE_SCHEMAS))
        _annotate(obj, RESOURCE_SCHEMAS, [], ())
        if resources:
            spec["resources"] = resources
        _claims_to_newer(obj, spec, "permissionClaims", PERMISSION_CLAIMS, FORMER_CLAIMS, False, bool)
        return obj

    def from_stored(self, obj: Object) -> Object:
        """A v1alpha2 export as v1alpha1."""
        _versioned(obj, "v1alpha1")
        spec = obj["spec"]
        resources = spec.pop("resources", None) or []
        plain = [entry for entry in resources if "crd" in (entry.get("storage") or {"crd": {}})]
        other = [entry for entry in resources if entry not in plain]
        _annotate(obj, RESOURCE_SCHEMAS, [{**entry, "group": entry.get("group")} for entry in other], _RESOURCE_FIELDS)
        if plain:
            spec["latestResourceSchemas"] = [entry["schema"] for entry in plain]
        _claims_to_older(obj, spec, "permissionClaims", PERMISSION_CLAIMS, FORMER_CLAIMS, False)
        return obj


class BindingConversion:
    """APIBinding: v1alpha1 is served, v1alpha2 stored."""

    def to_stored(self, obj: Object) -> Object:
        """A v1alpha1 binding as v1alpha2."""
        _versioned(obj, "v1alpha2")
        status = obj["status"]
        selects = _selects
        _claims_to_newer(obj, obj["spec"], "permissionClaims", ACCEPTABLE_CLAIMS, FORMER_CLAIMS, True, selects)
        exported = ("exportPermissionClaims", STATUS_EXPORT_CLAIMS, FORMER_STATUS_EXPORT_CLAIMS)
        applied = ("appliedPermissionClaims", STATUS_APPLIED_CLAIMS, FORMER_STATUS_APPLIED_CLAIMS)
        _claims_to_newer(obj, status, *exported, False, lambda claim: claim.get("all") or _selects(claim))
        _claims_to_newer(obj, status, *applied, True, selects)
        return obj

    def from_stored(self, obj: Object) -> Object:
        """A v1alpha2 binding as v1alpha1."""
        _versioned(obj, "v1alpha1")
        status = obj["status"]
        _claims_to_older(obj, obj["spec"], "permissionClaims", ACCEPTABLE_CLAIMS, FORMER_CLAIMS, True)
        exported = ("exportPermissionClaims", STATUS_EXPORT_CLAIMS, FORMER_STATUS_EXPORT_CLAIMS)
        applied = ("appliedPermissionClaims", STATUS_APPLIED_CLAIMS, FORMER_STATUS_APPLIED_CLAIMS)
        _claims_to_older(obj, status, *exported, False)
        _claims_to_older(obj, status, *applied, True)
        return obj


def _selects(claim: Claim) -> bool:
    return bool(claim.get("resourceSelector"))
