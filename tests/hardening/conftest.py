"""Fixtures of the hardening tests."""

import pytest
from hostile import Client


@pytest.fixture(scope="module")
def client(server):
    """A connection with the rights of kcp-admin."""
    with Client(server) as opened:
        yield opened


@pytest.fixture(scope="module")
def arena(server, tmp_path_factory):
    """A universal workspace for the tests of one file: the beginning of its paths."""
    workspace = server.create_workspace(directory=tmp_path_factory.mktemp("arena"))
    yield f"/clusters/{workspace.path}"
    workspace.delete()
