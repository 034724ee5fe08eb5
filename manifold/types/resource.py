"""What a resource type is: one frozen description that every verb, discovery, tables and OpenAPI read.

The verbs exist once (`manifold.registry`); all that differs between types is here, as data and pure functions over
plain JSON objects. Objects reach these functions already decoded: known fields only, of the right JSON type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from manifold.base.fields import FieldError
from manifold.base.user import User
from manifold.schema.model import Node

Object = dict[str, Any]
"""An API object as plain JSON data. `Any`, because the shape is the schema's business, not the type checker's."""

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Column:
    """A table column (meta/v1 TableColumnDefinition). `cell` makes its value from an object and the current time."""

    name: str
    cell: Callable[[Object, datetime], Any]  # str, int, bool or None: any JSON scalar
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0


class Strategy(Protocol):
    """What a type decides about its objects. Functions change `new` in place and return nothing, or return errors.

    The order on create: `default`, `prepare_create`, `validate_create`; on update: `default`, `prepare_update`,
    `validate_update`. Common metadata (names, labels, annotations, owner references, finalizers) is checked by the
    registry before. `prepare_*` drops what a writer may not set (status on the main resource, say).
    """

    def default(self, new: Object) -> None:
        """Fill in what is absent and has a default."""

    def prepare_create(self, new: Object) -> None:
        """Drop or set what a creator may not decide."""

    def prepare_update(self, new: Object, old: Object) -> None:
        """Take over from `old` what a writer of the main resource may not change."""

    def validate_create(self, new: Object) -> list[FieldError]:
        """All that is wrong with a new object."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """All that is wrong with `new` as the successor of `old`: validity and immutability."""

    def warnings(self, new: Object, old: Object | None = None) -> list[str]:
        """Texts for Warning headers of a create or update; normally none."""


class Codec(Protocol):
    """How parsed JSON becomes the stored form of a type."""

    def normalize(self, obj: Object, applied: bool = False) -> list[str]:
        """Bring `obj` in place into stored form: unknown fields dropped, wrong JSON types refused (400 `Status`),
        and, for built-in types, empty optional fields dropped as a Go round trip does. Returns what strict field
        validation would refuse: `unknown field "spec.x"`, in order of appearance. metadata is included.
        `applied`: what an apply has made, where nulls of custom types are told to whoever applied them.
        """


class Subresource(Protocol):
    """A part of an object with a writer of its own (`status`, `approval`, `finalize`)."""

    def prepare_update(self, new: Object, old: Object) -> None:
        """Take over from `old` everything that is not this subresource's."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """All that is wrong with `new` as the successor of `old`."""


class Conversion(Protocol):
    """Between the version a type is served in and the one its records are written in; lossless both ways.

    Both take an object they may change and return the other form, apiVersion and kind included.
    """

    def to_stored(self, obj: Object) -> Object:
        """A served object in stored form."""

    def from_stored(self, obj: Object) -> Object:
        """A stored object in served form."""


class Evolution(Protocol):
    """How stored objects follow a schema that users may change, and that may differ between versions.

    A record tells the version and the hash of the schema it was written under.
    """

    @property
    def content(self) -> str:
        """What the type was made of, hashed: it is the same type as long as this is equal."""

    @property
    def current(self) -> frozenset[bytes]:
        """The headers (length of version, version, schema hash) of records that are as this version shows them."""

    @property
    def stored_hash(self) -> bytes:
        """The hash of the schema that records are written under now: 8 bytes."""

    def node(self, version: str) -> Node | None:
        """The schema of a version, served or not; None where there is no such version."""

    def read(self, obj: Object, version: str, schema_hash: bytes) -> Object:
        """An object of a record that is not current as this version shows it; `obj` is the callee's.

        Raises the 500 `Status` of a conversion that cannot be made.
        """

    def settled(self, obj: Object) -> Object:
        """An object of this version as it will be read again once it is stored; `obj` stays as it is."""

    def write(self, obj: Object) -> Object:
        """An object of this version as it is stored; `obj` stays as it is. Raises as `read` does."""


def metadata_labels(obj: Object) -> Mapping[str, str]:
    """The field labels every type has: what `fieldSelector` may name."""
    metadata = obj["metadata"]
    labels = {"metadata.name": metadata["name"]}
    namespace = metadata.get("namespace")
    if namespace is not None:
        labels["metadata.namespace"] = namespace
    return labels


METADATA_FIELDS = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True, slots=True, eq=False)
class ResourceType:
    """A served type in one version.

    - `group`, `version`, `resource` (plural), `singular`, `kind`, `list_kind`, `short_names`, `categories`, `verbs`:
      as in discovery (meta/v1 APIResource).
    - `stored_group`, `stored_resource`: where its objects lie; differs from the above only for events, which two groups
      serve from one place. `stored_version`: the version records are written in.
    - `schema`: the root node of its objects; `schema_name`: its name in OpenAPI.
    - `field_labels(obj)`: values for field selectors; `selectable`: the names it may be asked for.
    - `subresources`: name to behaviour, for those that are a write of the same object. Others (`token`) are routes.
    - `status`: whether `status` is a subresource, so that the main resource ignores it and generation skips it.
    - `generation`: whether `metadata.generation` counts changes outside metadata and status.
    - `custom`: served like a custom resource: list items carry apiVersion and kind, no protobuf, no strategic merge.
    - `convert`: between this version and the stored one; None where both are the same. `stored_group`,
      `stored_resource`, `stored_version` must then be set.
    - `evolution`: how records written under other schemas are read; None where the schema is the server's own.
    - `deprecation`: the warning that every request for the type gets, empty for none.
    - `unconditional_update`: whether an update may come without a resourceVersion; `create_on_update`: whether an
      update of an absent object creates it.
    - `storageless`: created and answered, never stored (reviews).
    - `set_creator(new, user)`: writes into a new object who creates it, after `prepare_create`; only certificate
      signing requests keep that.
    - `refused_as`: group and kind that the 422 of an invalid object names, where they are not the type's own.
    - `codec`: brings parsed JSON into stored form.
    - `check_name(name, prefix)`: why a name is no good for this type (texts after `Invalid value: "x": `); `prefix` is
      true for a generateName.
    - `protobuf`: full name of its message in the table of messages, empty where protobuf bodies are refused.
    """

    group: str
    version: str
    resource: str
    singular: str
    kind: str
    namespaced: bool
    schema: Node
    schema_name: str
    codec: Codec
    strategy: Strategy
    check_name: Callable[[str, bool], list[str]]
    list_kind: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    stored_group: str = ""
    stored_resource: str = ""
    stored_version: str = ""
    columns: tuple[Column, ...] = ()
    field_labels: Callable[[Object], Mapping[str, str]] = metadata_labels
    selectable: tuple[str, ...] = METADATA_FIELDS
    subresources: Mapping[str, Subresource] = field(default_factory=dict)
    generation: bool = False
    custom: bool = False
    convert: Conversion | None = None
    evolution: Evolution | None = None
    deprecation: str = ""
    unconditional_update: bool = True
    create_on_update: bool = False
    storageless: bool = False
    set_creator: Callable[[Object, User], None] | None = None
    refused_as: tuple[str, str] | None = None
    protobuf: str = ""

    @property
    def status(self) -> bool:
        """Whether status is written through a subresource of its own."""
        return "status" in self.subresources

    @property
    def named_in_refusals(self) -> tuple[str, str]:
        """Group and kind as the 422 of an invalid object names them."""
        return self.refused_as or (self.group, self.kind)

    @property
    def api_version(self) -> str:
        """`v1` or `group/version`, as objects carry it."""
        return f"{self.group}/{self.version}" if self.group else self.version
