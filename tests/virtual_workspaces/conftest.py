"""Fixture `world`: a new workspace in which a test makes types and workspaces of them."""

import pytest
from lifecycle_world import World


@pytest.fixture
def world(server, workspace):
    return World(server, workspace)
