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
from manifold.exports.offering import Offerings
from manifold.exports.statuses import Referred
from manifold.storage.contract import Guard, Snapshot
from manifold.types.resource import Object

ROOT = "root"


class Paths(Protocol):
    """Turns the path of a workspace into the name of its logical cluster."""

    async def resolve(self, path: str) -> str:
        """The logical cluster's name, or empty where the path leads nowhere."""


class References:
    """Follows references. `own` are the exports the server brings, `offerings` knows those of users."""

    def __init__(self, own: Sequence[Export], offerings: Offerings, paths: Paths, chain: Chain) -> None:
        self._own = {(one.cluster, one.name): one for one in own}
        self.offerings = offerings
        self._paths = paths
        self._chain = chain

    async def find(self, snapshot: Snapshot, here: str, path: str, name: str) -> Referred:
        """What a reference made in the logical cluster `here` leads to. Its cluster is empty where the path leads
        nowhere.
        """
        cluster = path or here
        if path and path != ROOT:
            cluster = await self._paths.resolve(path) if clusters.is_valid_path(path) else ""
        return await self.at(snapshot, cluster, name, f"{path or here}|{name}")

    async def at(self, snapshot: Snapshot, cluster: str, name: str, text: str) -> Referred:
        """What lies at a place; `text` is how messages call it."""
        export = self._own.get((cluster, name))
        if export is not None:
            return Referred(cluster, name, text, True, export)
        found = await self.offerings.find(snapshot, cluster, name) if cluster else None
        if found is None:
            guards = (Guard(self.offerings.key(cluster, name), 0),) if cluster else ()
            return Referred(cluster, name, text, False, None, None, guards)
        return Referred(cluster, name, text, True, found.export, found.problem, found.guards)

    def is_own(self, cluster: str, name: str) -> bool:
        """Whether an export is one the server brings."""
        return (cluster, name) in self._own

    async def of(self, snapshot: Snapshot, here: str, binding: Object) -> Referred:
        """What the reference of a binding in `here` leads to. Once it has led to an export it stays with that one's
        logical cluster, whatever comes to lie at its path.
        """
        export = binding["spec"]["reference"]["export"]
        path, name = export.get("path") or "", export["name"]
        known = (binding.get("status") or {}).get("apiExportClusterName")
        if known:
            return await self.at(snapshot, known, name, f"{path or here}|{name}")
        return await self.find(snapshot, here, path, name)

    async def bindable(self, snapshot: Snapshot, user: User, here: str, path: str, name: str) -> Referred | None:
        """The same for a user who may bind it; None for one who may not, and where it leads nowhere.

        A path other than `root` and the own logical cluster must lead to an export that exists.
        """
        found = await self.find(snapshot, here, path, name)
        if not found.cluster or (not found.exists and path and path != ROOT):
            return None
        asked = Attributes(user, "bind", found.cluster, GROUP, "v1alpha2", "apiexports", "", "", name)
        return found if (await self._chain.authorize_deep(asked)).allowed else None
