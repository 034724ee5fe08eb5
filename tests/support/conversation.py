"""A scenario of a client program as a conversation: lines of JSON come from it, cues go to it."""

import json
import os
import subprocess
import threading
from pathlib import Path

PATIENCE = 45
"""Seconds after which a scenario is ended, so that a test that waits for a line fails and does not hang."""


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
