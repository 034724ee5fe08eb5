"""What a schema says of a value itself, not of what it holds, nor by other schemas: types, ranges, sizes, choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from manifold.schema.structural import validation
from manifold.schema.structural.formats import checked_format
from manifold.schema.structural.validation import Check


@dataclass(frozen=True, slots=True)
class OwnChecks:
    """`typed`, the check of the type, if there is one, and the `rest`, in the order their errors are told.

    `nulls` are those that null undergoes; `formatted` tells that there is a format that texts are held to.
    """

    typed: tuple[Check, ...]
    rest: tuple[Check, ...]
    nulls: tuple[Check, ...]
    formatted: bool


def own_checks(schema: dict[str, Any]) -> OwnChecks:
    """The checks of a schema on the value itself."""
    types = validation.types_of(schema)
    form = checked_format(str(schema.get("format") or ""), types)
    typed = (validation.type_check(types, form, bool(schema.get("nullable"))),) if types or form else ()
    checks: list[Check] = []
    nulls: list[Check] = [*typed]
    if {"minLength", "maxLength"} & schema.keys() or schema.get("pattern"):
        checks.append(validation.string_check(schema.get("minLength"), schema.get("maxLength"), schema.get("pattern")))
    if form and (formatted := validation.format_check(form)) is not None:
        checks.append(formatted)
    kind = types[0] if types in (("integer",), ("number",)) else ""
    if kind == "integer" or form == "float" or {"multipleOf", "minimum", "maximum"} & schema.keys():
        checks.append(validation.number_check(kind, form if kind else "", schema))
    if {"minItems", "maxItems"} & schema.keys() or schema.get("uniqueItems"):
        checks.append(
            validation.size_check(schema.get("minItems"), schema.get("maxItems"), bool(schema.get("uniqueItems")))
        )
    if schema.get("enum"):
        checks.append(validation.enum_check(schema["enum"]))
        nulls.append(checks[-1])
    if schema.get("required"):
        checks.append(validation.required_check(tuple(schema["required"])))
    return OwnChecks(typed, tuple(checks), tuple(nulls), bool(form))
