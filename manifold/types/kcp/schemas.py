"""APIResourceSchema: the description of a type as an export offers it. Section 1.1 of the APIs reference."""

from __future__ import annotations

import re
from typing import Any

from manifold.base.fields import FieldError, Path, invalid, required
from manifold.base.names import dns_label_1035, dns_subdomain
from manifold.schema.structural.validation import same_json
from manifold.types.apiextensions.definitions import approval_errors
from manifold.types.apiextensions.instances import CustomStrategy, broken_rule
from manifold.types.apiextensions.rules import UNENFORCED, has_rules
from manifold.types.apiextensions.spec import deprecation_errors, name_errors, part_errors
from manifold.types.kcp.rules import refuse_fields
from manifold.types.resource import Object

GROUP = "apis.kcp.io"
RESOURCE = "apiresourceschemas"
CORE = "core"
"""How the empty group is spelled in the name of a schema."""
_PREFIX = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
_PREFIX_TEXT = "^[a-z]([-a-z0-9]*[a-z0-9])?$"
_NAMED = ("plural", "singular", "kind", "listKind")
_UNDOTTED = frozenset(("apps", "batch", "extensions", "policy", "autoscaling"))


def resource_schema_rules(new: Object, old: Object | None) -> list[FieldError]:
    """The rules of the type itself: several versions need a conversion, a webhook conversion a webhook."""
    spec = new.get("spec")
    if type(spec) is not dict or (old is not None and same_json(spec, old.get("spec"))):
        return []
    errors: list[FieldError] = []
    versions = len(spec.get("versions") or ())
    if versions != 1 and not (versions > 1 and "conversion" in spec):
        errors.append(broken_rule("spec", spec, "Conversion must be specified when multiple versions exist"))
    conversion = spec.get("conversion")
    if type(conversion) is dict and (conversion.get("strategy") == "Webhook") != ("webhook" in conversion):
        errors.append(broken_rule("spec.conversion", conversion, "Webhook must be specified if strategy=Webhook"))
    return errors


def rules_at(schema: Object) -> list[int]:
    """The positions of the versions of a schema that have rules in CEL."""
    versions = (schema.get("spec") or {}).get("versions") or ()
    return [position for position, version in enumerate(versions) if has_rules(version.get("schema"))]


class ResourceSchemaStrategy(CustomStrategy):
    """Schemas: a name made of what they describe, sound versions, and a spec that never changes."""

    __slots__ = ()

    def warnings(self, new: Object, old: Object | None = None) -> list[str]:
        """That rules are not enforced."""
        return [UNENFORCED] if rules_at(new) else []

    def validate_create(self, new: Object) -> list[FieldError]:
        """What the schema says; then the 403 of what admission finds."""
        errors = super().validate_create(new)
        if not errors and (found := schema_errors(new)):
            raise refuse_fields(GROUP, RESOURCE, new, found)
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """As for a new one; the spec must be what it was."""
        errors = super().validate_update(new, old)
        if not errors:
            spec = new.get("spec")
            if not same_json(spec, old.get("spec")):
                raise refuse_fields(GROUP, RESOURCE, new, [invalid("spec", ordered_spec(spec), "is immutable")])
            if found := schema_errors(new):
                raise refuse_fields(GROUP, RESOURCE, new, found)
        return errors


_SPEC_ORDER = ("group", "names", "scope", "versions", "nameValidation", "conversion")
_NAMES_ORDER = ("plural", "singular", "shortNames", "kind", "listKind", "categories")
_VERSION_ORDER = (
    "name",
    "served",
    "storage",
    "deprecated",
    "deprecationWarning",
    "schema",
    "subresources",
    "additionalPrinterColumns",
    "selectableFields",
)
_COLUMN_ORDER = ("name", "type", "format", "description", "priority", "jsonPath")


def _in_order(value: Any, order: tuple[str, ...]) -> Object:
    return {name: value[name] for name in order if name in value}


def _sorted(value: Any) -> Any:
    if type(value) is dict:
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if type(value) is list else value


def ordered_version(version: Object) -> Object:
    """A version as errors show it: fields in the order of their declaration, subresources always there."""
    shown = {"subresources": {}, **version}
    shown["schema"] = _sorted(shown.get("schema"))
    if "additionalPrinterColumns" in shown:
        shown["additionalPrinterColumns"] = [
            _in_order(column, _COLUMN_ORDER) for column in shown["additionalPrinterColumns"]
        ]
    return _in_order(shown, _VERSION_ORDER)


def ordered_spec(spec: Object | None) -> Object:
    """A spec as errors show it."""
    shown = dict(spec or {})
    shown["names"] = _in_order(shown.get("names") or {}, _NAMES_ORDER)
    shown["versions"] = [ordered_version(version) for version in shown.get("versions") or ()]
    return _in_order(shown, _SPEC_ORDER)


def schema_errors(new: Object) -> list[FieldError]:
    """All that admission has against a schema that fits its type."""
    # The schema asks for everything in a spec, but not for a spec.
    spec = new.get("spec") or {"group": "", "versions": []}
    group, names = spec["group"], spec.get("names") or {}
    metadata = new["metadata"]
    errors = _name_errors(metadata.get("name") or "", f".{names.get('plural')}.{group or CORE}")
    errors.extend(_group_errors(group))
    errors.extend(approval_errors(group, metadata.get("annotations") or {}))
    place = Path("spec").child("names")
    errors.extend(required(place.child(name)) for name in _NAMED if not names.get(name))
    errors.extend(name_errors(names, place))
    errors.extend(_version_errors(spec))
    return errors


def _name_errors(name: str, ending: str) -> list[FieldError]:
    if not name.endswith(ending) or name == ending[1:]:
        return [invalid("metadata.name", name, f"must end in {ending}")]
    if not _PREFIX.match(name[: -len(ending)]):
        return [invalid("metadata.name", name, f"must match {_PREFIX_TEXT} in front of {ending}")]
    return []


def _group_errors(group: str) -> list[FieldError]:
    if group == CORE:
        return [invalid("spec.group", group, "must be empty string for the core group")]
    if not group:
        return []
    errors = [invalid("spec.group", group, text) for text in dns_subdomain(group)]
    if "." not in group and group not in _UNDOTTED:
        errors.append(invalid("spec.group", group, "should be a domain with at least one dot"))
    return errors


def _version_errors(spec: Object) -> list[FieldError]:
    versions = spec["versions"]
    errors: list[FieldError] = []
    for position, version in enumerate(versions):
        place = Path("spec").child("versions").at(position)
        errors.extend(invalid(place.child("name"), version["name"], text) for text in dns_label_1035(version["name"]))
        whole = {**version, "schema": {"openAPIV3Schema": version["schema"]}}
        errors.extend(part_errors(whole, whole, place, "schema"))
        errors.extend(deprecation_errors(version, place))
    told = [ordered_version(version) for version in versions]
    if len({version["name"] for version in versions}) < len(versions):
        errors.append(invalid("spec.versions", told, "must contain unique version names"))
    if sum(bool(version["storage"]) for version in versions) != 1:
        errors.append(invalid("spec.versions", told, "must have exactly one version marked as storage version"))
    return errors
