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
        served = (await self._resolver.resolve(cluster)).any_version(group, resource)
        prefix = served.prefix if served is not None else keys.type_prefix(group, resource)
        return prefix + keys.segment(cluster)

    async def ranges(self, cluster: str) -> Sequence[bytes]:
        """The ranges of all objects."""
        resolution = await self._resolver.resolve(cluster)
        prefixes = {served.prefix: None for served in resolution.served.values()}
        prefixes |= {keys.type_prefix(one.group, one.resource): None for one in resolution.definitions.values()}
        return [prefix + keys.segment(cluster) for prefix in prefixes]
