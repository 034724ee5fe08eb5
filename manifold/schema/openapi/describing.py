"""Prose for types and fields, in the project's own words, read when a document is built and never before.

`descriptions/<prefix>.json` describes the types whose full name starts with that prefix: type name to
`{"": of the type, field: of the field}`. Types given as one nested schema (those of kcp) name fields by their path
(`spec.type.name`). What is said in many places is written once, in `common.json`: `object` and `list` hold what every
object and every list has, and a description may be a pair of a text and the name of a fragment that describes what
lies below.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

Texts = Mapping[str, str]

_NONE: Texts = {}


@cache
def _read(name: str) -> dict[str, Any]:
    path = files("manifold.schema").joinpath("descriptions", f"{name}.json")
    return orjson.loads(path.read_bytes()) if path.is_file() else {}


@cache
def texts_of(type_name: str) -> Texts:
    """Descriptions of a type by the path of the field, the type's own under the empty path; empty where none is known.

    What all objects have (`apiVersion`, `kind`, `metadata`) is included for every type that is described, and lists are
    described without being named in the data.
    """
    prefix, _, name = type_name.rpartition(".")
    table = _read(prefix)
    common = _read("common")
    rows = table.get(name)
    if rows is None:
        kind = name.removesuffix("List")
        if kind == name or kind not in table:
            return _NONE
        return {path: text.replace("{kind}", kind) for path, text in common["list"].items()}
    found: dict[str, str] = dict(common["object"])
    _spread(found, "", rows, common["fragments"])
    return found


def _spread(found: dict[str, str], prefix: str, rows: Mapping[str, Any], fragments: Mapping[str, Any]) -> None:
    for path, entry in rows.items():
        here = f"{prefix}.{path}" if prefix else path
        if isinstance(entry, str):
            found[here] = entry
        else:
            found[here] = entry[0]
            _spread(found, here, fragments[entry[1]], fragments)


def object_texts() -> Texts:
    """Descriptions of what every object has."""
    texts: Texts = _read("common")["object"]
    return texts


def list_texts(kind: str) -> Texts:
    """Descriptions of the fields of a list of `kind`, and of the list itself under the empty path."""
    return {path: text.replace("{kind}", kind) for path, text in _read("common")["list"].items()}


@cache
def content() -> bytes:
    """All descriptions as bytes, for telling whether they have changed."""
    folder = files("manifold.schema").joinpath("descriptions")
    entries = sorted((entry.name, entry) for entry in folder.iterdir() if entry.name.endswith(".json"))
    return b"".join(entry.read_bytes() for _, entry in entries)
