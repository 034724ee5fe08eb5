"""The commands about APIs as commands of `manifold`, which read their flags themselves, by kubectl's rules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import click

from manifold.cli.completion.answers import Answer
from manifold.cli.workspaces.registration import AsTyped

_HELP = {
    "apis": "Show which APIs can be bound, from whom, and what they claim.",
    "bind": "Bind an API; the same as `kubectl kcp bind`.",
    "claims": "Show and answer permission claims; the same as `kubectl kcp claims`.",
    "crd": "Make schemas of CustomResourceDefinitions; the same as `kubectl kcp crd`.",
    "provider": "Begin as the provider of an API.",
}


def _run() -> int:
    from manifold.cli.apis.command import run_manifold

    context = click.get_current_context()
    return run_manifold(str(context.info_name), context.args)


def _complete(name: str, words: Sequence[str]) -> Answer:
    from manifold.cli.apis.completion import complete

    return complete(name, words)


COMMANDS = tuple(
    AsTyped(name, completes=partial(_complete, name), callback=_run, help=text) for name, text in _HELP.items()
)
