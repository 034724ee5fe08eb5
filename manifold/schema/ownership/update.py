"""Who owns what after a create or an update.

A writer owns what it changed; nobody owns any longer what is gone. What others owned and this writer changed is taken
from them, appliers included. Specified by KEP-555, section "Field management", and by recorded exchanges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from manifold.schema.model import Node
from manifold.schema.ownership.comparison import collapsed, created, without
from manifold.schema.ownership.fields import Fields, difference, union, without_removed
from manifold.schema.ownership.managers import (
    Entry,
    Manager,
    arranged,
    capped,
    entries_from_client,
    identity,
    is_reset,
    owners,
)
from manifold.schema.ownership.versions import Changed, Changes, Versions, changes

_NO_ENTRIES: list[Entry] = []


def track_create(
    live: dict[str, Any] | None,
    new: dict[str, Any],
    node: Node,
    manager: Manager,
    now: str,
    reset: Sequence[tuple[str, ...]] = (),
) -> None:
    """Set `metadata.managedFields` of an object that is created. `live` is None; it is there for one signature.

    Everything in the object becomes `manager`'s, except what is below the paths of `reset`, which the type does not let
    this writer set. `now` is a time as meta/v1 Time writes it; empty leaves it out, as writes through `scale` do.
    Usable managedFields sent along are kept for what they name beyond the object.
    """
    track_update(live, new, node, manager, now, reset)


def track_update(
    live: dict[str, Any] | None,
    new: dict[str, Any],
    node: Node,
    manager: Manager,
    now: str,
    reset: Sequence[tuple[str, ...]] = (),
    versions: Versions | None = None,
) -> None:
    """Set `metadata.managedFields` of `new`, the successor of `live`, in place; the key goes where nothing is owned.

    The owners so far are those of `live`, unless a writer of the main resource sent usable other ones in `new`; a list
    of one empty entry forgets all. An object without owners is not tracked by updates. `reset` and `now` as in
    `track_create`; `versions` knows the other versions of the type, which are all like this one without it. Nothing but
    that one key of `new` is changed, and what is stored there shares parts with `live`.
    """
    metadata = new.setdefault("metadata", {})
    entries = _owners_so_far(live, metadata, manager)
    if live is None:
        everything = created(new, node)
        made = Changes(Changed(without(everything, reset) if reset else everything, {}, node))
    elif entries:
        made = changes(live, new, node, manager.api_version, versions, reset)
    else:
        metadata.pop("managedFields", None)
        return
    if made.own.changed or made.own.removed:
        entries = retaken(entries, manager, made, now)
    if entries:
        metadata["managedFields"] = entries
    else:
        metadata.pop("managedFields", None)


def _owners_so_far(live: dict[str, Any] | None, metadata: dict[str, Any], manager: Manager) -> list[Entry]:
    present: list[Entry] = _NO_ENTRIES
    if live is not None:
        present = live.get("metadata", {}).get("managedFields") or _NO_ENTRIES
    sent = metadata.get("managedFields")
    if not sent or manager.subresource or sent is present or sent == present:
        return present
    if is_reset(sent):
        return _NO_ENTRIES
    try:
        return arranged(entries_from_client(sent))
    except (ValueError, RecursionError):
        return present


def retaken(entries: Sequence[Entry], manager: Manager, made: Changes, now: str) -> list[Entry]:
    """The entries after `manager` (an updater) has changed and removed fields."""
    own = manager.identity
    result: list[Entry] = []
    mine: Fields = {}
    time: str | None = None
    for entry in entries:
        found = made.of(entry["apiVersion"])
        if found is None:
            continue
        fields = entry["fieldsV1"]
        left = without_removed(collapsed(fields, found.changed, found.node), found.removed)
        if identity(entry) == own:
            mine, time = left, entry.get("time")
            continue
        left = difference(left, found.changed)
        if left is fields:
            result.append(entry)
        elif left:
            result.append(owners(entry, left))
    if made.own.changed:
        mine, time = union(mine, made.own.changed), now
    if mine:
        result.append(manager.entry(mine, time))
    return arranged(capped(result) if len(result) > 10 else result)


def keep_times(live: dict[str, Any], new: dict[str, Any]) -> None:
    """Give `new` the owners of `live` in place, if the two differ in nothing but the times of their owners.

    A write that changes nothing must not be one; a time alone is no change. To be called when `new` is in stored form.
    """
    if len(live) != len(new) or any(new.get(name) != value for name, value in live.items() if name != "metadata"):
        return
    before, after = live["metadata"], new["metadata"]
    earlier, later = before.get("managedFields"), after.get("managedFields")
    if not earlier or not later or earlier == later or len(earlier) != len(later):
        return
    for one, other in zip(earlier, later, strict=True):
        if one["fieldsV1"] != other["fieldsV1"] or identity(one) != identity(other):
            return
        if one["apiVersion"] != other["apiVersion"]:
            return
    others = {name: value for name, value in after.items() if name != "managedFields"}
    if others == {name: value for name, value in before.items() if name != "managedFields"}:
        after["managedFields"] = earlier
