"""The row a logical cluster is resolved by, as of a snapshot, to be changed in a commit."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from manifold.base import keys
from manifold.exports.naming import Used
from manifold.registry.effects import Plan
from manifold.storage.contract import Guard, Row, Snapshot
from manifold.views.known_types import defined_rows
from manifold.views.offers import bound_definitions
from manifold.views.rows import EMPTY, BoundExport, Claimed, Defined, gate_key, read_row, row_key, row_value
from manifold.views.rows import Row as Told

RELABELLING = "claims"


def relabelling_row(cluster: str) -> bytes:
    """The key of the work row of a logical cluster whose objects are to be labelled anew for claims. Its value is a
    list of group, resource and identity of each type concerned.
    """
    return keys.work_key(RELABELLING, cluster)


class Register:
    """What a logical cluster has bound (`exports`), defined (`definitions`, by name) and granted (`claims`). `bound` is
    what it has bound of exports of users when it was read, with the export each comes from.
    """

    def __init__(self, cluster: str, row: Row | None, bound: Sequence[tuple[BoundExport, Defined]] = ()) -> None:
        self.bound = tuple(bound)
        self._cluster = cluster
        self._row = row
        told = read_row(row.value) if row is not None else EMPTY
        self.exports: list[BoundExport] = list(told.exports)
        self.definitions: dict[str, Defined] = {one.name: one for one in told.definitions}
        self.claims: list[Claimed] = list(told.claims)
        self._before: Told = told

    @classmethod
    async def read(cls, snapshot: Snapshot, cluster: str) -> Register:
        """The register of a logical cluster."""
        row = await snapshot.get(row_key(cluster))
        bound = await bound_definitions(snapshot, read_row(row.value).exports) if row is not None else ()
        return cls(cluster, row, bound)

    def used(self, name: str) -> Used:
        """The names that others have in the group of the definition `name`: definitions, and what is bound."""
        found = Used()
        found.add_definitions(self.definitions.values(), name)
        still = {(one.cluster, one.name) for one in self.exports}
        bound = (one for export, one in self.bound if (export.cluster, export.name) in still)
        found.add_definitions(bound, "." + name.partition(".")[2])
        return found

    def write(self, plan: Plan) -> None:
        """Put what has changed into a plan, and a guard on what it was read from."""
        plan.guards.append(Guard(row_key(self._cluster), self._row.revision if self._row is not None else 0))
        exports, definitions = tuple(self.exports), tuple(self.definitions.values())
        claims = tuple(self.claims)
        if self._before == Told(exports, definitions, claims):
            return
        plan.put(row_key(self._cluster), row_value(exports, definitions, claims))
        before = {one.name for one in self._before.definitions if one.open}
        after = {one.name for one in definitions if one.open}
        for name in sorted(after - before):
            plan.put(gate_key(self._cluster, name), b"")
        for name in sorted(before - after):
            plan.delete(gate_key(self._cluster, name))
        known = defined_rows(self._before.definitions, self._cluster)
        serving = defined_rows(definitions, self._cluster)
        for key in sorted(serving - known):
            plan.put(key, b"")
        for key in sorted(known - serving):
            plan.delete(key)

    async def relabel(self, plan: Plan) -> None:
        """Leave work where claims have changed: objects of their types are to be labelled anew."""
        before, after = self._before.claims, tuple(self.claims)
        if before == after:
            return
        changed = {
            (one.group, one.resource, one.identity) for one in (*before, *after) if (one in before) != (one in after)
        }
        key = relabelling_row(self._cluster)
        waiting = await plan.snapshot.get(key)
        if waiting is not None:
            changed |= {tuple(entry) for entry in orjson.loads(waiting.value)}
            plan.guards.append(Guard(key, waiting.revision))
        plan.put(key, orjson.dumps(sorted(changed)))
