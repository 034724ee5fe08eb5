"""What a CustomResourceDefinition says of itself: that it is kept, and not served.

The definition is an object like any other; its resources are not served yet. So that nobody waits for what does not
come, its conditions say so from the first answer on, whoever writes its status.
"""

from __future__ import annotations

from manifold.base import clock
from manifold.registry.effects import Effects, Operation, Plan
from manifold.types.resource import Object

REASON = "CustomResourcesNotServed"
MESSAGE = "this server keeps CustomResourceDefinitions and does not serve their resources yet"
CONDITIONS = ("NamesAccepted", "Established")


class DefinitionEffects(Effects):
    """Keeps the conditions true to what is served."""

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """Say that it is not served."""
        self._tell(operation, new)

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """Say so still."""
        self._tell(operation, new)

    def _tell(self, operation: Operation, definition: Object) -> None:
        status = definition.setdefault("status", {})
        conditions = status.get("conditions") or []
        told = {one.get("type"): (one.get("status"), one.get("reason")) for one in conditions}
        if all(told.get(kind) == ("False", REASON) for kind in CONDITIONS):
            return
        others = [one for one in conditions if one.get("type") not in CONDITIONS]
        status["conditions"] = [*others, *(self._condition(operation, kind) for kind in CONDITIONS)]

    def _condition(self, operation: Operation, kind: str) -> Object:
        return {
            "type": kind,
            "status": "False",
            "lastTransitionTime": clock.format_seconds(operation.now),
            "reason": REASON,
            "message": MESSAGE,
        }
