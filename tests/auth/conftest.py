"""Asynchronous tests on one loop, and a world of logical clusters in a real store to ask questions in."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from auth_world import World

from manifold.storage.sqlite import open_store


@pytest.fixture(autouse=True)
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def world(tmp_path: Path, runner: asyncio.Runner) -> Iterator[World]:
    store = runner.run(open_store(tmp_path / "store.db"))
    yield World(store)
    runner.run(store.close())


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    test = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    pyfuncitem.funcargs["runner"].run(asyncio.wait_for(test, 60))
    return True
