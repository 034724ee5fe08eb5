"""From a CustomResourceDefinition to the types it serves.

A pure function of what the definition says and of the names it was granted, so that equal definitions, wherever they
are, are one set of types: `content_hash` names it. Nothing of the object's own metadata goes in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from manifold.base.names import segment_name, subdomain_name
from manifold.base.versions import version_rank
from manifold.schema.structural import StructuralCodec, compile_schema
from manifold.schema.structural.jsonpath import compile_path, path_names
from manifold.types.apiextensions.columns import printer_columns
from manifold.types.apiextensions.evolution import VersionEvolution, VersionSchema, Webhook, schema_hash
from manifold.types.apiextensions.instances import CUSTOM_VERBS, CustomStatus, CustomStrategy
from manifold.types.apiextensions.scales import CustomScale
from manifold.types.resource import METADATA_FIELDS, Object, ResourceType, Subresource, metadata_labels

PRESERVE = "x-kubernetes-preserve-unknown-fields"
FieldLabels = Callable[[Object], Mapping[str, str]]


def _content(definition: Object) -> list[Any]:
    spec = definition["spec"]
    names = (definition.get("status") or {}).get("acceptedNames") or {}
    told = [
        spec["group"],
        spec["scope"],
        names,
        spec["versions"],
        spec.get("conversion"),
        bool(spec.get("preserveUnknownFields")),
    ]
    return [*told, spec["nameValidation"]] if "nameValidation" in spec else told


def content_hash(definition: Object) -> str:
    """What the types of a definition follow from, hashed: definitions with equal hashes serve equal types."""
    content = orjson.dumps(_content(definition), option=orjson.OPT_SORT_KEYS)
    return sha256(content).hexdigest()[:48]


@dataclass(frozen=True, slots=True)
class CustomTypes:
    """What a definition makes: the types of its served versions, and that of the version its objects are stored in,
    which need not be served.
    """

    served: tuple[ResourceType, ...]
    stored: ResourceType


def custom_types(definition: Object, content: str) -> CustomTypes:
    """The types of a definition that is valid and whose names have been accepted; `content` is its hash."""
    spec = definition["spec"]
    names = definition["status"]["acceptedNames"]
    preserving = bool(spec.get("preserveUnknownFields"))
    schemas = {version["name"]: _schema(version, preserving) for version in spec["versions"]}
    stored = next(version["name"] for version in spec["versions"] if version.get("storage"))
    webhook = _webhook(spec, names["kind"])
    made = {
        version["name"]: _type(content, spec, names, version, stored, schemas, webhook)
        for version in spec["versions"]
        if version.get("served") or version.get("storage")
    }
    return CustomTypes(
        tuple(made[version["name"]] for version in spec["versions"] if version.get("served")), made[stored]
    )


def _schema(version: Object, preserving: bool) -> VersionSchema:
    schema = (version.get("schema") or {}).get("openAPIV3Schema") or {"type": "object", PRESERVE: True}
    if preserving:
        schema = {**schema, PRESERVE: True}
    return VersionSchema(compile_schema(schema), schema_hash(schema))


def _webhook(spec: Object, kind: str) -> Webhook | None:
    conversion = spec.get("conversion") or {}
    if conversion.get("strategy") != "Webhook":
        return None
    client = (conversion.get("webhook") or {}).get("clientConfig") or {}
    service = client.get("service") or {}
    port = service.get("port", 443)
    place = f"https://{service.get('name', '')}.{service.get('namespace', '')}.svc:{port}{service.get('path') or '/'}"
    return Webhook(str(client.get("url") or place), spec["group"], kind)


def _type(
    content: str,
    spec: Object,
    names: Object,
    version: Object,
    stored: str,
    schemas: Mapping[str, VersionSchema],
    webhook: Webhook | None,
) -> ResourceType:
    group, name, kind = spec["group"], version["name"], names["kind"]
    structural = schemas[name].structural
    declared = version.get("subresources") or {}
    behaviour = CustomStrategy(structural, declared.get("status") is not None, scale=declared.get("scale"))
    subresources: dict[str, Subresource] = {}
    if declared.get("status") is not None:
        subresources["status"] = CustomStatus(behaviour)
    if declared.get("scale") is not None:
        subresources["scale"] = CustomScale(declared["scale"], behaviour)
    selectable = [str(field["jsonPath"]) for field in version.get("selectableFields") or ()]
    reverse = ".".join(reversed(group.split(".")))
    return ResourceType(
        group=group,
        version=name,
        resource=names["plural"],
        singular=names.get("singular") or kind.lower(),
        kind=kind,
        namespaced=spec["scope"] == "Namespaced",
        schema=structural.node,
        schema_name=f"{reverse}.{name}.{kind}",
        codec=StructuralCodec(structural, kind, name),
        strategy=behaviour,
        check_name=segment_name if spec.get("nameValidation") == "PathSegmentName" else subdomain_name,
        list_kind=names.get("listKind") or f"{kind}List",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        verbs=CUSTOM_VERBS,
        stored_group=group,
        stored_resource=names["plural"],
        stored_version=stored,
        columns=printer_columns(version.get("additionalPrinterColumns") or ()),
        field_labels=_field_labels(selectable) if selectable else metadata_labels,
        selectable=(
            *(METADATA_FIELDS if spec["scope"] == "Namespaced" else METADATA_FIELDS[:1]),
            *(".".join(path_names(path)) for path in selectable),
        ),
        subresources=subresources,
        generation=True,
        custom=True,
        evolution=VersionEvolution(content, name, stored, schemas, webhook),
        deprecation=_deprecation(spec, kind, version),
        unconditional_update=False,
    )


def _deprecation(spec: Object, kind: str, version: Object) -> str:
    """The warning of a deprecated version; unless its definition has words for it, it names the newest good one."""
    if not version.get("deprecated"):
        return ""
    declared = version.get("deprecationWarning")
    if declared is not None:
        return str(declared)
    group, own = spec["group"], version_rank(version["name"])
    text = f"{group}/{version['name']} {kind} is deprecated"
    good = [
        other["name"]
        for other in spec["versions"]
        if other.get("served") and not other.get("deprecated") and version_rank(other["name"]) < own
    ]
    return f"{text}; use {group}/{min(good, key=version_rank)} {kind}" if good else text


def _field_labels(paths: Sequence[str]) -> FieldLabels:
    """The labels of selectable fields (KEP-4358): scalars as text, absent ones empty."""
    finders = [(".".join(path_names(path)), compile_path(path)) for path in paths]

    def labels(obj: Object) -> Mapping[str, str]:
        found = dict(metadata_labels(obj))
        for name, find in finders:
            values = find(obj)
            found[name] = _text(values[0]) if values and values[0] is not None else ""
        return found

    return labels


def _text(value: Any) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    return str(value)


def schema_of(kind: ResourceType) -> Object:
    """The OpenAPI schema of a custom type as its definition gives it. Must not be changed."""
    strategy = kind.strategy
    if not isinstance(strategy, CustomStrategy):
        raise TypeError(f"{kind.resource} is not a custom type")
    return strategy.structural.schema
