"""Server-side apply: a configuration becomes part of an object, and its fields its applier's.

An applier owns exactly what its configuration names. A field that others own with another value is a conflict, unless
the apply is forced; with the same value it is shared. What it named the last time and leaves out now is removed where
nobody else owns it. Specified by KEP-555; texts and order of conflicts by recorded exchanges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from manifold.base.errors import StatusError, bad_request
from manifold.schema.model import Node
from manifold.schema.ownership.comparison import collapsed, compared, created, reconciled, without
from manifold.schema.ownership.configuration import Misfit, configured, misfits
from manifold.schema.ownership.fields import Fields, difference, intersection, paths, without_removed
from manifold.schema.ownership.kubectl import MANAGER as KUBECTL
from manifold.schema.ownership.kubectl import kept_up_to_date, still_client_side
from manifold.schema.ownership.managers import BEFORE_APPLY, Entry, Manager, arranged, identity, owners
from manifold.schema.ownership.merging import merged, pruned
from manifold.schema.ownership.versions import Changes, Versions, View, changes


def apply(
    live: dict[str, Any] | None,
    configuration: dict[str, Any],
    node: Node,
    manager: Manager,
    force: bool,
    now: str,
    reset: Sequence[tuple[str, ...]] = (),
    versions: Versions | None = None,
) -> dict[str, Any]:
    """The object with `configuration` applied by `manager` (whose operation is `Apply`), owners included.

    `live` is None where the object is created. `now` is a time as meta/v1 Time writes it, or empty for an entry without
    one; `reset` are paths this writer may not set, which it then does not own; `versions` knows the other versions of
    the type, which are all like this one without it. The result shares unchanged parts with `live` and
    `configuration`: who goes on to change it in place decodes them anew first. Applying again what is there returns an
    equal object.

    Raises StatusError: 400 where the configuration holds managedFields, 409 on conflicts, 500 (as Kubernetes
    does) where it does not fit the schema.
    """
    metadata = configuration.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")
    try:
        named = configured(configuration, node)
    except Misfit:
        raise StatusError(500, "", _unfit(configuration, node)) from None
    if reset:
        named = without(named, reset)
    if live is None:
        entries = [manager.entry(named, now)] if named else []
        return _with_owners(configuration, entries)
    entries = live.get("metadata", {}).get("managedFields") or []
    if not entries:
        earlier = without(created(live, node), reset)
        if earlier:
            entries = [Manager(BEFORE_APPLY, "Update", manager.api_version, manager.subresource).entry(earlier, now)]
    own: Entry | None = None
    others: list[Entry] = []
    identified = manager.identity
    for entry in entries:
        if identity(entry) == identified:
            own = entry
        else:
            others.append(entry)
    result = merged(live, configuration, node)
    last: Fields = own["fieldsV1"] if own is not None else {}
    if difference(last, named):
        claims = [manager.entry(named, None), *others]
        result = _without_unnamed(result, last, own["apiVersion"] if own else "", claims, node, versions)
    time = own.get("time") if own is not None else None
    changed = result is not live
    if changed:
        made = changes(live, result, node, manager.api_version, versions, reset)
        others = _taken(others, live, node, manager, force, made)
        time = now
    if changed or own is None or last != named or own["apiVersion"] != manager.api_version:
        if named:
            others.append(manager.entry(named, time))
        others = [_reconciled(entry, node, manager.api_version, versions) for entry in others]
        result = _with_owners(result, arranged(others))
    return kept_up_to_date(result, configuration) if manager.name == KUBECTL else result


def _reconciled(entry: Entry, node: Node, version: str, versions: Versions | None) -> Entry:
    """An entry as the present schema of its version has it."""
    view = versions(entry["apiVersion"]) if versions is not None and entry["apiVersion"] != version else View(node)
    fields = entry["fieldsV1"] if view is None else reconciled(entry["fieldsV1"], view.node)
    return entry if fields is entry["fieldsV1"] else owners(entry, fields)


def _unfit(configuration: dict[str, Any], node: Node) -> str:
    metadata = configuration.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    group, _, version = str(configuration.get("apiVersion") or "").rpartition("/")
    kind = f"{group}/{version}, Kind={configuration.get('kind') or ''}"
    named = f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}"
    return f"failed to create typed patch object ({named}; {kind}): {misfits(configuration, node)}"


def _with_owners(obj: dict[str, Any], entries: list[Entry]) -> dict[str, Any]:
    metadata = {name: value for name, value in (obj.get("metadata") or {}).items() if name != "managedFields"}
    if entries:
        metadata["managedFields"] = entries
    return {**obj, "metadata": metadata}


def _without_unnamed(
    obj: dict[str, Any], last: Fields, version: str, claims: list[Entry], node: Node, versions: Versions | None
) -> dict[str, Any]:
    """The object without what its applier named the last time, in `version`, and nobody claims now; `obj` is of the
    version of the first claim.

    Where versions name fields differently, sets cannot be compared with each other. Then what goes is found in the
    version of `last`, where what others claim by the same names stays, and nothing goes at all if somebody claims any
    of it in another one.
    """
    here = claims[0]["apiVersion"]
    views = {one: versions(one) for one in {version, *(entry["apiVersion"] for entry in claims)}} if versions else {}
    if versions is not None and views[version] is None:
        return obj
    if all(view is None or view.convert is None for view in views.values()):
        return pruned(obj, last, [entry["fieldsV1"] for entry in claims], node)
    before = View(node) if version == here else views[version]
    if before is None or (before.back is None and version != here):
        return obj
    old = before.of(obj)
    new = pruned(old, last, [entry["fieldsV1"] for entry in claims], before.node)
    if new is old:
        return obj
    result = new if before.back is None else before.back(new)
    for entry in claims:
        view = views[entry["apiVersion"]] if entry["apiVersion"] != here else View(node)
        if view is None or entry["apiVersion"] == version:
            continue
        _, removed = compared(view.of(obj), view.of(result), view.node)
        if without_removed(entry["fieldsV1"], removed) != entry["fieldsV1"]:
            return obj
    return result


def _taken(
    others: list[Entry], live: dict[str, Any], node: Node, manager: Manager, force: bool, made: Changes
) -> list[Entry]:
    """The other managers' entries after an apply has changed the object. Raises the conflict unless it is forced."""
    found = [(entry, one) for entry in others if (one := made.of(entry["apiVersion"])) is not None]
    others = [entry for entry, _ in found]
    sets = [collapsed(entry["fieldsV1"], one.changed, one.node) for entry, one in found]
    if not force:
        conflicts = [
            (entry, common)
            for (entry, one), fields in zip(found, sets, strict=True)
            if (common := intersection(fields, one.changed))
        ]
        if conflicts and manager.name == KUBECTL:
            allowed = still_client_side(live, node, manager.api_version)
            conflicts = [(entry, rest) for entry, common in conflicts if (rest := difference(common, allowed))]
        if conflicts:
            raise _conflict([(entry, list(paths(common))) for entry, common in conflicts])
    left: list[Entry] = []
    for (entry, one), fields in zip(found, sets, strict=True):
        kept = difference(without_removed(fields, one.removed), one.changed)
        if kept is entry["fieldsV1"]:
            left.append(entry)
        elif kept:
            left.append(owners(entry, kept))
    return left


def _named(entry: Entry) -> str:
    """A manager as conflicts name it."""
    text = orjson.dumps(entry.get("manager", "")).decode()
    if entry.get("subresource"):
        text += f" with subresource {orjson.dumps(entry['subresource']).decode()}"
    return f"{text} using {entry['apiVersion']}" if entry["operation"] == "Update" else text


def _conflict(conflicts: list[tuple[Entry, list[str]]]) -> StatusError:
    """409: fields are owned by others with other values."""
    conflicts.sort(key=lambda conflict: identity(conflict[0]))
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {_named(entry)}", "field": path}
        for entry, found in conflicts
        for path in found
    ]
    if len(causes) == 1:
        message = f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        lines = [
            line
            for entry, found in conflicts
            for line in (f"conflicts with {_named(entry)}:", *(f"- {path}" for path in found))
        ]
        message = f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)
    return StatusError(409, "Conflict", message, {"causes": causes})
