"""The provider of types and exports, in a workspace of its own."""

import pytest
from type_provider import Provider


@pytest.fixture
def provider(workspace, tmp_path):
    return Provider(workspace, tmp_path)
