"""Embedded resources (`x-kubernetes-embedded-resource`): objects that are part of another one.

Whatever a schema says of them, their metadata is an ObjectMeta: `compile_decoding` brings it into form when an object
is read, `compile_embedded` finds what is wrong with it and with apiVersion and kind. Paths name map entries as `[key]`,
unlike those of the other checks.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

from manifold.base.fields import FieldError, Path, invalid, required
from manifold.base.names import dns_label_1035
from manifold.schema.decoding import DecodingError
from manifold.schema.object_metadata import embedded_errors
from manifold.schema.structural.topology import Walk, compile_walk
from manifold.schema.structural.validation import json_type, unstructured
from manifold.schema.typed import TypedCodec

OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_UNKNOWN = 'unknown field "'


class EmbeddedError(Exception):
    """An embedded object cannot be read; `problem` says what is wrong, and where."""

    def __init__(self, problem: FieldError) -> None:
        super().__init__(str(problem))
        self.problem = problem


Decoding = Callable[[Any, Path], list[str]]
"""Takes an object and its path, brings embedded metadata into form in place, and gives the paths of what is unknown.
Raises EmbeddedError.
"""


def compile_decoding(schema: dict[str, Any]) -> Decoding | None:
    """Decodes the metadata of all embedded resources; None where `schema` describes none."""
    found = compile_walk(schema, _collector)
    if found is None:
        return None

    def decode(value: Any, path: Path) -> list[str]:
        places: list[tuple[dict[str, Any], str]] = []
        found(value, path, places)
        unknown: list[str] = []
        for holder, place in places:
            unknown += _decode(holder, Path(place))
        return sorted(unknown)

    return decode


def decode_embedded(schema: dict[str, Any], value: Any, path: Path) -> None:
    """Decode the embedded metadata of one value of a schema, in place. Raises EmbeddedError."""
    decode = compile_decoding(schema)
    if decode is not None:
        decode(value, path)


def _decode(holder: dict[str, Any], path: Path) -> list[str]:
    for name in ("apiVersion", "kind"):
        if name in holder and type(holder[name]) is not str:
            raise EmbeddedError(unstructured(path.child(name), holder[name], "must be a string"))
    if "metadata" not in holder:
        return []
    metadata, place = holder["metadata"], path.child("metadata")
    if metadata is None:
        holder["metadata"] = {}
        return []
    given = deepcopy(metadata)
    try:
        return decode_metadata(metadata, place)
    except DecodingError as error:
        raise EmbeddedError(unstructured(place, given, str(error))) from None


def decode_metadata(metadata: Any, path: str) -> list[str]:
    """Bring the metadata at `path` into form, in place, and give the paths of what is unknown, in alphabetical order.

    Raises DecodingError where it is none.
    """
    if type(metadata) is not dict:
        given = json_type(metadata)
        found = {"boolean": "bool", "integer": "number"}.get(given, given)
        raise DecodingError(f"json: cannot unmarshal {found} into Go value of type v1.ObjectMeta")
    problems = _object_meta().decode(metadata)
    return problems and sorted(f"{path}.{problem[len(_UNKNOWN) : -1]}" for problem in problems)


@cache
def _object_meta() -> TypedCodec:
    from manifold.schema.loading import built_in_schemas

    return TypedCodec(built_in_schemas()[OBJECT_META], "ObjectMeta")


def _collector(schema: dict[str, Any]) -> Walk[tuple[dict[str, Any], str]] | None:
    return _collect if schema.get("x-kubernetes-embedded-resource") else None


def _collect(value: Any, path: str, places: list[tuple[dict[str, Any], str]]) -> None:
    if type(value) is dict:
        places.append((value, path))


def compile_embedded(schema: dict[str, Any]) -> Walk[FieldError] | None:
    """Finds embedded resources that say too little of themselves, or are malformed; None where none are described."""
    return compile_walk(schema, lambda part: _check if part.get("x-kubernetes-embedded-resource") else None)


def _check(value: Any, path: str, errors: list[FieldError]) -> None:
    if type(value) is not dict:
        return
    for name in ("apiVersion", "kind"):
        place = f"{path}.{name}" if path else name
        if name not in value:
            errors.append(required(place))
        elif type(value[name]) is not str:
            errors.append(unstructured(place, value[name], "must be a string"))
        elif not value[name]:
            errors.append(invalid(place, value[name], "must not be empty"))
        elif name == "apiVersion":
            if value[name].count("/") > 1:
                errors.append(invalid(place, value[name], f"unexpected GroupVersion string: {value[name]}"))
        elif wrong := dns_label_1035(value[name].lower()):
            text = "may have mixed case, but should otherwise match: "
            errors.append(invalid(place, value[name], text + ",".join(wrong)))
    metadata = value.get("metadata")
    if type(metadata) is dict:
        errors.extend(embedded_errors(metadata, Path(path).child("metadata")))
