"""Bounded caches whose entries know when they are out of date.

What is derived from a logical cluster's objects is loaded on first use and kept in a `Held`. A change marks it stale,
and so does eviction; whoever has kept a reference to it (a cached decision) sees that with one attribute read. A load
that a change overtakes is good for its own request, whose snapshot it was read from, but is never kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K")


class Held(Generic[T]):
    """A derived value, and whether it still holds."""

    __slots__ = ("stale", "value", "weight")

    def __init__(self) -> None:
        self.value: T
        self.weight = 1
        self.stale = False


class Derived(Generic[T]):
    """Values by logical cluster, loaded by `load(cluster) -> (value, weight)`, least recently used ones dropped.

    `limit` bounds the sum of weights.
    """

    def __init__(self, load: Callable[[str], Awaitable[tuple[T, int]]], limit: int) -> None:
        self._load = load
        self._limit = limit
        self._total = 0
        self._kept: OrderedDict[str, Held[T]] = OrderedDict()
        self._loading: dict[str, set[Held[T]]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def get(self, cluster: str) -> Held[T]:
        """The value for a logical cluster: as of now, or of a change that is being made now."""
        kept = self._kept.get(cluster)
        if kept is not None:
            self._kept.move_to_end(cluster)
            return kept
        held: Held[T] = Held()
        waiting = self._loading.setdefault(cluster, set())
        waiting.add(held)
        try:
            held.value, held.weight = await self._load(cluster)
        finally:
            waiting.discard(held)
            if not waiting:
                self._loading.pop(cluster, None)
        if not held.stale:
            self._keep(cluster, held)
        return held

    def _keep(self, cluster: str, held: Held[T]) -> None:
        self._forget(cluster)
        self._kept[cluster] = held
        self._total += held.weight
        while self._total > self._limit and len(self._kept) > 1:
            self._forget(next(iter(self._kept)))

    def _forget(self, cluster: str) -> None:
        kept = self._kept.pop(cluster, None)
        if kept is not None:
            kept.stale = True
            self._total -= kept.weight

    def drop(self, cluster: str) -> None:
        """The cluster's objects have changed."""
        self._forget(cluster)
        for held in self._loading.get(cluster, ()):
            held.stale = True

    def clear(self) -> None:
        """Everything may have changed."""
        for cluster in list(self._kept):
            self._forget(cluster)
        for waiting in self._loading.values():
            for held in waiting:
                held.stale = True


V = TypeVar("V")


class Recent(Generic[K, V]):
    """A bounded map that keeps what was used lately: two dicts, the older one dropped when the younger is full.

    Cheaper per read than an ordered map, since a read of the younger dict moves nothing. Holds up to `limit` entries.
    """

    __slots__ = ("_limit", "_old", "_young")

    def __init__(self, limit: int) -> None:
        self._limit = max(1, limit // 2)
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: K) -> V | None:
        """The value, or None."""
        value = self._young.get(key)
        if value is None and self._old:
            value = self._old.pop(key, None)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Remember a value."""
        if len(self._young) >= self._limit and key not in self._young:
            self._old = self._young
            self._young = {}
        self._young[key] = value

    def drop(self, key: K) -> None:
        """Forget a value, if it is there."""
        self._young.pop(key, None)
        self._old.pop(key, None)
