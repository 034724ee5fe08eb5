"""allOf, anyOf, oneOf and not: other checks applied to the same value.

Where none of several alternatives fits, the errors of the one that came furthest are told too; "furthest" is how many
checks applied to the value and to what it holds (`weighing`), the first of equals winning.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from manifold.base.fields import FieldError
from manifold.schema.structural.validation import Check, unplaced
from manifold.schema.structural.weighing import Weighing, weigh


class Alternative:
    """One of several schemas, with its check. What weighs it is made when it is first needed."""

    def __init__(self, schema: dict[str, Any], check: Check) -> None:
        self.check = check
        self._schema = schema

    @cached_property
    def weighing(self) -> Weighing:
        """What weighs the schema."""
        return weigh(self._schema)


def _nearest(
    value: Any, prefix: str, name: str, alternatives: Sequence[Alternative], stop: bool
) -> tuple[int, list[FieldError]]:
    """How many alternatives fit, and the errors of the nearest where none does. `stop` at the first that fits."""
    fitting = 0
    best: list[FieldError] = []
    weight = -1
    for alternative in alternatives:
        errors: list[FieldError] = []
        alternative.check(value, prefix, name, errors)
        if not errors:
            fitting += 1
            if stop:
                break
        elif not fitting and (applied := alternative.weighing(value).weight) > weight:
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
