"""Who serves what in a logical cluster: the locks on its LogicalCluster, and the row that requests are resolved by.

Both say the same, one to users and one to the server, and change in one commit. A ledger is read from a snapshot,
changed, and written into the plan of a commit under guards on both, so that two bindings never hold one resource
(APIs reference, section 3.6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import orjson

from manifold.exports.bindings import LOCKS_ANNOTATION, locks_text
from manifold.exports.register import Register
from manifold.registry.effects import Plan
from manifold.registry.served import Served
from manifold.storage.contract import Guard, Row, Snapshot
from manifold.types.resource import Object
from manifold.views.rows import BoundExport, Defined


class Ledger:
    """The bookkeeping of one logical cluster, as of a snapshot."""

    def __init__(self, kind: Served, cluster: str, logical: Row | None, register: Register) -> None:
        self._kind = kind
        self._cluster = cluster
        self._logical = logical
        self.register = register
        self._object = kind.decode(logical.value, logical.revision) if logical is not None else None
        self.held: dict[str, Object] = _locks(self._object)
        self._before = dict(self.held)

    @classmethod
    async def read(cls, snapshot: Snapshot, kind: Served, cluster: str) -> Ledger:
        """The ledger of a logical cluster; `kind` is the stored form of LogicalCluster."""
        logical = await snapshot.get(kind.key(cluster, "", "cluster"))
        return cls(kind, cluster, logical, await Register.read(snapshot, cluster))

    @property
    def exists(self) -> bool:
        """Whether there is such a logical cluster. In one that is not there nothing is bound."""
        return self._object is not None

    def holders(self) -> dict[str, Object]:
        """Who serves what: bindings by what they hold, and the definitions that are served."""
        defined = {name: {"c": True} for name, one in self.register.definitions.items() if one.served}
        return {**defined, **self.held}

    def serves(self, name: str) -> bool:
        """Whether the binding `name` serves anything."""
        return any(holder.get("n") == name for holder in self.held.values())

    def entry(self, cluster: str, name: str) -> BoundExport | None:
        """What the row says of an export that is bound here."""
        return next((one for one in self.register.exports if (one.cluster, one.name) == (cluster, name)), None)

    def bound_of(self, cluster: str, name: str) -> dict[str, Defined]:
        """What is bound of an export of users, by name, when the ledger was read."""
        return {
            one.name: one for export, one in self.register.bound if (export.cluster, export.name) == (cluster, name)
        }

    def bind(self, name: str, entry: BoundExport, locks: Iterable[str]) -> None:
        """Let the binding `name` serve what a row says of an export."""
        for lock in locks:
            self.held[lock] = {"n": name}
        exports = list(self.register.exports)
        places = [(one.cluster, one.name) for one in exports]
        if (entry.cluster, entry.name) in places:
            exports[places.index((entry.cluster, entry.name))] = entry
        else:
            exports.append(entry)
        self.register.exports = exports

    def release(self, name: str, cluster: str, export: str) -> None:
        """Serve nothing by the binding `name` any more, which was one of that export."""
        if not self.serves(name):
            return
        self.held = {lock: holder for lock, holder in self.held.items() if holder.get("n") != name}
        self.register.exports = [one for one in self.register.exports if (one.cluster, one.name) != (cluster, export)]

    def end(self, cluster: str, export: str) -> None:
        """Take no new objects of an export: its binding is going away."""
        self.register.exports = [
            replace(one, ending=True) if (one.cluster, one.name) == (cluster, export) else one
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
