"""The kubectl plugins: programs that kubectl finds on the PATH by their names.

`kubectl ws` runs `kubectl-ws`; `kubectl create workspace` runs `kubectl-create-workspace`, as `create` is one of the
commands that plugins may extend.
"""

from __future__ import annotations

import sys

from manifold.cli.workspaces.command import run_create, run_workspaces


def ws() -> int:
    """`kubectl ws`; its exit code."""
    return run_workspaces(sys.argv[1:], "kubectl ws")


def create_workspace() -> int:
    """`kubectl create workspace`; its exit code."""
    return run_create(sys.argv[1:], "kubectl create workspace")
