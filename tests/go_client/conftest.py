"""The Go program of these tests, built once and kept in `.cache` until its sources change."""

import fcntl
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent
CACHE = SOURCES.parents[1] / ".cache" / "bin"
PATIENCE = 45
"""Seconds after which a scenario is ended, so that a test that waits for a line fails and does not hang."""


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


class Conversation:
    """A running scenario: lines come from it, cues go to it."""

    def __init__(self, program: Path, kubeconfig: Path, scenario: str, errors: Path) -> None:
        self._errors = errors
        self._process = subprocess.Popen(
            [program, scenario],
            env={**os.environ, "KUBECONFIG": str(kubeconfig), "HOME": str(kubeconfig.parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors.open("w"),
            text=True,
        )
        self._patience = threading.Timer(PATIENCE, self._process.kill)
        self._patience.start()

    def line(self) -> dict:
        """The next line. An error of the scenario fails the test."""
        text = self._process.stdout.readline()
        assert text, f"the scenario ended early: {self._errors.read_text()}"
        found = json.loads(text)
        assert "error" not in found, f"{found['error']}\n{self._errors.read_text()}"
        return found

    def until(self, **wanted) -> list[dict]:
        """The lines up to and including the first that has these values."""
        found = [self.line()]
        while any(found[-1].get(key) != value for key, value in wanted.items()):
            found.append(self.line())
        return found

    def cue(self, text: str) -> None:
        """Let the scenario go on."""
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def finish(self) -> list[dict]:
        """End its input; the lines that still come until it ends, which must be well."""
        self._process.stdin.close()
        lines = [json.loads(text) for text in self._process.stdout]
        code = self._process.wait()
        self._patience.cancel()
        assert code == 0, (lines, self._errors.read_text())
        return lines

    def stop(self) -> None:
        """End it whatever it does."""
        self._patience.cancel()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


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
