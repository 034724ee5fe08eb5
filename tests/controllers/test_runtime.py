"""The runtime of controllers: it ends when it is told to, and comes back to what waits and to what has failed."""

import asyncio

from manifold.base import errors, keys
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


class Scripted:
    """Work that waits many times for something, meets somebody else once, and is then done."""

    name = "scripted"

    def __init__(self, store, done):
        self._store = store
        self._done = done
        self._script = [*([0.001] * 20), errors.conflict("", "configmaps", "one", "modified"), 0.0]

    async def reconcile(self, parts, work):
        step = self._script.pop(0)
        if isinstance(step, Exception):
            raise step
        if step == 0.0:
            await self._store.commit([Write(work.key, None)])
            self._done.set()
        return step


def test_what_fails_once_after_a_long_wait_is_come_back_to_soon(tmp_path):
    async def run():
        store = await open_store(tmp_path / "store.sqlite")
        done = asyncio.Event()
        task = asyncio.create_task(Runtime(store, [Scripted(store, done)]).run())
        try:
            await store.commit([Write(keys.work_key("scripted", "one"), b"{}")])
            await asyncio.wait_for(done.wait(), 20)
        finally:
            task.cancel()
            await asyncio.wait({task})
            await store.close()

    asyncio.run(run())
