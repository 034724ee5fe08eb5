"""Whether a schema is structural: types are said everywhere, and combinators only narrow what has been described.

Errors are told sorted, as Kubernetes does (docs "Specifying a structural schema"; KEP-95).
"""

from __future__ import annotations

from typing import Any

from manifold.base.fields import FieldError, Path, forbidden, invalid, required

Schema = dict[str, Any]
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_NARROWING_ONLY = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    "x-kubernetes-preserve-unknown-fields": "must be false to be structural",
    "x-kubernetes-embedded-resource": "must be false to be structural",
    "x-kubernetes-int-or-string": "must be false to be structural",
    "x-kubernetes-list-map-keys": "must be empty to be structural",
    "x-kubernetes-list-type": "must be undefined to be structural",
    "x-kubernetes-map-type": "must be undefined to be structural",
    "x-kubernetes-validations": "must be empty to be structural",
}
_MISSING_TYPE = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}
_METADATA_ONLY = "must not specify anything other than name and generateName, but metadata is implicitly specified"


def structural_errors(schema: Schema, path: Path) -> list[FieldError]:
    """What keeps the schema at `path` from being structural."""
    errors: list[FieldError] = []
    _invariants(schema, "root", path, errors)
    _complete(schema, path, errors)
    return sorted(errors, key=str)


def _invariants(schema: Schema, level: str, path: Path, errors: list[FieldError]) -> None:
    kind = schema.get("type") or ""
    items, additional = schema.get("items"), schema.get("additionalProperties")
    described: dict[str, Schema] = schema.get("properties") or {}
    preserve = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    embedded = bool(schema.get("x-kubernetes-embedded-resource"))
    mixed = bool(schema.get("x-kubernetes-int-or-string"))
    if kind == "array" and not isinstance(items, dict):
        errors.append(required(path.child("items"), "must be specified"))
    if isinstance(items, dict):
        _invariants(items, "item", path.child("items"), errors)
    for name, child in described.items():
        _invariants(child, "field", path.child("properties").key(name), errors)
    if additional is not None:
        if level == "root":
            errors.append(forbidden(path.child("additionalProperties"), "must not be used at the root"))
        if isinstance(additional, dict):
            _invariants(additional, "field", path.child("additionalProperties"), errors)
    if mixed:
        for name, wrong in (("preserve-unknown-fields", preserve), ("embedded-resource", embedded)):
            if wrong:
                place = path.child(f"x-kubernetes-{name}")
                errors.append(invalid(place, True, "must be false if x-kubernetes-int-or-string is true"))
    elif not kind and (level == "root" or not preserve):
        errors.append(required(path.child("type"), _MISSING_TYPE[level]))
    if kind and kind != "object":
        if level == "root":
            errors.append(invalid(path.child("type"), kind, "must be object at the root"))
        elif embedded:
            text = "must be object if x-kubernetes-embedded-resource is true"
            errors.append(invalid(path.child("type"), kind, text))
    _narrowing(schema, mixed, path, errors)
    if level == "root" or embedded:
        _object_fields(described, path.child("properties"), errors)
    if embedded and not preserve and not described:
        text = (
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        )
        errors.append(required(path.child("properties"), text))


def _object_fields(described: dict[str, Schema], path: Path, errors: list[FieldError]) -> None:
    for name in ("apiVersion", "kind"):
        given = described.get(name, {}).get("type", "string")
        if given != "string":
            errors.append(invalid(path.key(name).child("type"), given, "must be string"))
    metadata = described.get("metadata")
    if metadata is None:
        return
    if metadata.get("type") != "object":
        errors.append(invalid(path.key("metadata").child("type"), metadata.get("type") or "", "must be object"))
    allowed = {"name", "generateName"}
    if set(metadata.get("properties") or ()) - allowed or metadata.get("additionalProperties") is not None:
        errors.append(forbidden(path.key("metadata"), _METADATA_ONLY))


def _narrowing(schema: Schema, mixed: bool, path: Path, errors: list[FieldError]) -> None:
    """The combinators of a schema may only narrow it."""
    for combinator in ("anyOf", "allOf", "oneOf"):
        alternatives = schema.get(combinator) or []
        if mixed and combinator == "anyOf" and alternatives == _INT_OR_STRING:
            continue
        for position, nested in enumerate(alternatives):
            if mixed and combinator == "allOf" and not position and nested.get("anyOf") == _INT_OR_STRING:
                nested = {name: value for name, value in nested.items() if name != "anyOf"}
            _nested(nested, path.child(combinator).at(position), errors)
    if isinstance(schema.get("not"), dict):
        _nested(schema["not"], path.child("not"), errors)


def _nested(schema: Schema, path: Path, errors: list[FieldError]) -> None:
    for name, text in _NARROWING_ONLY.items():
        if schema.get(name):
            errors.append(forbidden(path.child(name), text))
    described: dict[str, Schema] = schema.get("properties") or {}
    if "metadata" in described:
        errors.append(forbidden(path.child("properties").key("metadata"), "must not be specified in a nested context"))
    for name, child in described.items():
        _nested(child, path.child("properties").key(name), errors)
    if isinstance(schema.get("items"), dict):
        _nested(schema["items"], path.child("items"), errors)
    _narrowing(schema, False, path, errors)


def _complete(schema: Schema, path: Path, errors: list[FieldError]) -> None:
    for nested, place in _alternatives(schema, path):
        _described(nested, schema, place, path, errors)
    if isinstance(schema.get("items"), dict):
        _complete(schema["items"], path.child("items"), errors)
    for name, child in (schema.get("properties") or {}).items():
        _complete(child, path.child("properties").key(name), errors)
    if isinstance(schema.get("additionalProperties"), dict):
        _complete(schema["additionalProperties"], path.child("additionalProperties"), errors)


def _alternatives(schema: Schema, path: Path) -> list[tuple[Schema, Path]]:
    found = [
        (nested, path.child(combinator).at(position))
        for combinator in ("allOf", "anyOf", "oneOf")
        for position, nested in enumerate(schema.get(combinator) or ())
    ]
    if isinstance(schema.get("not"), dict):
        found.append((schema["not"], path.child("not")))
    return found


def _described(nested: Schema, schema: Schema, place: Path, path: Path, errors: list[FieldError]) -> None:
    """Whatever an alternative at `place` speaks of must be described by `schema` at `path`."""
    described = schema.get("properties") or {}
    for name, child in (nested.get("properties") or {}).items():
        own, there = path.child("properties").key(name), place.child("properties").key(name)
        if name in described:
            _described(child, described[name], there, own, errors)
        elif isinstance(schema.get("additionalProperties"), dict):
            _described(child, schema["additionalProperties"], there, path.child("additionalProperties"), errors)
        elif not schema.get("x-kubernetes-preserve-unknown-fields") and schema.get("additionalProperties") is not True:
            errors.append(required(own, f"because it is defined in {there}"))
    inner = nested.get("items")
    if isinstance(inner, dict):
        if isinstance(schema.get("items"), dict):
            _described(inner, schema["items"], place.child("items"), path.child("items"), errors)
        else:
            errors.append(required(path.child("items"), f"because it is defined in {place.child('items')}"))
    for further, further_place in _alternatives(nested, place):
        _described(further, schema, further_place, path, errors)
