"""What is to be done about a dependent, given its owners: the decision of a garbage collector, without I/O.

It is Kubernetes': an object goes when the last of its owners has gone; one that has other owners only loses the
references that lead nowhere; the dependents of an owner that waits for them (policy Foreground) go, those with
dependents of their own in the same way. Nothing is deleted on a guess: an owner of which nothing can be said counts
as one that is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from manifold.registry.owners import Reference, State
from manifold.types.metadata import FOREGROUND, ORPHAN
from manifold.types.resource import Object


class Action(Enum):
    """What happens to a dependent."""

    KEEP = "keep"
    RELEASE = "release"
    """It loses the references to `Decision.uids`."""
    UNBLOCK = "unblock"
    """Its references stop holding their owners."""
    DELETE = "delete"
    """It is deleted with `Decision.policy`."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done. `unblock`: its references stop holding their owners first."""

    action: Action
    uids: frozenset[str] = frozenset()
    policy: str = ""
    unblock: bool = False


KEEP = Decision(Action.KEEP)


class Dependents(Enum):
    """Whether a dependent has dependents of its own; `CIRCLE`: one of its owners, which waits for its dependents, waits
    below it, too, so that each waits for the other.
    """

    NONE = 0
    SOME = 1
    CIRCLE = 2


def decide(metadata: Object, states: Mapping[str, State], below: Dependents) -> Decision:
    """What is to be done about an object with `metadata`; `states` gives the state of each owner by its uid."""
    finalizers: Sequence[str] = metadata.get("finalizers") or ()
    owners = [one["uid"] for one in metadata.get("ownerReferences") or ()]
    if "deletionTimestamp" in metadata:
        waits = FOREGROUND in finalizers and below is Dependents.CIRCLE
        return Decision(Action.UNBLOCK) if waits and _blocking(metadata) else KEEP
    if not owners:
        return KEEP
    found = [(uid, states.get(uid, State.UNKNOWN)) for uid in owners]
    gone = frozenset(uid for uid, state in found if state in (State.ABSENT, State.WAITING))
    if len(gone) < len(set(owners)):
        return Decision(Action.RELEASE, gone) if gone else KEEP
    waiting = any(state is State.WAITING for _, state in found)
    if waiting and below is not Dependents.NONE:
        return Decision(Action.DELETE, policy="Foreground", unblock=below is Dependents.CIRCLE)
    if ORPHAN in finalizers:
        return Decision(Action.DELETE, policy="Orphan")
    if FOREGROUND in finalizers:
        return Decision(Action.DELETE, policy="Foreground")
    return Decision(Action.DELETE, policy="Background")


def _blocking(metadata: Object) -> bool:
    return any(one.get("blockOwnerDeletion") for one in metadata.get("ownerReferences") or ())


def without(references: Iterable[Reference], uids: frozenset[str]) -> list[Reference]:
    """References without those to `uids`."""
    return [one for one in references if one["uid"] not in uids]


def unblocked(references: Iterable[Reference]) -> list[Reference]:
    """References that hold no owner any more."""
    return [{**one, "blockOwnerDeletion": False} if one.get("blockOwnerDeletion") else one for one in references]


def blocks(metadata: Object, uid: str) -> bool:
    """Whether an object holds the owner `uid` that waits for its dependents. Nothing holds itself."""
    if metadata["uid"] == uid:
        return False
    return any(one["uid"] == uid and one.get("blockOwnerDeletion") for one in metadata.get("ownerReferences") or ())
