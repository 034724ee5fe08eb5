"""Fixture `world`: a provider's workspace, and consumers as a test asks for them."""

import pytest
from provider_world import World


@pytest.fixture
def world(server, workspace, tmp_path):
    made = World(server, workspace, tmp_path)
    yield made
    made.close()
