"""The spec of a CustomResourceDefinition: what is wrong with it, and where.

Kubernetes validates an older form of the type in which what all versions have in common stands once, beside them:
paths name `spec.validation`, `spec.subresources`, `spec.additionalPrinterColumns` and `spec.selectableFields` where
all versions agree, and `spec.versions[i]` only where they differ. Clients compare these paths, so they are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from manifold.base.fields import (
    INVALID,
    FieldError,
    Path,
    duplicate,
    invalid,
    not_supported,
    required,
    too_many,
)
from manifold.base.go_text import json_text
from manifold.base.names import dns_label_1035, dns_subdomain
from manifold.schema.structural.checking import parts, schema_errors
from manifold.schema.structural.field_paths import find_field
from manifold.schema.structural.formats import checked_format
from manifold.schema.structural.validation import same_json
from manifold.types.apiextensions.webhooks import conversion_errors
from manifold.types.resource import Object

COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
MAX_SELECTABLE = 8
MAX_WARNING = 256
_SHARED = ("schema", "subresources", "additionalPrinterColumns", "selectableFields")


def spec_errors(spec: Object, path: Path, unchanged: bool = False) -> list[FieldError]:
    """All that is wrong with a spec. `unchanged` versions are not looked into again."""
    errors: list[FieldError] = []
    group, scope = spec.get("group") or "", spec.get("scope") or ""
    if not group:
        errors.append(required(path.child("group")))
    elif wrong := dns_subdomain(group):
        errors.append(invalid(path.child("group"), group, ",".join(wrong)))
    elif "." not in group:
        errors.append(invalid(path.child("group"), group, "should be a domain with at least one dot"))
    if not scope:
        errors.append(required(path.child("scope")))
    elif scope not in ("Cluster", "Namespaced"):
        errors.append(not_supported(path.child("scope"), scope, ("Cluster", "Namespaced")))
    errors.extend(_version_errors(spec, path, unchanged))
    names = spec.get("names") or {}
    errors.extend(
        required(path.child("names", name))
        for name in ("plural", "singular", "kind", "listKind")
        if not names.get(name)
    )
    errors.extend(name_errors(names, path.child("names")))
    if not unchanged:
        errors.extend(_shared_errors(spec, path))
    if spec.get("conversion") is not None:
        errors.extend(conversion_errors(spec["conversion"], path.child("conversion")))
    return errors


def shared(spec: Object) -> frozenset[str]:
    """Which parts of a version are the same in all of them."""
    versions = spec.get("versions") or []
    if not versions:
        return frozenset()
    first = versions[0]
    return frozenset(
        name for name in _SHARED if all(same_json(version.get(name), first.get(name)) for version in versions[1:])
    )


def shown_versions(spec: Object) -> list[Object]:
    """The versions as errors show them: in Go's field names, without what is the same in all of them."""
    common = shared(spec)

    def part(version: Object, name: str) -> Any:
        return None if name in common else version.get(name)

    return [
        {
            "Name": version.get("name") or "",
            "Served": bool(version.get("served")),
            "Storage": bool(version.get("storage")),
            "Deprecated": bool(version.get("deprecated")),
            "DeprecationWarning": version.get("deprecationWarning"),
            "Schema": part(version, "schema"),
            "Subresources": part(version, "subresources"),
            "AdditionalPrinterColumns": part(version, "additionalPrinterColumns"),
            "SelectableFields": part(version, "selectableFields"),
        }
        for version in spec.get("versions") or ()
    ]


def _version_errors(spec: Object, path: Path, unchanged: bool) -> list[FieldError]:
    versions: Sequence[Object] = spec.get("versions") or []
    common = shared(spec)
    errors: list[FieldError] = []
    place = path.child("versions")
    for position, version in enumerate(versions):
        name = version.get("name") or ""
        if wrong := dns_label_1035(name):
            errors.append(invalid(place.at(position).child("name"), name, ",".join(wrong)))
        if not unchanged:
            own = {part: value for part, value in version.items() if part not in common}
            errors.extend(part_errors(own, version, place.at(position), "schema"))
        errors.extend(deprecation_errors(version, place.at(position)))
    for position, version in enumerate(versions):
        if (version.get("schema") or {}).get("openAPIV3Schema") is None:
            errors.append(required(place.at(position).child("schema", "openAPIV3Schema")))
    names = [version.get("name") for version in versions]
    if len(set(names)) < len(names):
        errors.append(invalid(place, shown_versions(spec), "must contain unique version names"))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        text = "must have exactly one version marked as storage version"
        errors.append(invalid(place, shown_versions(spec), text))
    if versions and names[0] and (wrong := dns_label_1035(names[0])):
        errors.append(invalid(path.child("version"), names[0], ",".join(wrong)))
    return errors


def _shared_errors(spec: Object, path: Path) -> list[FieldError]:
    versions = spec.get("versions") or []
    common = shared(spec)
    if not versions:
        return []
    part = {name: versions[0][name] for name in common if name in versions[0]}
    # That any version has a status says what the schema of all may be.
    whole = {**versions[0], "subresources": next((v["subresources"] for v in versions if has_status(v)), {})}
    return part_errors(part, whole, path, "validation")


def has_status(version: Object) -> bool:
    """Whether a version has the status subresource."""
    return (version.get("subresources") or {}).get("status") is not None


def part_errors(part: Object, version: Object, path: Path, schema_field: str) -> list[FieldError]:
    """What is wrong with schema, subresources, columns and selectable fields, where `part` has them.

    `version` is the whole version they are part of, `schema_field` what the schema's place is called below `path`.
    """
    errors: list[FieldError] = []
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if schema is not None and "schema" in part:
        errors.extend(schema_errors(schema, path.child(schema_field, "openAPIV3Schema"), has_status(version)))
    if part.get("subresources"):
        errors.extend(subresource_errors(part["subresources"], path.child("subresources")))
    for position, column in enumerate(part.get("additionalPrinterColumns") or ()):
        errors.extend(column_errors(column, path.child("additionalPrinterColumns").at(position)))
    if part.get("selectableFields"):
        errors.extend(selectable_errors(part["selectableFields"], schema or {}, path.child("selectableFields")))
    return errors


def deprecation_errors(version: Object, path: Path) -> list[FieldError]:
    """What is wrong with the warning of a deprecated version."""
    warning = version.get("deprecationWarning")
    if warning is None:
        return []
    details: list[str] = []
    if not version.get("deprecated"):
        details.append("can only be set for deprecated versions")
    else:
        if len(warning.encode()) > MAX_WARNING:
            details.append(f"must be <= {MAX_WARNING} characters long")
        if not warning:
            details.append("must not be an empty string")
        position = next((at for at, character in enumerate(warning) if not character.isprintable()), None)
        if position is not None:
            index = len(warning[:position].encode())
            text = f"must only contain printable UTF-8 characters; non-printable character found at index {index}"
            details.append(text)
    shown = json_text(warning)
    place = path.child("deprecationWarning")
    return [FieldError(INVALID, place, f"Invalid value: {shown}: {detail}") for detail in details]


def name_errors(names: Object, path: Path) -> list[FieldError]:
    """What is wrong with names that are given; absent ones are another matter."""
    errors: list[FieldError] = []
    mixed = "may have mixed case, but should otherwise match: "
    for name, lower in (("plural", False), ("singular", False), ("kind", True), ("listKind", True)):
        value = names.get(name) or ""
        if value and (wrong := dns_label_1035(value.lower() if lower else value)):
            errors.append(invalid(path.child(name), value, (mixed if lower else "") + ",".join(wrong)))
    errors.extend(_label_errors(names, "shortNames", path))
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        errors.append(invalid(path.child("listKind"), names["listKind"], "kind and listKind may not be the same"))
    errors.extend(_label_errors(names, "categories", path))
    return errors


def _label_errors(names: Object, field: str, path: Path) -> list[FieldError]:
    return [
        invalid(path.child(field).at(position), value, ",".join(wrong))
        for position, value in enumerate(names.get(field) or ())
        if (wrong := dns_label_1035(value))
    ]


def _path_errors(text: str, path: Path) -> list[FieldError]:
    return [] if text.startswith(".") else [invalid(path, text, "must be a simple json path starting with .")]


def column_errors(column: Object, path: Path) -> list[FieldError]:
    """What is wrong with a printer column."""
    errors: list[FieldError] = []
    kind, form, where = column.get("type") or "", column.get("format") or "", column.get("jsonPath") or ""
    if not column.get("name"):
        errors.append(required(path.child("name")))
    if not kind:
        errors.append(required(path.child("type"), f"must be one of {','.join(COLUMN_TYPES)}"))
    elif kind not in COLUMN_TYPES:
        errors.append(invalid(path.child("type"), kind, f"must be one of {','.join(COLUMN_TYPES)}"))
    if form and form not in COLUMN_FORMATS:
        errors.append(invalid(path.child("format"), form, f"must be one of {','.join(COLUMN_FORMATS)}"))
    if not where:
        errors.append(required(path.child("JSONPath")))
    else:
        errors.extend(_path_errors(where, path.child("JSONPath")))
    return errors


def subresource_errors(subresources: Object, path: Path) -> list[FieldError]:
    """What is wrong with the paths of the scale subresource."""
    scale = subresources.get("scale")
    if scale is None:
        return []
    errors: list[FieldError] = []
    for name, roots, text in (
        ("specReplicasPath", (".spec",), "should be a json path under .spec"),
        ("statusReplicasPath", (".status",), "should be a json path under .status"),
        ("labelSelectorPath", (".spec", ".status"), "should be a json path under either .spec or .status"),
    ):
        value, place = scale.get(name) or "", path.child("scale", name)
        if not value:
            if name != "labelSelectorPath":
                errors.append(required(place))
        elif wrong := _path_errors(value, place):
            errors.extend(wrong)
        elif not value.startswith(tuple(f"{root}." for root in roots)):
            errors.append(invalid(place, value, text))
    return errors


def selectable_errors(fields: Sequence[Object], schema: Object, path: Path) -> list[FieldError]:
    """What is wrong with selectable fields (KEP-4358): they are scalars that the schema describes, each told once."""
    errors: list[FieldError] = []
    seen: set[tuple[str, ...]] = set()
    for position, field in enumerate(fields):
        place, text = path.at(position).child("jsonPath"), field.get("jsonPath") or ""
        if not text:
            errors.append(required(place))
            continue
        try:
            names, found = find_field(schema, text, brackets=False)
        except ValueError as error:
            errors.append(invalid(place, text, f"is an invalid path: {error}"))
            continue
        if names[0] == "metadata":
            errors.append(invalid(place, text, "must not point to fields in metadata"))
        if found.get("type") not in ("string", "boolean", "integer"):
            wanted = "must point to a field of type string, boolean or integer. "
            errors.append(invalid(place, text, wanted + "Enum string fields and strings with formats are allowed."))
        if names in seen:
            errors.append(duplicate(place, text))
        seen.add(names)
    if len(seen) > MAX_SELECTABLE:
        errors.append(too_many(path, len(seen), MAX_SELECTABLE))
    return errors


def unrecognized_formats(spec: Object) -> frozenset[str]:
    """The formats in the schemas of a spec that nothing is held to."""
    return frozenset(
        str(part["format"])
        for version in spec.get("versions") or ()
        for part in parts((version.get("schema") or {}).get("openAPIV3Schema") or {})
        if part.get("format") and not checked_format(part["format"], (part["type"],) if part.get("type") else ())
    )
