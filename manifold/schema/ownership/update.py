"""Who owns what after a create or an update.

A writer owns what it changed; nobody owns any longer what is gone. What others owned and this writer changed is taken
from them, appliers included. Specified by KEP-555, section "Field management", and by recorded exchanges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from manifold.schema.model import Node
from manifold.schema.ownership.comparison import collapsed, compared, created, without
from manifold.schema.ownership.fields import Fields, Removals, difference, union, without_removed
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
) -> None:
    """Set `metadata.managedFields` of `new`, the successor of `live`, in place; the key goes where nothing is owned.

    The owners so far are those of `live`, unless a writer of the main resource sent usable other ones in `new`; a list
    of one empty entry forgets all. An object without owners is not tracked by updates. `reset` and `now` as in
    `track_create`. Nothing but that one key of `new` is changed, and what is stored there shares parts with `live`.
    """
    metadata = new.setdefault("metadata", {})
    entries = _owners_so_far(live, metadata, manager)
    changed: Fields
    removed: Removals
    if live is None:
        changed, removed = created(new, node), {}
    elif not entries:
        metadata.pop("managedFields", None)
        return
    else:
        changed, removed = compared(live, new, node)
    if reset:
        changed = without(changed, reset)
        removed = beyond(removed, reset)
    if changed or removed:
        entries = retaken(entries, manager, changed, removed, node, now)
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


def beyond(removed: Removals, reset: Sequence[tuple[str, ...]]) -> Removals:
    """Removals without those at or below the paths of `reset`."""
    for path in reset:
        removed = _spared(removed, path, 0)
    return removed


def _spared(removed: Removals, path: tuple[str, ...], depth: int) -> Removals:
    key = "f:" + path[depth]
    if key not in removed:
        return removed
    rest = {other: below for other, below in removed.items() if other != key}
    below = removed[key]
    if below is None or depth + 1 == len(path):
        return rest
    return {**rest, key: _spared(below, path, depth + 1)}


def retaken(
    entries: Sequence[Entry], manager: Manager, changed: Fields, removed: Removals, node: Node, now: str
) -> list[Entry]:
    """The entries after `manager` (an updater) has changed and removed fields."""
    own = manager.identity
    result: list[Entry] = []
    mine: Fields = {}
    time: str | None = None
    for entry in entries:
        fields = entry["fieldsV1"]
        left = without_removed(collapsed(fields, changed, node), removed)
        if identity(entry) == own:
            mine, time = left, entry.get("time")
            continue
        left = difference(left, changed)
        if left is fields:
            result.append(entry)
        elif left:
            result.append(owners(entry, left))
    if changed:
        mine, time = union(mine, changed), now
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
