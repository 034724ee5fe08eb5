"""Go programs that tests run, built once and kept in `.cache` until their sources change."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache" / "bin"


def build(module: Path, package: str, name: str) -> Path:
    """The path of the program `name`, built from a package of the Go module in the directory `module`.

    Building it again takes a second, because Go keeps what it has compiled. Processes that need the same program wait
    for the one that builds it. Raises AssertionError where there is no Go, or where the program does not compile.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    program = CACHE / name
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = [*module.glob("**/*.go"), module / "go.mod", module / "go.sum"]
        newest = max(source.stat().st_mtime for source in sources)
        if not program.exists() or program.stat().st_mtime < newest:
            assert shutil.which("go"), f"these tests need Go, to build {name}"
            command = ["go", "build", "-trimpath", "-o", str(program), package]
            done = subprocess.run(command, cwd=module, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            os.utime(program)
    return program
