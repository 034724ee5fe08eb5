"""Which APIs one may bind, from whom, and what they claim: asked of a few workspaces, never of the tree.

Asked are the current workspace, those above it up to `root`, those it has bound something from, and those that --from
names. Each is asked twice: which exports it has, and on which of them the caller has the verb `bind`. Exports whose
workspace the caller may not enter are known only by what is bound from there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from manifold.base import clusters
from manifold.cli.apis import permission_claims as claims
from manifold.cli.apis.tables import lines
from manifold.cli.workspaces.failures import CommandError, ServerError
from manifold.cli.workspaces.session import Session, pages, say, warn

if TYPE_CHECKING:
    from manifold.cli.workspaces.client import Client

APIS = "/apis/apis.kcp.io/v1alpha2"
RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
FORMATS = ("", "name", "json")


@dataclass(slots=True)
class Offer:
    """An export that can be bound. `known` is whether what it has and claims could be read."""

    path: str
    name: str
    resources: list[str] = field(default_factory=list)
    claimed: list[claims.Claim] = field(default_factory=list)
    bound_by: list[str] = field(default_factory=list)
    known: bool = True

    @property
    def reference(self) -> str:
        """How `bind apiexport` names it."""
        return f"{self.path}:{self.name}"


def apis(session: Session, arguments: tuple[str, ...]) -> None:
    """Write what can be bound as a table, as references, or as JSON."""
    output = session.flags.text("output")
    if output not in FORMATS:
        raise CommandError(f'unable to match a printer suitable for the output format "{output}": use name or json')
    workspace = session.workspace
    given = [session.resolve(path) for path in session.flags.values.get("from", ())]
    found = list(offers(session.client, workspace, given))
    if output == "json":
        say(json.dumps([_as_json(offer) for offer in found], indent=2))
    elif output == "name":
        for offer in found:
            say(offer.reference)
    elif found:
        say("\n".join(lines(("EXPORT", "RESOURCES", "CLAIMS", "BOUND BY"), [_row(offer) for offer in found])))
    else:
        warn("No APIs found")


def offers(client: Client, workspace: str, given: list[str]) -> Iterator[Offer]:
    """What the caller may bind in a workspace, in the order of the workspaces that are asked.

    Raises ServerError where the bindings of the workspace cannot be read, or the exports of one that was named.
    """
    bound = _bound(client, workspace)
    for path in dict.fromkeys((workspace, *_above(workspace), *(path for path, _ in bound), *given)):
        try:
            may_bind = _bindable(client, path)
            exports = list(_exports(client, path)) if may_bind else []
        except ServerError as error:
            if error.code not in (403, 404) or path in given:
                raise
            may_bind, exports = frozenset(), []
        listed = {export["metadata"]["name"]: export for export in exports}
        named = {name for at, name in bound if at == path} | (may_bind - {"*"})
        for name in sorted({*listed, *named}):
            bindings = bound.get((path, name), [])
            if name in listed and ("*" in may_bind or name in may_bind or bindings):
                yield _offer(path, listed[name], bindings)
            elif name in named and name not in listed:
                yield Offer(path, name, bound_by=bindings, known=False)


def _above(path: str) -> Iterator[str]:
    while path := clusters.parent(path):
        yield path


def _bound(client: Client, workspace: str) -> dict[tuple[str, str], list[str]]:
    """The exports that are bound in a workspace, as path and name, with the names of the bindings."""
    found: dict[tuple[str, str], list[str]] = {}
    for page in pages(client, f"{clusters.request_path(workspace)}{APIS}/apibindings"):
        for binding in page.get("items") or ():
            export = ((binding.get("spec") or {}).get("reference") or {}).get("export") or {}
            reference = export.get("path") or workspace, export.get("name") or ""
            found.setdefault(reference, []).append(binding["metadata"]["name"])
    return found


def _bindable(client: Client, path: str) -> frozenset[str]:
    """The names of exports in a workspace on which the caller has the verb `bind`; `*` for all of them."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": "default"},
    }
    answer = client.create(f"{clusters.request_path(path)}{RULES}", review)
    names: set[str] = set()
    for rule in (answer.get("status") or {}).get("resourceRules") or ():
        covers = ("verbs", ("bind", "*")), ("apiGroups", ("apis.kcp.io", "*")), ("resources", ("apiexports", "*"))
        if all(set(rule.get(part) or ()) & set(values) for part, values in covers):
            names.update(rule.get("resourceNames") or ("*",))
    return frozenset(names)


def _exports(client: Client, path: str) -> Iterator[dict[str, Any]]:
    try:
        for page in pages(client, f"{clusters.request_path(path)}{APIS}/apiexports"):
            yield from page.get("items") or ()
    except ServerError as error:
        if error.code != 403:
            raise


def export_of(client: Client, path: str, name: str) -> dict[str, Any]:
    """An export. Raises ServerError where it cannot be read."""
    return client.get(f"{clusters.request_path(path)}{APIS}/apiexports/{quote(name, safe='')}")


def _offer(path: str, export: dict[str, Any], bindings: list[str]) -> Offer:
    spec = export.get("spec") or {}
    resources = [
        ".".join(part for part in (each.get("name"), each.get("group")) if part) for each in spec.get("resources") or ()
    ]
    return Offer(path, export["metadata"]["name"], resources, list(spec.get("permissionClaims") or ()), bindings)


def _row(offer: Offer) -> tuple[str, str, str, str]:
    unknown = "?" if not offer.known else "-"
    claimed = (f"{claims.shown(claim)}({','.join(claim.get('verbs') or ('*',))})" for claim in offer.claimed)
    return (
        offer.reference,
        ",".join(offer.resources) or unknown,
        " ".join(claimed) or unknown,
        ",".join(offer.bound_by) or "-",
    )


def _as_json(offer: Offer) -> dict[str, Any]:
    read = {"resources": offer.resources, "permissionClaims": offer.claimed} if offer.known else {}
    return {"path": offer.path, "name": offer.name, **read, "boundBy": offer.bound_by}
