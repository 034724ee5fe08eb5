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
from manifold.schema.ownership.comparison import collapsed, compared, created, without
from manifold.schema.ownership.configuration import Misfit, configured, misfits
from manifold.schema.ownership.fields import Fields, difference, intersection, paths, without_removed
from manifold.schema.ownership.kubectl import MANAGER as KUBECTL
from manifold.schema.ownership.kubectl import kept_up_to_date, still_client_side
from manifold.schema.ownership.managers import BEFORE_APPLY, Entry, Manager, arranged, identity, owners
from manifold.schema.ownership.merging import merged, pruned
from manifold.schema.ownership.update import beyond


def apply(
    live: dict[str, Any] | None,
    configuration: dict[str, Any],
    node: Node,
    manager: Manager,
    force: bool,
    now: str,
    reset: Sequence[tuple[str, ...]] = (),
) -> dict[str, Any]:
    """The object with `configuration` applied by `manager` (whose operation is `Apply`), owners included.

    `live` is None where the object is created. `now` is a time as meta/v1 Time writes it, or empty for an entry without
    one; `reset` are paths this writer may not set, which it then does not own. The result shares unchanged parts with
    `live` and `configuration`: who goes on to change it in place decodes them anew first. Applying again what is there
    returns an equal object.

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
        result = pruned(result, last, [named, *(entry["fieldsV1"] for entry in others)], node)
    time = own.get("time") if own is not None else None
    changed = result is not live
    if changed:
        others = _taken(others, live, result, node, manager, force, reset)
        time = now
    if changed or own is None or last != named or own["apiVersion"] != manager.api_version:
        if named:
            others.append(manager.entry(named, time))
        result = _with_owners(result, arranged(others))
    return kept_up_to_date(result, configuration) if manager.name == KUBECTL else result


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


def _taken(
    others: list[Entry],
    live: dict[str, Any],
    result: dict[str, Any],
    node: Node,
    manager: Manager,
    force: bool,
    reset: Sequence[tuple[str, ...]],
) -> list[Entry]:
    """The other managers' entries after an apply has changed the object. Raises the conflict unless it is forced."""
    changed, removed = compared(live, result, node)
    if reset:
        changed, removed = without(changed, reset), beyond(removed, reset)
    sets = [collapsed(entry["fieldsV1"], changed, node) for entry in others]
    if changed and not force:
        conflicts = [
            (entry, common)
            for entry, fields in zip(others, sets, strict=True)
            if (common := intersection(fields, changed))
        ]
        if conflicts and manager.name == KUBECTL:
            allowed = still_client_side(live, node, manager.api_version)
            conflicts = [(entry, rest) for entry, common in conflicts if (rest := difference(common, allowed))]
        if conflicts:
            raise _conflict([(entry, list(paths(common))) for entry, common in conflicts])
    left: list[Entry] = []
    for entry, fields in zip(others, sets, strict=True):
        kept = difference(without_removed(fields, removed), changed)
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
