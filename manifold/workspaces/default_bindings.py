"""The bindings a workspace type brings: which a logical cluster is to have, and who is told when that may have changed.

They are made in the commit that makes the logical cluster (`manifold.workspaces.beginning`). Where exports of users
cannot be bound there, a controller does it, which the initializer `system:apibindings` waits for. A type with the
lifecycle `Maintain` wants its bindings for as long as there are workspaces of it: whoever changes one or takes it away
leaves work, and so does a change of the type, or of what the export claims (tenancy reference, section 3.5; APIs
reference, section 3.10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from manifold.base import keys
from manifold.exports import statuses
from manifold.exports.bindings import default_binding_name
from manifold.exports.definition_names import DefinitionNames
from manifold.exports.effects import BindingEffects
from manifold.exports.references import References
from manifold.registry.effects import Operation, Plan
from manifold.registry.served import Served
from manifold.schema import records
from manifold.storage.contract import Row
from manifold.types.resource import Object, ResourceType
from manifold.workspaces.content import LOGICAL_CLUSTER, TYPE_ANNOTATION
from manifold.workspaces.types import BrokenType, Closure, WorkspaceTypes

CONTROLLER = "defaultbindings"
MAINTAIN = "Maintain"


def work_row(cluster: str) -> bytes:
    """The key of the work row of a logical cluster whose default bindings are to be looked at."""
    return keys.work_key(CONTROLLER, cluster)


def type_row(cluster: str, name: str) -> bytes:
    """The key of the work row of a workspace type whose workspaces may want other bindings than before."""
    return keys.work_key(CONTROLLER, cluster, name)


def accepted(claims: Sequence[Object], lasting: bool) -> list[Object]:
    """The claims of an export, as its default binding accepts them; without their defaults where it is maintained."""
    found = []
    for claim in claims:
        chosen = {**claim, "state": "Accepted", "selector": claim.get("defaultSelector") or {"matchAll": True}}
        if lasting:
            chosen.pop("defaultSelector", None)
        found.append(chosen)
    return found


def binding_spec(path: str, export: str, claims: Sequence[Object], lasting: bool) -> Object:
    """The spec of a default binding."""
    spec: Object = {"reference": {"export": {"name": export, "path": path}}}
    if claims:
        spec["permissionClaims"] = accepted(claims, lasting)
    return spec


def is_complete(binding: Object) -> bool:
    """Whether a binding has bound all it is to bind, and the claims it accepts are applied."""
    told = {one["type"]: one["status"] for one in (binding.get("status") or {}).get("conditions") or ()}
    if told.get(statuses.COMPLETED) != "True":
        return False
    claims = (binding.get("spec") or {}).get("permissionClaims")
    return not claims or told.get(statuses.CLAIMS_APPLIED) == "True"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A default binding: the path and the name of the export, and whether it is to be kept for good."""

    path: str
    export: str
    lasting: bool


def new_binding(kind: ResourceType, cluster: str, wanted: Wanted, spec: Object) -> Object:
    """A default binding of a logical cluster, as it is created."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": default_binding_name(cluster, wanted.path, wanted.export)},
        "spec": spec,
    }


def wanted_bindings(closure: Closure) -> list[Wanted]:
    """The default bindings of a type and all it extends, each once; it lasts where any of them wants that."""
    found: dict[tuple[str, str], bool] = {}
    for one in closure.members:
        lasting = one.spec.get("defaultAPIBindingLifecycle") == MAINTAIN
        for reference in one.spec.get("defaultAPIBindings") or ():
            place = (reference.get("path") or one.cluster, reference["export"])
            found[place] = found.get(place, False) or lasting
    return [Wanted(path, export, lasting) for (path, export), lasting in found.items()]


def type_of(logical_cluster: Object) -> tuple[str, str]:
    """Path and name of the type of a logical cluster; both empty where it has none."""
    text = (logical_cluster["metadata"].get("annotations") or {}).get(TYPE_ANNOTATION) or ""
    path, _, name = text.rpartition(":")
    return path, name


class DefaultBindingEffects(BindingEffects):
    """The effects of bindings, for a server whose types may want some of them for good."""

    def __init__(
        self,
        references: References,
        kind: Served,
        logical_clusters: Served,
        definitions: DefinitionNames,
        types: WorkspaceTypes,
    ) -> None:
        super().__init__(references, kind, logical_clusters, definitions)
        self._types = types

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """As for any binding; and leave work where its spec is one that a type wants."""
        await super().updating(operation, new, old, plan)
        if new.get("spec") != old.get("spec") and not operation.subresource:
            await self._tell(operation.cluster, plan)

    async def removing(self, operation: Operation, old: Object, plan: Plan) -> None:
        """As for any binding; and leave work where a type wants it."""
        await super().removing(operation, old, plan)
        await self._tell(operation.cluster, plan)

    async def rebind(self, plan: Plan, row: Row, now: datetime) -> None:
        """As for any binding; and leave work where its export claims something else now."""
        await super().rebind(plan, row, now)
        written = next((write.value for write in plan.writes if write.key == row.key), None)
        if written is not None and self._claimed(written) != self._claimed(row.value):
            await self._tell(keys.decode(row.key).cluster, plan)

    def _claimed(self, value: bytes) -> Any:
        return (self._kind.decode(value, 0).get("status") or {}).get("exportPermissionClaims")

    async def _tell(self, cluster: str, plan: Plan) -> None:
        row = await plan.snapshot.get(self._logical_clusters.key(cluster, "", LOGICAL_CLUSTER))
        if row is None or records.flags(row.value) & records.DELETING:
            return
        path, name = type_of(self._logical_clusters.decode(row.value, row.revision))
        if not path:
            return
        try:
            closure = await self._types.closure(plan.snapshot, path, name)
        except BrokenType:
            return
        if closure is not None and any(one.lasting for one in wanted_bindings(closure)):
            plan.point(work_row(cluster), b"{}")
