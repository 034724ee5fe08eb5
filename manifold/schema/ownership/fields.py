"""Sets of field paths, kept as the nested objects they are on the wire (meta/v1 FieldsV1).

A set is a tree of dictionaries. A key is a path element: `f:name` a field or map entry, `k:{...}` a list member by its
keys, `v:...` a member of a set by its value, `i:0` by position. A path is in the set if the dictionary at its end is
empty or holds `.`; a dictionary with other keys only stands for its descendants alone. The root stands for no path.

Why no set type of our own: almost every write leaves almost every owner's set as it was. Reading a set costs nothing
this way, an operation that changes nothing returns the very object it was given, so `is` tells "unchanged", and what
is written back needs no encoding. No function here changes its arguments; results share unchanged parts with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

Fields = dict[str, Any]
"""A set of paths; `Any`, because the type is recursive: every value is a `Fields` again."""

Removals = dict[str, Any]
"""Paths that are gone: None at the end of a path means it and everything below it, a dictionary leads further down."""

SELF = "."


def member(fields: Fields) -> bool:
    """Whether the path this node (not a root) stands for is itself in the set."""
    return not fields or SELF in fields


def ordered(fields: Fields) -> Fields:
    """`fields` with its keys in the order of the wire, `.` first."""
    return dict(sorted(fields.items()))


def union(fields: Fields, other: Fields) -> Fields:
    """All paths of two sets, given by their roots. Returns `fields` itself where `other` adds nothing."""
    if not fields:
        return other
    return _joined(fields, other) if other else fields


def _joined(fields: Fields, other: Fields) -> Fields:
    result = fields
    for key, theirs in other.items():
        mine = fields.get(key)
        if mine is None:
            joined = theirs
        elif mine:
            joined = _joined(mine, theirs) if theirs else mine if SELF in mine else {SELF: {}, **mine}
        elif theirs:
            joined = theirs if SELF in theirs else {SELF: {}, **theirs}
        else:
            continue
        if joined is not mine:
            if result is fields:
                result = dict(fields)
            result[key] = joined
    return result if len(result) == len(fields) else ordered(result)


def difference(fields: Fields, other: Fields) -> Fields:
    """The paths of one set that are not in another, both given by their roots; a path does not take others with it.

    Returns `fields` itself where the two have nothing in common, and the empty dictionary where nothing is left.
    """
    if not fields or not other:
        return fields
    left = _without(fields, other)
    return {} if left is None else left


def _without(fields: Fields, other: Fields) -> Fields | None:
    """What is left of a node, None for nothing."""
    if not fields:
        return None if member(other) else fields
    if not other:
        if SELF not in fields:
            return fields
        return {key: value for key, value in fields.items() if key != SELF} or None
    result = fields
    for key, theirs in other.items():
        mine = fields.get(key)
        if mine is None:
            continue
        left = None if key == SELF else _without(mine, theirs)
        if left is not mine:
            result = _with_left(result, fields, key, left)
    return result if result is fields else _canonical_node(result)


def _with_left(result: Fields, fields: Fields, key: str, left: Fields | None) -> Fields:
    """`result` with what is left of a node, None for nothing. It is `fields` until the first change, then a copy."""
    if result is fields:
        result = dict(fields)
    if left is None:
        del result[key]
    else:
        result[key] = left
    return result


def _canonical_node(fields: Fields) -> Fields | None:
    """A node from which keys were taken: None if it holds no path, the empty dictionary if it holds only its own."""
    if len(fields) == 1 and SELF in fields:
        return {}
    return fields or None


def intersection(fields: Fields, other: Fields) -> Fields:
    """The paths that two sets, given by their roots, have in common."""
    if not fields or not other:
        return {}
    common = _common(fields, other)
    return {} if common is None else common


def _common(fields: Fields, other: Fields) -> Fields | None:
    if not fields:
        return {} if member(other) else None
    if not other:
        return {} if SELF in fields else None
    result: Fields = {}
    for key, theirs in other.items():
        mine = fields.get(key)
        if mine is None:
            continue
        common = _common(mine, theirs)
        if common is not None:
            result[key] = common
    return _canonical_node(result)


def without_removed(fields: Fields, removed: Removals) -> Fields:
    """The set without what is gone. Returns `fields` itself where it held nothing of that."""
    if not fields or not removed:
        return fields
    left = _cut(fields, removed)
    return {} if left is None else left


def _cut(fields: Fields, removed: Removals) -> Fields | None:
    result = fields
    for key, gone in removed.items():
        mine = fields.get(key)
        if mine is None:
            continue
        left = None if gone is None else _cut(mine, gone) if mine else mine
        if left is not mine:
            result = _with_left(result, fields, key, left)
    return result if result is fields else _canonical_node(result)


def paths(fields: Fields, prefix: str = "") -> Iterator[str]:
    """The paths of a set as error texts show them (`.spec.ports[port=80].name`): at each level the set's own members
    first, then what lies below its elements, both in order."""
    deeper: list[tuple[str, Fields]] = []
    for key, below in sorted(fields.items()):
        if key == SELF:
            continue
        path = prefix + shown(key)
        if member(below):
            yield path
        if below:
            deeper.append((path, below))
    for path, below in deeper:
        yield from paths(below, path)


def shown(element: str) -> str:
    """One path element as error texts show it: `.name`, `[name="a"]`, `[="value"]`, `[3]`."""
    kind, rest = element[:2], element[2:]
    if kind == "f:":
        return "." + rest
    if kind == "v:":
        return f"[={rest}]"
    if kind == "k:":
        keys: dict[str, Any] = orjson.loads(rest)
        return "[" + ",".join(f"{name}={orjson.dumps(value).decode()}" for name, value in keys.items()) + "]"
    return f"[{rest}]"


def parsed(fields: object) -> Fields:
    """A set a client sent, brought into the form of this module. Raises ValueError where it is none."""
    if not isinstance(fields, dict):
        raise ValueError("fieldsV1 is not an object")
    result: Fields = {}
    for key, below in fields.items():
        if key == SELF:
            result[SELF] = {}
            continue
        element = _parsed_element(key)
        inner = parsed(below)
        if len(inner) == 1 and SELF in inner:
            inner = {}
        result[element] = inner
    return ordered(result)


def _parsed_element(key: str) -> str:
    kind, rest = key[:2], key[2:]
    if kind == "f:":
        return key
    if kind == "i:":
        return f"i:{int(rest)}"
    value = orjson.loads(rest)
    if kind == "v:":
        return "v:" + orjson.dumps(value).decode()
    if kind == "k:" and isinstance(value, dict) and value:
        return "k:" + orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    raise ValueError(f"{key!r} is no path element")
