"""Virtual workspaces: `/services/<name>/<key>/clusters/<cluster>/<path>`, by name.

A service reads the key, decides whether the caller may pass, and answers with a view. What leads to no service is
refused to everybody in the same words, so that nothing can be found out by asking (tenancy reference, section 3.6).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol
from urllib.parse import unquote

from manifold.auth.attributes import Attributes
from manifold.auth.chain import Chain
from manifold.auth.denial import denial
from manifold.base import clusters, errors
from manifold.base.user import User
from manifold.registry.served import Served
from manifold.server.request import Request, attributes_of
from manifold.server.request_info import CLUSTERS
from manifold.storage.contract import Store
from manifold.types.resource import Object
from manifold.views import lifecycle
from manifold.views.lifecycle import Lifecycle, LifecycleScope
from manifold.views.view import View
from manifold.workspaces.types import WorkspaceTypes

PREFIX = "/services/"
INDEX = "/services"
NOT_RESOLVED = "Path not resolved to a valid virtual workspace"
LOGICAL_CLUSTERS = ("core.kcp.io", "v1alpha1", "logicalclusters")


class Service(Protocol):
    """What stands behind one name below `/services/`."""

    async def view(self, prefix: str, key: str, request: Request) -> View | None:
        """The view of a request whose `info` has been read from behind `prefix`. None: there is no such view.

        Raises the 403 of a caller who may not pass, and what else there is to refuse.
        """


class Services:
    """The services of a process, by name. Who uses a view takes turns with all others who use it, but in those of
    `per_caller` each caller has turns of its own.
    """

    def __init__(self, table: Mapping[str, Service], per_caller: Collection[str] = ()) -> None:
        self._table = dict(table)
        self._per_caller = frozenset(per_caller)

    @property
    def names(self) -> list[str]:
        """What there is."""
        return sorted(self._table)

    def place(self, request: Request) -> str:
        """In whose name a request waits for its turn: the view's, or its caller's in it."""
        prefix, name, _, _ = _read(request.info.path)
        return f"{prefix}/{request.user.name}" if name in self._per_caller else prefix

    async def enter(self, request: Request) -> View:
        """Read the URL of a request and let it pass into its view, which is then the request's own: its info, user and
        view are those inside. Raises the 403 of a URL that leads nowhere (404 for `system:masters`).
        """
        outside = request.info
        prefix, name, key, inside = _read(request.raw_path)
        service = self._table.get(name)
        view = None
        if service is not None and key:
            request.info = request.read(inside)
            view = await service.view(unquote(prefix), unquote(key), request)
        if view is None:
            request.info = outside
            if request.user.privileged:
                raise errors.unknown_resource()
            raise denial(attributes_of(request, ""), NOT_RESOLVED)
        request.user, request.view = view.user, view
        return view


def _read(path: str) -> tuple[str, str, str, str]:
    """The parts of a URL: what precedes the logical cluster, the name of the service, its key, and the path inside.

    Some views are of one logical cluster only, and may be asked without naming it again.
    """
    prefix, found, rest = path.partition(CLUSTERS)
    name, _, key = prefix.removeprefix(PREFIX).partition("/")
    if found:
        return prefix, name, key, CLUSTERS + rest
    key, _, rest = key.partition("/")
    return f"{PREFIX}{name}/{key}" if key else PREFIX + name, name, key, "/" + rest


class LifecycleService:
    """The views of initializers, or of terminators."""

    def __init__(
        self, kind: Lifecycle, store: Store, chain: Chain, logical_clusters: Served, types: WorkspaceTypes
    ) -> None:
        self._kind = kind
        self._store = store
        self._chain = chain
        self._logical_clusters = logical_clusters
        self._types = types

    async def view(self, prefix: str, key: str, request: Request) -> View | None:
        """The logical clusters that wait for the initializer `key`, or the content of one of them."""
        info, caller = request.info, request.user
        cluster = info.cluster
        named = lifecycle.type_of(key)
        if named is None or not (cluster == clusters.WILDCARD or is_flat(cluster)):
            return None
        home, name = named
        right = Attributes(caller, self._kind.verb, home, "tenancy.kcp.io", "v1alpha1", "workspacetypes", name=name)
        attributes = attributes_of(request, cluster)
        if not (await self._chain.authorize_deep(right)).allowed:
            raise denial(attributes)

        async def may_pass() -> bool:
            return (await self._chain.authorize_deep(right)).allowed

        scope = LifecycleScope(self._kind, key)
        if cluster == clusters.WILDCARD or (info.group, info.version, info.resource) == LOGICAL_CLUSTERS:
            return View(prefix, cluster, caller, may_pass, frozenset((home,)), lifecycle.SHOWN, scope)
        acting = await self._acting(caller, scope, attributes)

        async def holds() -> bool:
            try:
                return await may_pass() and await self._acting(caller, scope, attributes) == acting
            except errors.StatusError:
                return False

        return View(prefix, cluster, acting, holds, frozenset((home, cluster)))

    async def _acting(self, caller: User, scope: LifecycleScope, attributes: Attributes) -> User:
        """Who acts inside a workspace that waits for the initializer. Raises the refusal of one who may not."""
        role, name = self._kind.role, scope.name
        snapshot = await self._store.snapshot()
        row = await snapshot.get(self._logical_clusters.key(attributes.cluster, "", "cluster"))
        obj = self._logical_clusters.decode(row.value, row.revision) if row is not None else None
        if obj is None or not scope.sees(obj):
            raise _refused(f'{role} "{name}" cannot access this workspace')
        home, kind = name.rpartition(":")[::2]
        found = await self._types.find(snapshot, home, kind)
        if found is None:
            raise errors.unavailable(
                f'{role} "{name}": WorkspaceType not found in local or cached indexer; refusing to fall back to owner '
                f'impersonation: workspacetype.tenancy.kcp.io "{kind}" not found'
            )
        rules = lifecycle.permission_rules(found.spec, self._kind)
        if rules:
            if not lifecycle.permitted(rules, attributes):
                wanted = lifecycle.asked_for(attributes)
                raise _refused(f'{role} "{name}" denied by {self._kind.permissions}: no rule allows {wanted}')
            return lifecycle.with_lifecycle_group(caller, self._kind, name)
        return self._owner(obj, attributes.cluster)

    def _owner(self, logical_cluster: Object, cluster: str) -> User:
        user = lifecycle.owner(logical_cluster, cluster)
        if user is None:
            raise errors.internal(f"LogicalCluster {cluster}|cluster had no createdBy recorded")
        return user


def is_flat(cluster: str) -> bool:
    """Whether a segment of a URL is the name of a logical cluster that is not the system's."""
    return clusters.is_valid_name(cluster) and not cluster.startswith(clusters.SYSTEM_PREFIX)


def _refused(text: str) -> errors.StatusError:
    return errors.StatusError(403, "Forbidden", text, {})


def lifecycle_services(
    store: Store, chain: Chain, logical_clusters: Served, types: WorkspaceTypes
) -> dict[str, Service]:
    """The services of initializers and terminators."""
    return {
        kind.service: LifecycleService(kind, store, chain, logical_clusters, types)
        for kind in (lifecycle.INITIALIZING, lifecycle.TERMINATING)
    }
