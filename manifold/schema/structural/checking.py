"""Whether a schema may be used: what OpenAPI constructs are supported, and that what it says makes sense.

`schema_errors` is all that Kubernetes says about the schema of a CRD version before it looks at its rules' CEL (docs
"Specifying a structural schema"; KEP-95, KEP-1979). First comes whether it is structural, then, if it is, its defaults,
then what each level says on its own. A schema that cannot even be asked whether it is structural is refused for that on
its own levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from manifold.base.fields import FieldError, Path, forbidden, invalid, not_supported
from manifold.schema.structural.completeness import structural_errors
from manifold.schema.structural.default_checking import default_errors
from manifold.schema.structural.pruning import META
from manifold.schema.structural.rule_checking import rule_errors
from manifold.schema.structural.topology_checking import topology_errors

Schema = dict[str, Any]
TYPES = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_ROOT_WITH_STATUS = {
    "description": "Description",
    "type": "Type",
    "format": "Format",
    "title": "Title",
    "maximum": "Maximum",
    "exclusiveMaximum": "ExclusiveMaximum",
    "minimum": "Minimum",
    "exclusiveMinimum": "ExclusiveMinimum",
    "maxLength": "MaxLength",
    "minLength": "MinLength",
    "pattern": "Pattern",
    "maxItems": "MaxItems",
    "minItems": "MinItems",
    "uniqueItems": "UniqueItems",
    "multipleOf": "MultipleOf",
    "required": "Required",
    "items": "Items",
    "properties": "Properties",
    "externalDocs": "ExternalDocs",
    "example": "Example",
    _PRESERVE: "XPreserveUnknownFields",
    "x-kubernetes-validations": "XValidations",
}
"""What the root of a schema may say where status is a subresource, with the names under which this is told."""
_SAID_BY_FALSE = (_PRESERVE, "additionalProperties", "additionalItems")
_BEFORE_TYPE = ("id", "$schema", "$ref", "description")


def schema_errors(schema: Schema, path: Path, status: bool) -> list[FieldError]:
    """All that is wrong with the schema at `path` (`....openAPIV3Schema`) of a whole object.

    `status`: the version has the status subresource, which leaves less to be said at the root.
    """
    errors: list[FieldError] = []
    if status:
        errors.extend(_root_errors(schema, path))
    if schema.get("nullable"):
        errors.append(forbidden(path.child("nullable"), "nullable cannot be true at the root"))
    if not _beyond_structure(schema):
        errors.extend(structural_errors(schema, path) or default_errors(schema, path))
    _check(schema, path, "", False, errors)
    return errors


def _root_errors(schema: Schema, path: Path) -> list[FieldError]:
    """The first thing that a root may not say, in the order in which Kubernetes declares them: the type comes early."""
    said = [
        name
        for name, value in schema.items()
        if not (value is None or value == "" or (value is False and name not in _SAID_BY_FALSE))
    ]
    said.sort(key=lambda name: _BEFORE_TYPE.index(name) if name in _BEFORE_TYPE else 5 + (name != "type"))
    for name in said:
        if name == "type" and schema["type"] != "object":
            text = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
            return [invalid(path.child("type"), schema["type"], text)]
        if name not in _ROOT_WITH_STATUS:
            names = " ".join(_ROOT_WITH_STATUS.values())
            text = f"only [{names}] fields are allowed at the root of the schema if the status subresource is enabled"
            return [invalid(path, schema, text)]
    return []


def _beyond_structure(schema: Any) -> bool:
    """Whether a schema says something anywhere for which structural schemas have no place."""
    if not isinstance(schema, dict):
        return False
    return (
        any(schema.get(name) for name in _UNSUPPORTED if name != "additionalItems")
        or schema.get("additionalItems") is not None
        or (isinstance(schema.get("items"), list) and bool(schema["items"]))
        or schema.get(_PRESERVE) is False
        or any(_beyond_structure(child) for _, child in _children(schema))
    )


def parts(schema: Schema) -> Iterator[Schema]:
    """A schema and all schemas in it."""
    yield schema
    for _, child in _children(schema):
        yield from parts(child)


def _children(schema: Schema) -> Iterator[tuple[str, Any]]:
    """What a schema holds, each with its path below the schema's."""
    if isinstance(schema.get("additionalProperties"), dict):
        yield "additionalProperties", schema["additionalProperties"]
    for name, child in (schema.get("properties") or {}).items():
        yield f"properties[{name}]", child
    if isinstance(schema.get("not"), dict):
        yield "not", schema["not"]
    for combinator in ("allOf", "oneOf", "anyOf"):
        yield from _numbered(combinator, schema.get(combinator) or ())
    for name, child in (schema.get("definitions") or {}).items():
        yield f"definitions[{name}]", child
    items = schema.get("items")
    if isinstance(items, dict):
        yield "items", items
    elif isinstance(items, list):
        yield from _numbered("items", items)
    for name, child in (schema.get("dependencies") or {}).items():
        if isinstance(child, dict):
            yield f"dependencies[{name}]", child


def _numbered(name: str, schemas: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    for position, child in enumerate(schemas):
        yield f"{name}[{position}]", child


def _check(
    schema: Schema, path: Path, no_default: str, metadata: bool, errors: list[FieldError], root: bool = True
) -> None:
    """Check what each level says on its own.

    `no_default` is why there may be no defaults, `metadata` tells that the schema is part of an object's metadata.
    """
    kind = schema.get("type") or ""
    if kind and kind not in TYPES:
        errors.append(not_supported(path.child("type"), kind, TYPES))
    if no_default and schema.get("default") is not None:
        errors.append(forbidden(path.child("default"), f"must not be set {no_default}"))
    for name in _UNSUPPORTED:
        if schema.get(name) or (name == "additionalItems" and schema.get(name) is not None):
            errors.append(forbidden(path.child(name), f"{name} is not supported"))
    if kind == "null":
        errors.append(forbidden(path.child("type"), "type cannot be set to null, use nullable as an alternative"))
    if isinstance(schema.get("items"), list) and schema["items"]:
        errors.append(forbidden(path.child("items"), "items must be a schema object and not an array"))
    embedded = bool(schema.get("x-kubernetes-embedded-resource"))
    if metadata and embedded:
        text = "must not be used inside of resource meta"
        errors.append(forbidden(path.child("x-kubernetes-embedded-resource"), text))
    if schema.get("uniqueItems"):
        text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        errors.append(forbidden(path.child("uniqueItems"), text))
    additional = schema.get("additionalProperties")
    if additional is not None and schema.get("properties") and additional is not True:
        text = "additionalProperties and properties are mutual exclusive"
        errors.append(forbidden(path.child("additionalProperties"), text))
    for place, child in _children(schema):
        why, inner = no_default, metadata
        if place == "additionalProperties" and metadata:
            why = "inside additionalProperties applying to object metadata"
        elif (root or embedded) and place.startswith("properties[") and (name := place[11:-1]) in META:
            inner = True
            why = f"in top-level {name}" if root else no_default
        _check(child, path.child(place), why, inner, errors, root=False)
    if schema.get(_PRESERVE) is False:
        errors.append(invalid(path.child(_PRESERVE), False, "must be true or undefined"))
    errors.extend(topology_errors(schema, path))
    for position, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        errors.extend(rule_errors(rule, schema, path.child("x-kubernetes-validations").at(position)))
