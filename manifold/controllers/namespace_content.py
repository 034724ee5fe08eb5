"""Restores what every namespace has, the service account `default` and the config map `kube-root-ca.crt`, when somebody
has deleted it.

Like Kubernetes' publisher of the root CA and its controller of service accounts, but nothing is watched for it: the
deletion has left a work row (`manifold.workspaces.namespaces`). What comes is new, with a uid of its own, so that
tokens of a service account that was deleted stay worthless. A namespace or workspace that is going gets nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from manifold.registry.objects import Author, Kinds
from manifold.registry.writing import Environment
from manifold.schema import records
from manifold.storage.contract import Guard, Row, Write
from manifold.views.rows import read_row, row_key
from manifold.workspaces.namespaces import RESTORER, content


class ContentController:
    """Reconciles a namespace that lacks default content. `root_ca` is the server's CA bundle in PEM."""

    name = RESTORER

    def __init__(self, environment: Environment, kinds: Kinds, root_ca: str) -> None:
        self._environment = environment
        self._kinds = kinds
        self._namespaces = kinds.get("", "namespaces")
        self._root_ca = root_ca

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Write what is missing, in one commit with the end of the work."""
        cluster, namespace = parts
        environment = self._environment
        writes, guards = [Write(work.key, None)], [Guard(work.key, work.revision)]
        snapshot = await environment.store.snapshot()
        row = await snapshot.get(self._namespaces.key(cluster, "", namespace))
        state = await environment.clusters.state(cluster)
        stays = row is not None and not records.flags(row.value) & records.DELETING
        if row is not None and stays and state.exists and not state.deleting:
            guards += [Guard(row.key, row.revision), Guard(environment.clusters.key(cluster), state.revision)]
            author = Author(self._kinds, environment.clock, cluster, environment.clock.now())
            told = await snapshot.get(row_key(cluster))
            claims = read_row(told.value).claims if told is not None else ()
            for write in content(author, namespace, self._root_ca, claims):
                if await snapshot.get(write.key) is None:
                    writes.append(write)
                    guards.append(Guard(write.key, 0))
        await environment.limits.commit(cluster, writes, guards)
        return 0.0
