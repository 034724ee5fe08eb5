"""A type as one logical cluster serves it: the type, the identity its objects are stored under, and what follows
from both.

Built once per (type, identity) and shared by every request; holds no logical cluster, so it can be shared by all of
them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from manifold.base import keys
from manifold.schema import records
from manifold.types.resource import Object, ResourceType


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """`type` served from the objects of `identity` (empty for types without one).

    `opening` is what precedes the revision in a rendered object, `item_opening` the same in a list; `prefix` is the
    key range of all its objects. `plain` is true where every record can be rendered by concatenation, because stored
    and served version are the same and the schema is the server's own; else `current` has the headers of records that
    can.
    """

    type: ResourceType
    identity: str = ""
    opening: bytes = field(init=False)
    item_opening: bytes = field(init=False)
    prefix: bytes = field(init=False)
    plain: bool = field(init=False)
    stored_opening: bytes = field(init=False)
    current: frozenset[bytes] = field(init=False)

    def __post_init__(self) -> None:
        kind = self.type
        opening = records.head(kind.api_version, kind.kind)
        stored_group = kind.stored_group if kind.stored_resource else kind.group
        stored_version = kind.stored_version or kind.version
        stored = f"{stored_group}/{stored_version}" if stored_group else stored_version
        object.__setattr__(self, "opening", opening)
        object.__setattr__(self, "item_opening", opening if kind.custom else records.ITEM_HEAD)
        object.__setattr__(self, "prefix", keys.type_prefix(self.group, self.resource, self.identity))
        evolution = kind.evolution
        plain = stored == kind.api_version and kind.convert is None and evolution is None
        object.__setattr__(self, "plain", plain)
        object.__setattr__(self, "current", frozenset() if evolution is None else evolution.current)
        object.__setattr__(self, "stored_opening", records.head(stored, kind.kind))

    @property
    def group(self) -> str:
        """The group its objects are stored under."""
        return self.type.stored_group if self.type.stored_resource else self.type.group

    @property
    def resource(self) -> str:
        """The resource its objects are stored under."""
        return self.type.stored_resource or self.type.resource

    @property
    def version(self) -> str:
        """The version its records are written in."""
        return self.type.stored_version or self.type.version

    def key(self, cluster: str, namespace: str, name: str) -> bytes:
        """The storage key of one object."""
        return self.prefix + f"{cluster}\x00{namespace}\x00{name}\x00".encode()

    def is_current(self, value: bytes) -> bool:
        """Whether a record was written in the version, and under the schema, that records are written in now."""
        evolution = self.type.evolution
        return evolution is None or (
            records.version(value) == self.version and records.schema_hash(value) == evolution.stored_hash
        )

    def render(self, value: bytes, revision: int) -> bytes:
        """A record as the JSON of the served version."""
        if self.plain or value[2 : 11 + value[2]] in self.current:
            return b'%b%d",%b' % (self.opening, revision, value[11 + value[2] :])
        return records.render(records.encode(self.decode(value, revision), self.version), revision, self.opening)

    def render_item(self, value: bytes, revision: int) -> bytes:
        """A record as an item of a list."""
        if self.plain or value[2 : 11 + value[2]] in self.current:
            return b'%b%d",%b' % (self.item_opening, revision, value[11 + value[2] :])
        return records.render(records.encode(self.decode(value, revision), self.version), revision, self.item_opening)

    def decode(self, value: bytes, revision: int) -> Object:
        """A record as an object of the served version, owned by the caller."""
        evolution = self.type.evolution
        if evolution is not None:
            obj = records.decode(value, revision, self.opening)
            if value[2 : 11 + value[2]] in self.current:
                return obj
            return evolution.read(obj, records.version(value), records.schema_hash(value))
        obj = records.decode(value, revision, self.stored_opening)
        convert = self.type.convert
        return obj if convert is None else convert.from_stored(obj)

    def settled(self, obj: Object) -> Object:
        """An object of the served version as it will be read again once it is stored; `obj` stays as it is."""
        evolution = self.type.evolution
        return obj if evolution is None else {**evolution.settled(obj), "metadata": obj["metadata"]}

    def encode(self, obj: Object) -> bytes:
        """The record of an object of the served version."""
        evolution = self.type.evolution
        if evolution is not None:
            return records.encode(evolution.write(obj), self.version, evolution.stored_hash)
        convert = self.type.convert
        return records.encode(obj if convert is None else convert.to_stored(obj), self.version, records.NO_HASH)
