"""Runs the console blocks of a document as a reader would, against a real server, and compares what they print.

A document has one terminal: a directory that looks like a fresh checkout after `make setup`, one shell whose variables
and directory live on from block to block, and a free port in the place of 6443. A command that starts a server gets a
terminal of its own, and so does one that runs a controller: it goes on running, and its output is what it had printed
when it was ready.

A block in `python` or `js` is a program: it is run there, and must print what the `text` block behind it says.

Output is compared loosely. `...` stands for any text within a line, and on a line of its own for any lines; white
space only separates; durations as `12s` stand for any duration. A block with a command in the background may print its
lines in any order. A command may fail only where the document shows an error.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from documents import ROOT, Block, name, steps
from support.go_programs import build
from support.javascript import installed

PORT = "6443"
SERVER = re.compile(r"(make|manifold) start\b|python \S*controller\.py\b")
READY = " is ready, "
PATIENCE = 60.0
PROGRAMS = {"python": ("py", "python"), "js": ("mjs", "node")}
"""Language of a block that is a program: how its file ends, and what runs it."""
CLIENTS = ROOT / "tests" / "clients"
_DURATION = re.compile(r"\\?\b\d+(?:ms|s|m\d+s|m)\b")


class Terminal:
    """One reader's terminal. Close it."""

    def __init__(self, directory: Path, *more_programs: str) -> None:
        """A terminal in `directory`, which is made, with more directories of programs behind its PATH."""
        self.directory = directory
        self._scratch = directory / ".terminal"
        self._scratch.mkdir(parents=True)
        self._count = 0
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        self._port = _free_port()
        _lay_out(directory)
        self._environment = {
            "PATH": os.pathsep.join([os.environ["PATH"], *more_programs]),
            "HOME": str(directory),
            "LANG": "C.UTF-8",
            "MANIFOLD_SECURE_PORT": str(self._port),
            "PYTHONUNBUFFERED": "1",
        }
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=directory, env=self._environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def close(self) -> None:
        """End everything this terminal has started."""
        for process in (self._shell, *self._servers.values()):
            if process.poll() is None or process is self._shell:
                try:
                    os.killpg(process.pid, 15)
                except ProcessLookupError:
                    continue
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()

    def set(self, variable: str, value: str) -> None:
        """Set a variable of the shell, which programs it runs have, too."""
        self._run(f"export {variable}='{value}'", variable, True)

    def play(self, block: Block) -> None:
        """Run a block. Raises AssertionError where it prints something else than the document says."""
        place = f"{name(block.document)}:{block.line}"
        parts = steps(block)
        if any(step.command.endswith("&") for step in parts):
            printed = self._together([step.command for step in parts], place)
            _compare_unordered([line for step in parts for line in step.output], self._shown(printed), place)
            return
        for step in parts:
            if SERVER.match(step.command):
                printed = self._start(step.command, place)
            else:
                printed = self._run(step.command, place, not _fails(step.output))
            _compare(step.output, self._shown(printed), f"{place}: $ {step.command}")

    def run_program(self, block: Block, output: Block) -> None:
        """Run a program. Raises AssertionError where it prints something else than the block `output`."""
        place = f"{name(block.document)}:{block.line}"
        self._count += 1
        ending, runs = PROGRAMS[block.language]
        program = self._scratch / f"{self._count}.{ending}"
        program.write_text("\n".join(block.lines) + "\n")
        packages = self._scratch / "node_modules"
        if block.language == "js" and not packages.exists():
            packages.symlink_to(installed(CLIENTS / "javascript") / "node_modules")
        printed = self._run(f"{Path(sys.executable).parent / runs} {program}", place, True)
        _compare(output.lines, self._shown(printed), place)

    def _shown(self, printed: str) -> str:
        return printed.replace(f":{self._port}", f":{PORT}")

    def _run(self, command: str, place: str, succeeds: bool) -> str:
        """Run a command in the shell; what it printed."""
        self._count += 1
        script, output = self._scratch / f"{self._count}.sh", self._scratch / f"{self._count}.out"
        script.write_text(command.replace(f":{PORT}", f":{self._port}") + "\n")
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f". {script} > {output} 2>&1; echo done $?\n")
        self._shell.stdin.flush()
        said = self._shell.stdout.readline()
        printed = output.read_text()
        assert said.startswith("done "), f"{place}: $ {command}: the shell is gone: {said}{printed}"
        failed = int(said.split()[1]) != 0
        assert not (failed and succeeds), f"{place}: $ {command} failed: {printed}"
        return printed

    def _together(self, commands: list[str], place: str) -> str:
        """Run commands of which some go on in the background, wait for all; what they printed."""
        return self._run("\n".join([*commands, "wait"]), place, True)

    def _start(self, command: str, place: str) -> str:
        """Start a server in a terminal of its own and wait until it is ready; what it printed."""
        program = " ".join(command.split()[:2])
        if program in self._servers:
            assert self._servers[program].wait(10) is not None, f"{place}: the one before is still there"
        self._count += 1
        variables, output = self._scratch / f"{self._count}.env", self._scratch / f"{self._count}.out"
        self._run(f"export -p > {variables}", place, True)
        with output.open("wb") as file:
            process = subprocess.Popen(
                ["bash", "-c", f". {variables}; cd '{self.directory}'; exec {command}"],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True, env=self._environment,
            )  # fmt: skip
        self._servers[program] = process
        deadline = time.monotonic() + PATIENCE
        while READY not in (printed := output.read_text()):
            assert process.poll() is None, f"{place}: $ {command} ended: {printed}"
            assert time.monotonic() < deadline, f"{place}: $ {command} was not ready in time: {printed}"
            time.sleep(0.05)
        time.sleep(0.1)  # the greeting is one write, but nothing promises that a file shows it at once
        return output.read_text()


def programs_of(document: str) -> list[str]:
    """Directories of programs that the text of a document needs beside those of the machine; they are built."""
    uses_helm = "\n$ helm " in document
    return [str(build(CLIENTS, "helm.sh/helm/v4/cmd/helm", "helm").parent)] if uses_helm else []


def _fails(output: tuple[str, ...]) -> bool:
    return any(line.lower().startswith("error") or " is invalid: " in line for line in output)


def _lay_out(directory: Path) -> None:
    """Make a directory look like a checkout after `make setup`, so that `make start` runs what is being tested."""
    for file in ("Makefile", "requirements.lock", "requirements-development.lock", "pyproject.toml"):
        shutil.copy2(ROOT / file, directory / file)
    environment = directory / ".venv"
    environment.mkdir()
    (environment / "bin").symlink_to(Path(sys.executable).parent)
    for done in (".runnable", ".ready"):
        (environment / done).touch()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _pattern(line: str) -> str:
    """A line of a document as a regular expression for a line that was printed."""
    words = [_DURATION.sub(r"\\d+\\w*", re.escape(word)).replace(r"\.\.\.", ".*") for word in line.split()]
    return r"\s*" + r"\s+".join(words) + r"\s*"


def _compare(expected: tuple[str, ...], printed: str, place: str) -> None:
    lines = [line for line in expected if line.strip()]
    whole = "".join(r"(?:.*\n)*?" if line.strip() == "..." else _pattern(line) + r"\n" for line in lines)
    actual = "".join(f"{line}\n" for line in printed.splitlines() if line.strip())
    assert re.fullmatch(whole, actual), f"{place}\nthe document says:\n{chr(10).join(expected)}\nprinted:\n{actual}"


def _compare_unordered(expected: list[str], printed: str, place: str) -> None:
    left = [line for line in printed.splitlines() if line.strip()]
    tolerant = any(line.strip() == "..." for line in expected)
    for line in expected:
        if line.strip() in ("", "..."):
            continue
        found = next((one for one in left if re.fullmatch(_pattern(line), one)), None)
        assert found is not None, f"{place}: not printed: {line}\nprinted:\n{printed}"
        left.remove(found)
    assert tolerant or not left, f"{place}: printed beside what the document says: {left}"
