"""Walking through a range that may be long and may change meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from manifold.base import keys
from manifold.storage.contract import Row, Store

PAGE = 500


async def pages(store: Store, prefix: bytes, size: int = PAGE) -> AsyncIterator[Sequence[Row]]:
    """The rows of the range of `prefix` in the order of keys, up to `size` at a time, each as it is when its page is
    read. No snapshot outlives a page, so a walk may take as long as it does.
    """
    position, end = prefix, keys.after(prefix)
    while True:
        rows = await (await store.snapshot()).scan(position, end, size)
        yield rows
        if len(rows) < size:
            return
        position = rows[-1].key + b"\x00"
