"""Asynchronous tests (support.asynchronous), and a world of logical clusters in a real store to ask questions in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from auth_world import World
from support.asynchronous import pytest_pyfunc_call as pytest_pyfunc_call
from support.asynchronous import runner as runner

from manifold.storage.sqlite import open_store


@pytest.fixture
def world(tmp_path: Path, runner: asyncio.Runner) -> Iterator[World]:
    store = runner.run(open_store(tmp_path / "store.db"))
    yield World(store)
    runner.run(store.close())
