"""The fixture of the watch tests."""

import contextlib

import pytest
from watch_streams import Room


@pytest.fixture
def room(workspace):
    """A workspace, in which no namespace has a Secret."""
    with contextlib.ExitStack() as streams:
        yield Room(workspace, streams)
