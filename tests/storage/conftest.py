"""The engines the contract suite runs over, and asynchronous tests (support.asynchronous).

Every `test_contract_*.py` uses the fixture `engine` (or `store`, one that is already open) and says nothing that only
one engine promises. An engine joins by a class with `open` and `end` in `ENGINES`.

A test written as `async def` runs on the loop of the fixture `runner`, which is also the loop `store` was opened on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from support.asynchronous import pytest_pyfunc_call as pytest_pyfunc_call
from support.asynchronous import runner as runner

from manifold.storage.contract import Store
from manifold.storage.sqlite import open_store


class Engine(Protocol):
    """A place for one store, which can be opened, closed and opened again."""

    async def open(self) -> Store:
        """Open the store of this place; the first time it is empty."""

    def end(self) -> None:
        """Give back what the place holds (a server, say)."""


class SqliteEngine:
    """A file of its own in the test's directory."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "store.db"

    async def open(self) -> Store:
        return await open_store(self._path)

    def end(self) -> None:
        pass


ENGINES: dict[str, Callable[[Path], Engine]] = {"sqlite": SqliteEngine}


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    engine = ENGINES[request.param](tmp_path)
    yield engine
    engine.end()


@pytest.fixture
def store(engine: Engine, runner: asyncio.Runner) -> Iterator[Store]:
    store = runner.run(engine.open())
    yield store
    runner.run(store.close())
