"""A list that comes as pieces of JSON, made into YAML or into indented JSON piece by piece.

Making YAML of a list of thousands takes seconds. So a piece is taken apart as it comes, and its items are made into
text some at a time, in the thread for what is large: neither the loop nor whoever else has something for that thread
waits for more than a few of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson

from manifold.registry.large import off_loop

ITEMS = 50
"""How many items are made into text at once."""


async def reformed(pieces: AsyncIterator[bytes], yaml: bool) -> AsyncIterator[bytes]:
    """The text of a list in parts. The list is the last member of the object that `pieces` are, as they are of every
    list and table: the first piece begins the object, every further one goes on with a comma or with its end.
    """
    position = 0
    members: dict[str, Any] = {}
    name = ""
    empty = True
    held = await anext(pieces)
    async for following in _and_end(pieces):
        if following is None:
            held = held.rstrip()[:-2]
        if position == 0:
            members = await off_loop(orjson.loads, held + b"]}")
            name = next(reversed(members))
            items = members.pop(name)
        else:
            items = await off_loop(orjson.loads, b"[%b]" % held.removeprefix(b","))
        for start in range(0, len(items), ITEMS):
            if empty:
                yield await off_loop(_before, members, name, yaml)
            made = await off_loop(_yaml_items if yaml else _indented_items, items[start : start + ITEMS])
            yield made if yaml or empty else b",\n    " + made
            empty = False
        position += 1
        if following is None:
            break
        held = following
    if empty:
        yield _yaml({**members, name: []}) if yaml else _indented({**members, name: []}) + b"\n"
    else:
        yield _yaml({other: members[other] for other in members if other > name}) if yaml else b"\n  ]\n}\n"


async def _and_end(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes | None]:
    async for piece in pieces:
        yield piece
    yield None


def _before(members: dict[str, Any], name: str, yaml: bool) -> bytes:
    """The text up to the first item."""
    if yaml:
        return _yaml({other: members[other] for other in members if other < name}) + name.encode() + b":\n"
    return _indented({**members, name: []}).removesuffix(b"]\n}") + b"\n    "


def _yaml_items(items: list[Any]) -> bytes:
    return _yaml(items)


def _indented_items(items: list[Any]) -> bytes:
    return b",\n    ".join(_indented(item).replace(b"\n", b"\n    ") for item in items)


def _yaml(value: Any) -> bytes:
    from manifold.schema.yaml_output import dump  # hardly any client wants YAML

    return dump(value) if value else b""


def _indented(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2)
