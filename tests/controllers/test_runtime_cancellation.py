"""The runtime of controllers ends when it is told to, also in the moment in which work arrives."""

import asyncio

from manifold.base import keys
from manifold.controllers.runtime import Runtime
from manifold.storage.contract import Write
from manifold.storage.sqlite import open_store


class Waiting:
    """Work that is never finished, so that the workers always have something to come back to."""

    name = "waiting"

    async def reconcile(self, parts, work):
        return 60.0


def test_work_that_arrives_with_the_end_does_not_outlive_it(tmp_path):
    async def run():
        store = await open_store(tmp_path / "store.sqlite")
        try:
            task = asyncio.create_task(Runtime(store, [Waiting()]).run())
            for number in range(8):
                await store.commit([Write(keys.work_key("waiting", f"early-{number}"), b"{}")])
            await asyncio.sleep(0.02)
            store.listen(lambda changes: task.cancel())  # called in the same instant in which the workers are woken
            await store.commit([Write(keys.work_key("waiting", "late"), b"{}")])
            await asyncio.wait({task}, timeout=5)
            return task.done()
        finally:
            await store.close()

    assert asyncio.run(run())
