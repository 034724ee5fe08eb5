"""cache.kcp.io: resources that are published read-only to other workspaces, and where they are found."""

from __future__ import annotations

from manifold.types.kcp.catalog import kcp_type
from manifold.types.kcp.rules import both, shard_selection, unchanging

GROUP = "cache.kcp.io"
CLUSTER_CACHED_RESOURCES = kcp_type(GROUP, "clustercachedresources", "v1alpha1")
CLUSTER_CACHED_RESOURCE_ENDPOINT_SLICES = kcp_type(
    GROUP,
    "clustercachedresourceendpointslices",
    "v1alpha1",
    rules=both(
        unchanging(
            ("spec", "clusterCachedResource"),
            "ClusterCachedResource reference must not be changed",
        ),
        unchanging(("spec", "export"), "APIExport reference must not be changed"),
        shard_selection(("status", "endpoints")),
    ),
)
TYPES = (CLUSTER_CACHED_RESOURCES, CLUSTER_CACHED_RESOURCE_ENDPOINT_SLICES)
