"""Labels objects anew when claims have come, changed or gone.

What is written is labelled by admission; this is for what is there already. The row names the types, and each object
whose labels are not as they have to be is written once, as it is, so that its labels are corrected on the way (APIs
reference, section 3.8). Who owns its fields stays as it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson

from manifold.base import errors, keys
from manifold.base.user import CONTROLLER_USER
from manifold.exports.bindings import CLAIM_LABEL_PREFIX, RESOURCE
from manifold.exports.claim_labels import claim_labels
from manifold.exports.register import RELABELLING
from manifold.registry.options import WriteOptions
from manifold.registry.served import Served
from manifold.registry.update import Update, update
from manifold.registry.writing import Environment, Target
from manifold.storage.contract import Guard, Row, Write
from manifold.storage.pages import pages
from manifold.types.resource import Object
from manifold.views.resolution import Resolver

PAGE = 200
UNWRITABLE = (403, 404, 422)
"""Refusals of an object that is gone, or that could not be written today as it is: it keeps the labels it has."""


class ClaimController:
    """Reconciles the claim labels of one logical cluster."""

    name = RELABELLING

    def __init__(self, environment: Environment, resolver: Resolver) -> None:
        self._environment = environment
        self._resolver = resolver

    async def reconcile(self, parts: Sequence[str], work: Row) -> float:
        """Go through the objects of the types in the row."""
        (cluster,) = parts
        # What was on its way when the claims changed was labelled for those before. Commits are made in order: behind
        # all that had been sent, or waited to be counted, it is there to be found.
        async with self._environment.limits.turn(cluster):
            await self._environment.store.commit([])
        for group, resource, identity in orjson.loads(work.value):
            served = await self._resolver.stored(cluster, keys.type_prefix(group, resource, identity))
            if served is not None and not served.type.storageless:
                await self._relabel(cluster, served)
        await self._environment.store.commit([Write(work.key, None)], [Guard(work.key, work.revision)])
        return 0.0

    async def _relabel(self, cluster: str, served: Served) -> None:
        async for rows in pages(self._environment.store, served.prefix + keys.segment(cluster), PAGE):
            claims = (await self._resolver.resolve(cluster)).claims
            for row in rows:
                labels = served.decode(row.value, row.revision)["metadata"].get("labels") or {}
                present = {key: value for key, value in labels.items() if key.startswith(CLAIM_LABEL_PREFIX)}
                if served.type.resource == RESOURCE or present != claim_labels(
                    claims, served.type, served.identity, labels
                ):
                    await self._write(served, row.key)
            await asyncio.sleep(0)

    async def _write(self, served: Served, key: bytes) -> None:
        place = keys.decode(key)
        target = Target(CONTROLLER_USER, place.cluster, served, place.namespace, place.name)
        try:
            await update(self._environment, target, Update(_as_it_is, WriteOptions(), applied=True))
        except errors.StatusError as refusal:
            if refusal.code not in UNWRITABLE:
                raise


def _as_it_is(live: Object | None) -> Object:
    return live or {}
