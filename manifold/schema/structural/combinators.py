"""allOf, anyOf, oneOf and not: other checks applied to the same value.

Where none of several alternatives fits, the errors of the one that came furthest are told too; "furthest" is how many
checks applied to the value and to what it holds (`weigh`), the first of equals winning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from manifold.base.fields import FieldError
from manifold.schema.structural.formats import checked_format
from manifold.schema.structural.validation import Check, type_check, types_of, unplaced

Schema = dict[str, Any]
Weight = Callable[[Any], int]
"""How many checks of a schema apply to a value."""


class Alternative:
    """One of several schemas. `compile_check` makes the check of one; the weight is made when it is first needed."""

    def __init__(self, schema: Schema, compile_check: Callable[[Schema], Check]) -> None:
        self.check = compile_check(schema)
        self._schema = schema
        self._compile_check = compile_check

    def errors(self, value: Any, prefix: str, name: str) -> list[FieldError]:
        """What the schema has against a value."""
        found: list[FieldError] = []
        self.check(value, prefix, name, found)
        return found

    @cached_property
    def weight(self) -> Weight:
        """The weight of the schema."""
        return weigh(self._schema, self._compile_check)


def weigh(schema: Schema, compile_check: Callable[[Schema], Check]) -> Weight:
    """How many checks of a schema apply: a type counts twice where it is right, numbers and lists always do."""
    types = types_of(schema)
    form = checked_format(str(schema.get("format") or ""), types)
    typed = type_check(types, form, bool(schema.get("nullable"))) if types or form else None
    described = {name: weigh(child, compile_check) for name, child in (schema.get("properties") or {}).items()}
    additional, inner = schema.get("additionalProperties"), schema.get("items")
    entries = weigh(additional, compile_check) if isinstance(additional, dict) else None
    items = weigh(inner, compile_check) if isinstance(inner, dict) else None
    any_of = [Alternative(each, compile_check) for each in schema.get("anyOf") or ()]
    one_of = [Alternative(each, compile_check) for each in schema.get("oneOf") or ()]
    all_of = [weigh(each, compile_check) for each in schema.get("allOf") or ()]

    def fits(value: Any) -> bool:
        wrong: list[FieldError] = []
        if typed is not None:
            typed(value, "", "", wrong)
        return not wrong

    def weight(value: Any) -> int:
        if value is None:
            return int(fits(value))
        total = 4 + (1 + fits(value) if typed is not None else 0)
        total += _counted(value, any_of, any_fits=True) + _counted(value, one_of, any_fits=False)
        total += sum(each(value) for each in all_of)
        if type(value) is str:
            total += 1 + bool(form)
        elif type(value) in (int, float):
            total += 2
        elif type(value) is list:
            total += 2 + (sum(map(items, value)) if items is not None else 0)
        elif type(value) is dict:
            total += 1
            for name, entry in value.items():
                child = described.get(name, entries)
                total += child(entry) if child is not None else 0
        return total

    return weight


def _counted(value: Any, alternatives: Sequence[Alternative], any_fits: bool) -> int:
    """The weight that counts of several alternatives: of the one that fits, or of the nearest."""
    if not alternatives:
        return 0
    fitting = [each for each in alternatives if not each.errors(value, "", "")]
    if not fitting:
        return max(each.weight(value) for each in alternatives)
    return fitting[0].weight(value) if any_fits or len(fitting) == 1 else 0


def _nearest(
    value: Any, prefix: str, name: str, alternatives: Sequence[Alternative], stop: bool
) -> tuple[int, list[FieldError]]:
    """How many alternatives fit, and the errors of the nearest where none does. `stop` at the first that fits."""
    fitting = 0
    best: list[FieldError] = []
    weight = -1
    for alternative in alternatives:
        errors = alternative.errors(value, prefix, name)
        if not errors:
            fitting += 1
            if stop:
                break
        elif not fitting and (applied := alternative.weight(value)) > weight:
            weight, best = applied, errors
    return fitting, [] if fitting else best


def any_of(alternatives: Sequence[Alternative]) -> Check:
    """At least one fits."""

    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        fitting, nearest = _nearest(value, prefix, name, alternatives, stop=True)
        if not fitting:
            errors.append(unplaced(f'"{prefix}{name}" must validate at least one schema (anyOf)'))
            errors.extend(nearest)

    return check


def one_of(alternatives: Sequence[Alternative]) -> Check:
    """Exactly one fits."""

    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        fitting, nearest = _nearest(value, prefix, name, alternatives, stop=False)
        if fitting != 1:
            found = f"Found {fitting} valid alternatives" if fitting else "Found none valid"
            errors.append(unplaced(f'"{prefix}{name}" must validate one and only one schema (oneOf). {found}'))
            errors.extend(nearest)

    return check


def all_of(checks: Sequence[Check]) -> Check:
    """Every one fits."""

    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        failed = 0
        for each in checks:
            before = len(errors)
            each(value, prefix, name, errors)
            failed += len(errors) > before
        if failed:
            none = ". None validated" if failed == len(checks) else ""
            errors.append(unplaced(f'"{prefix}{name}" must validate all the schemas (allOf){none}'))

    return check


def not_of(refused: Check) -> Check:
    """The schema does not fit."""

    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        found: list[FieldError] = []
        refused(value, prefix, name, found)
        if not found:
            errors.append(unplaced(f'"{prefix}{name}" must not validate the schema (not)'))

    return check
