"""topology.kcp.io: partitions of shards, and sets of them. Section 6.5 of the tenancy reference."""

from __future__ import annotations

from typing import Any

from manifold.base.fields import FieldError
from manifold.types.apiextensions.instances import broken_rule
from manifold.types.kcp.catalog import kcp_type
from manifold.types.kcp.rules import LABEL_KEY, LABEL_VALUE, at, changed, each, is_label_key, is_label_value
from manifold.types.resource import Object

GROUP = "topology.kcp.io"
_VALUES = (
    "There should be at least one value for In and NotIn operators. "
    "There should not be any value for Exists and DoesNotExist operators."
)
_EXPRESSIONS = ("spec", "shardSelector", "matchExpressions")
_LABELS = ("spec", "shardSelector", "matchLabels")


def _expression(expression: Any, field: str) -> list[FieldError]:
    if type(expression) is not dict:
        return []
    errors: list[FieldError] = []
    wants_values = expression["operator"] in ("In", "NotIn")
    if wants_values != bool(expression.get("values")) and (wants_values or "values" in expression):
        errors.append(broken_rule(field, expression, _VALUES))
    if not is_label_key(expression["key"]):
        errors.append(broken_rule(f"{field}.key", expression["key"], LABEL_KEY))
    return errors


def _selector_rules(new: Object, old: Object | None) -> list[FieldError]:
    errors = each(new, old, _EXPRESSIONS, _expression)
    labels = at(new, *_LABELS)
    if type(labels) is dict and changed(labels, at(old, *_LABELS)):
        field = ".".join(_LABELS)
        if not all(map(is_label_key, labels)):
            errors.append(broken_rule(field, labels, LABEL_KEY))
        if not all(map(is_label_value, labels.values())):
            errors.append(broken_rule(field, labels, LABEL_VALUE))
    return errors


PARTITIONS = kcp_type(GROUP, "partitions", "v1alpha1")
PARTITION_SETS = kcp_type(GROUP, "partitionsets", "v1alpha1", rules=_selector_rules)
TYPES = (PARTITIONS, PARTITION_SETS)
