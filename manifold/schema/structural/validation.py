"""Validation: what a schema says about values, as closures that add field errors.

A check takes a value, the path of its parent with the dot behind it, its own name, and the list errors go to: a scalar
that is good costs no string at all. The order of errors is that of the published validators: type, combinators,
strings, formats, numbers, lists, enumerations, objects. Combinators and number ranges speak about no field (`<nil>`),
and name the place in their text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import orjson

from manifold.base.fields import (
    INVALID,
    REQUIRED,
    TYPE_INVALID,
    FieldError,
    duplicate,
    not_supported,
    quote,
    shown,
    too_long,
    too_many,
)
from manifold.base.go_text import json_text, number
from manifold.schema.structural.formats import FORMATS, normalized
from manifold.schema.structural.patterns import compile_pattern

Check = Callable[[Any, str, str, list[FieldError]], None]
NO_FIELD = "<nil>"
_INT32 = (-(1 << 31), (1 << 31) - 1)
_INT64 = (-(1 << 63), (1 << 63) - 1)
_FLOAT32 = 3.4028234663852886e38


def json_type(value: Any) -> str:
    """The JSON type of a value, as errors name it: a number without a fraction is an integer."""
    kind = type(value)
    if kind is str:
        return "string"
    if kind is bool:
        return "boolean"
    if kind is int:
        return "integer"
    if kind is float:
        return "number"
    if kind is dict:
        return "object"
    return "array" if kind is list else "null"


def types_of(schema: dict[str, Any]) -> tuple[str, ...]:
    """The JSON types a schema admits; empty where it says nothing of them."""
    if schema.get("x-kubernetes-int-or-string"):
        return ("integer", "string")
    kind = schema.get("type")
    return (kind,) if kind else ()


def same_json(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; unlike `==`, true is not 1 and 1 is not 1.0."""
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is dict:
        return one.keys() == other.keys() and all(same_json(item, other[name]) for name, item in one.items())
    if kind is list:
        return len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)


def wrong_type(path: str, wanted: str, found: str) -> FieldError:
    """A value is not of the type or format that is wanted."""
    return FieldError(
        TYPE_INVALID,
        path,
        f"Invalid value: {quote(found)}: {path} in body must be of type {wanted}: {quote(found)}",
    )


def broken(path: str, value: Any, rule: str) -> FieldError:
    """A value breaks a rule; `rule` is the text behind `in body `."""
    return FieldError(INVALID, path, f"Invalid value: {shown(value)}: {path} in body {rule}")


def unstructured(path: str, value: Any, detail: str) -> FieldError:
    """As `invalid`, for a value of unknown shape: its members are shown in alphabetical order."""
    return FieldError(INVALID, path, f"Invalid value: {shown(sorted_json(value))}: {detail}")


def unplaced(text: str) -> FieldError:
    """An error that belongs to no field; its text names the place."""
    return FieldError(INVALID, NO_FIELD, f'Invalid value: "": {text}')


def type_check(types: tuple[str, ...], form: str, nullable: bool) -> Check:
    """Checks the JSON type. A wrong type under a format is told as the format; without types, any text has it."""
    wanted = ",".join(types)
    allowed = frozenset(types or ("string",))
    floats = "number" in allowed
    integers = "integer" in allowed

    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        if value is None:
            if types and not nullable and "null" not in allowed:
                errors.append(wrong_type(prefix + name, wanted, "null"))
            return
        found = json_type(value)
        if found in allowed:
            return
        if found == "number" and integers and value.is_integer():
            return
        if found == "integer" and floats:
            return
        if form and found not in ("string", "array"):
            given = {"integer": "int64", "number": "float64"}.get(found, "")
            errors.append(wrong_type(prefix + name, form, given))
            return
        errors.append(wrong_type(prefix + name, wanted, found))

    return check


def string_check(shortest: int | None, longest: int | None, pattern: str | None) -> Check:
    """Checks length in characters and the pattern; the first that fails is told."""
    matches = compile_pattern(pattern).search if pattern else None

    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        if type(value) is not str:
            return
        if longest is not None and len(value) > longest:
            errors.append(too_long(prefix + name, longest))
        elif shortest is not None and len(value) < shortest:
            errors.append(broken(prefix + name, value, f"should be at least {shortest} chars long"))
        elif matches is not None and not matches(value):
            errors.append(broken(prefix + name, value, f"should match '{pattern}'"))

    return check


def format_check(form: str) -> Check | None:
    """Checks a string's format; None where the format is one that nobody checks."""
    good = FORMATS.get(normalized(form))
    if good is None:
        return None

    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        if type(value) is str and not good(value):
            errors.append(wrong_type(prefix + name, form, value))

    return check


def _fits(value: int | float, kind: str, form: str) -> bool:
    if kind == "integer":
        low, high = _INT32 if form == "int32" else _INT64
        return float(value).is_integer() and low <= value <= high
    return form != "float" or abs(value) <= _FLOAT32


def number_check(kind: str, form: str, schema: dict[str, Any]) -> Check:
    """Checks the range of the type, then multipleOf, minimum and maximum."""
    multiple, low, high = schema.get("multipleOf"), schema.get("minimum"), schema.get("maximum")
    above, below = bool(schema.get("exclusiveMinimum")), bool(schema.get("exclusiveMaximum"))
    described = f"{kind} with format {form}" if form else f"{kind} (default format)"

    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        if type(value) is not int and type(value) is not float:
            return
        if not _fits(value, kind, form):
            errors.append(unplaced(f"Checked value must be of type {described} in {prefix + name}"))
        if multiple is not None and not _multiple(value, multiple):
            errors.append(broken(prefix + name, value, f"should be a multiple of {_told(multiple, value)}"))
        if low is not None and (value <= low if above else value < low):
            than = "greater than" if above else "greater than or equal to"
            errors.append(broken(prefix + name, value, f"should be {than} {_told(low, value)}"))
        if high is not None and (value >= high if below else value > high):
            than = "less than" if below else "less than or equal to"
            errors.append(broken(prefix + name, value, f"should be {than} {_told(high, value)}"))

    return check


def _told(bound: int | float, value: int | float) -> str:
    """A bound as a refusal shows it: in the form of the number it is held against, as Kubernetes compares them."""
    return number(float(bound)) if type(value) is float else number(bound)


def _multiple(value: int | float, factor: int | float) -> bool:
    if factor <= 0:
        return False
    if type(value) is int and float(factor).is_integer():
        return value % int(factor) == 0
    return (Fraction(repr(value)) / Fraction(repr(factor))).denominator == 1  # as written: 0.3 is three times 0.1


def size_check(fewest: int | None, most: int | None, unique: bool) -> Check:
    """Checks the number of a list's elements, and that they differ."""

    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        if type(value) is not list:
            return
        if fewest is not None and len(value) < fewest:
            errors.append(broken(prefix + name, len(value), f"should have at least {fewest} items"))
        if most is not None and len(value) > most:
            errors.append(too_many(prefix + name, len(value), most))
        if unique and len({orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in value}) < len(value):
            path = prefix + name
            errors.append(FieldError(INVALID, path, f'Invalid value: "": {path} in body shouldn\'t contain duplicates'))

    return check


def enum_check(values: Sequence[Any]) -> Check:
    """Checks that a value is one of `values`."""
    texts = [value if isinstance(value, str) else orjson.dumps(value).decode() for value in values]
    strings = frozenset(value for value in values if isinstance(value, str))
    others = [value for value in values if not isinstance(value, str)]

    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        if type(value) is str:
            if value in strings:
                return
        elif any(_equal(value, other) for other in others):
            return
        errors.append(not_supported(prefix + name, sorted_json(value), texts))

    return check


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return (type(one) is not bool and type(other) is not bool and one == other) or one is other
    return same_json(one, other)


def required_check(names: Sequence[str]) -> Check:
    """Checks that named properties are there."""

    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        if type(value) is not dict:
            return
        for wanted in names:
            if wanted not in value:
                path = prefix + name
                errors.append(FieldError(REQUIRED, f"{path}.{wanted}" if path else wanted, "Required value"))

    return check


def repeated(
    values: Sequence[Any], path: str, errors: list[FieldError], show: Callable[[Any], Any] = lambda value: value
) -> None:
    """Adds an error for each value at its second appearance, as `show` makes it; `path` is the list's.

    Numbers with and without a fraction differ, unless they are in lists or objects, which are compared as they are
    written.
    """
    seen: dict[Any, int] = {}
    for position, value in enumerate(values):
        compound = type(value) is dict or type(value) is list
        identity = json_text(sorted_json(value)) if compound else (type(value), value)
        times = seen.get(identity, 0)
        if times == 1:
            errors.append(duplicate(f"{path}[{position}]", sorted_json(show(value))))
        seen[identity] = times + 1


def sorted_json(value: Any) -> Any:
    """A JSON value with the members of its objects in alphabetical order."""
    return orjson.loads(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)) if isinstance(value, (dict, list)) else value
