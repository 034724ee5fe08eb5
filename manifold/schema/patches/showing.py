"""The outcome of a patch as the refusal of it shows it: JSON as Kubernetes has it in its hands at that moment.

There a patch works on the encoded object, whose structs are in the order of their declaration and whose maps are in
order of their keys, and takes apart only the objects on its way: their members come out sorted, all others as they
were.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from manifold.schema.model import ANY, Node

_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def outcome_text(outcome: Any, patch: Any, node: Node) -> str:
    """The text of what a JSON patch (a list) or a merge patch (an object) has made of an object of the type `node`."""
    value = _declared(outcome, node)
    if isinstance(patch, list):
        for path in _paths(patch):
            value = _opened(value, path)
    else:
        value = _sorted_along(value, patch)
    return orjson.dumps(value).decode().translate(_ESCAPES)


def _declared(value: Any, node: Node) -> Any:
    """A value with the members of structs as they are declared, and entries of maps in their order."""
    if isinstance(value, list):
        inner = node.items or ANY
        return [_declared(item, inner) for item in value]
    if not isinstance(value, dict):
        return value
    if node.kind == "object":
        names = [name for name in node.properties if name in value]
        names += [name for name in value if name not in node.properties]
    else:
        names = sorted(value) if node.kind == "map" else list(value)
    return {name: _declared(value[name], node.child(name) or ANY) for name in names}


def _sorted_along(value: Any, patch: Any) -> Any:
    """A value with the members of those objects sorted that a merge patch has, too."""
    if isinstance(value, list) and isinstance(patch, list):
        return [_sorted_along(item, item) for item in value]
    if not isinstance(value, dict) or not isinstance(patch, dict):
        return value
    return {name: _sorted_along(value[name], patch.get(name)) for name in sorted(value)}


def _paths(operations: list[Any]) -> Iterator[list[str]]:
    """The places a JSON patch leads to."""
    for operation in operations:
        for name in ("path", "from"):
            pointer = operation.get(name) if isinstance(operation, dict) else None
            if isinstance(pointer, str) and pointer:
                yield [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _opened(value: Any, path: list[str]) -> Any:
    """A value with the members of the objects on the way to a place sorted."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {name: _opened(value[name], rest) if name == first else value[name] for name in sorted(value)}
    if isinstance(value, list):
        return [_opened(item, rest) if first == str(position) else item for position, item in enumerate(value)]
    return value
