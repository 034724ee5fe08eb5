"""Printer columns and the strategy of custom types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from manifold.base.fields import FieldError
from manifold.schema.structural import compile_schema
from manifold.types.apiextensions.columns import printer_columns
from manifold.types.apiextensions.instances import CustomStatus, CustomStrategy, broken_rule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OBJECT = {
    "metadata": {"name": "n", "creationTimestamp": "2025-12-31T23:59:00Z"},
    "spec": {"n": 5, "f": 1.5, "t": True, "s": "x", "l": ["a", "b"], "m": {"a": 1}, "d": "2020-01-01T00:00:00Z"},
}


@pytest.mark.parametrize(
    ("kind", "path", "cell"),
    [
        ("integer", ".spec.n", 5),
        ("integer", ".spec.f", 1),
        ("integer", ".spec.s", None),
        ("number", ".spec.n", 5.0),
        ("number", ".spec.t", None),
        ("boolean", ".spec.t", True),
        ("boolean", ".spec.s", None),
        ("string", ".spec.s", "x"),
        ("string", ".spec.n", "5"),
        ("string", ".spec.l[*]", "a"),
        ("string", ".spec.l", '["a","b"]'),
        ("string", ".spec.m", '{"a":1}'),
        ("string", ".spec.absent", None),
        ("date", ".spec.d", "6y2d"),
        ("date", ".spec.s", "<invalid>"),
        ("date", ".spec.n", None),
    ],
)
def test_cells(kind: str, path: str, cell: Any) -> None:
    column = printer_columns([{"name": "C", "type": kind, "jsonPath": path, "priority": 1}])[1]
    assert column.cell(OBJECT, NOW) == cell
    assert (column.name, column.type, column.priority) == ("C", kind, 1)


def test_without_columns_the_age_is_shown() -> None:
    columns = printer_columns([])
    assert [(column.name, column.type) for column in columns] == [("Name", "string"), ("Age", "date")]
    assert [column.cell(OBJECT, NOW) for column in columns] == ["n", "60s"]


SCHEMA = compile_schema(
    {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {"a": {"type": "string", "x-kubernetes-validations": [{"rule": "self != 'bad'"}]}},
            },
            "status": {"type": "object", "default": {}, "properties": {"phase": {"type": "string", "default": "New"}}},
        },
    }
)


def rules(new: Any, old: Any) -> list[FieldError]:
    value = new.get("spec", {}).get("a")
    return [broken_rule("spec.a", value, "bad")] if value == "bad" else []


STRATEGY = CustomStrategy(SCHEMA, True, rules)


def test_status_is_what_the_schema_says_until_it_is_written() -> None:
    obj: Any = {"metadata": {}, "status": {"phase": "Set"}}
    STRATEGY.prepare_create(obj)
    assert obj["status"] == {"phase": "New"}
    STRATEGY.prepare_update(obj, {"status": {"phase": "Old"}})
    assert obj["status"] == {"phase": "Old"}
    whole: Any = {"metadata": {}, "status": {"phase": "Set"}}
    CustomStrategy(SCHEMA, False).prepare_create(whole)
    assert whole["status"] == {"phase": "Set"}


@pytest.mark.parametrize(
    ("spec", "texts"),
    [
        ({"a": "good"}, []),
        ({"a": "bad"}, ['spec.a: Invalid value: "bad": bad']),
        ({"a": 1}, ["must be of type string", "some validation rules were not checked"]),
    ],
)
def test_rules_run_where_the_schema_lets_them(spec: Any, texts: list[str]) -> None:
    errors = [str(error) for error in STRATEGY.validate_create({"metadata": {}, "spec": spec})]
    assert len(errors) == len(texts)
    assert all(text in error for text, error in zip(texts, errors, strict=True))


def test_rules_run_for_the_status_too() -> None:
    old: Any = {"metadata": {"name": "n"}, "spec": {"a": "bad"}, "status": {}}
    new: Any = {"metadata": {"name": "m"}, "spec": {}, "status": {"phase": 1}}
    status = CustomStatus(STRATEGY)
    status.prepare_update(new, old)
    assert new["spec"] == {"a": "bad"}
    assert new["metadata"] == {"name": "n"}
    assert [error.field for error in status.validate_update(new, old)] == ["status.phase", "<nil>"]
    new["status"] = {"phase": "x"}
    assert [error.field for error in status.validate_update(new, old)] == ["spec.a"]


def test_rules_do_not_show_structures() -> None:
    assert str(broken_rule("spec", {"a": 1}, "no")) == "spec: Invalid value: no"
    assert str(broken_rule("spec", 1, "no")) == "spec: Invalid value: 1: no"
