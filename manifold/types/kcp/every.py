"""All of kcp's types, and how each reaches a logical cluster."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from manifold.types.kcp import apis, cache, core, migration, tenancy, topology
from manifold.types.resource import ResourceType

SYSTEM_TYPES: tuple[ResourceType, ...] = (*cache.TYPES, core.LOGICAL_CLUSTERS, *apis.TYPES)
"""Served in every logical cluster, and before what is bound or defined there (tenancy reference, 1.7)."""
EXPORTED_TYPES: Mapping[str, tuple[ResourceType, ...]] = MappingProxyType(
    {
        "shards.core.kcp.io": (core.SHARDS,),
        "tenancy.kcp.io": tenancy.TYPES,
        "topology.kcp.io": topology.TYPES,
        "cache.kcp.io": cache.TYPES,
        "migration.kcp.io": migration.TYPES,
    }
)
"""The types of root's APIExports by the export's name (APIs reference, 11)."""
