"""kcp's types as data: names, columns and schemas, from which a ResourceType is made with a strategy of its own.

`data/types.json` holds, for each group and resource, the facts of its CRD (sections 2 to 6 of the tenancy reference
and 12 of the APIs reference), without prose. Columns are [name, type, JSONPath]. Schemas are in the OpenAPI dialect of
CRDs; a string that stands where a schema is expected names one of the shared `parts`. `schema` is the prefix of the
APIResourceSchema under which root exports the type.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from manifold.base.names import NameCheck, subdomain_name
from manifold.schema.structural import Structural, StructuralCodec, compile_schema
from manifold.types.apiextensions.columns import printer_columns
from manifold.types.apiextensions.instances import CUSTOM_VERBS, CustomStatus, CustomStrategy, Rules
from manifold.types.resource import Conversion, Object, ResourceType

Strategies = Callable[[Structural, bool, Rules | None], CustomStrategy]


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = orjson.loads(files("manifold.types.kcp").joinpath("data/types.json").read_bytes())
    return table


def _expand(schema: Any) -> Any:
    """A schema with its shared parts put in; parts are expanded anew at each place, so nothing is shared."""
    if isinstance(schema, str):
        return _expand(_table()["parts"][schema[1:]])
    expanded = dict(schema)
    if "properties" in expanded:
        expanded["properties"] = {name: _expand(child) for name, child in expanded["properties"].items()}
    for inner in ("items", "additionalProperties"):
        if isinstance(expanded.get(inner), (dict, str)):
            expanded[inner] = _expand(expanded[inner])
    return expanded


@cache
def _schema(group: str, resource: str, version: str) -> dict[str, Any]:
    schema: dict[str, Any] = _expand(_table()[group][resource]["versions"][version]["schema"])
    return schema


@cache
def structural_schema(group: str, resource: str, version: str) -> Structural:
    """The compiled schema of one of kcp's types."""
    return compile_schema(_schema(group, resource, version))


def openapi_schema(kind: ResourceType) -> dict[str, Any]:
    """The schema of one of kcp's types in the OpenAPI dialect of CRDs. Must not be changed. KeyError for others."""
    return _schema(kind.group, kind.resource, kind.version)


def schema_object_name(kind: ResourceType) -> str:
    """The name of the APIResourceSchema in root that an exported type is described by. KeyError for others."""
    prefix = _table()[kind.group][kind.resource]["schema"]
    return f"{prefix}.{kind.resource}.{kind.group}"


def printed_columns(kind: ResourceType) -> list[Object]:
    """The additionalPrinterColumns of a type, as an APIResourceSchema carries them."""
    return _declared_columns(_table()[kind.group][kind.resource]["versions"][kind.version])


def _declared_columns(facts: dict[str, Any]) -> list[Object]:
    return [{"name": name, "type": kind, "jsonPath": path} for name, kind, path in facts.get("columns", ())]


def kcp_type(
    group: str,
    resource: str,
    version: str,
    strategy: Strategies = CustomStrategy,
    status: Callable[[CustomStrategy], CustomStatus] = CustomStatus,
    rules: Rules | None = None,
    check_name: NameCheck = subdomain_name,
    convert: Conversion | None = None,
    storageless: bool = False,
) -> ResourceType:
    """The ResourceType of one of kcp's types in one version; `strategy` and `status` make its behaviour."""
    described = _table()[group][resource]
    facts = described["versions"][version]
    stored = next(name for name, other in described["versions"].items() if other.get("stored"))
    structural = structural_schema(group, resource, version)
    kind = described["kind"]
    behaviour = strategy(structural, bool(facts.get("status")), rules)
    reverse = ".".join(reversed(group.split(".")))
    return ResourceType(
        group=group,
        version=version,
        resource=resource,
        singular=described["singular"],
        kind=kind,
        namespaced=described["namespaced"],
        schema=structural.node,
        schema_name=f"{reverse}.{version}.{kind}",
        codec=StructuralCodec(structural, kind, version),
        strategy=behaviour,
        check_name=check_name,
        list_kind=f"{kind}List",
        short_names=tuple(described.get("short", ())),
        categories=tuple(described.get("categories", ())),
        verbs=("create",) if storageless else CUSTOM_VERBS,
        stored_group=group,
        stored_resource=resource,
        stored_version=stored,
        columns=printer_columns(_declared_columns(facts)),
        subresources={"status": status(behaviour)} if facts.get("status") else {},
        generation=True,
        custom=True,
        convert=convert,
        unconditional_update=False,
        storageless=storageless,
    )
