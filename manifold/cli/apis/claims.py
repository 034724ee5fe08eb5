"""The claims of bindings: shown, compared, answered (section 7.3 of the tenancy reference)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from manifold.base import clusters
from manifold.cli.apis import permission_claims as claims
from manifold.cli.apis.tables import lines
from manifold.cli.workspaces.failures import CommandError, ServerError
from manifold.cli.workspaces.session import Session, pages, say

_COLUMNS = ("APIBINDING", "GROUP-RESOURCE", "VERBS", "STATUS")
ATTEMPTS = 5
"""How often an answer is written anew that another writer was faster than."""


def get(session: Session, arguments: tuple[str, ...]) -> None:
    """Write the claims that bindings answer; of all bindings, or of the one that is named."""
    rows = [
        _row(binding, claim, str(claim.get("state") or claims.OPEN))
        for binding in bindings(session, arguments)
        for claim in claims.answered(binding)
    ]
    say("\n".join(lines(_COLUMNS, rows)))


def everything(session: Session, arguments: tuple[str, ...]) -> None:
    """Write all claims, those that nobody has answered and those that nobody claims any more included."""
    rows = [
        (*_row(binding, pair.either, pair.state), pair.difference or "-")
        for binding in bindings(session, arguments)
        for pair in claims.pairs(binding)
    ]
    say("\n".join(lines((*_COLUMNS, "DIFFERENCE"), rows)))


def diff(session: Session, arguments: tuple[str, ...]) -> int:
    """Write where bindings differ from what their exports claim; exit code 1 where one does, as `kubectl diff`."""
    rows = [
        (binding["metadata"]["name"], claims.shown(pair.either), pair.difference)
        for binding in bindings(session, arguments)
        for pair in claims.pairs(binding)
        if pair.difference
    ]
    if rows:
        say("\n".join(lines(("APIBINDING", "CLAIM", "DIFFERENCE"), rows)))
    return 1 if rows else 0


def accept(session: Session, arguments: tuple[str, ...]) -> None:
    """Accept claims of a binding, for what its export wants to do."""
    _answer(session, arguments, claims.ACCEPTED)


def reject(session: Session, arguments: tuple[str, ...]) -> None:
    """Reject claims of a binding."""
    _answer(session, arguments, claims.REJECTED)


def _answer(session: Session, arguments: tuple[str, ...], state: str) -> None:
    if not arguments:
        raise CommandError("the name of the APIBinding is missing")
    chosen = _choice(session)
    request = f"{_collection(session)}/{arguments[0]}"
    answers: list[claims.Claim] = []
    for attempt in range(ATTEMPTS):
        binding = session.client.get(request)
        answers = [claims.answer(claim, state) for claim in chosen(binding)]
        if not answers:
            return
        try:
            session.client.update(request, claims.with_answers(binding, answers))
            break
        except ServerError as error:
            if error.code != 409 or attempt == ATTEMPTS - 1:
                raise
    for one in answers:
        say(f'claim "{claims.shown(one)}" on APIBinding "{arguments[0]}" is {state.lower()}')


def _choice(session: Session) -> Callable[[dict[str, Any]], list[claims.Claim]]:
    """Which claims of a binding the flags choose. Raises CommandError where they choose none that there is."""
    flags = session.flags
    wanted = [claims.parsed(text) for value in flags.values.get("resource", ()) for text in value.split(",")]
    identity, whole = flags.text("identity-hash"), flags.on("all")
    if whole and (wanted or identity):
        raise CommandError("--all cannot be used with --resource or --identity-hash")
    if not (whole or wanted or identity):
        raise CommandError("say which claims: by --resource, by --identity-hash, or --all")

    def chosen(binding: dict[str, Any]) -> list[claims.Claim]:
        there = [claim for claim in claims.claimed(binding) if not identity or claims.key(claim)[2] == identity]
        if not wanted:
            if not there and identity:
                raise _missing(f"with identity {identity}", binding)
            return there
        for one in wanted:
            if not any(claims.key(claim)[:2] == claims.key(one)[:2] for claim in there):
                raise _missing(f'"{claims.shown(one)}"', binding)
        names = {claims.key(one)[:2] for one in wanted}
        return [claim for claim in there if claims.key(claim)[:2] in names]

    return chosen


def _missing(what: str, binding: dict[str, Any]) -> CommandError:
    return CommandError(f'the export of APIBinding "{binding["metadata"]["name"]}" has no claim {what}')


def _collection(session: Session) -> str:
    return f"{clusters.request_path(session.workspace)}/apis/apis.kcp.io/v1alpha2/apibindings"


def bindings(session: Session, arguments: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The bindings of the workspace, or the one that is named. Raises ServerError where they cannot be read."""
    collection = _collection(session)
    if arguments:
        yield session.client.get(f"{collection}/{arguments[0]}")
        return
    for page in pages(session.client, collection):
        yield from page.get("items") or ()


def _row(binding: dict[str, Any], claim: claims.Claim, state: str) -> tuple[str, str, str, str]:
    group, resource, _ = claims.key(claim)
    name = f"{group}-{resource}" if group else resource
    return binding["metadata"]["name"], name, ",".join(claim.get("verbs") or ()), state
