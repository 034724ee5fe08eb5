"""Settles CustomResourceDefinitions: names, conditions, and what the row of the logical cluster says of them.

The types every logical cluster serves, and those it has bound, count as having their names already. A definition that
is refused a name waits, and is looked at again when somebody in its group goes.
"""

from __future__ import annotations

from collections.abc import Set

from manifold.base import clock
from manifold.exports.naming import grant, tell
from manifold.exports.register import Register
from manifold.registry.effects import Operation, Plan
from manifold.registry.served import Served
from manifold.storage.contract import Guard
from manifold.types.apiextensions.custom_types import content_hash
from manifold.types.resource import Object
from manifold.views.resolution import Resolver
from manifold.views.rows import ENDING, SERVED, WAITING, Defined

RECONSIDERED = 20
"""How many definitions that wait for names are looked at when some become free."""


class DefinitionNames:
    """Settles definitions. `kind` is the stored form of CustomResourceDefinition."""

    def __init__(self, kind: Served, resolver: Resolver) -> None:
        self._kind = kind
        self._resolver = resolver

    def settle(self, operation: Operation, definition: Object, register: Register, *, ending: bool = False) -> None:
        """Say in a definition's status, and in the register, what it is granted and whether it is served.

        Its status must hold the names it had been granted before. `ending`: it is about to be marked as going away.
        """
        name: str = definition["metadata"]["name"]
        spec, status = definition["spec"], definition["status"]
        used = register.used(name)
        used.add_types(self._resolver.base.shape.types, spec["group"])
        for export in register.exports:
            used.add_types(self._resolver.types_of(export), spec["group"])
        before = register.definitions.get(name)
        granted = grant(spec["names"], status.get("acceptedNames") or {}, used)
        served = granted.complete or (before is not None and before.served)
        tell(status, granted, served, clock.format_seconds(operation.now))
        names = granted.names
        flags = (SERVED if served else 0) | (0 if granted.complete else WAITING)
        if ending or "deletionTimestamp" in definition["metadata"]:
            flags |= ENDING
        register.definitions[name] = Defined(
            name,
            content_hash(definition) if served else "",
            flags,
            names["kind"],
            names.get("listKind", ""),
            names["plural"],
            names.get("singular", ""),
            tuple(names.get("shortNames", ())),
        )

    async def reconsider(self, operation: Operation, register: Register, plan: Plan, groups: Set[str]) -> None:
        """Settle the definitions of some groups that wait for names, after some have become free.

        The register is left for the caller to write.
        """
        waiting = [one for one in register.definitions.values() if one.flags & WAITING and one.group in groups]
        for one in waiting[:RECONSIDERED]:
            row = await plan.snapshot.get(self._kind.key(operation.cluster, "", one.name))
            if row is None or one.ending:
                continue
            definition: Object = self._kind.decode(row.value, row.revision)
            self.settle(operation, definition, register)
            if register.definitions[one.name] != one:
                plan.guards.append(Guard(row.key, row.revision))
                plan.put(row.key, self._kind.encode(definition))
