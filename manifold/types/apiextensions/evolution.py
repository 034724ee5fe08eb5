"""How stored custom resources follow their definition: other versions, changed schemas (`Evolution` of a type).

What is read is pruned and defaulted by the schema of the version it was stored in, as that is now, and then pruned by
the schema of the version that is asked for; what is written is pruned by the schema of the stored version
(Kubernetes docs, "Versions in CustomResourceDefinitions" and "Defaulting"). Versions with equal schemas are one as far
as records go, so that most reads need none of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

import orjson

from manifold.base.errors import StatusError
from manifold.schema.model import Node
from manifold.schema.structural import Structural
from manifold.types.resource import Object

NOT_CALLED = "this server does not call conversion webhooks"


def schema_hash(schema: Object) -> bytes:
    """The hash records carry of the schema they were written under: 8 bytes, equal for equal JSON."""
    return blake2b(orjson.dumps(schema, option=orjson.OPT_SORT_KEYS), digest_size=8).digest()


def header(version: str, hashed: bytes) -> bytes:
    """What a record's value has from its second byte on that tells version and schema."""
    encoded = version.encode()
    return bytes((len(encoded),)) + encoded + hashed


@dataclass(frozen=True, slots=True)
class VersionSchema:
    """The schema of one version of a definition, and its hash."""

    structural: Structural
    hashed: bytes


@dataclass(frozen=True, slots=True)
class Webhook:
    """The conversion webhook of a definition: where it would be called, and the kind whose conversion it is."""

    address: str
    group: str
    kind: str

    def refusal(self, version: str) -> StatusError:
        """The 500 of an object stored as `version` that had to be converted."""
        text = (
            f"conversion webhook for {self.group}/{version}, Kind={self.kind} failed: "
            f'Post "{self.address}?timeout=30s": {NOT_CALLED}'
        )
        return StatusError(500, "", text)


class VersionEvolution:
    """Reads and writes records of a definition for one of its versions.

    `content` is the hash of the definition, `schemas` are those of all its versions by name, `stored` is the version
    records are written in; `webhook` is set where versions are converted by one.
    """

    __slots__ = ("_schemas", "_stored", "_version", "_webhook", "content", "current")

    def __init__(
        self,
        content: str,
        version: str,
        stored: str,
        schemas: Mapping[str, VersionSchema],
        webhook: Webhook | None = None,
    ) -> None:
        self.content = content
        self._version = version
        self._stored = stored
        self._schemas = schemas
        self._webhook = webhook
        own = schemas[version].hashed
        self.current = frozenset(
            header(name, one.hashed)
            for name, one in schemas.items()
            if one.hashed == own and (webhook is None or name == version)
        )

    @property
    def stored_hash(self) -> bytes:
        """The hash of the stored version's schema."""
        return self._schemas[self._stored].hashed

    def node(self, version: str) -> Node | None:
        """The schema of a version; None where there is no such version."""
        found = self._schemas.get(version)
        return None if found is None else found.structural.node

    def read(self, obj: Object, version: str, schema_hash: bytes) -> Object:
        """Bring a record's object to this version."""
        if self._webhook is not None and version != self._version:
            raise self._webhook.refusal(version)
        written = self._schemas.get(version)
        if written is not None and written.hashed != schema_hash:
            written.structural.prune(obj)
            written.structural.default(obj)
        wanted = self._schemas[self._version]
        if written is not wanted:
            wanted.structural.prune(obj)
        return obj

    def settled(self, obj: Object) -> Object:
        """An object of this version as it will be read again: without what the stored version has no place for."""
        if self._webhook is not None or self._stands(self._schemas[self._stored]):
            return obj
        written = self.write(obj)
        self._schemas[self._version].structural.prune(written)
        return written

    def _stands(self, stored: VersionSchema) -> bool:
        return self._version == self._stored or (
            self._webhook is None and stored.hashed == self._schemas[self._version].hashed
        )

    def write(self, obj: Object) -> Object:
        """Bring an object of this version to the stored one."""
        stored = self._schemas[self._stored]
        if self._stands(stored):
            return obj
        if self._webhook is not None:
            raise self._webhook.refusal(self._version)
        converted: Object = orjson.loads(orjson.dumps(obj))
        stored.structural.prune(converted)
        stored.structural.default(converted)
        return converted
