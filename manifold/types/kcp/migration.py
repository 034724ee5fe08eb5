"""migration.kcp.io: moving a logical cluster to another shard. Section 6.6 of the tenancy reference.

A dump is asked for and answered like a review; it is never stored.
"""

from __future__ import annotations

from manifold.types.kcp.catalog import kcp_type

GROUP = "migration.kcp.io"
LOGICAL_CLUSTER_MIGRATIONS = kcp_type(GROUP, "logicalclustermigrations", "v1alpha1")
LOGICAL_CLUSTER_DUMPS = kcp_type(GROUP, "logicalclusterdumps", "v1alpha1", storageless=True)
TYPES = (LOGICAL_CLUSTER_DUMPS, LOGICAL_CLUSTER_MIGRATIONS)
