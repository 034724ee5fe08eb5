"""A real bash at a terminal of its own, in which tests press keys."""

import contextlib
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

BIN = Path(sys.executable).parent


def environment(kubeconfig) -> dict[str, str]:
    """Variables for a program that uses a kubeconfig, with the programs of this checkout first on the PATH."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(kubeconfig.parent), "KUBECONFIG": str(kubeconfig), "TERM": "xterm"}


class Bash:
    """A real bash at a terminal, in which keys are pressed."""

    def __init__(self, variables: dict[str, str], directory: Path) -> None:
        self._master, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (24, 100))
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"], stdin=terminal, stdout=terminal, stderr=terminal,
            env=variables, cwd=directory, start_new_session=True,
        )  # fmt: skip
        os.close(terminal)
        self._seen = ""
        self.press("bind 'set enable-bracketed-paste off'; PS1='$ '\n")
        self.press('bind -x \'"\\C-g": printf "<%s>\\n" "$READLINE_LINE"\'\n')

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def until(self, pattern: str) -> re.Match[str]:
        """Wait until what has been printed since the last time matches."""
        deadline = time.monotonic() + 20
        while not (found := re.search(pattern, self._seen)):
            ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{pattern!r} did not come: {self._seen!r}"
            self._seen += os.read(self._master, 65536).decode()
        self._seen = self._seen[found.end() :]
        return found

    def line(self, keys: str) -> str:
        """The command line after keys have been pressed on an empty one."""
        self.press(f"\x15{keys}\x07")
        return self.until(r"<([^>\r\n]*)>\r\n")[1]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            os.close(self._master)
