"""What a new logical cluster begins with, in the commit that makes it: its content, and the bindings its type brings.

Bindings to the server's own exports follow from the type alone. Those to exports of users are created by the verb, as
anybody's are, on a snapshot in which the logical cluster is there already; all of them or none. Where one cannot be
bound now, or they are too many for one commit, they are left to a controller, and an initializer waits for it.

All of this holds in the commit: an export or a type of which bindings are made is as it was seen, or everything is
computed anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from manifold.base import errors, keys
from manifold.base.user import CONTROLLER_AGENT, CONTROLLER_USER
from manifold.exports.bindings import Export
from manifold.exports.claim_labels import labelled
from manifold.exports.references import References
from manifold.exports.register import relabelling_row
from manifold.registry.ahead import create_within
from manifold.registry.effects import Plan
from manifold.registry.objects import Author, Kinds
from manifold.registry.writing import Environment, Target
from manifold.storage.contract import MAX_BYTES, MAX_GUARDS, MAX_WRITES, Snapshot
from manifold.types.resource import Object
from manifold.views.rows import read_row, row_key
from manifold.workspaces import content, default_bindings
from manifold.workspaces.default_bindings import Wanted, binding_spec, is_complete, new_binding, wanted_bindings
from manifold.workspaces.types import Closure

ROOM = 10
"""Writes and guards of a commit that are left to its own object and what belongs to that: pointers, limits."""


class Exports:
    """The exports of the server that a default binding may name, by (path or cluster, name)."""

    def __init__(self, exports: Sequence[Export]) -> None:
        self._exports: dict[tuple[str, str], Export] = {}
        for one in exports:
            self._exports[(one.path, one.name)] = one
            self._exports[(one.cluster, one.name)] = one

    def find(self, path: str, name: str) -> Export | None:
        """The export at a path, or None."""
        return self._exports.get((path, name))


class Beginning:
    """Plans what logical clusters begin with. `root_ca` is the server's CA bundle in PEM."""

    def __init__(
        self, environment: Environment, kinds: Kinds, exports: Exports, references: References, root_ca: str
    ) -> None:
        self._environment = environment
        self._kinds = kinds
        self._exports = exports
        self._references = references
        self._root_ca = root_ca
        self._bindings = kinds.get("apis.kcp.io", "apibindings")
        self._served = {(one.group, one.resource, one.identity): one for one in kinds.all()}

    async def plan(self, plan: Plan, birth: content.Birth, closure: Closure, now: datetime) -> content.Birth:
        """Add to a plan all that a new logical cluster of the type of `closure` contains. Returns the birth as it has
        come to be: its bindings are settled, or it waits for them.
        """
        author = Author(self._kinds, self._environment.clock, birth.cluster, now)
        wanted = wanted_bindings(closure)
        found = [self._exports.find(one.path, one.export) for one in wanted]
        others = [one for one, own in zip(wanted, found, strict=True) if own is None]
        birth = replace(birth, exports=[one for one in found if one is not None])
        if others or any(one.lasting for one in wanted):
            plan.guards += [one.guard for one in closure.members]
        if others:
            bound = replace(birth, bound=True)
            complete = await self._bound(author, bound, others, plan.snapshot)
            if complete is not None and _fit(plan, complete):
                plan.writes += complete.writes
                plan.guards += complete.guards
                plan.pointers.update(complete.pointers)
                return bound
            birth = replace(birth, pending=[*birth.pending, content.APIBINDINGS_INITIALIZER])
            plan.put(default_bindings.work_row(birth.cluster), b"{}")
        plan.writes += content.build(author, birth, self._root_ca)
        return birth

    async def _bound(
        self, author: Author, birth: content.Birth, wanted: Sequence[Wanted], snapshot: Snapshot
    ) -> Plan | None:
        """The content of a birth with all bindings to exports of users; None where one of them cannot be complete."""
        cluster = birth.cluster
        if 2 * len(wanted) > MAX_WRITES - ROOM:  # each has a row by which its export finds it
            return None
        bodies: list[Object] = []
        for one in wanted:
            referred = await self._references.find(snapshot, cluster, one.path, one.export)
            if referred.export is None:
                return None
            spec = binding_spec(one.path, one.export, referred.export.claims, False)
            bodies.append(new_binding(self._bindings.type, cluster, one, spec))
        plan = Plan(snapshot, content.build(author, birth, self._root_ca))
        for body in bodies:
            await asyncio.sleep(0)  # others do not wait for all of them
            name = body["metadata"]["name"]
            target = Target(CONTROLLER_USER, cluster, self._bindings, "", name, agent=CONTROLLER_AGENT)
            try:
                await create_within(self._environment, target, body, plan, author.now)
            except errors.StatusError:
                return None
            if not is_complete(body):
                return None
        self._label(cluster, plan)
        return plan

    def _label(self, cluster: str, plan: Plan) -> None:
        """Label what is claimed now, all of which is in the plan, instead of leaving that as work."""
        served = next((write.value for write in plan.writes if write.key == row_key(cluster)), None)
        claims = read_row(served).claims if served else ()
        if not claims:
            return
        claimed = {(one.group, one.resource, one.identity) for one in claims}
        work = relabelling_row(cluster)
        writes = [write for write in plan.writes if write.key != work]
        for index, write in enumerate(writes):
            if not write.key.startswith(keys.OBJECT):
                continue
            place = keys.decode(write.key)
            kind = (place.group, place.resource, place.identity)
            if kind in claimed:
                writes[index] = labelled(write, self._served[kind], claims)
        plan.writes = writes


def _fit(plan: Plan, more: Plan) -> bool:
    """Whether one commit can hold both, and the object whose effect this is."""
    size = sum(len(write.key) + len(write.value or b"") for write in more.writes)
    writes = len(plan.writes) + len(more.writes) + len(more.pointers)
    guards = len(plan.guards) + len(more.guards)
    return writes <= MAX_WRITES - ROOM and guards <= MAX_GUARDS - ROOM and size <= MAX_BYTES // 2
