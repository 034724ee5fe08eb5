"""When two JSON values are one: numbers by value, objects whatever their order, and true is not 1 (RFC 6902, 4.6)."""

from __future__ import annotations

from typing import Any


def equal(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same. What differs costs one comparison, what is equal a walk."""
    if one is other:
        return True
    if one != other:
        return False
    if isinstance(one, dict):
        return all(equal(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return all(map(equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool)
