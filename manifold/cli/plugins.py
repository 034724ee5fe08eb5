"""The kubectl plugins: programs that kubectl finds on the PATH by their names.

`kubectl ws` runs `kubectl-ws`, `kubectl kcp` runs `kubectl-kcp`; `kubectl create workspace` runs
`kubectl-create-workspace`, as `create` is one of the commands that plugins may extend. Where Tab is pressed behind
`kubectl ws`, kubectl asks `kubectl_complete-ws`.
"""

from __future__ import annotations

import sys

from manifold.cli.apis.command import run_kcp
from manifold.cli.workspaces.command import run_create, run_workspaces


def ws() -> int:
    """`kubectl ws`; its exit code."""
    return run_workspaces(sys.argv[1:], "kubectl ws")


def create_workspace() -> int:
    """`kubectl create workspace`; its exit code."""
    return run_create(sys.argv[1:], "kubectl create workspace")


def complete_ws() -> int:
    """What kubectl offers behind `kubectl ws`: the arguments are the words, the last one the one that is typed."""
    from manifold.cli.completion.answers import written
    from manifold.cli.workspaces.completion import complete_workspaces

    print(written(complete_workspaces(sys.argv[1:])))
    return 0


def complete_kcp() -> int:
    """What kubectl offers behind `kubectl kcp`, in the same way."""
    from manifold.cli.apis.completion import complete_kcp
    from manifold.cli.completion.answers import written

    print(written(complete_kcp(sys.argv[1:])))
    return 0


def kcp() -> int:
    """`kubectl kcp`; its exit code."""
    return run_kcp(sys.argv[1:], "kubectl kcp")
