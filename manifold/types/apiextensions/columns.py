"""Printer columns of custom types: `additionalPrinterColumns`, and what a table shows where there are none.

A cell is the first value its JSONPath finds, brought to the type of the column (Kubernetes docs, "Additional printer
columns"); what is missing, or of another type, is null. Dates are shown as ages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson

from manifold.base.clock import human, parse
from manifold.schema.structural.jsonpath import compile_path
from manifold.types.resource import Column, Object

NAME_DESCRIPTION = "Name of the object, unique among those of its type and namespace."
CREATION = ".metadata.creationTimestamp"
AGE: Object = {"name": "Age", "type": "date", "jsonPath": CREATION, "description": "When the object was created."}
"""The one column of types that declare none."""


def printer_columns(declared: Sequence[Object]) -> tuple[Column, ...]:
    """The columns of a custom type: its name, then `declared` (CustomResourceColumnDefinition), or the age.

    A definition may declare a JSONPath that is none: there the columns end, as they do in Kubernetes.
    """
    columns = [Column("Name", _name, format="name", description=NAME_DESCRIPTION)]
    try:
        for entry in declared or [AGE]:
            columns.append(_column(entry))
    except ValueError:
        pass
    return tuple(columns)


def _name(obj: Object, now: datetime) -> Any:
    return obj["metadata"].get("name")


def _column(entry: Object) -> Column:
    kind = str(entry["type"])
    return Column(
        str(entry["name"]),
        _cell(kind, compile_path(str(entry["jsonPath"]))),
        type=kind,
        format=str(entry.get("format") or ""),
        description=str(entry.get("description") or ""),
        priority=int(entry.get("priority") or 0),
    )


def _cell(kind: str, path: Callable[[Any], list[Any]]) -> Callable[[Object, datetime], Any]:
    convert = _CELLS.get(kind, _nothing)

    def cell(obj: Object, now: datetime) -> Any:
        found = path(obj)
        return convert(found[0], now) if found and found[0] is not None else None

    return cell


def _text(value: Any, now: datetime) -> Any:
    if type(value) is str:
        return value
    return orjson.dumps(value).decode()


def _integer(value: Any, now: datetime) -> Any:
    return int(value) if type(value) in (int, float) else None


def _number(value: Any, now: datetime) -> Any:
    return float(value) if type(value) in (int, float) else None


def _flag(value: Any, now: datetime) -> Any:
    return value if type(value) is bool else None


def _date(value: Any, now: datetime) -> Any:
    if type(value) is not str:
        return None
    try:
        return human(now - parse(value))
    except ValueError:
        return "<invalid>"


def _nothing(value: Any, now: datetime) -> Any:
    return None


_CELLS: dict[str, Callable[[Any, datetime], Any]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _flag,
    "date": _date,
}
