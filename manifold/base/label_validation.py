"""What is wrong with labels, and with label selectors, in an object that is written.

The errors carry the paths of fields. Reading a selector to select with it is another matter, with words of its own:
`manifold.base.selectors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from manifold.base import names
from manifold.base.fields import FieldError, Path, forbidden, invalid, required


def validate_labels(labels: Mapping[str, str], path: Path) -> list[FieldError]:
    """What is wrong with keys and values of labels at `path`; every error carries the path of the whole map."""
    errors: list[FieldError] = []
    for key, value in labels.items():
        if not names.is_label_key(key):
            errors.extend(invalid(path, key, text) for text in names.label_key(key))
        if texts := names.label_value(value):
            errors.extend(invalid(path, value, text) for text in texts)
    return errors


def validate_selector(selector: Mapping[str, Any] | None, path: Path) -> list[FieldError]:
    """What is wrong with a LabelSelector object (meta/v1) at `path`."""
    if selector is None:
        return []
    errors = validate_labels(selector.get("matchLabels") or {}, path.child("matchLabels"))
    for position, expression in enumerate(selector.get("matchExpressions") or ()):
        errors.extend(_validate_expression(expression, path.child("matchExpressions").at(position)))
    return errors


def _validate_expression(expression: Mapping[str, Any], path: Path) -> list[FieldError]:
    errors: list[FieldError] = []
    operator = expression.get("operator", "")
    key = expression.get("key", "")
    values = expression.get("values") or ()
    if operator in ("In", "NotIn"):
        if not values:
            errors.append(required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(forbidden(path.child("values"), text))
    else:
        errors.append(invalid(path.child("operator"), operator, "not a valid selector operator"))
    errors.extend(invalid(path.child("key"), key, text) for text in names.label_key(key))
    for position, value in enumerate(values):
        errors.extend(invalid(path.child("values").at(position), value, text) for text in names.label_value(value))
    return errors
