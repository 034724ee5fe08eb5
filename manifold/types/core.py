"""The core group of a workspace: what is left of Kubernetes when there are no containers.

The types are in files of their own; this is their list, in discovery's order.
"""

from __future__ import annotations

from manifold.types.configuration import CONFIG_MAPS, SECRETS
from manifold.types.events import CORE_EVENTS
from manifold.types.namespaces import NAMESPACES, SERVICE_ACCOUNTS
from manifold.types.quotas import RESOURCE_QUOTAS

TYPES = (CONFIG_MAPS, CORE_EVENTS, NAMESPACES, RESOURCE_QUOTAS, SECRETS, SERVICE_ACCOUNTS)
