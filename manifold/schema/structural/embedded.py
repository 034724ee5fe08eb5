"""Embedded resources (`x-kubernetes-embedded-resource`): objects that are part of another one.

Whatever a schema says of them, their metadata is an ObjectMeta: `compile_decoding` brings it into form when an object
is read, `compile_embedded` finds what is wrong with it and with apiVersion and kind. Paths name map entries as `[key]`,
unlike those of the other checks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manifold.base.errors import StatusError
from manifold.base.fields import FieldError, Path, invalid, required
from manifold.base.names import dns_label_1035
from manifold.schema.object_metadata import embedded_errors
from manifold.schema.structural.topology import Walk, compile_walk
from manifold.schema.structural.validation import unstructured

Decode = Callable[[dict[str, Any], Path], None]
"""Brings the metadata of an object into form; the path is that of the object. Raises the 400 of one that is none."""


Decoding = Callable[[Any, Decode, Callable[[FieldError], StatusError]], None]
"""Takes an object, a decoder, and what makes the refusal of an apiVersion or kind that is no text."""


def compile_decoding(schema: dict[str, Any]) -> Decoding | None:
    """Decodes the metadata of all embedded resources; None where `schema` describes none."""
    found = compile_walk(schema, _collector)
    if found is None:
        return None

    def decode(value: Any, decode_one: Decode, refuse: Callable[[FieldError], StatusError]) -> None:
        places: list[tuple[dict[str, Any], str]] = []
        found(value, "", places)
        for holder, path in places:
            for name in ("apiVersion", "kind"):
                if name in holder and type(holder[name]) is not str:
                    raise refuse(unstructured(Path(path).child(name), holder[name], "must be a string"))
            if "metadata" in holder:
                decode_one(holder, Path(path))

    return decode


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
