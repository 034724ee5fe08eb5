"""`manifold completion`, which prints the script for a shell, and `manifold __complete`, which the scripts ask.

What click knows of a command is completed from that; commands that read their words themselves are asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from manifold.cli.completion.answers import FILES, Answer, Choice, matching, written
from manifold.cli.completion.scripts import SCRIPTS
from manifold.cli.workspaces.registration import AsTyped

_HOW = {
    "bash": "source <(manifold completion bash)",
    "fish": "manifold completion fish | source",
    "zsh": "source <(manifold completion zsh)",
}


def _printer(shell: str) -> click.Command:
    def run() -> None:
        click.echo(SCRIPTS[shell], nl=False)

    text = f"Print the script for {shell}.\n\nFor this shell and no later one:\n\n    {_HOW[shell]}"
    return click.Command(shell, callback=run, help=text)


completion = click.Group(
    "completion",
    help="Print the script by which a shell completes the words of manifold.",
    commands={shell: _printer(shell) for shell in SCRIPTS},
)


def _answer_words(words: Sequence[str]) -> Answer:
    root = click.get_current_context().find_root().command
    return complete(root, words)


def _print_answer() -> None:
    click.echo(written(_answer_words(click.get_current_context().args)))


asked = AsTyped("__complete", completes=_answer_words, callback=_print_answer, hidden=True)
"""The hidden command that the scripts run with the words up to the cursor, the last one being typed."""


def complete(command: click.Command, words: Sequence[str]) -> Answer:
    """What the last of `words` could become behind `command`; the others are complete."""
    *before, begun = words or [""]
    left = iter(before)
    for word in left:
        if isinstance(command, AsTyped):
            return command.completes([word, *left, begun])
        if word.startswith("-"):
            option = _option(command, word)
            if option is not None and _takes_next(option) and next(left, None) is None:
                return _values(option, begun)
        elif isinstance(command, click.Group) and word in command.commands:
            command = command.commands[word]
        else:
            return Answer()
    if isinstance(command, AsTyped):
        return command.completes([begun])
    name, equals, value = begun.partition("=")
    if begun.startswith("-") and equals:
        option = _option(command, name)
        return Answer() if option is None else _values(option, value)
    return matching(_flags(command) if begun.startswith("-") else _commands(command), begun)


def _commands(command: click.Command) -> Iterator[Choice]:
    for name, each in sorted(getattr(command, "commands", {}).items()):
        if not each.hidden:
            yield Choice(name, each.get_short_help_str(limit=80))


def _options(command: click.Command) -> Iterator[click.Option]:
    with click.Context(command) as context:
        yield from (each for each in command.get_params(context) if isinstance(each, click.Option))


def _flags(command: click.Command) -> Iterator[Choice]:
    for option in _options(command):
        for name in option.opts:
            if name.startswith("--"):
                yield Choice(name, option.help or "")


def _option(command: click.Command, name: str) -> click.Option | None:
    return next((option for option in _options(command) if name in option.opts), None)


def _takes_next(option: click.Option) -> bool:
    """Whether the next word is the value: a flag that may stand alone takes one behind `=` only."""
    return not option.is_flag and option.metavar != "BOOL"


def _values(option: click.Option, begun: str) -> Answer:
    if option.metavar in ("FILE", "DIRECTORY"):
        return FILES
    if option.metavar == "BOOL":
        return matching((Choice("true"), Choice("false")), begun)
    return Answer()
