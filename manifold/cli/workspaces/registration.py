"""The workspace commands as commands of `manifold`, for those who have no kubectl at hand.

They read their flags themselves, by kubectl's rules: what click hands over is the command line as it was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from manifold.cli.completion.answers import Answer


class AsTyped(click.Command):
    """A command whose arguments click leaves alone, `--` and `--help` included, and which completes them itself."""

    def __init__(self, name: str, *, completes: Callable[[Sequence[str]], Answer], **given: Any) -> None:
        super().__init__(name, **given)
        self.completes = completes

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.args = list(args)
        return ctx.args


def _ws() -> int:
    from manifold.cli.workspaces.command import run_workspaces

    return run_workspaces(click.get_current_context().args, "manifold ws")


def _create_workspace() -> int:
    from manifold.cli.workspaces.command import run_create

    return run_create(click.get_current_context().args, "manifold create workspace")


def _complete_ws(words: Sequence[str]) -> Answer:
    from manifold.cli.workspaces.completion import complete_workspaces

    return complete_workspaces(words)


def _complete_create(words: Sequence[str]) -> Answer:
    from manifold.cli.workspaces.completion import complete_create

    return complete_create(words)


ws = AsTyped(
    "ws",
    completes=_complete_ws,
    callback=_ws,
    help="Enter, show and keep workspaces; the same as `kubectl ws`.",
)
create = click.Group(
    "create",
    help="Create a workspace.",
    commands={
        "workspace": AsTyped(
            "workspace",
            completes=_complete_create,
            callback=_create_workspace,
            help="Create a workspace; the same as `kubectl create workspace`.",
        )
    },
)
