"""The row that says what a logical cluster serves beside what every one does.

It is written in the commit that changes a binding or a definition, so a request never joins anything. It holds no name
of the cluster or of a binding: clusters that have bound the same exports and have equal definitions have equal rows.
What a row says of a definition is what must be known without loading it: its names, which other definitions may not
take, the hash of its content, and whether it is served.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from manifold.base import keys
from manifold.views.remembering import Remembered

INDEX = "resolution"
GATE = "defined"
SERVED, ENDING, WAITING, LEFT = 1, 2, 4, 8
"""Flags of a definition: it is Established; it is going away, and no new objects are taken; it waits for names; it is
gone, and objects were left behind."""
REMEMBERED_BYTES = 4 << 20
"""Of rows that are kept parsed; parsed, they are several times that."""


@dataclass(frozen=True, slots=True)
class BoundExport:
    """An export as a cluster has bound it: its logical cluster and name, its identity hash, and where its maximal
    permission policy lies (empty: it has none). `ending`: its binding is going away, and no new objects are taken.
    """

    cluster: str
    name: str
    identity: str
    policy_cluster: str = ""
    ending: bool = False
    offer: str = ""


@dataclass(frozen=True, slots=True)
class Defined:
    """A CustomResourceDefinition in a row: its name, the hash of its content, flags, and the names it was granted.

    What an export offers is told in the same form; where it is bound, it has the export's `identity`.
    """

    name: str
    content: str
    flags: int
    kind: str = ""
    list_kind: str = ""
    plural: str = ""
    singular: str = ""
    short_names: tuple[str, ...] = ()
    identity: str = ""

    @property
    def resource(self) -> str:
        """The resource its objects are stored under."""
        return self.name.partition(".")[0]

    @property
    def group(self) -> str:
        """The group its objects are stored under."""
        return self.name.partition(".")[2]

    @property
    def served(self) -> bool:
        """Whether its resources are served."""
        return bool(self.flags & SERVED)

    @property
    def open(self) -> bool:
        """Whether new objects are taken."""
        return self.flags & (SERVED | ENDING) == SERVED

    @property
    def ending(self) -> bool:
        """Whether it is going away."""
        return bool(self.flags & ENDING)

    def prefix(self, cluster: str) -> bytes:
        """The range of its objects in a logical cluster."""
        return keys.cluster_prefix(self.group, self.resource, self.identity, cluster)


@dataclass(frozen=True, slots=True)
class Claimed:
    """An accepted claim, as the objects it is about are labelled for it: `label` is what follows the prefix of claim
    labels, and tells the export; `value` tells the claim. The rest says which objects those are; `selector` has the
    `matchLabels` and `matchExpressions` of the claim, None stands for all objects.

    Labels are for clients to select by. What a provider may do is never decided by them, nor by this.
    """

    label: str
    value: str
    group: str
    resource: str
    identity: str = ""
    selector: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What a row says."""

    exports: tuple[BoundExport, ...] = ()
    definitions: tuple[Defined, ...] = ()
    claims: tuple[Claimed, ...] = ()

    def defined(self, group: str, resource: str) -> Defined | None:
        """What it says of the definition of a resource."""
        name = f"{resource}.{group}"
        return next((one for one in self.definitions if one.name == name), None)


EMPTY = Row()
_read: Remembered[bytes, Row] = Remembered(REMEMBERED_BYTES)


def row_key(cluster: str) -> bytes:
    """The key of a cluster's resolution row."""
    return keys.index_key(INDEX, cluster)


def gate_key(cluster: str, name: str) -> bytes:
    """The key of a row that is there while a definition takes new objects, whose creation is guarded by it."""
    return keys.index_key(GATE, cluster, name)


def gates(cluster: str) -> bytes:
    """The range of the gates of a logical cluster."""
    return keys.index_key(GATE, cluster)


def row_value(
    exports: Iterable[BoundExport], definitions: Sequence[Defined] = (), claims: Sequence[Claimed] = ()
) -> bytes:
    """The value of a resolution row: a list per export, with its fields in order; the last ones only where they say
    anything.

    With definitions or claims, an object of such lists.
    """
    exports = tuple(exports)
    bound = [_bound_list(one) for one in exports]
    if not definitions and not claims:
        return orjson.dumps(bound)
    told: dict[str, object] = {"exports": bound, "definitions": [defined_list(one) for one in definitions]}
    if claims:
        told["claims"] = [[one.label, one.value, one.group, one.resource, one.identity, one.selector] for one in claims]
    value = orjson.dumps(told)
    row = Row(exports, tuple(definitions), tuple(claims))
    _read.put(value, row, len(value))  # whoever writes a row, it is read next
    return value


def read_row(value: bytes) -> Row:
    """What a resolution row says; the inverse of `row_value`."""
    found = _read.get(value)
    if found is None:
        parsed = orjson.loads(value)
        if type(parsed) is list:
            found = Row(tuple(BoundExport(*entry) for entry in parsed))
        else:
            found = Row(
                tuple(BoundExport(*entry) for entry in parsed["exports"]),
                tuple(defined_of(entry) for entry in parsed["definitions"]),
                tuple(Claimed(*entry) for entry in parsed.get("claims", ())),
            )
        _read.put(value, found, len(value))
    return found


def _bound_list(one: BoundExport) -> list[object]:
    told: list[object] = [one.cluster, one.name, one.identity, one.policy_cluster]
    if one.offer:
        return [*told, one.ending, one.offer]
    return [*told, True] if one.ending else told


def defined_list(one: Defined) -> list[object]:
    """What a row says of a definition, its identity left out."""
    return [one.name, one.content, one.flags, one.kind, one.list_kind, one.plural, one.singular, *one.short_names]


def defined_of(entry: Sequence[Any]) -> Defined:
    """The inverse of `defined_list`."""
    name, content, flags, kind, list_kind, plural, singular, *short_names = entry
    return Defined(name, content, flags, kind, list_kind, plural, singular, tuple(short_names))
