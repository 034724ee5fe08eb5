"""Owner references as the store knows them: what a write of a dependent, and the end of an owner, leave behind.

An object that names owners has an index row per owner (owner's uid -> dependent), written in its own commit. Its
owner has a *mark*, a row that says "may have dependents": every commit that gives an owner a dependent writes it, and
a commit that ends an owner either guards that there is no mark, or leaves a work row by which the dependents are
found. So no dependent is lost between two commits, and the end of an object nobody depends on costs one read.

A dependent binds itself to its owner by a guard on the owner's revision; where the owner is not there (any more), its
commit leaves the work row itself. What is done about dependents is decided later, from their own references; the rows
only say where to look, and one too many does no harm.

The first `CONSIDERED` references of an object have rows, because a commit is bounded. A further one keeps a dependent
alive while its owner lives, but its owner's end is not noticed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import orjson

from manifold.base import keys
from manifold.registry.effects import Plan
from manifold.registry.served import Served
from manifold.schema import records
from manifold.storage.contract import Guard, Row, Snapshot
from manifold.types.metadata import FOREGROUND, ORPHAN
from manifold.types.resource import Object

INDEX, MARK = "owner", "owned"
GARBAGE, PROPAGATION = "garbage", "propagation"
GONE, ABSENT = "gone", "absent"
"""Why the dependents of a uid are to be looked at: its object has been removed, or a reference to it leads nowhere."""
CONSIDERED = 30
LONGEST_UID = 64
PATIENT_ATTEMPTS = 5
"""How often a dependent is bound to the very revision of its owner, before its mere presence has to do."""

Reference = Mapping[str, Any]
"""An entry of `metadata.ownerReferences`."""


class KindFinder(Protocol):
    """Finds the type an owner reference names."""

    async def kind(self, cluster: str, group: str, kind: str) -> Served | None:
        """The type of a kind as a logical cluster serves it, in any version; None where it serves none."""


class State(Enum):
    """What an owner reference leads to."""

    ALIVE = "alive"
    WAITING = "waiting"
    """The owner is being deleted and waits for its dependents (policy Foreground)."""
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """Its kind is not served, or it is namespaced and the dependent is not: nothing can be said about it."""


@dataclass(frozen=True, slots=True)
class Owner:
    """An owner as found: its row where there is one of the uid asked for, and the namespace it lies in.

    `misplaced`: it is of a namespaced kind, and the dependent is in no namespace.
    """

    state: State
    row: Row | None = None
    namespace: str = ""
    misplaced: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """An owner that is known not to be there: the segment of its uid; and what dependents that were told so call it
    (see `kind_of`), None where it was removed, whatever anybody calls it.
    """

    uid: str
    kind: list[str] | None = None

    def names(self, reference: Reference) -> bool:
        """Whether a reference is to it."""
        return segment(reference["uid"]) == self.uid and self.kind in (None, kind_of(reference))


def segment(uid: str) -> str:
    """A uid as part of a key. References are written by clients: what is no uid of ours is hashed."""
    if len(uid) <= LONGEST_UID and "\x00" not in uid:
        return uid
    return hashlib.sha256(uid.encode(errors="surrogatepass")).hexdigest() + "-"


def kind_of(reference: Reference) -> list[str]:
    """apiVersion and kind of an owner, as a dependent names them."""
    return [str(reference.get("apiVersion", "")), str(reference.get("kind", ""))]


def considered(metadata: Mapping[str, Any]) -> dict[str, Reference]:
    """The references that have rows, by the segment of their uid."""
    found: dict[str, Reference] = {}
    for one in metadata.get("ownerReferences") or ():
        found.setdefault(segment(one["uid"]), one)
        if len(found) == CONSIDERED:
            break
    return found


def dependents(cluster: str, uid: str) -> bytes:
    """The range of index rows of one owner; `uid` is a segment."""
    return keys.index_key(INDEX, cluster, uid)


def index_row(cluster: str, uid: str, dependent: bytes) -> bytes:
    """The key of the index row of a dependent, which is given by its storage key; `uid` is a segment."""
    place = keys.decode(dependent)
    return keys.index_key(INDEX, cluster, uid, place.group, place.resource, place.identity, place.namespace, place.name)


def dependent_of(index: bytes) -> bytes:
    """The storage key of the dependent an index row names."""
    _, cluster, _, group, resource, identity, namespace, name = keys.parts(index)
    return keys.ObjectKey(group, resource, identity, cluster, namespace, name).encode()


def marks(cluster: str, namespace: str) -> bytes:
    """The range of the marks of a namespace."""
    return keys.index_key(MARK, cluster, namespace)


def mark(cluster: str, namespace: str, uid: str) -> bytes:
    """The key of the mark of an owner, by the namespace the owner is in."""
    return keys.index_key(MARK, cluster, namespace, uid)


def garbage_row(cluster: str, uid: str, why: str) -> bytes:
    """The key of the work row that has the dependents of a uid looked at; `uid` is a segment."""
    return keys.work_key(GARBAGE, cluster, uid, why)


def propagation_row(cluster: str, uid: str) -> bytes:
    """The key of the work row of an owner that waits for its dependents, or for their release."""
    return keys.work_key(PROPAGATION, cluster, uid)


def swept_ranges(cluster: str) -> tuple[bytes, ...]:
    """What is left of owners when a logical cluster is gone."""
    return (
        keys.index_key(INDEX, cluster),
        keys.index_key(MARK, cluster),
        keys.work_key(GARBAGE, cluster),
        keys.work_key(PROPAGATION, cluster),
    )


async def find(snapshot: Snapshot, kinds: KindFinder, cluster: str, namespace: str, reference: Reference) -> Owner:
    """What a reference of a dependent in `namespace` leads to. A namespaced owner is looked for there only."""
    group = reference.get("apiVersion", "").rpartition("/")[0]
    served = await kinds.kind(cluster, group, reference.get("kind", ""))
    if served is None:
        return Owner(State.UNKNOWN)
    if served.type.namespaced and not namespace:
        return Owner(State.UNKNOWN, misplaced=True)
    name = reference.get("name", "")
    if "\x00" in name:
        return Owner(State.ABSENT)
    place = namespace if served.type.namespaced else ""
    row = await snapshot.get(served.key(cluster, place, name))
    if row is None:
        return Owner(State.ABSENT)
    metadata = served.decode(row.value, row.revision)["metadata"]
    if metadata["uid"] != reference["uid"]:
        return Owner(State.ABSENT)
    waiting = "deletionTimestamp" in metadata and FOREGROUND in (metadata.get("finalizers") or ())
    return Owner(State.WAITING if waiting else State.ALIVE, row, place)


class Owners:
    """Adds the rows of owners and dependents to plans."""

    def __init__(self, kinds: KindFinder) -> None:
        self._kinds = kinds

    async def refer(self, plan: Plan, key: bytes, references: Mapping[str, Reference], attempt: int = 0) -> None:
        """Note that the object at `key` names new owners. `attempt` counts how often this commit has failed."""
        place = keys.decode(key)
        cluster = place.cluster
        for uid, reference in references.items():
            plan.point(index_row(cluster, uid, key), b"")
            owner = await find(plan.snapshot, self._kinds, cluster, place.namespace, reference)
            if owner.row is not None:
                plan.point(mark(cluster, owner.namespace, uid), b"")
                revision = owner.row.revision if attempt < PATIENT_ATTEMPTS else None
                plan.guards.append(Guard(owner.row.key, revision))
            elif owner.state is State.ABSENT:
                # That is certain now; later its type may be served no longer, and nobody could find out any more.
                plan.point(garbage_row(cluster, uid, ABSENT), orjson.dumps(kind_of(reference)))

    async def change(self, plan: Plan, row: Row, old: Object, new: Object, attempt: int = 0) -> None:
        """Note that an object names other owners than before; `old` and `new` are metadata, `row` what is stored."""
        before = considered(old) if records.flags(row.value) & records.OWNED else {}
        after = considered(new)
        for uid, reference in before.items():
            if uid not in after:
                await self._release(plan, row.key, uid)
            if _blocks(reference) and not _blocks(after.get(uid, {})):
                await self._tell(plan, keys.decode(row.key).cluster, uid)
        await self.refer(plan, row.key, {uid: one for uid, one in after.items() if uid not in before}, attempt)

    async def leave(self, plan: Plan, row: Row, metadata: Object, *, as_owner: bool = True) -> None:
        """Note that the object of a row disappears. `metadata` is what is stored.

        `as_owner` is false where all that could depend on it disappears with it.
        """
        place = keys.decode(row.key)
        if as_owner:
            uid = metadata["uid"]
            marked = mark(place.cluster, place.namespace, uid)
            if await plan.snapshot.get(marked) is None:
                plan.guards.append(Guard(marked, 0))
            else:
                plan.guards.append(Guard(marked, None))
                plan.clear(marked)
                plan.point(garbage_row(place.cluster, uid, GONE), b"{}")
        if records.flags(row.value) & records.OWNED:
            for uid, reference in considered(metadata).items():
                await self._release(plan, row.key, uid)
                if _blocks(reference):
                    await self._tell(plan, place.cluster, uid)

    def propagate(self, plan: Plan, key: bytes, metadata: Object) -> None:
        """Leave the work of an object that is deleted with a policy: its finalizer is to be taken off."""
        finalizers: Sequence[str] = metadata.get("finalizers") or ()
        if FOREGROUND in finalizers or ORPHAN in finalizers:
            place = keys.decode(key)
            where = [place.group, place.resource, place.identity, place.namespace, place.name]
            plan.point(propagation_row(place.cluster, metadata["uid"]), orjson.dumps(where))

    async def _release(self, plan: Plan, key: bytes, uid: str) -> None:
        index = index_row(keys.decode(key).cluster, uid, key)
        if await plan.snapshot.get(index) is not None:
            plan.clear(index)

    async def _tell(self, plan: Plan, cluster: str, uid: str) -> None:
        """Wake an owner that may wait for this dependent."""
        waiting = await plan.snapshot.get(propagation_row(cluster, uid))
        if waiting is not None:
            plan.point(waiting.key, waiting.value)


def _blocks(reference: Reference) -> bool:
    return bool(reference.get("blockOwnerDeletion"))
