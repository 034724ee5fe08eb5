"""Which exports bound the use of what they offer by a policy of their own.

Asked at each request, so that a policy holds from the moment it is set. What is remembered is one bit per export in
use, bounded, and forgotten when the log tells of a change (APIs reference, section 2.6).
"""

from __future__ import annotations

from collections.abc import Sequence

from manifold.registry.served import Served
from manifold.storage.contract import Change, Store
from manifold.views.remembering import Remembered

REMEMBERED = 5_000


class ExportPolicies:
    """Knows the exports with a maximal permission policy. `kind` is the stored form of APIExport."""

    def __init__(self, store: Store, kind: Served | None) -> None:
        self._store = store
        self._kind = kind
        self._known: Remembered[bytes, bool] = Remembered(REMEMBERED)
        if kind is not None:
            store.listen(self._forget)

    def _forget(self, changes: Sequence[Change]) -> None:
        if self._kind is None:
            return
        for change in changes:
            if change.key.startswith(self._kind.prefix):
                self._known.drop(change.key)

    async def limits(self, cluster: str, name: str) -> bool:
        """Whether the RBAC of the export's logical cluster must allow what is done with what it offers.

        An export that is gone bounds nothing any more, as in kcp.
        """
        if self._kind is None:
            return False
        key = self._kind.key(cluster, "", name)
        found = self._known.get(key)
        if found is None:
            snapshot = await self._store.snapshot()
            row = await snapshot.get(key)
            found = False
            if row is not None:
                spec = self._kind.decode(row.value, row.revision).get("spec") or {}
                found = "local" in (spec.get("maximalPermissionPolicy") or {})
            if snapshot.revision == self._store.revision:
                self._known.put(key, found)
        return found
