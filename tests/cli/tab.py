"""What programs offer when Tab is pressed."""

import subprocess
from pathlib import Path

from bash_terminal import environment


def offered(program: list[str], kubeconfig: Path) -> tuple[list[str], str]:
    """The words a program offers, and the directive."""
    done = subprocess.run(
        program, env=environment(kubeconfig), cwd=kubeconfig.parent, capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    *choices, directive = done.stdout.splitlines()
    return [choice.partition("\t")[0] for choice in choices], directive
