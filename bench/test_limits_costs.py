"""What limits cost a write where there are none: one look-up between the verb and the store."""

import asyncio

import pytest

from manifold.registry.counting import Limits
from manifold.registry.served import Served
from manifold.storage.contract import Guard, Write
from manifold.types.kcp.core import LOGICAL_CLUSTERS
from manifold.types.quotas import RESOURCE_QUOTAS

KEY = Served(RESOURCE_QUOTAS).key("cluster", "default", "name")
WRITES, GUARDS = [Write(KEY, b"{}")], [Guard(KEY, 0)]
TIMES = 1000


class EmptyStore:
    """A store that holds nothing and answers at once, so that only what is around it is measured."""

    revision = 1

    def listen(self, listener):
        pass

    async def snapshot(self):
        return self

    async def get(self, key):
        return None

    async def scan(self, start, end):
        return ()

    async def commit(self, writes, guards):
        return 1


@pytest.mark.parametrize("way", ["to the store", "past limits"])
def test_a_thousand_commits(benchmark, way):
    store = EmptyStore()
    limits = Limits(store, Served(RESOURCE_QUOTAS), Served(LOGICAL_CLUSTERS), None)

    async def direct():
        for _ in range(TIMES):
            await store.commit(WRITES, GUARDS)

    async def past():
        for _ in range(TIMES):
            await limits.commit("cluster", WRITES, GUARDS)

    work = past if way == "past limits" else direct
    loop = asyncio.new_event_loop()
    benchmark(lambda: loop.run_until_complete(work()))
    loop.close()
