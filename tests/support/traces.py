"""What is left in the store of a server: found in the file itself, which asks no type and forgets no row."""

import asyncio
from pathlib import Path

from manifold.base import keys
from manifold.storage.sqlite import open_store
from support.server import Server

PAGE = 5000


def at_rest(server: Server) -> bool:
    """Whether no controller has anything to do, or to come back to."""
    _, text = server.request("GET", "/metrics", user="shard-admin")
    return "\nmanifold_controller_work_depth 0\n" in str(text)


def segments(root: Path) -> set[str]:
    """Every segment of every key in the store of a stopped server: objects, index rows, work rows, all there is."""
    return {part for key in asyncio.run(_rows(root / "store.sqlite")) for part in keys.parts(key)}


def keys_with(root: Path, segment: str) -> list[bytes]:
    """The keys in the store of a stopped server that have a segment."""
    return list(rows_with(root, segment))


def rows_with(root: Path, segment: str) -> dict[bytes, bytes]:
    """The rows in the store of a stopped server whose key has a segment: values by key."""
    rows = asyncio.run(_rows(root / "store.sqlite"))
    return {key: value for key, value in rows.items() if segment in keys.parts(key)}


async def _rows(store: Path) -> dict[bytes, bytes]:
    opened = await open_store(store)
    snapshot = await opened.snapshot()
    found: dict[bytes, bytes] = {}
    position = b"\x00"
    while rows := await snapshot.scan(position, b"\xff", PAGE):
        found |= {row.key: row.value for row in rows}
        position = rows[-1].key + b"\x00"
    await opened.close()
    return found
