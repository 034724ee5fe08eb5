"""The virtual workspace of bound schemas: `/services/apiresourceschema/<consumer>[/clusters/<consumer or *>]/...`.

Whoever may read the bindings of a logical cluster reads here the schemas of what they bind, in any workspace they lie
in. Nothing can be written (APIs reference, section 5.8).
"""

from __future__ import annotations

from manifold.auth.attributes import Attributes
from manifold.auth.chain import Chain
from manifold.auth.denial import denial
from manifold.base import clusters, errors, keys
from manifold.registry.served import Served
from manifold.server.request import Request, attributes_of
from manifold.server.services import Service, is_flat
from manifold.storage.contract import Store
from manifold.views.bound_schemas import GROUP, RESOURCE, SchemaReach, shown_schemas
from manifold.views.exported import READ, ClaimScope
from manifold.views.view import View

NAME = "apiresourceschema"


class SchemaService:
    """The views of bound schemas. `bindings` and `schemas` are the stored forms of both types."""

    def __init__(self, store: Store, chain: Chain, bindings: Served, schemas: Served) -> None:
        self._store = store
        self._chain = chain
        self._bindings = bindings
        self._schemas = schemas
        self._shown = shown_schemas(schemas.type)

    async def view(self, prefix: str, key: str, request: Request) -> View | None:
        """The schemas that the logical cluster `key` has bound."""
        info, caller = request.info, request.user
        if not is_flat(key) or info.cluster not in ("", clusters.WILDCARD, key):
            return None
        right = Attributes(caller, "get", key, GROUP, "v1alpha2", "apibindings")

        async def may_read() -> bool:
            return (await self._chain.authorize(right)).allowed

        if (info.resource and info.verb not in READ) or not await may_read():
            raise denial(attributes_of(request, key))
        reach = SchemaReach(key, self._bindings, self._schemas)
        rests_on = frozenset((key,))
        if info.verb != "get" or (info.group, info.resource) != (GROUP, RESOURCE):
            return View(prefix, clusters.WILDCARD, caller, may_read, rests_on, self._shown, None, reach)
        async for part in reach.parts(await self._store.snapshot()):
            if keys.decode(part.prefix).name == info.name:
                scope = ClaimScope((), frozenset((info.name,)))
                return View(prefix, part.cluster, caller, may_read, rests_on, self._shown, scope)
        raise errors.not_found(GROUP, RESOURCE, info.name)


def schema_services(store: Store, chain: Chain, bindings: Served, schemas: Served) -> dict[str, Service]:
    """The service of bound schemas."""
    return {NAME: SchemaService(store, chain, bindings, schemas)}
