"""A cache bounded by what its entries weigh, the least recently used one going first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Entries up to a total weight of `limit`; one that is heavier on its own is not kept."""

    __slots__ = ("_entries", "_limit", "_weight")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._weight = 0
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """The entry of a key; None where there is none (any more)."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Keep an entry, in the place of an earlier one of its key."""
        self.drop(key)
        if weight > self._limit:
            return
        self._entries[key] = (value, weight)
        self._weight += weight
        while self._weight > self._limit:
            _, (_, lost) = self._entries.popitem(last=False)
            self._weight -= lost

    def drop(self, key: K) -> None:
        """Forget an entry."""
        found = self._entries.pop(key, None)
        if found is not None:
            self._weight -= found[1]
