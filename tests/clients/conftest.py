"""What the clients of these tests are given: a workspace with a custom type, and what must be built to run them."""

from pathlib import Path

import pytest
import yaml
from planet_requests import FILES
from support.conversation import Conversation
from support.go_programs import build
from support.server import Workspace

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture
def astronomy(workspace: Workspace) -> Workspace:
    """A workspace with the type of planets.yaml."""
    definition = yaml.safe_load((FILES / "planets.yaml").read_text())
    status, answer = workspace.request("POST", DEFINITIONS, definition)
    assert status == 201, answer
    return workspace


@pytest.fixture
def controller(astronomy, tmp_path):
    """Start a scenario of the program in `controller` in the workspace: a function of its name and of a name for it."""
    program = build(FILES, "./controller", "controller")
    started = []

    def start(scenario: str, name: str = "") -> Conversation:
        errors = tmp_path / f"{name or scenario}.errors"
        started.append(Conversation(program, astronomy.kubeconfig, scenario, errors))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def helm() -> Path:
    """Helm, of the version in go.mod whatever else the machine has, so that it is known what was tried."""
    return build(FILES, "helm.sh/helm/v4/cmd/helm", "helm")
