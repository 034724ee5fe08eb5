"""Fixtures: `provide` and `consume`, which make providers and consumers, and controllers in Go: `go_provider` of
client-go alone, `multicluster` of the libraries that kcp has for providers."""

from pathlib import Path

import pytest
from support.conversation import Conversation
from support.go_programs import build
from walk_world import Consumer, Provider


@pytest.fixture
def provide(server, tmp_path):
    """A function of group and kind that makes a provider; its controllers end with the test."""
    made: list[Provider] = []

    def provider(group: str = "example.com", kind: str = "Widget") -> Provider:
        made.append(Provider(server, tmp_path, group, kind))
        return made[-1]

    yield provider
    for each in made:
        each.stop()
        each.workspace.delete()


@pytest.fixture
def consume(server, tmp_path):
    """A function that makes so many consumers."""
    made: list[Consumer] = []

    def consumers(count: int) -> list[Consumer]:
        found = [Consumer(server, tmp_path) for _ in range(count)]
        made.extend(found)
        return found

    yield consumers
    for each in made:
        each.workspace.delete()


@pytest.fixture(scope="session")
def go_provider():
    """The path of the controller in Go."""
    return build(Path(__file__).parents[1] / "go_client", "./provider", "go_provider")


@pytest.fixture
def multicluster(tmp_path):
    """Start a scenario of the program in `multicluster`: a function of a kubeconfig and of its name."""
    program = build(Path(__file__).parent / "multicluster", ".", "multicluster")
    started: list[Conversation] = []

    def start(kubeconfig: Path, scenario: str) -> Conversation:
        started.append(Conversation(program, kubeconfig, scenario, tmp_path / f"{scenario}.log"))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show what controllers wrote while a test ran that fails."""
    report = yield
    directory = getattr(item, "funcargs", {}).get("tmp_path")
    if report.failed and directory is not None:
        for log in directory.glob("*.log"):
            report.sections.append((f"controller {log.stem}", log.read_text()[-5000:]))
    return report
