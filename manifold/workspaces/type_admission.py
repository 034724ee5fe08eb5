"""What a workspace type must satisfy beside its own form, and what the server says of it.

A type is no way around the right to bind: whoever lets it bring a binding must be able to make that binding. What it
extends need not exist yet; a workspace of it is refused until it does (tenancy reference, section 3.4).
"""

from __future__ import annotations

from manifold.admission.plugin import Admission, Plugin
from manifold.base import errors
from manifold.exports.references import References
from manifold.registry.effects import Effects, Operation, Plan
from manifold.registry.objects import Author, Kinds
from manifold.registry.writing import Clock
from manifold.types.resource import Object
from manifold.workspaces.default_bindings import type_row
from manifold.workspaces.foundation import ROOT
from manifold.workspaces.server_types import type_status

GROUP, RESOURCE = "tenancy.kcp.io", "workspacetypes"
MODE = "defaultAPIBindingLifecycle"
ROOT_ONLY = "root workspace type can only be created in root cluster"


def _exports(workspace_type: Object | None) -> dict[tuple[str, str], None]:
    spec = (workspace_type or {}).get("spec") or {}
    return {(one.get("path") or "", one["export"]): None for one in spec.get("defaultAPIBindings") or ()}


class WorkspaceTypeAdmission(Plugin):
    """The rules of workspace types that rest on other objects."""

    def __init__(self, references: References) -> None:
        self._references = references

    async def validate(self, request: Admission) -> None:
        """Refuse a second root type, and default bindings the writer may not make."""
        if request.new is None or request.subresource:
            return
        if request.action == "CREATE" and request.name == "root" and request.cluster != ROOT:
            raise self._forbidden(request, ROOT_ONLY)
        had = _exports(request.old)
        for path, name in _exports(request.new):
            if (path, name) in had:
                continue
            permitted = await self._references.bindable(request.snapshot, request.user, request.cluster, path, name)
            if permitted is None:
                shown = f"{path or request.cluster}:{name}"
                text = f"unable to create or update WorkspaceType: no permission to bind to export {shown}"
                raise self._forbidden(request, text)

    def _forbidden(self, request: Admission, why: str) -> errors.StatusError:
        return errors.forbidden(GROUP, RESOURCE, request.name, why)


class WorkspaceTypeEffects(Effects):
    """The status of a new type: where its initializers and terminators work."""

    def __init__(self, kinds: Kinds, clock: Clock, virtual_workspace_url: str) -> None:
        self._kinds = kinds
        self._clock = clock
        self._url = virtual_workspace_url

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """Write the status."""
        author = Author(self._kinds, self._clock, operation.cluster, operation.now)
        new["status"] = type_status(author, operation.cluster, new["metadata"]["name"], self._url)

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """Have the workspaces of the type looked at whose bindings it maintains, where it may want others now."""
        spec, before = new.get("spec") or {}, old.get("spec") or {}
        if any(spec.get(name) != before.get(name) for name in ("defaultAPIBindings", MODE, "extend")):
            plan.put(type_row(operation.cluster, operation.name), b"{}")
