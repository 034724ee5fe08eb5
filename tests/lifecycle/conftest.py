"""The controllers of these tests: one in Go with client-go, one in Python with kopf."""

import sys
from pathlib import Path

import pytest
from lifecycle_stage import Stage
from support.go_programs import build

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def programs():
    """How they are run: name to program and argument."""
    return {
        "client-go": (build(HERE.parent / "go_client", "./lifecycle", "lifecycle"), "view"),
        "kopf": (sys.executable, str(HERE / "kopf_controller.py")),
    }


@pytest.fixture
def stage(tmp_path, programs):
    opened = Stage(tmp_path, programs)
    yield opened
    opened.close()
