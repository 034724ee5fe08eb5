"""What the fields a scale stands for must hold, whatever their schema says: counts, and a selector as text.

The paths are those a definition declares (CustomResourceSubresourceScale), and fields of errors are called by them,
dot and all. What is not there is not wrong.
"""

from __future__ import annotations

from typing import Any

from manifold.base.fields import FieldError, invalid
from manifold.base.go_text import plain, type_name
from manifold.types.resource import Object

_INT32 = (1 << 31) - 1
_OBJECT = "map[string]interface{}"


def spec_errors(declared: Object, obj: Object) -> list[FieldError]:
    """What is wrong with the number of replicas an object wants."""
    return _count_errors(obj, str(declared["specReplicasPath"]))


def status_errors(declared: Object, obj: Object) -> list[FieldError]:
    """What is wrong with the number of replicas there are, and with the selector that finds them."""
    errors = _count_errors(obj, str(declared["statusReplicasPath"]))
    selector = declared.get("labelSelectorPath")
    if selector is not None:
        found, problem = _find(obj, selector)
        if not problem and found is not _ABSENT and type(found) is not str:
            problem = _unexpected(split_path(selector), found, "string")
        if problem:
            errors.append(invalid(selector, "", problem))
    return errors


class _Absent:
    """The value of a field that is not there."""


_ABSENT = _Absent()


def split_path(path: str) -> list[str]:
    """The names a declared path leads through; none for no path."""
    return path.removeprefix(".").split(".") if path else []


def _find(obj: Object, path: str) -> tuple[Any, str]:
    """What a path leads to, and what is in its way."""
    value: Any = obj
    names = split_path(path)
    for position, name in enumerate(names):
        if value is None:
            return _ABSENT, ""
        if type(value) is not dict:
            return _ABSENT, _unexpected(names[: position + 1], value, _OBJECT)
        if name not in value:
            return _ABSENT, ""
        value = value[name]
    return value, ""


def _unexpected(names: list[str], value: Any, wanted: str) -> str:
    return f".{'.'.join(names)} accessor error: {plain(value)} is of the type {type_name(value)}, expected {wanted}"


def _count_errors(obj: Object, path: str) -> list[FieldError]:
    count, problem = _find(obj, path)
    if not problem and count is not _ABSENT and type(count) is not int:
        problem = _unexpected(split_path(path), count, "int64")
    if problem:
        return [invalid(path, 0, problem)]
    if count is _ABSENT:
        return []
    if count < 0:
        return [invalid(path, count, "should be a non-negative integer")]
    return [invalid(path, count, f"should be less than or equal to {_INT32}")] if count > _INT32 else []
