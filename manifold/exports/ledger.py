"""Who serves what in a logical cluster: the locks on its LogicalCluster, and the row that requests are resolved by.

Both say the same, one to users and one to the server, and change in one commit. A ledger is read from a snapshot,
changed, and written into the plan of a commit under guards on both, so that two bindings never hold one resource
(APIs reference, section 3.6).
"""

from __future__ import annotations

import orjson

from manifold.exports.bindings import LOCKS_ANNOTATION, Export, locks_text
from manifold.exports.register import Register
from manifold.registry.effects import Plan
from manifold.registry.served import Served
from manifold.storage.contract import Guard, Row, Snapshot
from manifold.types.resource import Object
from manifold.views.rows import BoundExport, row_key


class Ledger:
    """The bookkeeping of one logical cluster, as of a snapshot."""

    def __init__(self, kind: Served, cluster: str, logical: Row | None, row: Row | None) -> None:
        self._kind = kind
        self._cluster = cluster
        self._logical = logical
        self.register = Register(cluster, row)
        self._object = kind.decode(logical.value, logical.revision) if logical is not None else None
        self.held: dict[str, Object] = _locks(self._object)
        self._before = dict(self.held)

    @classmethod
    async def read(cls, snapshot: Snapshot, kind: Served, cluster: str) -> Ledger:
        """The ledger of a logical cluster; `kind` is the stored form of LogicalCluster."""
        logical = await snapshot.get(kind.key(cluster, "", "cluster"))
        return cls(kind, cluster, logical, await snapshot.get(row_key(cluster)))

    @property
    def exists(self) -> bool:
        """Whether there is such a logical cluster. In one that is not there nothing is bound."""
        return self._object is not None

    def holders(self) -> dict[str, Object]:
        """Who serves what: bindings by what they hold, and the definitions that are served."""
        defined = {name: {"c": True} for name, one in self.register.definitions.items() if one.served}
        return {**defined, **self.held}

    def bind(self, name: str, export: Export) -> None:
        """Let the binding `name` serve an export."""
        for one in export.resources:
            self.held[one.lock] = {"n": name}
        entry = export.bound()
        self.register.exports = [
            one for one in self.register.exports if (one.cluster, one.name) != (entry.cluster, entry.name)
        ]
        self.register.exports.append(entry)

    def release(self, name: str, export: Export) -> None:
        """Serve an export no longer by the binding `name`."""
        self.held = {lock: holder for lock, holder in self.held.items() if holder.get("n") != name}
        self.register.exports = [
            one for one in self.register.exports if (one.cluster, one.name) != (export.cluster, export.name)
        ]

    def end(self, export: Export) -> None:
        """Take no new objects of an export: its binding is going away."""
        self.register.exports = [
            BoundExport(one.cluster, one.name, one.identity, one.policy_cluster, True)
            if (one.cluster, one.name) == (export.cluster, export.name)
            else one
            for one in self.register.exports
        ]

    def write(self, plan: Plan) -> None:
        """Put what has changed into a plan, and guards on what it was read from."""
        logical = self._logical
        if logical is None or self._object is None:
            return
        plan.guards.append(Guard(logical.key, logical.revision))
        if self._before != self.held:
            annotations = self._object["metadata"].setdefault("annotations", {})
            annotations[LOCKS_ANNOTATION] = locks_text(self.held)
            plan.put(logical.key, self._kind.encode(self._object))
        self.register.write(plan)


def _locks(logical: Object | None) -> dict[str, Object]:
    if logical is None:
        return {}
    text = (logical["metadata"].get("annotations") or {}).get(LOCKS_ANNOTATION)
    try:
        found = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return {name: holder for name, holder in found.items() if isinstance(holder, dict)} if type(found) is dict else {}
