"""Emptying ranges of the store: the common part of what ends namespaces and workspaces.

Objects without finalizers go in bounded commits of many; those with finalizers are asked to go by the verb, so that
whoever holds one sees the deletion. What remains is told by type, in the words of Kubernetes' conditions.

What ends may be made to go at once by whoever takes its finalizers off, and be made again. So every commit is bound to
it being there and ending (`Ending`): what is in the next one of its name is never touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from manifold.base import errors, keys
from manifold.base.user import CONTROLLER_AGENT, CONTROLLER_USER
from manifold.registry import delete
from manifold.registry.effects import Plan
from manifold.registry.options import PLAIN_DELETE
from manifold.registry.served import Served
from manifold.registry.update import Change
from manifold.registry.writing import Environment, Target
from manifold.schema import records
from manifold.storage.contract import Guard, GuardFailed, Row, Snapshot, Write
from manifold.storage.pages import pages
from manifold.types.resource import Object

BATCH = 90


@dataclass(slots=True)
class Remainder:
    """What could not go yet: instances by type (`configmaps.`, `widgets.example.dev`), and by finalizer."""

    resources: Counter[str] = field(default_factory=Counter)
    finalizers: Counter[str] = field(default_factory=Counter)

    @property
    def empty(self) -> bool:
        """Whether everything is gone."""
        return not any(self.resources.values())

    def resources_text(self) -> str:
        """`Some resources are remaining: ...`."""
        told = ", ".join(f"{name} has {count} resource instances" for name, count in sorted((+self.resources).items()))
        return f"Some resources are remaining: {told}"

    def finalizers_text(self) -> str:
        """`Some content in the namespace has finalizers remaining: ...` without its subject."""
        return ", ".join(f"{name} in {count} resource instances" for name, count in sorted(self.finalizers.items()))


@dataclass(frozen=True, slots=True)
class Ending:
    """The object at `key`, as what gives the right to delete what belongs to it (`Ground`)."""

    key: bytes

    async def stands(self, snapshot: Snapshot) -> tuple[None, Sequence[Guard]]:
        """That it is being deleted, at a snapshot. Raises a 409 where it is not, or is gone."""
        row = await snapshot.get(self.key)
        if row is None or not records.flags(row.value) & records.DELETING:
            place = keys.decode(self.key)
            raise errors.conflict(place.group, place.resource, place.name, errors.MODIFIED)
        return None, [Guard(row.key, row.revision)]


def letting_go(ending: Object, finalizers: Collection[str]) -> Change:
    """A change that takes the server's `finalizers` off an object that is being deleted. It is of that very object, not
    of the next one of its name: of any other it raises a 409.
    """

    def change(live: Object | None) -> Object:
        obj = live or ending
        metadata = obj["metadata"]
        if metadata["uid"] != ending["metadata"]["uid"]:
            raise errors.conflict("", obj["kind"], metadata["name"], errors.MODIFIED)
        metadata["finalizers"] = [one for one in metadata.get("finalizers") or () if one not in finalizers]
        if not metadata["finalizers"]:
            del metadata["finalizers"]
        return obj

    return change


async def empty(
    environment: Environment,
    kinds: Iterable[Served],
    cluster: str,
    namespace: str,
    remainder: Remainder,
    *,
    ending: Ending | None = None,
    owned_elsewhere: bool = False,
) -> None:
    """Delete all objects of `kinds` in a cluster (and namespace, if not empty). What stays is added to `remainder`.

    `ending` is what ends with them, where another one of its name may come before it has. `owned_elsewhere`: objects
    that are not deleted here may depend on those that are, and are to follow them. Raises a 409 when what was ending
    ends no longer.
    """
    for served in kinds:
        prefix = served.prefix + f"{cluster}\x00".encode()
        if namespace:
            prefix += f"{namespace}\x00".encode()
        await _empty_range(environment, served, prefix, remainder, ending, owned_elsewhere)


async def end_all(environment: Environment, served: Served, cluster: str, remainder: Remainder) -> None:
    """Ask all objects of one type in a cluster to go, by the verb: what else follows from that happens too."""
    async for rows in pages(environment.store, served.prefix + keys.segment(cluster)):
        for row in rows:
            await _ask(environment, served, row.key, remainder, None)


async def _empty_range(
    environment: Environment,
    served: Served,
    prefix: bytes,
    remainder: Remainder,
    ending: Ending | None,
    owned_elsewhere: bool,
) -> None:
    cluster = keys.parts(prefix)[3]
    async for rows in pages(environment.store, prefix):
        if not rows:
            return
        snapshot = await environment.store.snapshot()
        grounds = (await ending.stands(snapshot))[1] if ending is not None else ()
        batch = _Batch(grounds)
        for row in rows:
            flags = records.flags(row.value)
            if flags & records.FINALIZERS:
                continue
            plan = Plan(snapshot)
            if owned_elsewhere or flags & records.OWNED:
                metadata = served.decode(row.value, row.revision)["metadata"]
                await environment.owners.leave(plan, row, metadata, as_owner=owned_elsewhere)
            if environment.followed.concerns(served):
                await environment.followed.touch(plan, row.key)
            if not batch.takes(plan):
                remainder.resources[_name(served)] += await batch.commit(environment, cluster)
                batch = _Batch(grounds)
            batch.add(row, plan)
        remainder.resources[_name(served)] += await batch.commit(environment, cluster)
        for row in rows:
            if records.flags(row.value) & records.FINALIZERS:
                await _ask(environment, served, row.key, remainder, ending)


class _Batch:
    """Objects that go in one commit, with what their end leaves behind; `grounds` are what they go by."""

    def __init__(self, grounds: Sequence[Guard]) -> None:
        self._rows: list[Row] = []
        self._pointers: dict[bytes, bytes | None] = {}
        self._guards: list[Guard] = list(grounds)

    def takes(self, plan: Plan) -> bool:
        """Whether one more object fits."""
        writes = len(self._rows) + len(self._pointers) + len(plan.pointers)
        return writes < BATCH and len(self._guards) + len(plan.guards) < BATCH

    def add(self, row: Row, plan: Plan) -> None:
        """Add an object."""
        self._rows.append(row)
        self._pointers.update(plan.pointers)
        self._guards += [Guard(row.key, row.revision), *plan.guards]

    async def commit(self, environment: Environment, cluster: str) -> int:
        """Delete them. Returns how many objects have stayed, because somebody else has written one of them."""
        writes = [Write(row.key, None) for row in self._rows]
        writes += [Write(key, value) for key, value in self._pointers.items()]
        if not writes:
            return 0
        try:
            await environment.limits.commit(cluster, writes, self._guards)
        except GuardFailed:
            return len(self._rows)
        return 0


async def _ask(
    environment: Environment, served: Served, key: bytes, remainder: Remainder, ending: Ending | None
) -> None:
    place = keys.decode(key)
    target = Target(
        CONTROLLER_USER, place.cluster, served, place.namespace, place.name, agent=CONTROLLER_AGENT, ground=ending
    )
    try:
        result = await delete.delete(environment, target, PLAIN_DELETE)
    except errors.StatusError as refusal:
        if refusal.code == 404:
            return
        raise
    if result.status is None:
        remainder.resources[_name(served)] += 1
        obj = served.decode(result.value, result.revision)
        for finalizer in obj["metadata"].get("finalizers") or ():
            remainder.finalizers[finalizer] += 1


def _name(served: Served) -> str:
    return f"{served.resource}.{served.group}"
