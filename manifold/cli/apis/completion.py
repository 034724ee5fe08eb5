"""What can stand where the cursor is in a command about APIs: words of its name, flags and their values."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence

from manifold.cli.apis.command import COMMANDS, LISTED, OWN, WORKSPACE_NAMES
from manifold.cli.completion.answers import Answer, Choice, matching
from manifold.cli.program import Command, Program, chosen
from manifold.cli.workspaces.completion import CURSOR, complete_workspaces, flag_choices, flag_values, session_of
from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.flags import Parsed, parse


def complete(first: str, words: Sequence[str]) -> Answer:
    """What the last of `words` could become behind `manifold FIRST`; the others are complete."""
    return _quietly(Program("manifold", "", (*OWN, *COMMANDS)), [first, *(words or [""])])


def complete_kcp(words: Sequence[str]) -> Answer:
    """The same behind `kubectl kcp`."""
    if len(words) > 1 and words[0] in WORKSPACE_NAMES:
        return complete_workspaces(words[1:])
    return _quietly(Program("kubectl kcp", "", (*COMMANDS, LISTED)), words or [""])


def _quietly(program: Program, words: Sequence[str]) -> Answer:
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return _answer(program, words[:-1], words[-1])
    except CommandError:
        return Answer()


def _answer(program: Program, before: Sequence[str], begun: str) -> Answer:
    parsed = parse([*before, CURSOR], program.flags.values())
    for name, values in parsed.values.items():
        if values[-1] == CURSOR:
            return flag_values(session_of(parsed), program.flags[name], begun)
    arguments = parsed.arguments[:-1]
    if parsed.open < len(parsed.arguments):
        return Answer()
    command, _ = chosen(program.commands, Parsed(parsed.values, arguments, len(arguments)))
    if command is None:
        return matching(_words(program.commands, arguments), begun)
    if begun.startswith("-"):
        name, equals, value = begun.removeprefix("--").partition("=")
        if equals:
            flag = program.flags.get(name)
            return flag_values(session_of(parsed), flag, value) if flag else Answer()
        return matching(flag_choices(command, parsed), begun)
    return Answer()


def _words(commands: Sequence[Command], typed: tuple[str, ...]) -> list[Choice]:
    """The words that may follow those typed in the name of a command."""
    named = [(command.name.split(), command.summary) for command in commands]
    fits = [(words, summary) for words, summary in named if tuple(words[: len(typed)]) == typed]
    return [Choice(words[len(typed)], summary) for words, summary in fits if len(words) > len(typed)]
