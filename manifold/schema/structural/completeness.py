"""Whether a schema is structural: types are said everywhere, and combinators only narrow what has been described.

Errors are told sorted, as Kubernetes does (docs "Specifying a structural schema"; KEP-95).
"""

from __future__ import annotations

from typing import Any

from manifold.base.fields import FieldError, Path, forbidden, invalid, required
from manifold.schema.structural.patterns import PatternError, compile_pattern

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
    for nested, place in _alternatives(schema, path):
        _described(nested, schema, place, path, errors)
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
    _narrowing(schema, path, errors)
    if embedded and kind != "object":
        place, text = path.child("type"), "must be object if x-kubernetes-embedded-resource is true"
        errors.append(invalid(place, kind, text) if kind else required(place, text))
    elif not kind and not mixed and not preserve:
        errors.append(required(path.child("type"), _MISSING_TYPE[level]))
    if embedded and additional is not None:
        text = "must not be used if x-kubernetes-embedded-resource is set"
        errors.append(forbidden(path.child("additionalProperties"), text))
    if level == "root" and kind and kind != "object":
        errors.append(invalid(path.child("type"), kind, "must be object at the root"))
    if level == "root" or embedded:
        _object_fields(described, level == "root", path.child("properties"), errors)
    if embedded and not preserve and not described:
        text = (
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        )
        errors.append(required(path.child("properties"), text))


def _object_fields(described: dict[str, Schema], root: bool, path: Path, errors: list[FieldError]) -> None:
    """What may be said of apiVersion, kind and metadata; of a whole object's metadata that is nearly nothing."""
    for name, wanted in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
        child = described.get(name)
        if child is not None and child.get("type") != wanted:
            errors.append(invalid(path.key(name).child("type"), child.get("type") or "", f"must be {wanted}"))
    metadata = described.get("metadata")
    if root and metadata is not None:
        said = {name for name, value in metadata.items() if value not in (None, "", False, {})}
        said -= {"type", "default"}
        if set(metadata.get("properties") or ()) <= {"name", "generateName"}:
            said.discard("properties")
        if said:
            errors.append(forbidden(path.key("metadata"), _METADATA_ONLY))


def _narrowing(schema: Schema, path: Path, errors: list[FieldError], any_of: bool = True) -> None:
    """The combinators of a schema may only narrow it. Numbers or texts may be told apart in two ways, and `any_of`
    tells that this is not the second of them.
    """
    for combinator in ("anyOf", "allOf", "oneOf"):
        alternatives = schema.get(combinator) or []
        if combinator == "anyOf" and (not any_of or alternatives == _INT_OR_STRING):
            continue
        for position, nested in enumerate(alternatives):
            mixed = combinator == "allOf" and not position and nested.get("anyOf") == _INT_OR_STRING
            _nested(nested, path.child(combinator).at(position), errors, any_of=not mixed)
    if isinstance(schema.get("not"), dict):
        _nested(schema["not"], path.child("not"), errors)
    if schema.get("pattern"):
        try:
            compile_pattern(schema["pattern"])
        except PatternError as error:
            text = f"must be a valid regular expression, but isn't: {error}"
            errors.append(invalid(path.child("pattern"), schema["pattern"], text))


def _nested(schema: Schema, path: Path, errors: list[FieldError], any_of: bool = True) -> None:
    for name, text in _NARROWING_ONLY.items():
        if schema.get(name) or (name == "additionalProperties" and schema.get(name) == {}):
            errors.append(forbidden(path.child(name), text))
    described: dict[str, Schema] = schema.get("properties") or {}
    if "metadata" in described:
        errors.append(forbidden(path.child("properties").key("metadata"), "must not be specified in a nested context"))
    for name, child in described.items():
        _nested(child, path.child("properties").key(name), errors)
    if isinstance(schema.get("items"), dict):
        _nested(schema["items"], path.child("items"), errors)
    _narrowing(schema, path, errors, any_of)


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
    """Whatever an alternative at `place` speaks of must be described by `schema` at `path`.

    Kubernetes asks this of the alternatives of a whole object, and of none of those further inside.
    """
    described = schema.get("properties") or {}
    for name, child in (nested.get("properties") or {}).items():
        own, there = path.child("properties").key(name), place.child("properties").key(name)
        if name in described:
            _described(child, described[name], there, own, errors)
        else:
            errors.append(required(own, f"because it is defined in {there}"))
    inner = nested.get("items")
    if isinstance(inner, dict):
        if isinstance(schema.get("items"), dict):
            _described(inner, schema["items"], place.child("items"), path.child("items"), errors)
        else:
            errors.append(required(path.child("items"), f"because it is defined in {place.child('items')}"))
    for further, further_place in _alternatives(nested, place):
        _described(further, schema, further_place, path, errors)
