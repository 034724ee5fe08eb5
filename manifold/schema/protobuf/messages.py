"""The messages Kubernetes speaks, as classes of the protobuf runtime, made from a table of field numbers.

`data/messages.json` holds a list of fields per message: number, type (`*` behind it: repeated) and the field's name in
JSON, which is empty where the message stands inline in its parent. Types are protobuf's scalars, `map<string,T>` and
full names of other messages. The runtime gets descriptors with names of no meaning: only numbers are on the wire, and
what a field is called is this table's business. A map is declared as what it is on the wire, a repeated pair, which
keeps its order and costs less to walk.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Any

import orjson

_PACKAGE = "manifold"
_FILE = "manifold/messages.proto"
_MAKING = Lock()
"""The first body may be read in one thread and written in another."""
_SCALARS = {"double": 1, "int64": 3, "int32": 5, "bool": 8, "string": 9, "bytes": 12}
"""FieldDescriptorProto.Type."""
_MESSAGE = 11
_OPTIONAL, _REPEATED = 1, 3


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message. `type` is a scalar or the full name of a message; of a map it is that of the values."""

    number: int
    name: str
    type: str
    repeated: bool
    map: bool

    @property
    def scalar(self) -> bool:
        """Whether its values, or those of the map, are no messages."""
        return self.type in _SCALARS

    @property
    def attribute(self) -> str:
        """What the runtime's classes call it."""
        return f"f{self.number}"


@cache
def _table() -> dict[str, list[str]]:
    data = files("manifold.schema").joinpath("data/messages.json").read_bytes()
    table: dict[str, list[str]] = orjson.loads(data)
    return table


def known(message: str) -> bool:
    """Whether there is a message of this full name."""
    return message in _table()


@cache
def fields(message: str) -> tuple[Field, ...]:
    """The fields of a message, by ascending number. Raises KeyError for names there are not."""
    found = []
    for row in _table()[message]:
        number, kind, name = row.split(" ", 2)
        is_map = kind.startswith("map<")
        bare = kind[len("map<string,") : -1] if is_map else kind.removesuffix("*")
        found.append(Field(int(number), name, bare, kind.endswith("*"), is_map))
    return tuple(sorted(found, key=lambda field: field.number))


@cache
def _classes() -> dict[str, Any]:
    with _MAKING:
        return _made()


@cache
def _made() -> dict[str, Any]:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    names = {message: f"M{position}" for position, message in enumerate(_table())}
    file = descriptor_pb2.FileDescriptorProto(name=_FILE, package=_PACKAGE, syntax="proto2")
    for message, name in names.items():
        made = file.message_type.add(name=name)
        for field in fields(message):
            kind = _SCALARS.get(field.type, _MESSAGE)
            target = "" if field.scalar else f".{_PACKAGE}.{names[field.type]}"
            if field.map:
                pair = made.nested_type.add(name=f"P{field.number}")
                pair.field.add(name="f1", number=1, type=9, label=_OPTIONAL)
                value = pair.field.add(name="f2", number=2, type=kind, label=_OPTIONAL)
                if target:
                    value.type_name = target
                kind, target = _MESSAGE, f".{_PACKAGE}.{name}.{pair.name}"
            label = _REPEATED if field.repeated or field.map else _OPTIONAL
            added = made.field.add(name=field.attribute, number=field.number, type=kind, label=label)
            if target:
                added.type_name = target
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        message: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for message, name in names.items()
    }


def message_class(message: str) -> Any:
    """The runtime's class of a message (google.protobuf Message; its attributes are made at run time)."""
    return _classes()[message]


def prepare() -> None:
    """Load the runtime and make all classes, which takes long enough to be done off the event loop."""
    _classes()
