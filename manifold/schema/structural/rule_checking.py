"""Rules in CEL (`x-kubernetes-validations`), looked at from outside: that there is one, its words and its place.

Whether a rule is one is for the CEL engine to say.
"""

from __future__ import annotations

from typing import Any

from manifold.base.fields import FieldError, Path, invalid, not_supported, required
from manifold.schema.structural.field_paths import find_field

Schema = dict[str, Any]
REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")


def rule_errors(rule: Schema, schema: Schema, path: Path) -> list[FieldError]:
    """What is wrong with the rule of a schema at `path`."""
    errors: list[FieldError] = []
    text, message = rule.get("rule") or "", rule.get("message") or ""
    if not text.strip():
        errors.append(required(path.child("rule"), "rule is not specified"))
    elif message and not message.strip():
        errors.append(invalid(path.child("message"), message, "must be non-empty if specified"))
    elif _has_lines(message.strip()):
        errors.append(invalid(path.child("message"), message, "must not contain line breaks"))
    elif _has_lines(text.strip()) and not message.strip():
        errors.append(required(path.child("message"), "message must be specified if rule contains line breaks"))
    expression = rule.get("messageExpression") or ""
    if expression and not expression.strip():
        place = path.child("messageExpression")
        errors.append(required(place, "messageExpression must be non-empty if specified"))
    reason = rule.get("reason")
    if reason is not None and reason not in REASONS:
        errors.append(not_supported(path.child("reason"), reason, REASONS))
    field, place = rule.get("fieldPath") or "", path.child("fieldPath")
    if field and not field.strip():
        errors.append(invalid(place, field, "must be non-empty if specified"))
    if _has_lines(field):
        errors.append(invalid(place, field, "must not contain line breaks"))
    if field and not _is_field(schema, field):
        errors.append(invalid(place, field, "must be a valid path"))
    return errors


def _has_lines(text: str) -> bool:
    return "\n" in text or "\r" in text


def _is_field(schema: Schema, path: str) -> bool:
    try:
        find_field(schema, path, brackets=True)
    except ValueError:
        return False
    return True
