"""Which workspaces somebody may enter, and workspaces of which types somebody may create: answered page by page.

Candidates come from index rows (`manifold.workspaces.candidates`), what holds of them is asked of the authorizer one
by one. Of a logical cluster that may not be entered nothing is told, not even that it was looked at. A page ends when
it is full or when enough has been looked at, so that one whom half the server names somewhere costs no more at once
than anybody else; it may then have few items, or none, and still another page behind it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from manifold.auth.attributes import Attributes
from manifold.auth.chain import Chain
from manifold.auth.names import LOGICAL_CLUSTER_ADMIN
from manifold.auth.rbac.policy import Policy, ask_path, ask_resource
from manifold.base import clusters, keys
from manifold.base.user import User
from manifold.registry.served import Served
from manifold.storage.contract import Row, Snapshot, Store
from manifold.types.access import ACCESSIBLE_WORKSPACES, USABLE_WORKSPACE_TYPES
from manifold.types.resource import Object, ResourceType
from manifold.workspaces import content
from manifold.workspaces.candidates import Both, Range, behind, candidates
from manifold.workspaces.types import BrokenType, Closure, WorkspaceTypes, check_relation

LOOKED_AT = 1_000
"""Candidates that one page looks at."""
PAGE = 100
SLICE_SECONDS = 0.005
"""How long a page is worked on before others have their turn."""
TENANCY, VERSION, TYPES = "tenancy.kcp.io", "v1alpha1", "workspacetypes"
MayUse = Callable[[str, str], Awaitable[bool]]
"""Whether somebody may use a type, given its logical cluster and name."""


@dataclass(slots=True)
class Page:
    """Some of the answer, and where the rest begins; empty where there is none."""

    items: list[Object] = field(default_factory=list)
    rest: bytes = b""


class _Turns:
    """Lets others have their turn."""

    def __init__(self) -> None:
        self._due = time.perf_counter() + SLICE_SECONDS

    async def pause(self) -> None:
        """Go on, or let others first."""
        if time.perf_counter() > self._due:
            await asyncio.sleep(0)
            self._due = time.perf_counter() + SLICE_SECONDS


class Reachable:
    """Answers from the store and the authorizer. `kinds` are LogicalCluster and WorkspaceType as they are stored."""

    def __init__(
        self, store: Store, chain: Chain, logical_clusters: Served, kind: Served, types: WorkspaceTypes
    ) -> None:
        self._store = store
        self._chain = chain
        self._logical_clusters = logical_clusters
        self._kind = kind
        self._types = types

    async def workspaces(self, user: User, start: bytes, limit: int) -> Page:
        """The workspaces `user` may enter, in the order of their logical clusters' names, from `start` on."""
        snapshot = await self._store.snapshot()
        shared = (await self._chain.rbac.shared()).value
        everything = self._logical_clusters.prefix
        source = candidates(snapshot, user, shared, _enters_everywhere, everything)
        page, turns = Page(), _Turns()
        for _ in range(LOOKED_AT):
            cluster = await source.first(start)
            if not cluster:
                return page
            if len(page.items) == limit:
                break
            start = behind(cluster)
            name = cluster.decode()
            if not name.startswith(clusters.SYSTEM_PREFIX) and await self._chain.enters(user, name):
                row = await snapshot.get(self._logical_clusters.key(name, "", content.LOGICAL_CLUSTER))
                if row is not None:
                    page.items.append(_workspace(name, self._logical_clusters.decode(row.value, row.revision)))
            await turns.pause()
        page.rest = start
        return page

    async def types(self, user: User, parent: str, start: bytes, limit: int) -> Page:
        """The types of which `user` may create a workspace in the logical cluster `parent`, from `start` on.

        The right to create workspaces there is not asked for here.
        """
        snapshot = await self._store.snapshot()
        shared = (await self._chain.rbac.shared()).value
        everything = self._kind.prefix
        source = Both(candidates(snapshot, user, shared, _uses_everywhere, everything), Range(snapshot, everything))
        page, turns, may_use = Page(), _Turns(), self._users(user)
        try:
            around = await self._parent(snapshot, parent)
        except BrokenType:
            return page
        default = around.type.spec.get("defaultChildWorkspaceType") if around is not None else None
        reference = f"{default.get('path')}:{default.get('name')}" if default else ""
        looked_at = 0
        while cluster := await source.first(start.partition(b"\x00")[0]):
            inside = everything + cluster + b"\x00"
            position = max(inside, everything + start)
            while rows := await snapshot.scan(position, keys.after(inside), PAGE):
                for row in rows:
                    if len(page.items) == limit or looked_at == LOOKED_AT:
                        page.rest = row.key[len(everything) :]
                        return page
                    looked_at += 1
                    closure = await self._usable(snapshot, row, around, may_use, turns)
                    if closure is not None:
                        page.items.append(_type(closure, closure.type.reference == reference))
                    await turns.pause()
                position = rows[-1].key + b"\x00"
            start = behind(cluster)
        return page

    async def _parent(self, snapshot: Snapshot, parent: str) -> Closure | None:
        """The type of a logical cluster; None for one that has none. Raises BrokenType where it cannot be known, and no
        workspace can be created.
        """
        row = await snapshot.get(self._logical_clusters.key(parent, "", content.LOGICAL_CLUSTER))
        if row is None:
            raise BrokenType("the logical cluster does not exist")
        metadata = self._logical_clusters.decode(row.value, row.revision)["metadata"]
        path, _, name = (metadata.get("annotations") or {}).get(content.TYPE_ANNOTATION, "").rpartition(":")
        found = await self._types.closure(snapshot, path, name) if path else None
        if path and found is None:
            raise BrokenType(f"workspace type {path}:{name} cannot be resolved")
        return found

    async def _usable(
        self, snapshot: Snapshot, row: Row, around: Closure | None, may_use: MayUse, turns: _Turns
    ) -> Closure | None:
        """What a stored type stands for, if whoever `may_use` types may create workspaces of it inside one of the type
        `around`.
        """
        place = keys.decode(row.key)
        if not await may_use(place.cluster, place.name):
            return None
        obj = self._kind.decode(row.value, row.revision)
        path = (obj["metadata"].get("annotations") or {}).get(content.PATH_ANNOTATION) or place.cluster
        try:
            closure = await self._types.closure(snapshot, path, place.name)
        except BrokenType:
            return None
        if closure is None or (around is not None and check_relation(around, closure)):
            return None
        for one in closure.members:
            await turns.pause()
            if one is not closure.type and not await may_use(one.cluster, one.name):
                return None
        return closure

    def _users(self, user: User) -> MayUse:
        """Whether a user may use a type, asked once of each: types are extended by many others."""
        known: dict[tuple[str, str], bool] = {}

        async def may_use(cluster: str, name: str) -> bool:
            found = known.get((cluster, name))
            if found is None:
                asked = Attributes(user, "use", cluster, TENANCY, VERSION, TYPES, "", "", name)
                found = known[cluster, name] = (await self._chain.authorize_deep(asked)).allowed
            return found

        return may_use


def _enters_everywhere(policies: Sequence[Policy], user: User) -> bool:
    """Whether policies that hold everywhere let an identity enter every logical cluster."""
    return LOGICAL_CLUSTER_ADMIN in user.groups or ask_path(policies, [user], "access", "/") is not None


def _uses_everywhere(policies: Sequence[Policy], user: User) -> bool:
    """Whether policies that hold everywhere let an identity use some type wherever it is."""
    answer = ask_resource(policies, [user], "use", TENANCY, TYPES, "", "", "")
    return answer.grant is not None or answer.named


def _object(kind: ResourceType, name: str, created: str, **body: Object) -> Object:
    metadata = {"name": name, **({"creationTimestamp": created} if created else {})}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **body}


def _workspace(cluster: str, logical_cluster: Object) -> Object:
    metadata, status = logical_cluster["metadata"], logical_cluster.get("status") or {}
    annotations = metadata.get("annotations") or {}
    path: str = annotations.get(content.PATH_ANNOTATION) or cluster
    type_path, _, type_name = annotations.get(content.TYPE_ANNOTATION, "").rpartition(":")
    spec: Object = {"path": path, "cluster": cluster}
    if type_name:
        spec["type"] = {"path": type_path, "name": type_name}
    if status.get("URL"):
        spec["URL"] = f"{status['URL'].removesuffix(cluster)}{path}"
    told = {"phase": status["phase"]} if status.get("phase") else {}
    return _object(ACCESSIBLE_WORKSPACES, cluster, metadata.get("creationTimestamp", ""), spec=spec, status=told)


def _type(closure: Closure, default: bool) -> Object:
    one = closure.type
    spec: Object = {"path": one.path, "name": one.name}
    if default:
        spec["default"] = True
    return _object(USABLE_WORKSPACE_TYPES, f"{one.cluster}.{one.name}", "", spec=spec)
