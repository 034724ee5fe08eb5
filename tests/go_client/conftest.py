"""The Go program of these tests, and conversations with its scenarios."""

from pathlib import Path

import pytest
from support.conversation import Conversation
from support.go_programs import build


@pytest.fixture(scope="session")
def go_client():
    """The path of the built program."""
    return build(Path(__file__).parent, ".", "go_client")


@pytest.fixture
def converse(go_client, tmp_path):
    """Start a scenario with a kubeconfig: a function of both that gives a Conversation, ended after the test."""
    started = []

    def start(scenario: str, kubeconfig: Path) -> Conversation:
        started.append(Conversation(go_client, kubeconfig, scenario, tmp_path / f"{scenario}.errors"))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def run_scenario(converse, workspace):
    """Run a scenario without cues in the test's workspace, to its end: a function of its name that gives its lines."""
    return lambda scenario: converse(scenario, workspace.kubeconfig).finish()
