"""Where the objects of a logical cluster lie, type by type: for those who count them."""

from __future__ import annotations

from collections.abc import Sequence

from manifold.base import keys
from manifold.views.resolution import Resolver


class StoredRanges:
    """Ranges as of what a logical cluster serves now."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def range(self, cluster: str, kind: tuple[str, str]) -> bytes:
        """The range of the objects of one type, by the group and resource it is stored under."""
        group, resource = kind
        resolution = await self._resolver.resolve(cluster)
        served = resolution.any_version(group, resource)
        if served is not None:
            return served.prefix + keys.segment(cluster)
        defined = resolution.definitions.get(f"{resource}.{group}")
        return defined.prefix(cluster) if defined is not None else keys.cluster_prefix(group, resource, "", cluster)

    async def ranges(self, cluster: str) -> Sequence[bytes]:
        """The ranges of all objects."""
        resolution = await self._resolver.resolve(cluster)
        prefixes = {served.prefix + keys.segment(cluster): None for served in resolution.served.values()}
        prefixes |= {one.prefix(cluster): None for one in resolution.definitions.values()}
        return list(prefixes)
