"""A type under every identity, of which nothing but metadata can be told.

Equal names of a group and resource may stand for many types: what logical clusters define, and what exports offer, each
under an identity of its own. Their objects have in common that they are objects. So whoever wants all of them, as
garbage collectors do, gets metadata, and in an annotation the version an object is really stored in (APIs reference,
section 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from manifold.base import keys
from manifold.registry.served import Served
from manifold.schema import records
from manifold.types.resource import METADATA_FIELDS, Object, ResourceType, metadata_labels

ORIGINAL_VERSION = "kcp.io/original-api-version"


@dataclass(frozen=True, slots=True, eq=False)
class EveryIdentity(Served):
    """One of the types, read as what all have in common. Its range spans all identities."""

    def __post_init__(self) -> None:
        Served.__post_init__(self)
        object.__setattr__(self, "prefix", keys.resource_prefix(self.group, self.resource))
        object.__setattr__(self, "plain", False)

    def decode(self, value: bytes, revision: int) -> Object:
        """A record as an object in the version it is stored in, which its annotations tell, too."""
        version = records.version(value)
        original = f"{self.group}/{version}" if self.group else version
        obj = records.decode(value, revision, records.head(original, self.type.kind))
        metadata = obj["metadata"]
        metadata["annotations"] = {**(metadata.get("annotations") or {}), ORIGINAL_VERSION: original}
        return obj


def under_every_identity(kind: ResourceType) -> EveryIdentity:
    """All objects of the group and resource of a type."""
    return EveryIdentity(
        replace(
            kind,
            verbs=("list", "watch"),
            subresources={},
            columns=(),
            selectable=METADATA_FIELDS,
            field_labels=metadata_labels,
            convert=None,
            evolution=None,
            deprecation="",
        )
    )
