"""What a change of a ResourceQuota leaves behind: the work of counting what it limits.

Its status is the server's: what is used is changed in the commit that changes it, and what somebody else writes there
is not kept.
"""

from __future__ import annotations

from manifold.registry.counting import work_row
from manifold.registry.effects import Effects, Operation, Plan
from manifold.registry.limits import is_cluster_scoped
from manifold.types.resource import Object


class ResourceQuotaEffects(Effects):
    """Keeps the status of quotas, and has those counted that have changed."""

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """Leave the work."""
        plan.put(work_row(operation.cluster), b"{}")

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """Keep the status, and leave the work where something else is limited than before."""
        new["status"] = old.get("status") or {}
        if is_cluster_scoped(new) != is_cluster_scoped(old):
            new["status"] = {}
        elif (new.get("spec") or {}).get("hard") == (old.get("spec") or {}).get("hard"):
            return
        plan.put(work_row(operation.cluster), b"{}")
