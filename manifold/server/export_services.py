"""The virtual workspace of an export, through which its provider works in the logical clusters that have bound it.

Everybody who enters needs the request's own verb on `apiexports/content`, by the name of the export, in the export's
logical cluster, and access to that. In a logical cluster they need a binding of this very export there: for what the
export offers, one that serves it; for what it claims, one that grants the verb; and where the claimed type is another
export's, the leave of that one's maximal permission policy, too. All of it is asked at the request, of the rows that
grant it, and a refusal says nothing of its reason (APIs reference, sections 5.1 to 5.3). What a binding gives holds in
the instant of the commit, too: a write that was let in before a consumer took back its claim or left is refused.

Inside, the caller goes by its own name, so that admission and history know who it was; rights in the consumer's logical
cluster are not asked for, because the binding has given them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from manifold.auth.attributes import Attributes
from manifold.auth.chain import Chain
from manifold.auth.denial import denial
from manifold.auth.names import CLUSTER_NAME_KEY, KCP_ADMIN
from manifold.base import clusters, errors, keys
from manifold.base.user import User
from manifold.exports.shown import ExportViews, Found, same
from manifold.registry.clusters import Clusters
from manifold.registry.reach import Reach
from manifold.registry.scope import Ground, Scope
from manifold.registry.served import Served
from manifold.server.open_watches import identity_ground
from manifold.server.request import Request, attributes_of
from manifold.server.services import Service, is_flat
from manifold.storage.contract import Snapshot, Store
from manifold.types.resource import Object
from manifold.views.consumers import consumers_prefix, read_consumer
from manifold.views.exported import BINDINGS, READ, ClaimScope, ConsumerGround, ConsumerReach, scope_in
from manifold.views.resolution import Resolver
from manifold.views.view import View

GROUP = "apis.kcp.io"
NAME = "apiexport"


@dataclass(frozen=True, slots=True)
class OwnBindings(ClaimScope):
    """The bindings of one of the server's own exports, which no index has: every workspace has some."""

    cluster: str = ""
    export: str = ""

    def sees(self, obj: Object) -> bool:
        """Whether a binding is one of the export."""
        known = (obj.get("status") or {}).get("apiExportClusterName")
        return bool(known == self.cluster and obj["spec"]["reference"]["export"]["name"] == self.export)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request to the view of `export` (logical cluster and name)."""

    export: tuple[str, str]
    attributes: Attributes

    @property
    def cluster(self) -> str:
        """The consumer, or `*`."""
        return self.attributes.cluster

    @property
    def content(self) -> Attributes:
        """What the caller must be allowed in the export's logical cluster."""
        a, (cluster, name) = self.attributes, self.export
        return Attributes(a.user, a.verb, cluster, GROUP, "v1alpha2", "apiexports", "content", name=name)


class ExportService:
    """The views of exports."""

    def __init__(self, store: Store, chain: Chain, resolver: Resolver, clusters: Clusters, views: ExportViews) -> None:
        self._store = store
        self._chain = chain
        self._resolver = resolver
        self._clusters = clusters
        self._views = views

    async def view(self, prefix: str, key: str, request: Request) -> View | None:
        """What the export named by `key` (`<logical cluster>/<name>`) shows of one consumer, or of all."""
        home, slash, name = key.partition("/")
        info = request.info
        if not slash or not name or "/" in name or not is_flat(home):
            return None
        if not (info.cluster == clusters.WILDCARD or is_flat(info.cluster)):
            return None
        asked = _Asked((home, name), attributes_of(request, info.cluster))
        if not await self._may_enter(asked):
            raise denial(asked.attributes)
        found = await self._views.find(home, name)
        if found is None:
            raise errors.unknown_resource()
        shown = found.view.shown
        served = shown.served.get((info.group, info.version, info.resource)) if info.resource else None
        reach: Reach | None = None
        scope: Scope | None = None
        ground: Ground | None = None
        rests_on = {home}
        if served is not None:
            rests_on |= {cluster for cluster, _ in self._sources(found, served)} | {identity_ground(served.identity)}
            reach, scope = await self._reached(asked, found, served)
            ground = self._ground(asked, found, served)
        elif info.resource and info.cluster != clusters.WILDCARD:
            raise denial(asked.attributes)  # what is neither offered nor claimed cannot be told from what is not there

        async def holds() -> bool:
            return await self._holds(asked, served, found.shared)

        giver = _consumer(info.cluster)
        return View(prefix, info.cluster, request.user, holds, frozenset(rests_on), shown, scope, reach, giver, ground)

    async def _may_enter(self, asked: _Asked) -> bool:
        return (await self._chain.authorize(asked.content)).allowed

    async def _holds(self, asked: _Asked, served: Served | None, shared: bool) -> bool:
        """Whether an open watch may go on: the right is there, the type is what it was, and whether other exports have
        its identity, too.
        """
        if served is None or not await self._may_enter(asked):
            return False
        found = await self._views.find(*asked.export)
        kind = served.type
        present = found.view.shown.served.get((kind.group, kind.version, kind.resource)) if found is not None else None
        if found is None or present is None or not same(served, present) or found.shared != shared:
            return False
        try:
            await self._reached(asked, found, present)
        except errors.StatusError:
            return False
        return True

    async def _reached(self, asked: _Asked, found: Found, served: Served) -> tuple[Reach | None, Scope | None]:
        """What a request may reach of a type: for lists and watches, and for verbs on single objects. Raises the 403 of
        one that may reach nothing.
        """
        if not await self._within_policies(asked, found, served):
            raise denial(asked.attributes)
        if found.own:
            return None, await self._of_own(asked, served)
        reach = self._reach(asked, found, served)
        if asked.cluster == clusters.WILDCARD:
            # All objects of an identity that one export alone has are one range.
            return (None if reach.exported and not found.shared else reach), None
        snapshot = await self._store.snapshot()
        if not (await self._clusters.state(asked.cluster)).exists:
            raise denial(asked.attributes)
        if reach.exported:
            if not await self._serves(snapshot, asked, served):
                raise denial(asked.attributes)
            return None, None
        parts = await reach.parts_in(snapshot, asked.cluster)
        if not parts:
            raise denial(asked.attributes)
        return reach, scope_in(parts)

    def _reach(self, asked: _Asked, found: Found, served: Served) -> ConsumerReach:
        kind = served.type
        return ConsumerReach(
            asked.export,
            self._views.kind,
            self._views.kind.key(asked.export[0], "", asked.export[1]),
            served,
            asked.attributes.verb,
            (kind.group, kind.resource) in found.view.exported,
            "" if asked.cluster == clusters.WILDCARD else asked.cluster,
        )

    def _ground(self, asked: _Asked, found: Found, served: Served) -> Ground | None:
        """What must still be there when a write is committed; None for exports of the server, which nobody leaves."""
        if found.own or asked.cluster == clusters.WILDCARD:
            return None
        return ConsumerGround(self._reach(asked, found, served), partial(denial, asked.attributes))

    async def _serves(self, snapshot: Snapshot, asked: _Asked, served: Served) -> bool:
        """Whether a binding of the export serves a type in a logical cluster."""
        prefix = consumers_prefix(*asked.export, asked.cluster)
        rows = await snapshot.scan(prefix, keys.after(prefix))
        if not any(read_consumer(row.key, row.value).bound for row in rows):
            return False
        return await self._resolver.stored(asked.cluster, served.prefix) is not None

    async def _of_own(self, asked: _Asked, served: Served) -> Scope | None:
        """The same for an export that the server brings: it claims nothing, and its bindings are in no index."""
        scope = None
        if (served.type.group, served.type.resource) == BINDINGS:
            scope = OwnBindings((), frozenset(), *asked.export)
            if asked.attributes.verb not in READ:
                raise denial(asked.attributes)
        if asked.cluster != clusters.WILDCARD:
            bound = (await self._resolver.resolve(asked.cluster)).exports
            if asked.export not in {(one.cluster, one.name) for one in bound}:
                raise denial(asked.attributes)
        return scope

    def _sources(self, found: Found, served: Served) -> tuple[tuple[str, str], ...]:
        """The exports whose policies bound the use of a claimed type."""
        claim = found.view.claims.get((served.type.group, served.type.resource))
        return found.sources.get(claim.identity, ()) if claim is not None else ()

    async def _within_policies(self, asked: _Asked, found: Found, served: Served) -> bool:
        """Whether every export that offers a claimed type lets the caller use it, as it counts where it comes from."""
        attributes = asked.attributes._replace(cluster=asked.export[0])
        for cluster, name in self._sources(found, served):
            if await self._resolver.limits(cluster, name) and not await self._chain.within_policy(attributes, cluster):
                return False
        return True


def _consumer(cluster: str) -> User | None:
    """By whose rights a provider gives rights in a logical cluster that lets it write roles: those of an administrator
    there, and nowhere else (APIs reference, section 5.3).
    """
    if cluster == clusters.WILDCARD:
        return None
    return User("system:serviceaccount:default:rest", groups=(KCP_ADMIN,), extra={CLUSTER_NAME_KEY: (cluster,)})


def export_services(
    store: Store, chain: Chain, resolver: Resolver, clusters: Clusters, views: ExportViews
) -> dict[str, Service]:
    """The service of exports."""
    return {NAME: ExportService(store, chain, resolver, clusters, views)}
