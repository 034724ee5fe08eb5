"""Workspace types: where a reference leads, what a type extends, and what that means for a new workspace.

A type is named by a path and a name. A name without a path is looked for where it is used and then upwards to the
root. A type stands for all it extends: its initializers, terminators and default bindings are theirs and its own,
base before leaf (tenancy reference, sections 3.2 to 3.4). Closures are remembered until any type changes, which is
rare.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from manifold.base import clusters
from manifold.registry.served import Served
from manifold.storage.contract import Change, Guard, Snapshot, Store
from manifold.types.resource import Object
from manifold.workspaces.content import APIBINDINGS_INITIALIZER
from manifold.workspaces.paths import Paths

ROOT = "root"
UNIVERSAL_INITIALIZER = "root:universal"
REMEMBERED = 1_000_000
"""How many types are remembered in closures, each as often as it is extended."""
AT_ONCE = 50
"""How many types are looked at before others get their turn."""


class BrokenType(Exception):
    """A type cannot be used; the message is what the client is told."""


@dataclass(frozen=True, slots=True)
class WorkspaceType:
    """A type as stored: the logical cluster it is in, its path, its name and its spec. `guard`: it still says so."""

    cluster: str
    path: str
    name: str
    spec: Object
    guard: Guard

    @property
    def reference(self) -> str:
        """`<path>:<name>`, as messages and annotations show it."""
        return f"{self.path}:{self.name}"

    @property
    def lifecycle_name(self) -> str:
        """The name of its initializer or terminator: by the logical cluster's name, not the path."""
        return f"{self.cluster}:{self.name}"


@dataclass(frozen=True, slots=True)
class Closure:
    """A type with all it extends, base first and itself last."""

    type: WorkspaceType
    members: Sequence[WorkspaceType]

    @property
    def aliases(self) -> list[str]:
        """The references it answers to, itself first."""
        return [self.type.reference] + [one.reference for one in self.members if one is not self.type]

    @property
    def initializers(self) -> list[str]:
        """The initializers a new workspace starts with."""
        names = [one.lifecycle_name for one in self.members if one.spec.get("initializer")]
        if any(one.spec.get("defaultAPIBindings") for one in self.members):
            names.append(APIBINDINGS_INITIALIZER)
        return names

    @property
    def pending_initializers(self) -> list[str]:
        """Those of them that controllers outside the server must remove."""
        own = (UNIVERSAL_INITIALIZER, APIBINDINGS_INITIALIZER)
        return [name for name in self.initializers if name not in own]

    @property
    def terminators(self) -> list[str]:
        """The terminators of a new workspace."""
        return [one.lifecycle_name for one in self.members if one.spec.get("terminator")]

    @property
    def universal(self) -> bool:
        """Whether it has the content of the universal type."""
        return UNIVERSAL_INITIALIZER in self.initializers


class WorkspaceTypes:
    """Finds types. `kind` is the stored form of WorkspaceType."""

    def __init__(self, store: Store, kind: Served, paths: Paths) -> None:
        self._store = store
        self._kind = kind
        self._paths = paths
        self._closures: dict[tuple[str, str], Closure] = {}
        self._remembered = 0
        store.listen(self._forget)

    def _forget(self, changes: Sequence[Change]) -> None:
        prefix = self._kind.prefix
        if self._closures and any(change.key.startswith(prefix) for change in changes):
            self._closures.clear()
            self._remembered = 0

    async def find(self, snapshot: Snapshot, path: str, name: str) -> WorkspaceType | None:
        """The type `name` at a path, or None."""
        if not clusters.is_valid_path(path):
            return None
        cluster = await self._paths.resolve(path)
        if not cluster:
            return None
        row = await snapshot.get(self._kind.key(cluster, "", name))
        if row is None:
            return None
        obj = self._kind.decode(row.value, row.revision)
        own_path = obj["metadata"].get("annotations", {}).get("kcp.io/path") or cluster
        return WorkspaceType(cluster, own_path, name, obj.get("spec") or {}, Guard(row.key, row.revision))

    async def find_upwards(self, snapshot: Snapshot, path: str, name: str) -> WorkspaceType | None:
        """The type `name` at a path, or at the nearest path above, or in the root."""
        while path:
            found = await self.find(snapshot, path, name)
            if found is not None:
                return found
            path = clusters.parent(path)
        return await self.find(snapshot, ROOT, name)

    async def closure(self, snapshot: Snapshot, path: str, name: str) -> Closure | None:
        """A type with all it extends, or None where there is no such type. Raises BrokenType for a broken one."""
        known = self._closures.get((path, name))
        if known is not None:
            return known
        found = await self.find(snapshot, path, name)
        if found is None:
            return None
        members = await self._extended(snapshot, found)
        made = Closure(found, members)
        if snapshot.revision == self._store.revision and self._remembered < REMEMBERED:
            self._closures[(path, name)] = made
            self._remembered += len(members)
        return made

    async def _extended(self, snapshot: Snapshot, leaf: WorkspaceType) -> Sequence[WorkspaceType]:
        """A type and all it extends, base first. Without recursion: how long a chain is, is up to its writers."""
        members: dict[str, WorkspaceType] = {}
        entered = {leaf.reference: (leaf, iter(_bases(leaf)))}
        while entered:
            reference, (one, bases) = next(reversed(entered.items()))
            base = next(bases, None)
            if base is None:
                del entered[reference]
                members[reference] = one
                if len(members) % AT_ONCE == 0:
                    await asyncio.sleep(0)
                continue
            path, name = base.get("path") or "", base["name"]
            found = await self.find(snapshot, path, name) if path else await self.find_upwards(snapshot, one.path, name)
            if found is None:
                raise BrokenType(f"unable to find inherited workspace type {name}")
            if found.reference in entered:
                above = list(entered)
                circle = " -> ".join([*above[above.index(found.reference) :], found.reference])
                raise BrokenType(f"circular dependency detected in workspace type {above[0]}: {circle}")
            known = self._closures.get((found.path, found.name))
            if known is not None:  # what is above is not in it, or it would go in a circle itself
                for member in known.members:
                    members.setdefault(member.reference, member)
            elif found.reference not in members:
                entered[found.reference] = (found, iter(_bases(found)))
        return tuple(members.values())


def _bases(one: WorkspaceType) -> Sequence[Object]:
    return (one.spec.get("extend") or {}).get("with") or ()


def check_relation(parent: Closure, child: Closure) -> str:
    """Why a workspace of type `child` may not lie in one of type `parent`; empty where it may.

    A limit is met by any alias of the other side; every alias' own limit counts (tenancy reference, section 3.4).
    """
    return _violation(child, parent, "parent") or _violation(parent, child, "child")


def _violation(limited: Closure, other: Closure, role: str) -> str:
    """What of `limited` forbids `other` as its parent or child (`role`)."""
    field = "limitAllowedParents" if role == "parent" else "limitAllowedChildren"
    leaf = limited.type
    for one in (leaf, *(member for member in limited.members if member is not leaf)):
        limit = one.spec.get(field)
        if not limit:
            continue
        if limit.get("none"):
            return f"workspace type {one.reference} cannot have any {role}"
        allowed = [f"{named.get('path', '')}:{named['name']}" for named in limit.get("types") or ()]
        if any(alias in allowed for alias in other.aliases):
            continue
        subject = f"workspace type {one.reference}"
        if one is not leaf:
            subject = f"workspace type {leaf.reference} extends {one.reference}, which"
        return (
            f"{subject} only allows [{' '.join(allowed)}] {role} workspaces, "
            f"but {role} type {other.type.reference} only implements [{' '.join(other.aliases)}]"
        )
    return ""
