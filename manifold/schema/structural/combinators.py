"""allOf, anyOf, oneOf and not: other checks applied to the same value.

Where none of several alternatives fits, the errors of the one that came furthest are told too; "furthest" is how many
checks applied to the value and to what it holds (`weighing`), the first of equals winning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from manifold.base.fields import FieldError
from manifold.schema.structural.validation import Check, unplaced
from manifold.schema.structural.weighing import Done, Known, weigh


class Alternative:
    """One of several schemas, with its check. What weighs it is made when it is first needed, and then `known`."""

    __slots__ = ("_known", "_schema", "check")

    def __init__(self, schema: dict[str, Any], check: Check, known: Known) -> None:
        self.check = check
        self._schema = schema
        self._known = known

    def weight(self, value: Any, done: Done) -> int:
        """How far a value came in the schema."""
        return weigh(self._schema, self._known)(value, done).weight


class _Tried(list[FieldError]):
    """The errors of an alternative, and what has been weighed so far."""

    __slots__ = ("done",)

    def __init__(self, done: Done) -> None:
        super().__init__()
        self.done = done


def _nearest(
    value: Any, prefix: str, name: str, alternatives: Sequence[Alternative], stop: bool, around: list[FieldError]
) -> tuple[int, list[FieldError]]:
    """How many alternatives fit, and the errors of the nearest where none does. `stop` at the first that fits.

    `around` are the errors of what these are alternatives of, which may be an alternative itself.
    """
    done = around.done if isinstance(around, _Tried) else {}
    fitting = 0
    best: list[FieldError] = []
    weight = -1
    for alternative in alternatives:
        errors = _Tried(done)
        alternative.check(value, prefix, name, errors)
        if not errors:
            fitting += 1
            if stop:
                break
        elif not fitting and (applied := alternative.weight(value, done)) > weight:
            weight, best = applied, errors
    return fitting, [] if fitting else best


def any_of(alternatives: Sequence[Alternative]) -> Check:
    """At least one fits."""

    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        fitting, nearest = _nearest(value, prefix, name, alternatives, True, errors)
        if not fitting:
            errors.append(unplaced(f'"{prefix}{name}" must validate at least one schema (anyOf)'))
            errors.extend(nearest)

    return check


def one_of(alternatives: Sequence[Alternative]) -> Check:
    """Exactly one fits."""

    def check(value: Any, prefix: str, name: str, errors: list[FieldError]) -> None:
        fitting, nearest = _nearest(value, prefix, name, alternatives, False, errors)
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
        found = _Tried(errors.done) if isinstance(errors, _Tried) else []
        refused(value, prefix, name, found)
        if not found:
            errors.append(unplaced(f'"{prefix}{name}" must not validate the schema (not)'))

    return check
