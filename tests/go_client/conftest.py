"""The Go program of these tests, built once and kept in `.cache` until its sources change."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from go_scenarios import Conversation

SOURCES = Path(__file__).parent
CACHE = SOURCES.parents[1] / ".cache" / "bin"


@pytest.fixture(scope="session")
def go_client():
    """The path of the built program. Building it again takes a second, because Go keeps what it has compiled."""
    assert shutil.which("go"), "these tests need Go, to build the client they run"
    CACHE.mkdir(parents=True, exist_ok=True)
    program = CACHE / "go_client"
    with (CACHE / "go_client.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = [*SOURCES.glob("*.go"), SOURCES / "go.mod", SOURCES / "go.sum"]
        newest = max(source.stat().st_mtime for source in sources)
        if not program.exists() or program.stat().st_mtime < newest:
            build = ["go", "build", "-trimpath", "-o", str(program), "."]
            done = subprocess.run(build, cwd=SOURCES, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            os.utime(program)
    return program


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
