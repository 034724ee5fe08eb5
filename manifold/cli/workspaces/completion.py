"""What can stand where the cursor is in a workspace command: commands, flags and their values, paths of workspaces.

Whether the cursor is behind a flag that takes a value is asked of the parser itself, so that completion and commands
cannot disagree. What must be asked of a server is asked once, with little patience; a failure offers nothing.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from manifold.base import clusters
from manifold.cli.completion.answers import FILES, NO_FILES, NO_SPACE, Answer, Choice, matching
from manifold.cli.program import COMMON, Command, chosen
from manifold.cli.workspaces.command import ALL_FLAGS, COMMANDS, CREATE, MINE, USE
from manifold.cli.workspaces.entering import type_of
from manifold.cli.workspaces.failures import CommandError, ServerError
from manifold.cli.workspaces.flags import Flag, Parsed, parse
from manifold.cli.workspaces.kubeconfig import locate
from manifold.cli.workspaces.reach import ACCESSIBLE
from manifold.cli.workspaces.session import Session, collection, pages

PATIENCE = 3.0
"""Seconds to wait for a server: longer, and one has typed the word oneself."""
MOST = 1000
"""How many workspaces of one parent are looked at."""
PAGES = 4
"""How many pages are read for them: those of what is in reach may have few items."""
CURSOR = "\0"
"""Stands where the cursor is; no argument can be that."""
_COMMANDS = tuple(Choice(each.name, each.summary) for each in COMMANDS if not each.hidden)
_SPECIAL = (
    Choice(".", "the current workspace"),
    Choice("..", "the workspace above"),
    Choice("~", "the home workspace"),
)


def complete_workspaces(words: Sequence[str]) -> Answer:
    """What the last of `words` could become behind `ws`; the others are complete."""
    return _complete(words, None)


def complete_create(words: Sequence[str]) -> Answer:
    """The same behind `create workspace`."""
    return _complete(words, CREATE)


def _complete(words: Sequence[str], only: Command | None) -> Answer:
    *before, begun = words or [""]
    quiet = io.StringIO()
    try:
        with contextlib.redirect_stderr(quiet):
            return _answer(before, begun, only)
    except CommandError:
        return Answer()


def _answer(before: Sequence[str], begun: str, only: Command | None) -> Answer:
    parsed = parse([*before, CURSOR], ALL_FLAGS.values())
    session = session_of(parsed)
    for name, values in parsed.values.items():
        if values[-1] == CURSOR:
            return flag_values(session, ALL_FLAGS[name], begun)
    arguments = parsed.arguments[:-1]
    is_open = parsed.open == len(parsed.arguments)  # else `--` has ended flags and names of commands
    command, rest = (only, parsed) if only else chosen(COMMANDS, Parsed(parsed.values, arguments, len(arguments)))
    if is_open and begun.startswith("-"):
        name, equals, value = begun.removeprefix("--").partition("=")
        if equals:
            return flag_values(session, ALL_FLAGS[name], value) if name in ALL_FLAGS else Answer()
        return matching(flag_choices(command or replace(USE, flags=(*USE.flags, MINE)), parsed), begun)
    if command is None and not arguments and is_open:
        paths = Answer(directive=NO_FILES + NO_SPACE)
        with contextlib.suppress(CommandError):
            paths = _paths(session, begun)
        return Answer(matching(_COMMANDS, begun).choices + paths.choices, paths.directive)
    if command is None and arguments == ("help",):
        return matching(_COMMANDS, begun)
    if command in (None, USE) and not rest.arguments:
        return _paths(session, begun)
    return Answer()


def session_of(parsed: Parsed) -> Session:
    """A session with the flags of a command line that the cursor stands in, with little patience."""
    values = {name: [value for value in given if value != CURSOR] for name, given in parsed.values.items()}
    flags = Parsed({name: given for name, given in values.items() if given}, ())
    return Session(flags, locate(flags.text("kubeconfig"), os.environ), patience=PATIENCE)


def flag_choices(command: Command, parsed: Parsed) -> Iterator[Choice]:
    """The flags of a command that may still be given."""
    for flag in sorted((*COMMON, *command.flags), key=lambda each: each.name):
        if flag.repeats or flag.name not in parsed.values:
            yield Choice(f"--{flag.name}", flag.help)


def flag_values(session: Session, flag: Flag, begun: str) -> Answer:
    """What the value of a flag could become. Raises CommandError where that cannot be found out."""
    if not flag.metavar:
        return matching((Choice("true"), Choice("false")), begun)
    if flag.metavar == "FILE":
        return FILES
    match flag.name:
        case "context" | "user":
            listed = session.kubeconfig.entries[f"{flag.name}s"]
            return matching(map(Choice, sorted(listed)), begun)
        case "workspace":
            return _paths(session, begun)
        case "type":
            return _types(session, begun)
        case "output":
            return matching((Choice("json"), Choice("name"), Choice("wide")), begun)
    return Answer()


def _paths(session: Session, begun: str) -> Answer:
    """Workspaces: those in the one that is named up to the last colon or slash, or in the current one."""
    cut = max(begun.rfind(":"), begun.rfind("/")) + 1
    head = begun[:cut]
    if head in (":", "/"):
        named = (clusters.ROOT, session.place.path.partition(":")[0])
        choices = [Choice(head + name) for name in named if name]
    elif head:
        choices = [Choice(head + one.value, one.description) for one in _children(session, session.resolve(head[:-1]))]
    else:
        special = _SPECIAL if begun else ()
        choices = [*special, *_children(session, session.place.path)]
    return matching(choices, begun, NO_FILES + NO_SPACE)


def _children(session: Session, path: str) -> list[Choice]:
    """The workspaces in one; for who may not list them, those that lead to what is in reach."""
    if not path:
        return []
    try:
        return [Choice(item["metadata"]["name"], type_of(item)) for item in _items(session, collection(path))]
    except ServerError as error:
        if error.code != 403:
            raise
    paths = (item["spec"]["path"] for item in _items(session, ACCESSIBLE))
    below = (other.removeprefix(f"{path}:").split(":") for other in paths if clusters.is_below(other, path))
    return [Choice(rest[0]) for rest in below if rest != [path]]


def _items(session: Session, request: str) -> Iterator[dict[str, Any]]:
    some = islice(pages(session.client, request), PAGES)
    return islice((item for page in some for item in page.get("items") or ()), MOST)


def _types(session: Session, begun: str) -> Answer:
    """Workspace types: those of a path, or those that a bare name would be looked for among, nearest first."""
    head, colon, _ = begun.rpartition(":")
    if colon:
        return matching((Choice(f"{head}:{name}") for name in _types_in(session, head.removeprefix(":"))), begun)
    choices: list[Choice] = []
    path = session.workspace
    while path:
        with contextlib.suppress(CommandError):
            choices += [Choice(name, f"of {path}") for name in _types_in(session, path)]
        path = clusters.parent(path)
    return matching(choices, begun)


def _types_in(session: Session, path: str) -> Iterator[str]:
    request = collection(path).removesuffix("/workspaces") + "/workspacetypes"
    return (item["metadata"]["name"] for item in _items(session, request))
