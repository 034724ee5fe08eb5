"""The labels by which clients find the objects of claims.

Every object that an accepted claim is about says so in a label: its key tells the export, its value the claim. Whoever
writes an object, these labels are as they have to be afterwards, so nobody can put one or take one off. They are for
clients to select by, and for nothing else: what a provider may do is read from the bindings (APIs reference, section
3.8).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from manifold.admission.plugin import Admission, Plugin
from manifold.base.selectors import Selector
from manifold.exports.bindings import CLAIM_LABEL_PREFIX
from manifold.registry.served import Served
from manifold.storage.contract import Write
from manifold.types.resource import ResourceType
from manifold.views.consumers import normalized
from manifold.views.exported import compiled_selector
from manifold.views.resolution import Resolver
from manifold.views.rows import Claimed

Labels = Mapping[str, str]


def claim_labels(claims: Sequence[Claimed], kind: ResourceType, identity: str, labels: Labels) -> dict[str, str]:
    """The claim labels of an object of a type with some labels."""
    if not claims:
        return {}
    place = (*normalized(kind.group, kind.resource), identity)
    others = {key: value for key, value in labels.items() if not key.startswith(CLAIM_LABEL_PREFIX)}
    return {
        CLAIM_LABEL_PREFIX + one.label: one.value
        for one in claims
        if (one.group, one.resource, one.identity) == place and _selects(one, others)
    }


def _selects(claim: Claimed, labels: Labels) -> bool:
    selector: Selector | None = None if claim.selector is None else compiled_selector(claim.selector)
    return selector is None or selector.matches(labels)


def labelled(write: Write, served: Served, claims: Sequence[Claimed]) -> Write:
    """The write of a new object of a type that is claimed, with the labels that belong on it."""
    obj = served.decode(write.value or b"", 0)
    metadata = obj["metadata"]
    labels: Labels = metadata.get("labels") or {}
    wanted = claim_labels(claims, served.type, served.identity, labels)
    if not wanted:
        return write
    metadata["labels"] = {**wanted, **labels}  # a binding says itself what it is labelled for its own export
    return Write(write.key, served.encode(obj))


class ClaimLabels(Plugin):
    """Corrects the claim labels of what is written, silently. Where nothing is claimed it costs a look-up."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def admit(self, request: Admission) -> None:
        """Put the labels that belong there, and no others."""
        new = request.new
        if new is None or request.subresource or request.cluster.startswith("system:"):
            return
        metadata = new["metadata"]
        labels: Labels = metadata.get("labels") or {}
        claims = (await self._resolver.resolve(request.cluster)).claims
        if not claims and not any(key.startswith(CLAIM_LABEL_PREFIX) for key in labels):
            return
        wanted = claim_labels(claims, request.type, request.identity, labels)
        present = {key: value for key, value in labels.items() if key.startswith(CLAIM_LABEL_PREFIX)}
        if wanted == present:
            return
        kept = {key: value for key, value in labels.items() if key not in present}
        metadata["labels"] = {**kept, **wanted}
        if not metadata["labels"]:
            del metadata["labels"]
