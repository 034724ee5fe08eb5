"""Paths to fields that a schema describes: `.spec.a`, and for rules `.spec['a']`, too.

Fields of a map are any name. What is wrong with a path is told in the words of Kubernetes.
"""

from __future__ import annotations

import re
from typing import Any

Schema = dict[str, Any]
_TOKENS = re.compile(r"'(?:[^']|(?<=\\)')*'|[.\[\]]|[^.\[\]]+")
_END = "unexpected end of JSON path"
_NO_FIELD = "does not refer to a valid field"


def find_field(schema: Schema, path: str, brackets: bool) -> tuple[tuple[str, ...], Schema]:
    """The names a path leads through, and the schema of the field it leads to.

    `brackets` lets names be quoted in brackets. Raises ValueError with what is wrong.
    """
    names: list[str] = []
    found = schema
    tokens = iter(_TOKENS.findall(path))
    for token in tokens:
        if token == "[":
            if not brackets:
                raise ValueError("array notation is not allowed")
            quoted = _next(tokens)
            if len(quoted) < 2 or quoted[0] != "'" or quoted[-1] != "'":
                raise ValueError(f"expected single quoted string but got {quoted}")
            name = quoted[1:-1].replace("\\'", "'").replace("\\\\", "\\")
            found = _inner(found, name)
            closing = _next(tokens)
            if closing != "]":
                raise ValueError(f"expected ] but got {closing}")
        elif token == ".":
            name = _next(tokens)
            found = _inner(found, name)
        else:
            raise ValueError(f"expected [ or . but got: {token}")
        names.append(name)
    return tuple(names), found


def _next(tokens: Any) -> str:
    token: str | None = next(tokens, None)
    if token is None:
        raise ValueError(_END)
    return token


def _inner(schema: Schema, name: str) -> Schema:
    described = schema.get("properties")
    inner = described.get(name) if described else schema.get("additionalProperties")
    if not isinstance(inner, dict):
        raise ValueError(_NO_FIELD)
    return inner
