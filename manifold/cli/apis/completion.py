"""What can stand where the cursor is in a command about APIs: words of its name, flags and their values, the exports
one may bind, bindings, and claims.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, takewhile
from typing import Any

from manifold.base import clusters
from manifold.cli.apis import permission_claims as claims
from manifold.cli.apis.claims import bindings
from manifold.cli.apis.command import (
    APIS,
    BIND,
    CLAIMS,
    COMMANDS,
    LISTED,
    OWN,
    SNAPSHOT,
    WORKSPACE_NAMES,
)
from manifold.cli.apis.offers import export_of, offers
from manifold.cli.completion.answers import Answer, Choice, matching
from manifold.cli.program import WORKSPACE, Command, Program, chosen
from manifold.cli.workspaces.completion import (
    CURSOR,
    MOST,
    PATIENCE,
    complete_workspaces,
    flag_choices,
    flag_values,
    session_of,
)
from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.flags import Flag, Parsed, parse
from manifold.cli.workspaces.session import Session

_FORMATS = {APIS: ("json", "name"), SNAPSHOT: ("json", "yaml")}


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
    if parsed.open < len(parsed.arguments):
        return Answer()
    arguments = tuple(argument for argument in parsed.arguments if argument != CURSOR)
    command, rest = chosen(program.commands, Parsed(parsed.values, arguments, len(arguments)))
    for name, values in parsed.values.items():
        if values[-1] == CURSOR:
            return _flag_values(command, rest, program.flags[name], begun)
    if command is None:
        return matching(_words(program.commands, arguments), begun)
    if begun.startswith("-"):
        name, equals, value = begun.removeprefix("--").partition("=")
        if equals:
            flag = program.flags.get(name)
            return _flag_values(command, rest, flag, value) if flag else Answer()
        return matching(flag_choices(command, parsed), begun)
    if rest.arguments:
        return Answer()
    if command is BIND:
        return matching(_exports(session_of(parsed), begun), begun)
    if command in CLAIMS:
        return matching(_bindings(session_of(parsed)), begun)
    return Answer()


def _words(commands: Sequence[Command], typed: tuple[str, ...]) -> list[Choice]:
    """The words that may follow those typed in the name of a command."""
    named = [(command.name.split(), command.summary) for command in commands]
    fits = [(words, summary) for words, summary in named if tuple(words[: len(typed)]) == typed]
    return [Choice(words[len(typed)], summary) for words, summary in fits if len(words) > len(typed)]


def _flag_values(command: Command | None, rest: Parsed, flag: Flag, begun: str) -> Answer:
    """What the value of a flag could become; `rest` has the arguments of the command."""
    session = session_of(rest)
    match flag.name:
        case "from":
            return flag_values(session, WORKSPACE, begun)
        case "output":
            return matching(map(Choice, _FORMATS.get(command, ()) if command else ()), begun)
        case "resource":
            return _several(_answerable(session, rest.arguments), begun, session.flags.values.get(flag.name, ()))
        case "identity-hash":
            identities = (claims.key(claim)[2] for binding in _of(session, rest.arguments) for claim in _all(binding))
            return matching((Choice(identity) for identity in identities if identity), begun)
        case "accept-permission-claim" | "reject-permission-claim":
            return _several(_claimed(session, rest.arguments), begun, session.flags.values.get(flag.name, ()))
    return flag_values(session, flag, begun)


def _exports(session: Session, begun: str) -> Iterator[Choice]:
    """What `manifold apis` shows, and what there is in the workspace that has been typed."""
    lead = ":" if begun.startswith(":") else ""
    workspace, head = session.workspace, begun.removeprefix(":").rpartition(":")[0]
    asked_anyway = head == workspace or clusters.is_below(workspace, head)
    further = [] if asked_anyway or not _is_place(head) else [head]
    deadline = time.monotonic() + PATIENCE
    with contextlib.suppress(CommandError):  # what has been found until then is there
        for offer in takewhile(lambda _: time.monotonic() < deadline, offers(session.client, workspace, further)):
            yield Choice(lead + offer.reference, ",".join(offer.resources))


def _bindings(session: Session) -> Iterator[Choice]:
    for binding in _of(session, ()):
        export = ((binding.get("spec") or {}).get("reference") or {}).get("export") or {}
        yield Choice(binding["metadata"]["name"], ":".join(filter(None, (export.get("path"), export.get("name")))))


def _of(session: Session, arguments: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The binding that is named, or all."""
    return islice(bindings(session, arguments), MOST)


def _all(binding: dict[str, Any]) -> Iterator[claims.Claim]:
    return (pair.either for pair in claims.pairs(binding))


def _answerable(session: Session, arguments: tuple[str, ...]) -> Iterator[Choice]:
    """The claims that can be answered, and how they are."""
    for binding in _of(session, arguments):
        for pair in claims.pairs(binding):
            if pair.claim is not None:
                yield Choice(claims.shown(pair.claim), f"{','.join(pair.claim.get('verbs') or ())} {pair.state}")


def _claimed(session: Session, arguments: tuple[str, ...]) -> Iterator[Choice]:
    """What the export that is to be bound claims."""
    path, _, name = arguments[0].removeprefix(":").rpartition(":") if arguments else ("", "", "")
    if _is_place(path) and name:
        for claim in (export_of(session.client, path, name).get("spec") or {}).get("permissionClaims") or ():
            yield Choice(claims.shown(claim), ",".join(claim.get("verbs") or ()))


def _is_place(path: str) -> bool:
    return clusters.is_valid_path(path) and path != clusters.WILDCARD


def _several(choices: Iterable[Choice], begun: str, given: Sequence[str]) -> Answer:
    """Choices for a value that may be several words with commas between, without those that are there already."""
    head = begun[: begun.rfind(",") + 1]
    there = {word for value in (*given, head) for word in value.split(",")}
    return matching((Choice(head + one.value, one.description) for one in choices if one.value not in there), begun)
