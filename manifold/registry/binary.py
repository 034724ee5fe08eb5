"""Objects, lists and watches in protobuf: made of records, like every other representation.

The message of an object costs ten times what its JSON does, which is concatenated. So those of small objects are kept
for a while: what a write answers is what its watchers are told, and what is listed next. The message of a list stands
in an envelope that tells its length first, so the items of a list are complete before its head is sent. The envelope is
`runtime.Unknown`; a watch frame is a length of four bytes, most significant first, and a meta/v1 WatchEvent whose
object is an envelope again. Everything that does not depend on the object is made once per type.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import orjson

from manifold.base.errors import StatusError
from manifold.registry.large import off_loop
from manifold.registry.served import Served
from manifold.schema import protobuf
from manifold.types.resource import Object

_META = "k8s.io.apimachinery.pkg.apis.meta.v1."
_LIST_META, _PARTIAL = _META + "ListMeta", _META + "PartialObjectMetadata"
_METADATA, _ITEMS = 1, 2
"""Fields of every list message."""
_RAW = 2
"""The field of an envelope that holds the message."""
_TYPE, _OBJECT = 1, 2
"""Fields of a WatchEvent."""
_EXTENSION = 1
"""The only field of a RawExtension."""
KEPT = 4096
"""How many messages are kept."""
KEPT_BYTES = 4096
"""The largest record whose message is kept."""


@dataclass(frozen=True, slots=True)
class _Names:
    """What a type is called on the wire: its message, and the heads of the envelopes of objects and lists."""

    message: str
    object_head: bytes
    list_head: bytes


@lru_cache(1024)
def _names(served: Served) -> _Names:
    kind = served.type
    list_kind = kind.list_kind or kind.kind + "List"
    return _Names(
        kind.protobuf,
        protobuf.envelope_head(kind.api_version, kind.kind),
        protobuf.envelope_head(kind.api_version, list_kind),
    )


_PARTIAL_NAMES = _Names(
    _PARTIAL,
    protobuf.envelope_head(protobuf.META_VERSION, "PartialObjectMetadata"),
    protobuf.envelope_head(protobuf.META_VERSION, "PartialObjectMetadataList"),
)


def _message(message: str, served: Served, value: bytes, revision: int) -> bytes:
    return protobuf.encode_message(message, served.decode(value, revision))


_kept = lru_cache(KEPT)(_message)
_prepared = False


async def prepare() -> None:
    """To be awaited before the first object is made: what that takes is loaded off the event loop, once."""
    global _prepared
    if not _prepared:
        await off_loop(protobuf.prepare)
        _prepared = True


@dataclass(frozen=True, slots=True)
class Protobuf:
    """Objects of types that have a message, or of every type their metadata alone."""

    metadata_only: bool

    @property
    def key(self) -> str:
        """Bytes are the same for everyone."""
        return "protobuf metadata" if self.metadata_only else "protobuf"

    @property
    def joint(self) -> bytes:
        """Nothing."""
        return b""

    @property
    def tail(self) -> bytes:
        """The end of the envelope."""
        return protobuf.NO_CONTENT

    @property
    def sized(self) -> bool:
        """It is."""
        return True

    def _of(self, served: Served) -> _Names:
        return _PARTIAL_NAMES if self.metadata_only else _names(served)

    def _raw(self, served: Served, value: bytes, revision: int) -> bytes:
        message = self._of(served).message
        # What has no revision is not stored, and not asked for again.
        made = _kept if revision and len(value) <= KEPT_BYTES else _message
        return made(message, served, value, revision)

    def _enveloped(self, served: Served, raw: bytes) -> bytes:
        head = self._of(served).object_head
        return b"".join((head, protobuf.opening(_RAW, len(raw)), raw, protobuf.NO_CONTENT))

    def render(self, served: Served, value: bytes, revision: int) -> bytes:
        """The object in its envelope."""
        return self._enveloped(served, self._raw(served, value, revision))

    def item(self, served: Served, value: bytes, revision: int) -> bytes:
        """The object as one of the repeated field of a list message."""
        return protobuf.delimited(_ITEMS, self._raw(served, value, revision))

    def list_head(self, served: Served, metadata: bytes, size: int) -> bytes:
        """The envelope up to the first item."""
        list_meta = protobuf.delimited(_METADATA, protobuf.encode_message(_LIST_META, orjson.loads(metadata)))
        return self._of(served).list_head + protobuf.opening(_RAW, len(list_meta) + size) + list_meta

    def frame(self, served: Served, value: bytes, revision: int, first: bool) -> bytes:
        """The object in its envelope."""
        return self.render(served, value, revision)

    def bookmark(self, served: Served, metadata: Object, first: bool) -> bytes:
        """An object of nothing but metadata in its envelope."""
        return self._enveloped(served, protobuf.encode_message(self._of(served).message, {"metadata": metadata}))

    def status(self, refusal: StatusError) -> bytes:
        """The Status in its envelope."""
        return protobuf.encode_object(refusal.status())

    def event(self, kind: bytes, body: bytes) -> bytes:
        """A frame: its length, and the WatchEvent."""
        inner = protobuf.delimited(_TYPE, kind) + protobuf.delimited(_OBJECT, protobuf.delimited(_EXTENSION, body))
        return len(inner).to_bytes(4, "big") + inner


PLAIN = Protobuf(False)
METADATA_ONLY = Protobuf(True)
