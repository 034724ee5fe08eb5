"""The workspace commands as commands of `manifold`, for those who have no kubectl at hand.

They read their flags themselves, by kubectl's rules: what click hands over is the command line as it was typed.
"""

from __future__ import annotations

import click


class _AsTyped(click.Command):
    """A command whose arguments click leaves alone, `--` and `--help` included."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.args = list(args)
        return ctx.args


def _ws() -> int:
    from manifold.cli.workspaces.command import run_workspaces

    return run_workspaces(click.get_current_context().args, "manifold ws")


def _create_workspace() -> int:
    from manifold.cli.workspaces.command import run_create

    return run_create(click.get_current_context().args, "manifold create workspace")


ws = _AsTyped("ws", callback=_ws, help="Enter, show and keep workspaces; the same as `kubectl ws`.")
create = click.Group(
    "create",
    help="Create a workspace.",
    commands={
        "workspace": _AsTyped(
            "workspace",
            callback=_create_workspace,
            help="Create a workspace; the same as `kubectl create workspace`.",
        )
    },
)
