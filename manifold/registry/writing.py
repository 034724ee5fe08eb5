"""What create, update and delete have in common: what they are about, what they answer, and the commit.

A write is computed from a snapshot and committed under guards on everything it was computed from. Where a guard fails
it is computed anew (`manifold.registry.attempts`).
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from manifold.admission.plugin import Chain
from manifold.base import errors, keys
from manifold.base.user import User
from manifold.registry.attempts import Lines, Once, in_line
from manifold.registry.clusters import Clusters, held_row
from manifold.registry.counting import Limits
from manifold.registry.effects import NO_EFFECTS, Effects, EffectsByType, Operation, Plan
from manifold.registry.followed import Followed
from manifold.registry.owners import Owners
from manifold.registry.scope import Ground, Scope
from manifold.registry.served import Served
from manifold.schema import records
from manifold.storage.contract import MAX_BYTES, Guard, GuardFailed, Store, TooLarge, Unavailable, Write
from manifold.types.resource import Object

CLUSTER_ANNOTATION = "kcp.io/cluster"
TERMINATING = "NamespaceTerminating"
_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
"""What a random digit becomes where a UUID tells its variant."""


@dataclass(slots=True)
class Target:
    """What a request is about: `name` is empty for a create; `agent` is the User-Agent, for the default field
    manager; `scope` is the reach of the view it came through, if that has one, and `authority` by whose rights the user
    acts there, where these are not its own. `ground` is what lets it write there at all, where the view has that asked
    for in the commit.
    """

    user: User
    cluster: str
    served: Served
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    agent: str = ""
    scope: Scope | None = None
    authority: User | None = None
    ground: Ground | None = None

    def missing(self) -> errors.StatusError:
        """The 404 of this object."""
        return errors.not_found(self.served.type.group, self.served.type.resource, self.name)


@dataclass(slots=True)
class Result:
    """What a write answers: a record at a revision, or, where nothing was stored, the object itself.

    `status` is a Status object instead of either; `warnings` become Warning headers.
    """

    code: int
    value: bytes = b""
    revision: int = 0
    obj: Object | None = None
    status: Object | None = None
    warnings: Sequence[str] = field(default_factory=list)


def default_manager(agent: str) -> str:
    """The field manager of a request that names none: the User-Agent up to its first slash (KEP-555)."""
    name = agent.split("/", 1)[0]
    if name.isprintable() and 0 < len(name) <= 128:
        return name
    return "".join(c for c in name if c.isprintable())[:128] or "unknown"


class Clock(Protocol):
    """The time and the randomness of the process, in one place that a test can replace."""

    def now(self) -> datetime:
        """The present, in UTC."""

    def uid(self) -> str:
        """A new random UUID (RFC 9562, version 4) as text."""

    def random_below(self, limit: int) -> int:
        """A random number from 0 up to and without `limit`."""


class SystemClock:
    """The machine's clock and randomness."""

    def now(self) -> datetime:
        """The present, in UTC."""
        return datetime.now(UTC)

    def uid(self) -> str:
        """A new random UUID."""
        text = os.urandom(16).hex()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:]}"

    def random_below(self, limit: int) -> int:
        """A random number."""
        return secrets.randbelow(limit)


NO_TURN: AbstractAsyncContextManager[None] = contextlib.nullcontext()


@dataclass(slots=True)
class Environment:
    """What every verb works with. One per process; holds no state of a request."""

    store: Store
    clusters: Clusters
    admission: Chain
    effects: EffectsByType
    clock: Clock
    owners: Owners
    followed: Followed
    limits: Limits
    lines: Lines = field(default_factory=Lines)

    async def change(self, target: Target, key: bytes, once: Once[Result]) -> Result:
        """Attempt to write the object at `key` until it is committed. Raises what `once` raises, and the 409 of an
        object that changes all the time.
        """
        try:
            if self.limits.rewrites(target.served):
                return await in_line(once, self.limits.turn(target.cluster), wait=False)
            return await in_line(once, self.lines.place(key), wait=key in self.lines)
        except GuardFailed:
            raise contended(target) from None

    def turn(self, target: Target) -> AbstractAsyncContextManager[None]:
        """What a client's write waits for before it is computed: nothing, or where all of them change one row and would
        have to be computed anew, the writes before it in the same logical cluster.
        """
        if not self.effects_of(target.served).in_turn:
            return NO_TURN
        return self.lines.place(target.cluster.encode())  # no row has such a key: objects have lines of their own

    def effects_of(self, served: Served) -> Effects:
        """The effects registered for a type."""
        return self.effects.get((served.type.group, served.type.resource), NO_EFFECTS)

    def operation(self, target: Target, manager: str) -> Operation:
        """The operation effects are told of."""
        return Operation(
            target.user,
            target.cluster,
            target.served,
            target.namespace,
            target.name,
            target.subresource,
            manager,
            self.clock.now(),
        )

    async def commit(self, target: Target, write: Write, plan: Plan) -> int:
        """Commit an object's own write and what its effects added. Returns the revision of the object's write.

        Raises GuardFailed for the caller to try again, and a `Status` where the store refuses.
        """
        if target.ground is not None:
            await _stand(target.ground, target, plan)
        if self.followed.concerns(target.served):
            await self.followed.touch(plan, write.key)
        writes = [write, *plan.writes] if plan.writes else [write]
        cluster = target.cluster
        try:
            if not plan.pointers:
                return await self.limits.commit(cluster, writes, plan.guards)
            pointers = [Write(key, value) for key, value in plan.pointers.items()]
            if len(write.value or b"") <= MAX_BYTES // 2:
                return await self.limits.commit(cluster, [*writes, *pointers], plan.guards)
            # An object this large needs a commit of its own. A pointer that comes before it may be taken for an
            # old one and be cleared away: so they are written again behind it.
            pointers = [pointer for pointer in pointers if pointer.value is not None]
            await self.store.commit(pointers)
            revision = await self.limits.commit(cluster, writes, plan.guards)
            await self.store.commit(pointers)
            return revision
        except TooLarge as error:
            raise errors.StatusError(413, "RequestEntityTooLarge", f"Request entity too large: {error}") from None
        except Unavailable as error:
            raise errors.unavailable(str(error)) from None

    async def cluster_guard(self, target: Target, plan: Plan) -> None:
        """Bind a write to its logical cluster. Raises the 403 of one that does not exist."""
        guard = await self.clusters.guard(target.cluster)
        if guard is not None:
            plan.guards.append(guard)

    async def hold(self, target: Target, plan: Plan) -> None:
        """Have the end of its logical cluster wait for an object that gets a finalizer. Raises the 403 of one that is
        gone.
        """
        await self.cluster_guard(target, plan)
        plan.point(held_row(target.cluster), b"")

    async def namespace_guard(self, target: Target, plan: Plan, name: str) -> None:
        """Bind a creation to its namespace. Raises the 404 of an absent and the 403 of a terminating one."""
        namespace = target.namespace
        key = keys.OBJECT + f"\x00namespaces\x00\x00{target.cluster}\x00\x00{namespace}\x00".encode()
        row = await plan.snapshot.get(key)
        if row is None:
            raise errors.not_found("", "namespaces", namespace)
        if records.flags(row.value) & records.DELETING:
            kind = target.served.type
            text = f"unable to create new content in namespace {namespace} because it is being terminated"
            refusal = errors.forbidden(kind.group, kind.resource, name, text)
            refusal.details = {
                **(refusal.details or {}),
                "causes": [
                    {
                        "reason": TERMINATING,
                        "message": f"namespace {namespace} is being terminated",
                        "field": "metadata.namespace",
                    }
                ],
            }
            raise refusal
        plan.guards.append(Guard(key, row.revision))


async def _stand(ground: Ground, target: Target, plan: Plan) -> None:
    """Have the right to a write hold in the instant of its commit. Where it reaches otherwise than it did when the
    write was computed, that has to be done anew.
    """
    scope, guards = await ground.stands(plan.snapshot)
    plan.guards += guards
    if scope != target.scope:
        target.scope = scope
        raise GuardFailed(guards[0], plan.snapshot.revision)


def contended(target: Target) -> errors.StatusError:
    """The answer where every attempt met another writer: the client may come again."""
    kind = target.served.type
    return errors.conflict(kind.group, kind.resource, target.name, errors.MODIFIED)
