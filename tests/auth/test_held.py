"""Caches of derived values: bounded, and never out of date without saying so."""

from __future__ import annotations

import asyncio

from manifold.auth.rbac.held import Derived, Held, Recent


async def test_values_are_loaded_once_and_dropped_by_name() -> None:
    loads: list[str] = []

    async def load(name: str) -> tuple[int, int]:
        loads.append(name)
        return len(loads), 1

    cache: Derived[int] = Derived(load, 10)
    first = await cache.get("a")
    assert await cache.get("a") is first
    await cache.get("b")
    cache.drop("a")
    assert first.stale
    assert (await cache.get("a")).value == 3
    assert loads == ["a", "b", "a"]
    kept = await cache.get("b")
    cache.clear()
    assert kept.stale
    assert len(cache) == 0


async def test_the_least_recently_used_goes_and_is_stale() -> None:
    async def load(name: str) -> tuple[str, int]:
        return name, 2

    cache: Derived[str] = Derived(load, 5)
    a, b = await cache.get("a"), await cache.get("b")
    await cache.get("a")
    await cache.get("c")
    assert (a.stale, b.stale, len(cache)) == (False, True, 2)


async def test_what_is_heavier_than_the_limit_is_held_alone() -> None:
    async def load(name: str) -> tuple[str, int]:
        return name, 100

    cache: Derived[str] = Derived(load, 5)
    a = await cache.get("a")
    assert not a.stale
    await cache.get("b")
    assert (a.stale, len(cache)) == (True, 1)


async def test_a_change_during_a_load_marks_what_is_loaded() -> None:
    gate = asyncio.Event()

    async def load(name: str) -> tuple[str, int]:
        await gate.wait()
        return name, 1

    cache: Derived[str] = Derived(load, 5)
    tasks: list[asyncio.Task[Held[str]]] = [asyncio.create_task(cache.get(name)) for name in ("a", "a", "b")]
    await asyncio.sleep(0)
    cache.drop("a")
    gate.set()
    first, second, other = await asyncio.gather(*tasks)
    assert (first.stale, second.stale, other.stale) == (True, True, False)
    assert len(cache) == 1
    assert not (await cache.get("a")).stale


async def test_a_load_that_fails_leaves_nothing_behind() -> None:
    async def load(name: str) -> tuple[str, int]:
        raise OSError(name)

    cache: Derived[str] = Derived(load, 5)
    for _ in range(2):
        try:
            await cache.get("a")
        except OSError:
            continue
    assert not cache._loading
    assert len(cache) == 0


def test_recent_keeps_what_is_used() -> None:
    recent: Recent[int, str] = Recent(10)
    recent.put(-1, "kept")
    for number in range(100):
        recent.put(number, str(number))
        assert recent.get(-1) == "kept"
        assert len(recent) <= 10
    assert recent.get(0) is None
    assert recent.get(99) == "99"
    recent.drop(-1)
    assert recent.get(-1) is None
