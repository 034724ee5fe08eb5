"""Merging an applied configuration into an object, and taking out what an applier no longer names.

Both return the very object they were given where nothing changes, and share unchanged parts with it, so that an apply
of what is already there costs one comparison. Lists keep the order of the configuration for what it names, and the
members it does not name stay where they stood among their neighbours. Specified by KEP-555.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from manifold.schema.model import Node
from manifold.schema.ownership.elements import NoElement, element, grouped
from manifold.schema.ownership.fields import SELF, Fields
from manifold.schema.ownership.places import UNOWNED_METADATA, associative, child, granular, items, same
from manifold.schema.patches.equality import equal

_MISSING: Any = object()


def merged(live: dict[str, Any], configuration: dict[str, Any], node: Node) -> dict[str, Any]:
    """The object with every field of the configuration as the configuration has it."""
    metadata = configuration.get("metadata")
    if metadata and any(value is None for value in metadata.values()):
        # Clients send `creationTimestamp: null`; it says nothing about what the server has set.
        kept = {name: value for name, value in metadata.items() if value is not None or name not in UNOWNED_METADATA}
        configuration = {**configuration, "metadata": kept}
    return _entries(live, configuration, node)


def _value(before: Any, value: Any, node: Node) -> Any:
    if isinstance(before, dict):
        if isinstance(value, dict) and granular(node):
            return _entries(before, value, node)
        if value is None and before and granular(node):
            return before
    elif isinstance(before, list):
        if isinstance(value, list) and associative(node):
            return _members(before, value, node)
        if value is None and before and associative(node):
            return before
    return before if equal(before, value) else value


def _entries(live: dict[str, Any], configuration: dict[str, Any], node: Node) -> dict[str, Any]:
    result = live
    for name, value in configuration.items():
        before = live.get(name, _MISSING)
        if before is _MISSING:
            after = value
        else:
            inner = child(node, name)
            if same(before, value, inner):
                continue
            after = _value(before, value, inner)
            if after is before:
                continue
        if result is live:
            result = dict(live)
        result[name] = after
    return result


def _members(live: list[Any], configuration: list[Any], node: Node) -> list[Any]:
    if not live or not configuration:
        return configuration or live
    given = grouped(configuration, node)
    present = grouped(live, node)
    if given is None or present is None:
        return configuration
    inner = items(node)
    queue = list(given)
    shared = [key for key in queue if key in present]
    result: list[Any] = []
    taken = 0
    turn = 0

    def take(key: str) -> None:
        before = present.get(key, _MISSING)
        item = given[key]
        if before is _MISSING or isinstance(before, tuple):
            result.append(item)
        else:
            result.append(_value(before, item, inner))

    for item in live:
        key = element(item, node)
        if key not in given:
            result.append(item)
        elif turn < len(shared) and key == shared[turn]:
            turn += 1
            while taken < len(queue):
                taken += 1
                take(queue[taken - 1])
                if queue[taken - 1] == key:
                    break
    for key in queue[taken:]:
        take(key)
    if len(result) == len(live) and all(map(equal, result, live)):
        return live
    return result


def pruned(merged: dict[str, Any], last: Fields, claims: Sequence[Fields], node: Node) -> dict[str, Any]:
    """The object without what its applier named the last time and nobody claims now.

    `last` is the applier's former set; `claims` are the sets of everybody, its new one included. An entry or a list
    member goes only if `last` names it; a struct of which nobody names anything any longer goes as a whole.
    """
    metadata = last.get("f:metadata")
    if metadata is None:
        return _pruned_entries(merged, last, claims, node, False, False)
    # Every applier names the object, although no set tells it: metadata as a whole is always claimed.
    rest = {key: fields for key, fields in last.items() if key != "f:metadata"}
    result = _pruned_entries(merged, rest, claims, node, False, False)
    below = [claim["f:metadata"] for claim in claims if "f:metadata" in claim]
    left = _pruned_entries(merged["metadata"], metadata, below, child(node, "metadata"), True, False)
    return result if left is merged["metadata"] else {**result, "metadata": left}


def _listed(fields: Fields | None, named: bool) -> bool:
    """Whether a set holds the path of this node. A struct's field counts as held by whoever holds something in it."""
    return fields is not None and (named or not fields or SELF in fields)


def _pruned_entries(
    value: dict[str, Any], last: Fields, claims: Sequence[Fields], node: Node, seen: bool, dropping: bool
) -> dict[str, Any]:
    result = value
    for key, former in last.items():
        if key[:2] != "f:":
            continue
        name = key[2:]
        before = value.get(name, _MISSING)
        if before is _MISSING:
            continue
        after = _pruned(key, before, former, claims, child(node, name), name in node.properties, seen, dropping)
        if after is before:
            continue
        if result is value:
            result = dict(value)
        if after is _MISSING:
            del result[name]
        else:
            result[name] = after
    return result


def _pruned_members(
    value: list[Any], last: Fields, claims: Sequence[Fields], node: Node, seen: bool, dropping: bool
) -> list[Any]:
    result: list[Any] = []
    changed = False
    for item in value:
        try:
            key = element(item, node)
        except NoElement:
            return value
        former = last.get(key)
        after = item
        if former is not None:
            after = _pruned(key, item, former, claims, items(node), False, seen, dropping)
            changed = changed or after is not item
        if after is not _MISSING:
            result.append(after)
    return result if changed else value


def _pruned(
    key: str,
    value: Any,
    former: Fields,
    claims: Sequence[Fields],
    node: Node,
    named: bool,
    seen: bool,
    dropping: bool,
) -> Any:
    """What is left of the value at one path that the former set names or leads through; _MISSING where it goes."""
    below = [claim[key] for claim in claims if key in claim]
    listed = _listed(former, named)
    seen = seen or listed
    dropping = dropping or (seen and not any(_listed(claim, named) for claim in below))
    if listed and dropping:
        return _MISSING
    if isinstance(value, dict) and granular(node):
        return _pruned_entries(value, former, below, node, seen, dropping)
    if isinstance(value, list) and associative(node):
        left = _pruned_members(value, former, below, node, seen, dropping)
        return left if left or not value else _MISSING  # the last member takes the list along
    return value
