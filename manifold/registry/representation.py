"""How objects leave: as they are, as metadata only, or as a table (meta/v1 PartialObjectMetadata and Table, KEP-2334).

A representation turns records into bytes one at a time, so that lists and watches stream whatever the form. The
plain form concatenates and never parses; the others parse each object once. YAML is made of the finished JSON at the
edge, because nothing large is read as YAML; protobuf is a representation of its own (`binary`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import orjson

from manifold.base.errors import StatusError
from manifold.registry.served import Served
from manifold.types.resource import Object

META_VERSION = "meta.k8s.io/v1"


class Representation(Protocol):
    """One form of answer."""

    @property
    def key(self) -> str:
        """What two representations with the same bytes share; empty where bytes depend on the request or the time."""

    def render(self, served: Served, value: bytes, revision: int) -> bytes:
        """A single object."""

    def item(self, served: Served, value: bytes, revision: int) -> bytes:
        """An object as an element of a list."""

    @property
    def joint(self) -> bytes:
        """What stands between two items of a list."""

    @property
    def tail(self) -> bytes:
        """What follows the items of a list."""

    @property
    def sized(self) -> bool:
        """Whether the head of a list tells how long its items are, so that it cannot be sent before the last one."""

    def list_head(self, served: Served, metadata: bytes, size: int) -> bytes:
        """What precedes the items of a list; `metadata` is the ListMeta as JSON, `size` how many bytes the items with
        their joints have, which matters where the representation is `sized`.
        """

    def frame(self, served: Served, value: bytes, revision: int, first: bool) -> bytes:
        """An object inside a watch event; `first` for the first event of a stream."""

    def bookmark(self, served: Served, metadata: Object, first: bool) -> bytes:
        """An object of a watch event that has nothing but metadata; `first` as for `frame`."""

    def status(self, refusal: StatusError) -> bytes:
        """The object of a watch event that ends the stream."""

    def event(self, kind: bytes, body: bytes) -> bytes:
        """A watch event around an object made by one of the three methods before."""


def whole_list(form: Representation, served: Served, metadata: bytes, items: Sequence[bytes]) -> bytes:
    """A list of which everything is at hand; `metadata` is the ListMeta as JSON."""
    body = form.joint.join(items)
    return form.list_head(served, metadata, len(body)) + body + form.tail


class _Json:
    """What the JSON forms have in common."""

    joint = b","
    tail = b"]}\n"
    sized = False

    def bookmark(self, served: Served, metadata: Object, first: bool) -> bytes:
        """An object of the type."""
        kind = served.type
        return orjson.dumps({"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata})

    def status(self, refusal: StatusError) -> bytes:
        """The Status."""
        return refusal.body().rstrip()

    def event(self, kind: bytes, body: bytes) -> bytes:
        """A line of JSON."""
        return b'{"type":"%b","object":%b}\n' % (kind, body)


class Plain(_Json):
    """Objects as they are."""

    key = "object"

    def render(self, served: Served, value: bytes, revision: int) -> bytes:
        """The object's JSON."""
        return served.render(value, revision)

    def item(self, served: Served, value: bytes, revision: int) -> bytes:
        """The object's JSON as a list item: built-in types without apiVersion and kind."""
        return served.render_item(value, revision)

    def list_head(self, served: Served, metadata: bytes, size: int) -> bytes:
        """The head of a typed list."""
        kind = served.type
        if kind.custom and b'"continue"' not in metadata:
            metadata = b'{"continue":"",' + metadata[1:]
        return b'{"kind":"%b","apiVersion":"%b","metadata":%b,"items":[' % (
            (kind.list_kind or kind.kind + "List").encode(),
            kind.api_version.encode(),
            metadata,
        )

    def frame(self, served: Served, value: bytes, revision: int, first: bool) -> bytes:
        """The object's JSON."""
        return served.render(value, revision)


PLAIN = Plain()


class MetadataOnly(_Json):
    """PartialObjectMetadata: metadata without the rest."""

    key = "metadata"

    def render(self, served: Served, value: bytes, revision: int) -> bytes:
        """The metadata of the object."""
        return orjson.dumps(partial(served.decode(value, revision)))

    def item(self, served: Served, value: bytes, revision: int) -> bytes:
        """The metadata of the object; items keep apiVersion and kind out as typed lists do."""
        return orjson.dumps(partial(served.decode(value, revision)))

    def list_head(self, served: Served, metadata: bytes, size: int) -> bytes:
        """The head of a PartialObjectMetadataList."""
        return b'{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":%b,"items":[' % metadata

    def frame(self, served: Served, value: bytes, revision: int, first: bool) -> bytes:
        """The metadata of the object."""
        return self.render(served, value, revision)

    def bookmark(self, served: Served, metadata: Object, first: bool) -> bytes:
        """Metadata as those of an object."""
        return orjson.dumps(partial({"metadata": metadata}))


METADATA_ONLY = MetadataOnly()


def partial(obj: Object) -> Object:
    """The PartialObjectMetadata of an object."""
    return {"kind": "PartialObjectMetadata", "apiVersion": META_VERSION, "metadata": obj["metadata"]}


@dataclass(frozen=True, slots=True)
class Table(_Json):
    """Rows of cells as kubectl prints them. `include` is what each row carries: Metadata, Object or None; `now`
    dates ages.
    """

    include: str
    now: datetime

    @property
    def key(self) -> str:
        """Ages differ between requests, so frames are not shared."""
        return ""

    def render(self, served: Served, value: bytes, revision: int) -> bytes:
        """A table of one row."""
        metadata = orjson.dumps({"resourceVersion": str(revision)} if revision else {})
        return self.list_head(served, metadata, 0) + self.item(served, value, revision) + b"]}"

    def item(self, served: Served, value: bytes, revision: int) -> bytes:
        """A row."""
        return orjson.dumps(self._row(served, served.decode(value, revision)))

    def list_head(self, served: Served, metadata: bytes, size: int) -> bytes:
        """The head of a table: its columns."""
        return b'{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":%b,"columnDefinitions":%b,"rows":[' % (
            metadata,
            column_definitions(served),
        )

    def frame(self, served: Served, value: bytes, revision: int, first: bool) -> bytes:
        """A table of one row; only the first of a stream names the columns."""
        if first:
            return self.render(served, value, revision)
        return self._headless(str(revision), self.item(served, value, revision))

    def bookmark(self, served: Served, metadata: Object, first: bool) -> bytes:
        """A table of one row, that of an object which is not there. What ends the initial events says so in its
        metadata, which are there whatever the rows of others include.
        """
        kind = served.type
        row = self._row(served, {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata})
        if "annotations" in metadata and self.include == "None":
            row["object"] = partial({"metadata": metadata})
        revision = metadata["resourceVersion"]
        if first:
            head = self.list_head(served, orjson.dumps({"resourceVersion": revision}), 0)
            return head + orjson.dumps(row) + b"]}"
        return self._headless(revision, orjson.dumps(row))

    def _headless(self, revision: str, row: bytes) -> bytes:
        return b'{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":%b,"columnDefinitions":null,"rows":[%b]}' % (
            orjson.dumps({"resourceVersion": revision}),
            row,
        )

    def _row(self, served: Served, obj: Object) -> dict[str, Any]:
        cells = [column.cell(obj, self.now) for column in served.type.columns]
        row: dict[str, Any] = {"cells": cells}
        if self.include == "Object":
            row["object"] = obj
        elif self.include == "None":
            row["object"] = None
        else:
            row["object"] = partial(obj)
        return row


def column_definitions(served: Served) -> bytes:
    """The TableColumnDefinitions of a type as JSON."""
    return orjson.dumps(
        [
            {
                "name": column.name,
                "type": column.type,
                "format": column.format,
                "description": column.description,
                "priority": column.priority,
            }
            for column in served.type.columns
        ]
    )
