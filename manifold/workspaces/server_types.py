"""The workspace types a server has of its own, and what it says of every type.

`universal`, `root` and `home` are always there; `organization` and `team` come with a battery (tenancy reference,
section 1.10).
"""

from __future__ import annotations

from manifold.registry.objects import Author
from manifold.storage.contract import Write
from manifold.types.resource import Object
from manifold.workspaces import content
from manifold.workspaces.foundation import ROOT

WORKSPACE_TYPES_BATTERY = "workspace-types"
TYPE_BINDINGS = ("tenancy.kcp.io", "topology.kcp.io")
"""The exports that every workspace of a universal type binds."""


def _reference(name: str) -> Object:
    return {"name": name, "path": ROOT}


def type_writes(author: Author, battery: bool, virtual_workspace_url: str) -> list[Write]:
    """What creates the server's own types in root; `battery`: with those of the battery."""
    universal = {"with": [_reference("universal")]}
    default = _reference("universal")
    marked = {"bootstrap.kcp.io/battery": WORKSPACE_TYPES_BATTERY}
    types: list[tuple[str, Object, dict[str, str]]] = [
        (
            "universal",
            {
                "defaultAPIBindings": [{"export": name, "path": ROOT} for name in TYPE_BINDINGS],
                "defaultChildWorkspaceType": default,
                "initializer": True,
            },
            {},
        ),
        (
            "root",
            {
                "defaultChildWorkspaceType": _reference("organization") if battery else default,
                "extend": universal,
                "limitAllowedParents": {"none": True},
            },
            content.CREATE_ONLY,
        ),
        (
            "home",
            {"defaultChildWorkspaceType": default, "extend": universal, "limitAllowedParents": {"none": True}},
            {},
        ),
    ]
    if battery:
        types += [
            (
                "organization",
                {
                    "defaultChildWorkspaceType": default,
                    "extend": universal,
                    "limitAllowedChildren": {"types": [default]},
                    "limitAllowedParents": {"types": [_reference("root")]},
                },
                marked,
            ),
            (
                "team",
                {
                    "defaultChildWorkspaceType": default,
                    "extend": universal,
                    "limitAllowedParents": {"types": [_reference("organization"), _reference("team")]},
                },
                marked,
            ),
        ]
    kind = author.kinds.get("tenancy.kcp.io", "workspacetypes")
    return [
        author.write(
            kind,
            name,
            {"spec": spec, "status": type_status(author, ROOT, name, virtual_workspace_url)},
            annotations={content.PATH_ANNOTATION: ROOT, **annotations},
        )
        for name, spec, annotations in types
    ]


def type_status(author: Author, cluster: str, name: str, virtual_workspace_url: str) -> Object:
    """The status of a workspace type: its virtual workspaces, and that all is well."""
    base = f"{virtual_workspace_url}/services"
    return {
        "conditions": [author.condition("Ready"), author.condition("VirtualWorkspaceURLsReady")],
        "virtualWorkspaces": [
            {"type": "initializing", "url": f"{base}/initializingworkspaces/{cluster}:{name}"},
            {"type": "terminating", "url": f"{base}/terminatingworkspaces/{cluster}:{name}"},
        ],
    }
