"""The fixture of the watch tests."""

import contextlib

import pytest
from watch_streams import Room


@pytest.fixture
def room(workspace):
    """A workspace without the ConfigMap every namespace begins with."""
    with contextlib.ExitStack() as streams:
        made = Room(workspace, streams)
        made.delete("kube-root-ca.crt")
        yield made
