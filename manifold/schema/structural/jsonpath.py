"""JSONPath as printer columns, selectable fields and scale subresources use it (Kubernetes docs, "JSONPath Support").

A path is compiled into steps, each from a list of values to the next list; what is missing gives nothing. Supported
are `.name` (with `\\.` for a dot in the name), `['name']`, `[0]`, `[-1]`, `[1:3]`, unions, `[*]`, `.*`, `..name` and
filters `[?(@.path == "value")]` with `==`, `!=`, `<`, `<=`, `>`, `>=` or existence alone.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

Step = Callable[[list[Any]], list[Any]]
Path = Callable[[Any], list[Any]]

_NAME = re.compile(r"(?:\\.|[^.\[\]\\\s{}|=!<>(),'\"])+")
_QUOTED = re.compile(r"\s*(?:'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\")\s*\Z")
_SLICE = re.compile(r"\s*(-?\d+)?\s*(?:(:)\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?)?\Z")
_FILTER = re.compile(r"\?\((.*?)(==|!=|<=|>=|<|>)(.*)\)\Z", re.DOTALL)
_EXISTS = re.compile(r"\?\((.*)\)\Z", re.DOTALL)
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@lru_cache(maxsize=4096)
def compile_path(text: str) -> Path:
    """From a value to all values the path finds in it. Raises ValueError for what is no path."""
    steps = list(_steps(text))

    def find(value: Any) -> list[Any]:
        found = [value]
        for step in steps:
            found = step(found)
            if not found:
                break
        return found

    return find


def _steps(text: str) -> Iterator[Step]:
    at = 1 if text.startswith(("$", "@")) else 0
    while at < len(text):
        if text.startswith("..", at):
            yield _descend
            at += 1 if text[at + 2 : at + 3] == "[" else 2
            if at < len(text) and text[at] not in ".[":
                name, at = _name(text, at)
                yield _named(name)
            elif text[at : at + 1] == ".":
                at += 1
        elif text[at] == ".":
            if at + 1 < len(text) and text[at + 1] == "[":
                at += 1
                continue
            name, at = _name(text, at + 1)
            yield _every if name == "*" else _named(name)
        elif text[at] == "[":
            end = _closing(text, at)
            yield _bracket(text[at + 1 : end].strip())
            at = end + 1
        else:
            raise ValueError(f"unexpected path string, expected a '.' or '[': {text[at:]}")


def _name(text: str, at: int) -> tuple[str, int]:
    found = _NAME.match(text, at)
    if found is None:
        if at == len(text):
            return "", at
        raise ValueError(f"unexpected character in path: {text[at:]}")
    return re.sub(r"\\(.)", r"\1", found[0]), found.end()


def _closing(text: str, at: int) -> int:
    """The place of the bracket that closes the one at `at`; brackets in quotes and in filters do not count."""
    depth, quote = 0, ""
    for place in range(at, len(text)):
        character = text[place]
        if quote:
            quote = "" if character == quote and text[place - 1] != "\\" else quote
        elif character in "'\"":
            quote = character
        elif character == "[":
            depth += 1
        elif character == "]":
            depth -= 1
            if not depth:
                return place
    raise ValueError(f"unterminated array: {text[at:]}")


def _bracket(inside: str) -> Step:
    if inside == "*":
        return _every
    if inside.startswith("?"):
        return _filter(inside)
    if quoted := _QUOTED.match(inside):
        return _named(re.sub(r"\\(.)", r"\1", quoted[1] if quoted[1] is not None else quoted[2]))
    if found := _SLICE.match(inside):
        return _sliced(found)
    if "," in inside:
        parts = [_bracket(part.strip()) for part in inside.split(",")]
        return lambda values: [found for part in parts for found in part(values)]
    raise ValueError(f"invalid array index {inside}")


def _named(name: str) -> Step:
    if not name:
        return lambda values: values

    def step(values: list[Any]) -> list[Any]:
        return [value[name] for value in values if type(value) is dict and name in value]

    return step


def _every(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if type(value) is dict:
            found.extend(value.values())
        elif type(value) is list:
            found.extend(value)
    return found


def _descend(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        found.append(value)
        found.extend(_descend(_every([value])))
    return found


def _sliced(found: re.Match[str]) -> Step:
    start, colon, stop, stride = (found[1], found[2], found[3], found[4])
    if not colon:
        if start is None:
            raise ValueError("invalid array index")
        index = int(start)

        def one(values: list[Any]) -> list[Any]:
            return [value[index] for value in values if type(value) is list and -len(value) <= index < len(value)]

        return one
    part = slice(int(start) if start else None, int(stop) if stop else None, int(stride) if stride else None)

    def several(values: list[Any]) -> list[Any]:
        return [item for value in values if type(value) is list for item in value[part]]

    return several


def _filter(inside: str) -> Step:
    compared = _FILTER.match(inside)
    if compared is None:
        exists = _EXISTS.match(inside)
        if exists is None:
            raise ValueError(f"invalid filter: {inside}")
        path = compile_path(exists[1].strip())
        return lambda values: [item for item in _items(values) if path(item)]
    left, right = _operand(compared[1]), _operand(compared[3])
    holds = _OPERATORS[compared[2]]

    def step(values: list[Any]) -> list[Any]:
        return [item for item in _items(values) if _compare(holds, left(item), right(item))]

    return step


def _items(values: list[Any]) -> list[Any]:
    return [item for value in values if type(value) is list for item in value]


def _compare(holds: Callable[[Any, Any], bool], left: list[Any], right: list[Any]) -> bool:
    if len(left) != 1 or len(right) != 1:
        return False
    try:
        return holds(left[0], right[0])
    except TypeError:
        return False


def _operand(text: str) -> Path:
    text = text.strip()
    if quoted := _QUOTED.match(text):
        value: Any = quoted[1] if quoted[1] is not None else quoted[2]
    elif text in ("true", "false"):
        value = text == "true"
    else:
        try:
            value = float(text) if "." in text.lstrip("-") and text[0] not in "@$." else int(text)
        except ValueError:
            return compile_path(text)
    return lambda item: [value]


def path_names(text: str) -> list[str]:
    """The names of a path that only goes down through fields (`.a.b`, `['c']`); empty where it is no such path."""
    names: list[str] = []
    at = 0
    while at < len(text):
        try:
            if text[at] == ".":
                name, at = _name(text, at + 1)
            elif text[at] == "[":
                end = _closing(text, at)
                quoted = _QUOTED.match(text[at + 1 : end])
                if quoted is None:
                    return []
                name, at = quoted[1] if quoted[1] is not None else quoted[2], end + 1
            else:
                return []
        except ValueError:
            return []
        if not name or name == "*":
            return []
        names.append(name)
    return names
