"""Tests written as `async def`: each runs on the loop of the fixture `runner`, on which its other fixtures were made.

A folder has them when its conftest imports both names.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator

import pytest

PATIENCE = 60
"""Seconds after which a test is ended, so that one that waits for ever fails and does not hang."""


@pytest.fixture(autouse=True)
def runner() -> Iterator[asyncio.Runner]:
    """The loop of a test."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    """Run a test that is a coroutine function; leave any other to pytest."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    test = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    pyfuncitem.funcargs["runner"].run(asyncio.wait_for(test, PATIENCE))
    return True
