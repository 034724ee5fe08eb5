"""YAML as it comes from clients, read as Kubernetes reads it: the first document, turned into JSON data.

kubectl sends JSON under YAML's media types, so a body is tried as JSON first. Otherwise libyaml finds the events and
this module makes the values: the resolvers are those of Go's yaml.v2 (YAML 1.1 booleans `yes`, `no`, `on`, `off`, `y`,
`n`; octal, hexadecimal and binary integers; no dates, no sexagesimals), keys become strings, merge keys (`<<`) work.
Values are made from events with a stack of our own: PyYAML's composer recurses in C, where deep nesting kills the
process. What aliases repeat is bounded, and so is depth. Messages are those of yaml.v2, which reads a document to its
end before it makes values of it: a mistake in the syntax is told before a value that cannot be.
"""

from __future__ import annotations

import binascii
import math
import re
from collections.abc import Callable
from typing import Any

from manifold.base.fields import quote
from manifold.schema import json_documents
from manifold.schema.json_documents import MAXIMUM_DEPTH

MAXIMUM_REPEATED = 100_000
"""Values that aliases may repeat in one document."""

_TRUE = frozenset(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"))
_FALSE = frozenset(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"))
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_SPECIAL = {
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_FIRST = frozenset("0123456789+-.yYnNtTfFoO~")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DOTTED = re.compile(r"\.[0-9]+(?:[eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]+)|(0|[1-9][0-9]*))")
_BASES = (16, 2, 8, 8, 10)
_TAG = "tag:yaml.org,2002:"
_UNEXPECTED = "found unexpected ':'"
_LARGEST = (1 << 63) - 1


class YAMLError(ValueError):
    """The text is not YAML, or is not to be turned into JSON. The words are whole: `yaml: line 2: ...`."""


class _Merge:
    """The type of `_MERGE`."""


_MERGE = _Merge()
"""What the plain key `<<` means."""


def parse(body: bytes) -> tuple[Any, str]:
    """The value of the first document, null for an empty one, and what strict reading refuses about duplicate keys.

    The second is empty, or `yaml: unmarshal errors:` and a line per key. Raises YAMLError.
    """
    if body[:1] in (b"{", b"["):
        try:
            value, original = json_documents.parse(body)
        except json_documents.JSONError:
            return _Document(body).read()
        if original is None:
            return value, ""
    return _Document(body).read()


class _Document:
    """One reading of the first document of a stream."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.anchors: dict[str, Any] = {}
        self.open_anchors: set[str] = set()
        self.repeated = 0
        self.twice: list[str] = []
        self.refused: YAMLError | None = None
        self.stack: list[_Collection] = []

    def read(self) -> tuple[Any, str]:
        """The value and the text about duplicate keys."""
        import yaml
        from yaml._yaml import CParser

        try:
            value = self.first(CParser(self.body), yaml)
        except yaml.reader.ReaderError as error:
            raise YAMLError(f"yaml: {error.reason}") from None
        except yaml.MarkedYAMLError as error:
            if error.problem == _UNEXPECTED:
                # yaml.v2 has not this error of newer scanners: there the parser stumbles over the colon.
                close = "]" if self.stack and self.stack[-1].value.__class__ is list else "}"
                error.problem = f"did not find expected ',' or '{close}'"
                raise YAMLError(_told(error, False)) from None
            raise YAMLError(_told(error, isinstance(error, yaml.scanner.ScannerError))) from None
        if self.refused is not None:
            raise self.refused
        if self.repeated and json_documents.too_deep(value):
            # What an alias repeats may be as deep as the place it is repeated in.
            raise YAMLError("yaml: exceeded max depth")
        told = "yaml: unmarshal errors:\n  " + "\n  ".join(self.twice) if self.twice else ""
        return value, told

    def first(self, parser: Any, yaml: Any) -> Any:
        """Make the value of the first document from its events."""
        stack = self.stack
        root: Any = None
        while True:
            event = parser.get_event()
            kind = event.__class__
            if kind is yaml.DocumentEndEvent or kind is yaml.StreamEndEvent:
                return root
            line = event.start_mark.line + 1
            if kind is yaml.ScalarEvent:
                value = self.made(_scalar, event)
                if event.anchor:
                    self.anchors[event.anchor] = value
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                if len(stack) >= MAXIMUM_DEPTH:
                    raise YAMLError("yaml: exceeded max depth")
                stack.append(_Collection({} if kind is yaml.MappingStartEvent else [], event.anchor, line))
                if event.anchor:
                    self.open_anchors.add(event.anchor)
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                done = stack.pop()
                value, line = done.value, done.line
                if done.anchor:
                    self.anchors[done.anchor] = value
                    self.open_anchors.discard(done.anchor)
            elif kind is yaml.AliasEvent:
                if event.anchor not in self.anchors and event.anchor not in self.open_anchors:
                    raise YAMLError(f"yaml: unknown anchor '{event.anchor}' referenced")
                value = self.made(self.repeat, event.anchor)
            else:
                continue
            if stack:
                self.made(self.add, stack[-1], value, line)
            else:
                root = self.made(_json, value)

    def made(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What the function gives; if it refuses, the first refusal is kept for later and null stands in."""
        try:
            return function(*arguments)
        except YAMLError as error:
            if self.refused is None:
                self.refused = error
            return None

    def repeat(self, name: str) -> Any:
        """A copy of what the anchor stands for; copies, because what follows changes values in place."""
        if name in self.open_anchors:
            raise YAMLError(f"yaml: anchor '{name}' value contains itself")
        return self.copy(self.anchors[name])

    def copy(self, value: Any) -> Any:
        self.repeated += 1
        if self.repeated > MAXIMUM_REPEATED:
            raise YAMLError("yaml: document contains excessive aliasing")
        if value.__class__ is dict:
            return {name: self.copy(item) for name, item in value.items()}
        return [self.copy(item) for item in value] if value.__class__ is list else value

    def add(self, parent: _Collection, value: Any, line: int) -> None:
        """Put a finished value into the collection it stands in: as element, as key, or as value of the key before."""
        into = parent.value
        if into.__class__ is list:
            into.append(_json(value))
            return
        if not parent.has_key:
            parent.key, parent.has_key = value, True
            return
        key, parent.has_key = parent.key, False
        if key is _MERGE:
            merged = value if value.__class__ is list else [value]
            for mapping in reversed(merged):
                if mapping.__class__ is not dict:
                    raise YAMLError("yaml: map merge requires map or sequence of maps as the value")
                for name, item in mapping.items():
                    self.put(into, name, name, self.copy(item), line)
            return
        self.put(into, _key(key, value), key, _json(value), line)

    def put(self, into: dict[str, Any], name: str, key: Any, value: Any, line: int) -> None:
        if name in into:
            shown = quote(key) if isinstance(key, str) else _key(key, None)
            self.twice.append(f"line {line}: key {shown} already set in map")
        into[name] = value


class _Collection:
    """A mapping or sequence that is being read; `key` waits for its value."""

    __slots__ = ("anchor", "has_key", "key", "line", "value")

    def __init__(self, value: Any, anchor: str | None, line: int) -> None:
        self.value = value
        self.anchor = anchor
        self.line = line
        self.key: Any = None
        self.has_key = False


def _told(error: Any, scanner: bool) -> str:
    """yaml.v2's text for an error of libyaml: of the two marks the first that is not on the first line counts."""
    for mark in (error.problem_mark, error.context_mark):
        if mark is not None and mark.line:
            return f"yaml: line {mark.line + scanner}: {error.problem}"
    return f"yaml: {error.problem}"


def _scalar(event: Any) -> Any:
    """The value of a scalar event: plain ones are resolved, tags of the YAML schema obeyed, others ignored."""
    text: str = event.value
    tag: str | None = event.tag
    if tag is None:
        # `style` is empty for plain scalars.
        return text if event.style else _resolve(text)
    if not tag.startswith(_TAG):
        return _resolve(text) if tag == "!" and not event.style else text
    name = tag[len(_TAG) :]
    if name == "binary":
        try:
            return binascii.a2b_base64(text).decode("utf-8", "replace")
        except ValueError:
            raise YAMLError("yaml: !!binary value contains invalid base64 data") from None
    if name not in ("int", "float", "bool", "null", "merge"):
        return text
    value = _resolve(text)
    found = plain_tag(text)
    if found != name and not (name == "float" and found == "int"):
        raise YAMLError(f"yaml: cannot decode !!{found} `{text}` as a !!{name}")
    return value


def plain_tag(text: str) -> str:
    """The tag of YAML's core schema of what a plain scalar means; `merge` for `<<`."""
    value = _resolve(text)
    if isinstance(value, str):
        return "str"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    return "merge" if value is _MERGE else "float"


def _resolve(text: str) -> Any:
    """What a plain scalar means: null, a boolean, a number, `_MERGE` or, mostly, the text itself."""
    if not text:
        return None
    if text[0] not in _FIRST:
        return _MERGE if text == "<<" else None if text in _NULL else text
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text in _NULL:
        return None
    if text in _SPECIAL:
        return _SPECIAL[text]
    if text[0] == ".":
        return _real(text) if _DOTTED.fullmatch(text) else text
    if text[0] not in "0123456789+-":
        return text
    plain = text.replace("_", "")
    found = _INTEGER.fullmatch(plain)
    if found is not None and len(plain) < 80:
        sign = found[1]
        digits, base = next((part, base) for part, base in zip(found.groups()[1:], _BASES, strict=True) if part)
        number = int(digits, base)
        if sign == "-":
            number = -number
        if -_LARGEST - 1 <= number <= _LARGEST or (number <= 2 * _LARGEST + 1 and not sign):
            return number
    return _real(plain, text) if _FLOAT.fullmatch(plain) else text


def _real(plain: str, text: str = "") -> float | str:
    number = float(plain)
    return (text or plain) if math.isinf(number) else number


def _json(value: Any) -> Any:
    """A YAML value as JSON has it: a float without fraction is an integer, one beyond int64 a float."""
    if value.__class__ is float:
        if not math.isfinite(value):
            shown = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
            raise YAMLError(f"json: unsupported value: {shown}")
        if value.is_integer() and abs(value) <= _LARGEST:
            return int(value)
    elif value.__class__ is int and value > _LARGEST:
        return float(value)
    elif value is _MERGE:
        return "<<"
    return value


def _key(key: Any, value: Any) -> str:
    """A YAML key as JSON has it. Raises YAMLError for what cannot be one."""
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int):
        return str(key)
    if isinstance(key, float):
        if not math.isfinite(key):
            return ".nan" if math.isnan(key) else ".inf" if key > 0 else "-.inf"
        return str(int(key)) if key.is_integer() and abs(key) < 1e21 else repr(key)
    if key is None:
        shown = quote(value) if isinstance(value, str) else value
        raise YAMLError(f"unsupported map key of type: %!s(<nil>), key: <nil>, value: {shown}")
    raise YAMLError(f"yaml: invalid map key: {_go_syntax(key)}")


def _go_syntax(value: Any) -> str:
    """A value in Go's syntax, as the message about a key that is a list or a mapping shows it."""
    if isinstance(value, list):
        return "[]interface {}{" + ", ".join(map(_go_syntax, value)) + "}"
    if isinstance(value, dict):
        inner = ", ".join(f"{_go_syntax(name)}:{_go_syntax(item)}" for name, item in value.items())
        return "map[interface {}]interface {}{" + inner + "}"
    if value is None:
        return "interface {}(nil)"
    return quote(value) if isinstance(value, str) else str(value).lower()
