"""Which objects of a range a list or watch is about: label and field selectors together.

The common questions are answered without parsing an object: no selector at all, and a field selector on the name
alone, which narrows the key range instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from manifold.base import field_selectors, selectors
from manifold.registry import shards
from manifold.registry.scope import Scope
from manifold.registry.served import Served
from manifold.registry.shards import Shards
from manifold.storage.contract import Row, Snapshot
from manifold.types.resource import METADATA_FIELDS, Object

_NEEDS_VALUE = (selectors.EQUALS, selectors.DOUBLE_EQUALS, selectors.IN)
_NEEDS_KEY = (*_NEEDS_VALUE, selectors.EXISTS, selectors.GREATER, selectors.LESS)


@dataclass(frozen=True, slots=True)
class Selection:
    """A label and a field selector, either of which may be None for everything.

    `name` and `namespace` are set where the fields ask for exactly one; the range must then be narrowed to them, and
    `fields` holds only what remains to be checked. `scope` is the reach of a view, `shards` the part of all objects
    that is asked for.
    """

    labels: selectors.Selector | None = None
    fields: field_selectors.FieldSelector | None = None
    name: str = ""
    namespace: str = ""
    scope: Scope | None = None
    shards: Shards | None = None

    @property
    def everything(self) -> bool:
        """Whether every object of the (possibly narrowed) range is selected."""
        return self.labels is None and self.fields is None and self.scope is None and self.shards is None

    def matches(self, served: Served, obj: Object) -> bool:
        """Whether an object is selected."""
        if self.labels is not None and not self.labels.matches(obj["metadata"].get("labels") or {}):
            return False
        if self.scope is not None and not self.scope.sees(obj):
            return False
        if self.shards is not None and not self.shards.has(obj):
            return False
        return self.fields is None or self.fields.matches(served.type.field_labels(obj))

    async def scan(self, snapshot: Snapshot, served: Served, start: bytes, end: bytes, limit: int) -> Sequence[Row]:
        """A page of a range: `Snapshot.scan`, without rows that are known to be out of sight."""
        if self.scope is None:
            return await snapshot.scan(start, end, limit)
        return await self.scope.scan(snapshot, served, start, end, limit)

    def traces(self) -> tuple[bytes, ...]:
        """What the record of a selected object must contain: bytes that its labels have left there.

        A record without one of them need not be parsed to know that it is not selected; one with all of them may still
        be another object that says the same elsewhere.
        """
        found = [] if self.scope is None else list(self.scope.traces)
        if self.labels is None:
            return tuple(found)
        for term in self.labels.requirements:
            if term.operator in _NEEDS_VALUE and len(term.values) == 1:
                found.append(orjson.dumps(term.key) + b":" + orjson.dumps(term.values[0]))
            elif term.operator in _NEEDS_KEY:
                found.append(orjson.dumps(term.key) + b":")
        return tuple(found)


EVERYTHING = Selection()


def parse(served: Served, labels: str, fields: str) -> Selection:
    """The selection a request asks for. Raises the 400 of a selector that cannot be read or is not supported."""
    if not labels and not fields:
        return EVERYTHING
    label_selector = selectors.parse(labels)
    chosen = None if label_selector.empty else label_selector
    if not fields:
        return Selection(chosen)
    field_selector = field_selectors.parse(fields)
    field_selectors.check(field_selector, served.type.selectable, served.type.custom)
    name = field_selector.exact("metadata.name") or ""
    namespace = field_selector.exact("metadata.namespace") or ""
    if field_selector.empty or all(
        term.value and not term.negated and term.label in METADATA_FIELDS for term in field_selector.terms
    ):
        by_range = len({term.label for term in field_selector.terms}) == len(field_selector.terms)
        return Selection(chosen, None if by_range else field_selector, name, namespace)
    return Selection(chosen, field_selector, name, namespace)


def sharded(selection: Selection, text: str) -> Selection:
    """A selection of what a shard selector (empty: none) leaves of it. Raises the 400 of one that cannot be read."""
    return replace(selection, shards=shards.parse(text)) if text else selection


def within(selection: Selection, scope: Scope | None) -> Selection:
    """A selection of what a view lets see; None: everything."""
    return selection if scope is None else replace(selection, scope=scope)


def unnarrowed(labels: str, fields: str) -> Selection:
    """A selection for a range that cannot be narrowed to a name or namespace: every condition is checked on the
    object.
    """
    label_selector = selectors.parse(labels)
    return Selection(None if label_selector.empty else label_selector, field_selectors.parse(fields))
