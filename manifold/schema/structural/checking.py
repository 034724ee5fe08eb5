"""Whether a schema may be used: what OpenAPI constructs are supported, and that list topology and rules make sense.

`schema_errors` is all that Kubernetes says about the schema of a CRD version before it looks at its rules' CEL (docs
"Specifying a structural schema"; KEP-95, KEP-1979): this module's checks on each level, then `completeness`, then
defaults, which must be valid by the very schema they are in. Each of the three is only asked where it can understand
what the ones before it let through.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from manifold.base.fields import FieldError, Path, forbidden, invalid, not_supported, required
from manifold.schema.structural.completeness import structural_errors
from manifold.schema.structural.patterns import PatternError, compile_pattern
from manifold.schema.structural.schema import Structural
from manifold.schema.structural.validation import same_json

Schema = dict[str, Any]
TYPES = ("array", "boolean", "integer", "number", "object", "string")
REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_UNSTRUCTURED = (*_UNSUPPORTED, "uniqueItems")
_ROOT_WITH_STATUS = (
    "Description",
    "Type",
    "Format",
    "Title",
    "Maximum",
    "ExclusiveMaximum",
    "Minimum",
    "ExclusiveMinimum",
    "MaxLength",
    "MinLength",
    "Pattern",
    "MaxItems",
    "MinItems",
    "UniqueItems",
    "MultipleOf",
    "Required",
    "Items",
    "Properties",
    "ExternalDocs",
    "Example",
    "XPreserveUnknownFields",
    "XValidations",
)
_KEYED = "this property is in x-kubernetes-list-map-keys, so it"


def schema_errors(schema: Schema, path: Path, status: bool) -> list[FieldError]:
    """All that is wrong with the schema at `path` (`....openAPIV3Schema`) of a whole object.

    `status`: the version has the status subresource, which leaves less to be said at the root.
    """
    errors: list[FieldError] = []
    if status:
        errors.extend(_root_errors(schema, path))
    if schema.get("nullable"):
        errors.append(forbidden(path.child("nullable"), "nullable cannot be true at the root"))
    _check(schema, path, "", errors)
    if _contains(schema, _UNSTRUCTURED):
        return errors
    structure = structural_errors(schema, path)
    errors.extend(structure)
    if not structure:
        errors.extend(_default_errors(schema, path, root=True))
    return errors


def _root_errors(schema: Schema, path: Path) -> list[FieldError]:
    allowed = {name.lower() for name in _ROOT_WITH_STATUS}
    for name, value in schema.items():
        plain = name.replace("x-kubernetes-", "x").replace("-", "").lower()
        if name == "type" and value != "object":
            text = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
            return [invalid(path.child("type"), value, text)]
        if value and plain not in allowed and name != "nullable":
            names = " ".join(name[0].lower() + name[1:] for name in _ROOT_WITH_STATUS)
            text = f"only [{names}] fields are allowed at the root of the schema if the status subresource is enabled"
            return [invalid(path, schema, text)]
    return []


def _contains(schema: Any, names: Iterable[str]) -> bool:
    if not isinstance(schema, dict):
        return False
    return any(schema.get(name) for name in names) or any(_contains(child, names) for _, child in _children(schema))


def _children(schema: Schema) -> Iterable[tuple[str, Any]]:
    """What a schema holds, each with its path below the schema's."""
    if isinstance(schema.get("additionalProperties"), dict):
        yield "additionalProperties", schema["additionalProperties"]
    for name, child in (schema.get("properties") or {}).items():
        yield f"properties[{name}]", child
    if isinstance(schema.get("not"), dict):
        yield "not", schema["not"]
    for combinator in ("allOf", "oneOf", "anyOf"):
        for position, child in enumerate(schema.get(combinator) or ()):
            yield f"{combinator}[{position}]", child
    items = schema.get("items")
    if isinstance(items, dict):
        yield "items", items


def _check(schema: Schema, path: Path, no_default: str, errors: list[FieldError]) -> None:
    kind = schema.get("type") or ""
    if no_default and schema.get("default") is not None:
        errors.append(forbidden(path.child("default"), no_default))
    for name in _UNSUPPORTED:
        if schema.get(name):
            errors.append(forbidden(path.child(name), f"{name} is not supported"))
    if kind == "null":
        errors.append(forbidden(path.child("type"), "type cannot be set to null, use nullable as an alternative"))
    elif kind and kind not in TYPES:
        errors.append(not_supported(path.child("type"), kind, TYPES))
    if isinstance(schema.get("items"), list):
        errors.append(forbidden(path.child("items"), "items must be a schema object and not an array"))
    if schema.get("uniqueItems"):
        text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        errors.append(forbidden(path.child("uniqueItems"), text))
    additional = schema.get("additionalProperties")
    if additional is not None and schema.get("properties") and additional is not True:
        text = "additionalProperties and properties are mutual exclusive"
        errors.append(forbidden(path.child("additionalProperties"), text))
    for place, child in _children(schema):
        combinator = place.partition("[")[0]
        inner = f"must not be set {_inside(combinator)}" if combinator in ("not", "allOf", "oneOf", "anyOf") else ""
        _check(child, path.child(place), inner or no_default, errors)
    if schema.get("pattern"):
        try:
            compile_pattern(schema["pattern"])
        except PatternError as error:
            text = f"must be a valid regular expression, but isn't: {error}"
            errors.append(invalid(path.child("pattern"), schema["pattern"], text))
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        errors.append(invalid(path.child("x-kubernetes-preserve-unknown-fields"), False, "must be true or undefined"))
    _check_topology(schema, path, kind, errors)
    for position, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        _check_rule(rule, schema, path.child("x-kubernetes-validations").at(position), errors)


def _inside(combinator: str) -> str:
    return f"inside {combinator}"


def _of_type(wanted: str, extension: str, kind: str, path: Path, errors: list[FieldError]) -> bool:
    """Whether the type is the one an extension is for; says so where it is not."""
    if kind == wanted:
        return True
    text = f"must be {wanted} if {extension} is specified"
    errors.append(invalid(path.child("type"), kind, text) if kind else required(path.child("type"), text))
    return False


def _check_topology(schema: Schema, path: Path, kind: str, errors: list[FieldError]) -> None:
    map_type, list_type = schema.get("x-kubernetes-map-type"), schema.get("x-kubernetes-list-type")
    if map_type is not None:
        _of_type("object", "x-kubernetes-map-type", kind, path, errors)
        if map_type not in ("atomic", "granular"):
            errors.append(not_supported(path.child("x-kubernetes-map-type"), map_type, ("atomic", "granular")))
    keys = schema.get("x-kubernetes-list-map-keys") or []
    items = schema.get("items")
    if list_type is not None and _of_type("array", "x-kubernetes-list-type", kind, path, errors):
        if list_type == "set" and isinstance(items, dict):
            _check_set(items, path.child("items"), errors)
        if list_type not in ("atomic", "map", "set"):
            errors.append(not_supported(path.child("x-kubernetes-list-type"), list_type, ("atomic", "map", "set")))
    if keys and list_type != "map":
        place, text = path.child("x-kubernetes-list-type"), "must be map if x-kubernetes-list-map-keys is non-empty"
        errors.append(required(place, text) if list_type is None else invalid(place, list_type, text))
    if list_type == "map":
        _check_map(keys, items, path, errors)


def _check_set(items: Schema, path: Path, errors: list[FieldError]) -> None:
    text = "must be atomic as item of a list with x-kubernetes-list-type=set"
    nested = items.get("x-kubernetes-list-type")
    if items.get("type") == "array" and nested not in (None, "atomic"):
        errors.append(invalid(path.child("x-kubernetes-list-type"), nested, text))
    if items.get("type") == "object" and items.get("x-kubernetes-map-type") != "atomic":
        errors.append(invalid(path.child("x-kubernetes-map-type"), items.get("x-kubernetes-map-type"), text))
    if items.get("nullable"):
        errors.append(forbidden(path.child("nullable"), "cannot be nullable when x-kubernetes-list-type is set"))


def _check_map(keys: list[str], items: Any, path: Path, errors: list[FieldError]) -> None:
    if not keys:
        text = "must not be empty if x-kubernetes-list-type is map"
        errors.append(required(path.child("x-kubernetes-list-map-keys"), text))
    if not isinstance(items, dict):
        errors.append(required(path.child("items"), "must have a schema if x-kubernetes-list-type is map"))
        return
    if items.get("type") != "object":
        text = "must be object if parent array's x-kubernetes-list-type is map"
        errors.append(invalid(path.child("items", "type"), items.get("type") or "", text))
        return
    described = items.get("properties") or {}
    for position, name in enumerate(keys):
        child = described.get(name)
        if name in keys[:position]:
            text = "must not contain duplicate entries"
            errors.append(invalid(path.child("x-kubernetes-list-map-keys"), keys, text))
        if child is None:
            text = "entries must all be names of item properties"
            errors.append(invalid(path.child("x-kubernetes-list-map-keys"), keys, text))
            continue
        place = path.child("items", "properties").key(name)
        if child.get("type") in ("array", "object"):
            text = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            errors.append(invalid(place.child("type"), child["type"], text))
        if name not in (items.get("required") or ()) and child.get("default") is None:
            errors.append(required(place.child("default"), f"{_KEYED} must have a default or be a required property"))
        if child.get("nullable"):
            errors.append(forbidden(place.child("nullable"), f"{_KEYED} cannot be nullable"))


def _check_rule(rule: Schema, schema: Schema, path: Path, errors: list[FieldError]) -> None:
    text, message = rule.get("rule") or "", rule.get("message") or ""
    if not text.strip():
        errors.append(required(path.child("rule"), "rule is not specified"))
    elif message and not message.strip():
        errors.append(invalid(path.child("message"), message, "must be non-empty if specified"))
    elif _has_lines(message.strip()):
        errors.append(invalid(path.child("message"), message, "must not contain line breaks"))
    elif _has_lines(text.strip()) and not message.strip():
        errors.append(required(path.child("message"), "must be specified if rule contains line breaks"))
    expression = rule.get("messageExpression") or ""
    if expression and not expression.strip():
        errors.append(required(path.child("messageExpression"), "must be non-empty if specified"))
    reason = rule.get("reason")
    if reason is not None and reason not in REASONS:
        errors.append(not_supported(path.child("reason"), reason, REASONS))
    field = rule.get("fieldPath") or ""
    if field and not field.strip():
        errors.append(invalid(path.child("fieldPath"), field, "must be non-empty if specified"))
    elif _has_lines(field):
        errors.append(invalid(path.child("fieldPath"), field, "must not contain line breaks"))
    elif field and find_field(schema, field, lists=True) is None:
        errors.append(invalid(path.child("fieldPath"), field, "must be a valid path"))


def _has_lines(text: str) -> bool:
    return "\n" in text or "\r" in text


def find_field(schema: Schema, path: str, lists: bool = False) -> Schema | None:
    """The schema of the field a path like `.spec.a` or `['b']` leads to; None where there is none.

    Map entries are reached by their key; list elements never, although `lists` lets a path end at a list.
    """
    from manifold.schema.structural.jsonpath import path_names

    names = path_names(path)
    if not names:
        return None
    found: Any = schema
    for name in names:
        if not isinstance(found, dict) or found.get("type") == "array":
            return None
        described = found.get("properties") or {}
        found = described.get(name, found.get("additionalProperties"))
    return found if isinstance(found, dict) and (lists or found.get("type") != "array") else None


def _default_errors(schema: Schema, path: Path, root: bool = False) -> list[FieldError]:
    errors: list[FieldError] = []
    default = schema.get("default")
    if default is not None:
        part = Structural(schema, root=False)
        encoded = orjson.dumps(default)
        pruned = orjson.loads(encoded)
        if part.prune(pruned) or not same_json(pruned, default):
            errors.append(invalid(path.child("default"), default, "must not have unknown fields"))
        else:
            errors.extend(part.validate(pruned, field=path.child("default")))
    for place, child in _children(schema):
        if place.partition("[")[0] in ("items", "properties", "additionalProperties"):
            if root and place == "properties[metadata]":
                continue
            errors.extend(_default_errors(child, path.child(place)))
    return errors
