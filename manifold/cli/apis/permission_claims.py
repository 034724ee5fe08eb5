"""Claims as data: what an export claims beside what a binding answers.

Plain functions over objects of apis.kcp.io/v1alpha2; no server is asked. A claim is known by group, resource and
identity, as sections 2.5 and 3.1 of the APIs reference have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Claim = dict[str, Any]
Key = tuple[str, str, str]

ACCEPTED, REJECTED, OPEN = "Accepted", "Rejected", "Open"


def key(claim: Claim) -> Key:
    """What a claim is known by: group, resource, identity hash."""
    return claim.get("group") or "", claim.get("resource") or "", claim.get("identityHash") or ""


def shown(claim: Claim) -> str:
    """A claim as people write it: the resource, and behind a dot its group if that is not the core group."""
    group, resource, _ = key(claim)
    return f"{resource}.{group}" if group else resource


def parsed(text: str) -> Claim:
    """The claim that a text names: `RESOURCE`, `RESOURCE.GROUP`, or `RESOURCE.core`."""
    resource, _, group = text.strip().partition(".")
    return {"group": "" if group == "core" else group, "resource": resource}


def answer(claim: Claim, state: str, verbs: Iterable[str] | None = None) -> Claim:
    """The answer to a claim: for all objects, or those the export wants selected; its verbs unless told others."""
    group, resource, identity = key(claim)
    made: Claim = {
        "group": group,
        "resource": resource,
        "verbs": list(verbs if verbs is not None else claim.get("verbs") or ["*"]),
        "selector": claim.get("defaultSelector") or {"matchAll": True},
        "state": state,
    }
    return {**made, "identityHash": identity} if identity else made


def answered(binding: dict[str, Any]) -> list[Claim]:
    """The claims that a binding answers."""
    return list((binding.get("spec") or {}).get("permissionClaims") or ())


def claimed(binding: dict[str, Any]) -> list[Claim]:
    """The claims of the export, as the binding's status tells them."""
    return list((binding.get("status") or {}).get("exportPermissionClaims") or ())


@dataclass(frozen=True, slots=True)
class Pair:
    """One claim: what the export claims and what the binding answers. One of them may be missing."""

    claim: Claim | None
    answer: Claim | None

    @property
    def either(self) -> Claim:
        """Whichever is there."""
        found = self.claim or self.answer
        assert found is not None
        return found

    @property
    def state(self) -> str:
        """Accepted, Rejected, or Open where the binding does not say."""
        return str((self.answer or {}).get("state") or OPEN)

    @property
    def difference(self) -> str:
        """In a few words what is to be looked at; empty where export and binding are of one mind."""
        if self.claim is None:
            return "the export does not claim this"
        if self.answer is None:
            return "not answered"
        if self.state not in (ACCEPTED, REJECTED):
            return "neither accepted nor rejected"
        if self.state == REJECTED:
            return ""
        wanted, given = set(self.claim.get("verbs") or ()), set(self.answer.get("verbs") or ())
        if wanted == given or "*" in given:
            return ""
        missing = ",".join(sorted(wanted - given))
        return f"verbs not given: {missing}" if missing else ""


def pairs(binding: dict[str, Any]) -> Iterator[Pair]:
    """Every claim of a binding: those of its export first, in its order, then what else it answers."""
    answers = {key(each): each for each in answered(binding)}
    for claim in claimed(binding):
        yield Pair(claim, answers.pop(key(claim), None))
    for left in answers.values():
        yield Pair(None, left)


def with_answers(binding: dict[str, Any], answers: Iterable[Claim]) -> dict[str, Any]:
    """The binding with these answers in the place of those to the same claims; what was selected stays so."""
    spec = dict(binding.get("spec") or {})
    kept = {key(each): each for each in answered(binding)}
    for each in answers:
        before = kept.get(key(each))
        kept[key(each)] = {**each, "selector": before["selector"]} if before and before.get("selector") else each
    return {**binding, "spec": {**spec, "permissionClaims": list(kept.values())}}
