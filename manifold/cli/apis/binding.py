"""Binding an export, and waiting until it is bound (section 7.3 of the tenancy reference)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from manifold.base import clusters
from manifold.cli.apis import permission_claims as claims
from manifold.cli.apis.durations import seconds
from manifold.cli.workspaces.failures import CommandError, ServerError
from manifold.cli.workspaces.flags import Parsed
from manifold.cli.workspaces.session import Session, say

if TYPE_CHECKING:
    from manifold.cli.workspaces.client import Client

GROUP = "apis.kcp.io"
PAUSE = 0.5
"""Seconds between two looks at a binding that is not bound yet."""
PATIENCE = "30s"
"""How long to wait unless told."""


def bind(session: Session, arguments: tuple[str, ...]) -> None:
    """Make an APIBinding to the export that the argument names, and wait until it is Bound."""
    path, export = _reference(arguments[0] if arguments else "")
    flags = session.flags
    name = flags.text("name") or export
    patience = seconds(flags.text("timeout") or PATIENCE, "timeout")
    answers = _answers(session, path, export)
    at = clusters.request_path(session.workspace)
    version = preferred_version(session.client, at)
    body = {
        "apiVersion": f"{GROUP}/{version}",
        "kind": "APIBinding",
        "metadata": {"name": name},
        "spec": {"reference": {"export": {"path": path, "name": export}}, **_in_version(answers, version)},
    }
    collection = f"{at}/apis/{GROUP}/{version}/apibindings"
    try:
        made = session.client.create(collection, body)
    except ServerError as error:
        raise CommandError(f"failed to create APIBinding: {error}") from None
    say(f"apibinding {name} created. Waiting to successfully bind ...")
    _wait(session.client, f"{collection}/{name}", made, patience)
    say(f"{name} created and bound.")


def preferred_version(client: Client, at: str) -> str:
    """The version of apis.kcp.io that the server prefers, in the logical cluster at the request path `at`."""
    group = client.get(f"{at}/apis/{GROUP}")
    return str((group.get("preferredVersion") or {}).get("version") or "v1alpha2")


def claims_of(client: Client, path: str, export: str) -> list[claims.Claim]:
    """What an export claims. Raises ServerError where it may not be read."""
    found = client.get(f"{clusters.request_path(path)}/apis/{GROUP}/v1alpha2/apiexports/{export}")
    return list((found.get("spec") or {}).get("permissionClaims") or ())


def _reference(text: str) -> tuple[str, str]:
    path, _, export = text.removeprefix(":").rpartition(":")
    if not path or not export:
        raise CommandError(
            "fully qualified reference to workspace where APIExport exists is required. "
            "The format is `<logical-cluster-name>:<apiexport>` or `<full>:<path>:<to>:<apiexport>`"
        )
    if not clusters.is_valid_path(path):
        raise CommandError(f"invalid workspace path: {path}")
    return path, export


def _named(flags: Parsed, flag: str) -> list[claims.Claim]:
    texts = [text for value in flags.values.get(flag, ()) for text in value.split(",")]
    found = [claims.parsed(text) for text in texts]
    for text, claim in zip(texts, found, strict=True):
        if not claim["resource"]:
            raise CommandError(f'invalid argument "{text}" for "--{flag}" flag: a claim is RESOURCE.GROUP')
    return found


def _answers(session: Session, path: str, export: str) -> list[claims.Claim]:
    """The answers that flags give to the claims of an export, which is read only where there are such flags."""
    flags = session.flags
    accept_all, reject_all = flags.on("accept-all-permission-claims"), flags.on("reject-all-permission-claims")
    named = {
        state: _named(flags, f"{verb}-permission-claim")
        for verb, state in (("accept", claims.ACCEPTED), ("reject", claims.REJECTED))
    }
    if accept_all and reject_all:
        raise CommandError("--accept-all-permission-claims and --reject-all-permission-claims exclude each other")
    if accept_all or reject_all:
        if any(named.values()):
            raise CommandError("claims cannot be named where all are accepted or rejected")
        named[claims.ACCEPTED if accept_all else claims.REJECTED] = claims_of(session.client, path, export)
    elif any(named.values()):
        identities = _identities(session.client, path, export)
        for listed in named.values():
            for claim in listed:
                claim["identityHash"] = identities.get((claim["group"], claim["resource"]), "")
    answers: dict[claims.Key, claims.Claim] = {}
    for state, listed in named.items():
        for claim in listed:
            before = answers.setdefault(claims.key(claim), claims.answer(claim, state, ["*"]))
            if before["state"] != state:
                raise CommandError(f"the claim {claims.shown(claim)} cannot be both accepted and rejected")
    return list(answers.values())


def _identities(client: Client, path: str, export: str) -> dict[tuple[str, str], str]:
    """The identities of what an export claims; none where the export may not be read."""
    try:
        found = claims_of(client, path, export)
    except ServerError:
        return {}
    return {claims.key(claim)[:2]: claims.key(claim)[2] for claim in found}


def _in_version(answers: list[claims.Claim], version: str) -> dict[str, Any]:
    if not answers:
        return {}
    if version != "v1alpha1":
        return {"permissionClaims": answers}
    older = ({name: claim[name] for name in claim if name not in ("verbs", "selector")} for claim in answers)
    return {"permissionClaims": [{**claim, "all": True} for claim in older]}


def _wait(client: Client, request: str, binding: dict[str, Any], patience: float) -> None:
    begun = time.monotonic()
    while (binding.get("status") or {}).get("phase") != "Bound":
        name = binding["metadata"]["name"]
        if time.monotonic() - begun >= patience:
            raise CommandError(f"could not bind {name}: context deadline exceeded{_reasons(binding)}")
        time.sleep(min(PAUSE, patience))
        binding = client.get(request)


def _reasons(binding: dict[str, Any]) -> str:
    """What the binding itself says it waits for."""
    said = [
        each.get("message") or each.get("reason") or each["type"]
        for each in (binding.get("status") or {}).get("conditions") or ()
        if each.get("status") == "False" and each.get("type") != "Ready"
    ]
    return f": {'; '.join(dict.fromkeys(said))}" if said else ""
