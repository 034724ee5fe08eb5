"""access.manifold: what is in reach of whoever asks. The one API group of Manifold's own.

Its types are answers: they are computed for the caller, listed, and stored nowhere. They are served below
`/services/access/` only, and no logical cluster has them in its discovery, so that no client of kcp meets them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from manifold.base.names import subdomain_name
from manifold.schema.structural import StructuralCodec, compile_schema
from manifold.types.apiextensions.columns import printer_columns
from manifold.types.apiextensions.instances import CustomStrategy
from manifold.types.resource import Object, ResourceType

GROUP, VERSION = "access.manifold", "v1alpha1"
_TEXT: dict[str, Any] = {"type": "string"}
_REFERENCE: dict[str, Any] = {"type": "object", "properties": {"name": _TEXT, "path": _TEXT}}


def _answer(
    resource: str, kind: str, short_name: str, spec: dict[str, Any], status: dict[str, Any], columns: list[Object]
) -> ResourceType:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "apiVersion": _TEXT,
            "kind": _TEXT,
            "metadata": {"type": "object"},
            "spec": {"type": "object", "properties": spec},
            **({"status": {"type": "object", "properties": status}} if status else {}),
        },
    }
    structural = compile_schema(schema)
    name, *others = printer_columns(columns)
    return ResourceType(
        group=GROUP,
        version=VERSION,
        resource=resource,
        singular=kind.lower(),
        kind=kind,
        namespaced=False,
        schema=structural.node,
        schema_name=f"manifold.access.{VERSION}.{kind}",
        codec=StructuralCodec(structural, kind, VERSION),
        strategy=CustomStrategy(structural, False),
        check_name=subdomain_name,
        list_kind=f"{kind}List",
        short_names=(short_name,),
        verbs=("list",),
        stored_group=GROUP,
        stored_resource=resource,
        stored_version=VERSION,
        columns=(replace(name, priority=1), *others),
        custom=True,
    )


ACCESSIBLE_WORKSPACES = _answer(
    "accessibleworkspaces",
    "AccessibleWorkspace",
    "aws",
    {"path": _TEXT, "cluster": _TEXT, "URL": _TEXT, "type": _REFERENCE},
    {"phase": _TEXT},
    [
        {"name": "Path", "type": "string", "jsonPath": ".spec.path"},
        {"name": "Type", "type": "string", "jsonPath": ".spec.type.name"},
        {"name": "Phase", "type": "string", "jsonPath": ".status.phase"},
        {"name": "URL", "type": "string", "jsonPath": ".spec.URL"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ],
)
"""A workspace the caller may enter. Its name is that of its logical cluster."""

USABLE_WORKSPACE_TYPES = _answer(
    "usableworkspacetypes",
    "UsableWorkspaceType",
    "uwt",
    {"path": _TEXT, "name": _TEXT, "default": {"type": "boolean"}},
    {},
    [
        {"name": "Type", "type": "string", "jsonPath": ".spec.name"},
        {"name": "Path", "type": "string", "jsonPath": ".spec.path"},
        {"name": "Default", "type": "boolean", "jsonPath": ".spec.default"},
    ],
)
"""A type of which the caller may create a workspace in the logical cluster asked about. Its name is that of the logical
cluster it is in and its own, joined by a dot."""
