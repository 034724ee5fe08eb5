"""Where a reference to an export leads, and whether a user may bind it.

A reference names a path or a logical cluster, and a name; without a path it means its own logical cluster. Whoever may
not bind an export is told the same whether it exists or not (APIs reference, sections 3.1 and 3.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from manifold.auth.attributes import Attributes
from manifold.auth.chain import Chain
from manifold.base import clusters
from manifold.base.user import User
from manifold.exports.bindings import GROUP, Export
from manifold.exports.statuses import Referred
from manifold.registry.served import Served
from manifold.storage.contract import Snapshot
from manifold.types.resource import Object

ROOT = "root"


class Paths(Protocol):
    """Turns the path of a workspace into the name of its logical cluster."""

    async def resolve(self, path: str) -> str:
        """The logical cluster's name, or empty where the path leads nowhere."""


class References:
    """Follows references. `own` are the exports this server serves, `kind` the stored form of APIExport."""

    def __init__(self, own: Sequence[Export], kind: Served, paths: Paths, chain: Chain) -> None:
        self._own = {(one.cluster, one.name): one for one in own}
        self._kind = kind
        self._paths = paths
        self._chain = chain

    async def find(self, snapshot: Snapshot, here: str, path: str, name: str) -> Referred:
        """What a reference made in the logical cluster `here` leads to. Its cluster is empty where the path leads
        nowhere.
        """
        cluster = path or here
        if path and path != ROOT:
            cluster = await self._paths.resolve(path) if clusters.is_valid_path(path) else ""
        text = f"{path or here}|{name}"
        export = self._own.get((cluster, name))
        if export is not None:
            return Referred(cluster, name, text, True, export)
        exists = bool(cluster) and await snapshot.get(self._kind.key(cluster, "", name)) is not None
        return Referred(cluster, name, text, exists, None)

    async def of(self, snapshot: Snapshot, here: str, binding: Object) -> Referred:
        """What the reference of a binding in `here` leads to."""
        export = binding["spec"]["reference"]["export"]
        return await self.find(snapshot, here, export.get("path") or "", export["name"])

    async def bindable(self, snapshot: Snapshot, user: User, here: str, path: str, name: str) -> Referred | None:
        """The same for a user who may bind it; None for one who may not, and where it leads nowhere.

        A path other than `root` and the own logical cluster must lead to an export that exists.
        """
        found = await self.find(snapshot, here, path, name)
        if not found.cluster or (not found.exists and path and path != ROOT):
            return None
        asked = Attributes(user, "bind", found.cluster, GROUP, "v1alpha2", "apiexports", "", "", name)
        return found if (await self._chain.authorize_deep(asked)).allowed else None
