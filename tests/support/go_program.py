"""Go programs of the tests: built once from their sources, and kept in `.cache` until those change."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".cache" / "bin"


def go_program(name: str, sources: Path) -> Path:
    """The program `name`, built from the Go module in `sources`. Go must be there.

    Building it again takes a second, because Go keeps what it has compiled; processes that want it at the same time
    wait for the one that builds it.
    """
    assert shutil.which("go"), f"these tests need Go, to build {name}"
    CACHE.mkdir(parents=True, exist_ok=True)
    program = CACHE / name
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        files = [*sources.glob("*.go"), sources / "go.mod", sources / "go.sum"]
        newest = max(file.stat().st_mtime for file in files)
        if not program.exists() or program.stat().st_mtime < newest:
            build = ["go", "build", "-trimpath", "-o", str(program), "."]
            done = subprocess.run(build, cwd=sources, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            os.utime(program)
    return program
