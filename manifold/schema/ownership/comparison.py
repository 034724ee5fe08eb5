"""What differs between two states of an object, as sets of field paths.

`changed` holds the paths whose value is new or another one, `removed` those that are gone. What counts as one value is
the schema's business: scalars, atomic lists and atomic maps change as a whole, granular maps entry by entry,
associative lists member by member (by value or by key, whatever their order).

An object of a built-in type is never quite empty: its structs are there before anybody writes, so that `spec` itself
has no owner although everything in it has. A created object is therefore compared with what its type writes when it is
empty (`Node.written`); of a custom resource, where nothing is written unasked, `spec` itself is owned.

Specified by KEP-555 and by the behaviour of structured-merge-diff, which these functions agree with on recorded
exchanges.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from manifold.schema.model import Node
from manifold.schema.ownership.elements import grouped
from manifold.schema.ownership.fields import SELF, Fields, Removals, ordered, without_removed
from manifold.schema.ownership.places import (
    UNOWNED_METADATA,
    associative,
    child,
    granular,
    items,
    owned_annotations,
    same,
    zero,
)
from manifold.schema.patches.equality import equal

_UNOWNED_ROOT = ("apiVersion", "kind", "metadata")
_SCALARS = frozenset(("string", "integer", "number", "boolean"))
_MISSING: Any = object()
_NOTHING: dict[str, Any] = {}


def added(value: Any, node: Node) -> Fields:
    """The set, as a node, of a value that was not there: everything in it and itself."""
    if isinstance(value, dict):
        if not value or not granular(node):
            return {}
        result: Fields = {SELF: {}}
        if node.kind == "map" and node.values is not None and node.values.kind in _SCALARS:
            for name in sorted(value):
                result["f:" + name] = {}
        else:
            for name in sorted(value):
                result["f:" + name] = added(value[name], child(node, name))
        return result
    if isinstance(value, list) and value and associative(node):
        members = _members(value, node)
        return {} if members is None else {SELF: {}, **members}
    return {}


def _members(value: list[Any], node: Node) -> Fields | None:
    """The sets of all members of a list that was not there. Members that share an element are owned as one."""
    found = grouped(value, node)
    if found is None:
        return None
    inner = items(node)
    return {key: {} if isinstance(item, tuple) else added(item, inner) for key, item in sorted(found.items())}


def _entries(value: Any, node: Node) -> Fields:
    """The sets of all entries or members of a non-empty structure whose place was there, but empty or null."""
    inside = added(value, node)
    if not inside:
        return inside
    del inside[SELF]
    return inside


def _since_zero(value: Any, node: Node) -> Fields | None:
    """What was set in a place that is always written; None for nothing."""
    if node.kind == "object" and isinstance(value, dict):
        if node.map_type != "granular":
            return None if value == zero(node) else {}
        result: Fields = {}
        for name in sorted(value):
            inner = child(node, name)
            fields = _since_zero(value[name], inner) if inner.written else added(value[name], inner)
            if fields is not None:
                result["f:" + name] = fields
        return result or None
    if value is None or value == zero(node):
        return None
    return _entries(value, node)


def created(new: dict[str, Any], node: Node) -> Fields:
    """The set of everything in a new object, owners' metadata left out."""
    result: Fields = {}
    metadata = new.get("metadata")
    for name in sorted(new):
        if name in _UNOWNED_ROOT:
            if name == "metadata" and metadata:
                fields = _created_metadata(metadata, child(node, name))
                if fields:
                    result["f:metadata"] = fields
            continue
        inner = child(node, name)
        found = _since_zero(new[name], inner) if inner.written else added(new[name], inner)
        if found is not None:
            result["f:" + name] = found
    return result


def _created_metadata(metadata: dict[str, Any], node: Node) -> Fields:
    result: Fields = {}
    for name in sorted(metadata):
        if name not in UNOWNED_METADATA:
            value = metadata[name]
            if name == "annotations":
                value = owned_annotations(value)
            if value is not None:
                result["f:" + name] = added(value, child(node, name))
    return result


def compared(old: dict[str, Any], new: dict[str, Any], node: Node) -> tuple[Fields, Removals]:
    """`changed` and `removed` between two states of an object of the type `node`, owners' metadata left out."""
    changed: Fields = {}
    removed: Removals = {}
    before, after = old.get("metadata") or _NOTHING, new.get("metadata") or _NOTHING
    if before != after:
        _metadata(before, after, child(node, "metadata"), changed, removed)
    _entry_changes(old, new, node, changed, removed, _UNOWNED_ROOT)
    return ordered(changed) if len(changed) > 1 else changed, removed


def _metadata(old: dict[str, Any], new: dict[str, Any], node: Node, changed: Fields, removed: Removals) -> None:
    now: Fields = {}
    gone: Removals = {}
    for name in new.keys() | old.keys():
        if name in UNOWNED_METADATA:
            continue
        before, after = old.get(name, _MISSING), new.get(name, _MISSING)
        if before == after:
            continue
        if name == "annotations":
            before = _MISSING if owned_annotations(before) is None else owned_annotations(before)
            after = _MISSING if owned_annotations(after) is None else owned_annotations(after)
            if before == after:
                continue
        key = "f:" + name
        if before is _MISSING:
            now[key] = added(after, child(node, name))
        elif after is _MISSING:
            gone[key] = None
        else:
            _changes(key, before, after, child(node, name), now, gone)
    if now:
        changed["f:metadata"] = ordered(now)
    if gone:
        removed["f:metadata"] = gone


def _entry_changes(
    old: dict[str, Any],
    new: dict[str, Any],
    node: Node,
    changed: Fields,
    removed: Removals,
    skipped: tuple[str, ...] = (),
) -> None:
    """Add the changes between two granular objects to `changed` and `removed`."""
    known = 0
    for name, value in new.items():
        before = old.get(name, _MISSING)
        if before is not _MISSING:
            known += 1
            if before is value:
                continue
        if name in skipped:
            continue
        inner = child(node, name)
        if before is not _MISSING and same(before, value, inner):
            continue
        if before is not _MISSING:
            _changes("f:" + name, before, value, inner, changed, removed)
        elif inner.written:
            fields = _since_zero(value, inner)
            if fields is not None:
                changed["f:" + name] = fields
        else:
            changed["f:" + name] = added(value, inner)
    if known < len(old):
        for name in old:
            if name not in new and name not in skipped:
                removed["f:" + name] = None


def _member_changes(old: list[Any], new: list[Any], node: Node, changed: Fields, removed: Removals) -> bool:
    """As `_entry_changes`, for associative lists. False where a list has members without an element."""
    before, after = grouped(old, node), grouped(new, node)
    if before is None or after is None:
        return False
    inner = items(node)
    for key, item in after.items():
        earlier = before.get(key, _MISSING)
        if earlier is _MISSING:
            changed[key] = {} if isinstance(item, tuple) else added(item, inner)
        elif isinstance(earlier, tuple) or isinstance(item, tuple):
            if earlier != item:
                changed[key] = {}
        elif not same(earlier, item, inner):
            _changes(key, earlier, item, inner, changed, removed)
    for key in before:
        if key not in after:
            removed[key] = None
    return True


def _changes(key: str, before: Any, after: Any, node: Node, changed: Fields, removed: Removals) -> None:
    """Add what changed in one place that is there before and after; the two values are not the same."""
    now: Fields = {}
    gone: Removals = {}
    if isinstance(before, dict) and isinstance(after, dict) and granular(node):
        _entry_changes(before, after, node, now, gone)
    elif isinstance(before, list) and isinstance(after, list) and associative(node):
        if not _member_changes(before, after, node, now, gone):
            changed[key] = {}
            return
    else:
        if before is None and after:
            now = _entries(after, node)
            changed[key] = now
            return
        structure = granular(node) if isinstance(before, dict) else isinstance(before, list) and associative(node)
        if structure and before:
            # What was inside has gone, whatever has come in its place.
            gone = dict.fromkeys(_entries(before, node))
            if gone:
                removed[key] = gone
            if after is None and gone:
                return
        if not equal(before, after):
            changed[key] = added(after, node)
        return
    if now:
        changed[key] = ordered(now) if len(now) > 1 else now
    if gone:
        removed[key] = gone


def collapsed(fields: Fields, changed: Fields, node: Node) -> Fields:
    """A set that may have been written under another schema: what has become atomic since is owned as a whole.

    Only what is in `changed` as well is looked at, since nothing else is about to be compared with it. Returns `fields`
    itself where nothing is to be done.
    """
    result = fields
    for key, theirs in changed.items():
        mine = fields.get(key)
        if not mine or key == SELF:
            continue
        inner = child(node, key[2:]) if key[:2] == "f:" else items(node)
        whole = collapsed(mine, theirs, inner) if granular(inner) or associative(inner) else {}
        if whole is not mine:
            if result is fields:
                result = dict(fields)
            result[key] = whole
    return result


def reconciled(fields: Fields, node: Node) -> Fields:
    """A set that may have been written under another schema, as this one has it: see `collapsed`, but all of it."""
    result = fields
    for key, mine in fields.items():
        if not mine or key == SELF:
            continue
        inner = child(node, key[2:]) if key[:2] == "f:" else items(node)
        whole = reconciled(mine, inner) if granular(inner) or associative(inner) else {}
        if whole is not mine:
            if result is fields:
                result = dict(fields)
            result[key] = whole
    return result


def without(fields: Fields, paths: Sequence[Sequence[str]]) -> Fields:
    """A set without the given field paths and everything below them."""
    for path in paths:
        gone: Any = None
        for name in reversed(path):
            gone = {"f:" + name: gone}
        if gone is not None:
            fields = without_removed(fields, gone)
    return fields
