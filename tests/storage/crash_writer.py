"""The process that is killed by the crash test: it writes as fast as it can and acknowledges each commit."""

import asyncio
from multiprocessing.connection import Connection
from pathlib import Path

from manifold.storage.contract import Change, Write
from manifold.storage.sqlite import open_store

WRITERS = 8
PARTS = 5


async def write(path: Path, acknowledgements: Connection) -> None:
    store = await open_store(path, retention_seconds=0, retention_bytes=2_000_000)
    heard: set[int] = set()

    def listen(changes: list[Change]) -> None:
        heard.update(change.revision for change in changes)

    store.listen(listen)

    async def writer(number: int) -> None:
        turn = 0
        while True:
            turn += 1
            token = b"%d/%d/%d" % (store.revision, number, turn)
            parts = [Write(b"w%d/%d" % (number, part), token + bytes(500 * part)) for part in range(PARTS)]
            first = await store.commit(parts)
            assert first in heard
            acknowledgements.send_bytes(b"%d %s" % (first, token))

    await asyncio.gather(*(writer(number) for number in range(WRITERS)))


def run(path: Path, acknowledgements: Connection) -> None:
    asyncio.run(write(path, acknowledgements))
