"""JSON as it comes from clients: parsed fast, with every duplicate key found, and refused in Go's words.

orjson parses, but keeps silent about a key that stands twice (RFC 8259 leaves that open; Kubernetes' field validation
tells it, and does so on every write by default). So the parsed value is written again: the same bytes, or the same
number of colons, prove that no key was dropped. Only where that proof fails, or orjson refuses what Go accepts (invalid
UTF-8 and lone surrogates become U+FFFD), the standard library's parser reads the text with a hook that sees all pairs.
Its error position is also what Go's text is found from.
Work stays linear in the size of the body in every case, and nearly all of it is done in C.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from manifold.base.fields import quote

MAXIMUM_DEPTH = 200
"""Objects and lists within each other. Go stops at 10,000, but orjson writes nothing deeper than 254, and what walks a
value may recurse."""
MAXIMUM_PROBLEMS = 100
"""Unknown and duplicate fields told of one body."""
_END = "unexpected end of JSON input"
_LARGEST = (1 << 63) - 1
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]*)?([eE][+-]?[0-9]*)?")
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
_SPACE = re.compile(r"[ \t\n\r]*")

Trail = tuple["Trail", str] | None
"""A place in a value, linked to the place it is in; rendered only where it is shown, for keys may be long and many."""


class JSONError(ValueError):
    """The text is not JSON, or nested too deep; the words are those of Go's encoding/json."""


@dataclass(frozen=True, slots=True)
class Original:
    """What a text with duplicate keys said: every object with all its pairs, whatever has since been done to the value.

    `objects` is keyed by identity and keeps the objects alive, so that identities stay theirs.
    """

    value: Any
    objects: dict[int, tuple[dict[str, Any], list[tuple[str, Any]]]]

    def walk(self) -> Iterator[tuple[Trail, str, bool]]:
        """Every key in the order of the text: where it stands, its name, whether its object had it before."""
        stack = [self._children(self.value, None)]
        while stack:
            for trail, name, again, child in stack[-1]:
                if name is not None:
                    yield trail, name, again
                if child.__class__ is dict or child.__class__ is list:
                    stack.append(self._children(child, trail))
                    break
            else:
                stack.pop()

    def duplicates(self) -> list[str]:
        """`duplicate field "spec.size"` for every key that stands twice, each once, in order, at most 100."""
        found: dict[str, None] = {}
        for trail, _, again in self.walk():
            if again:
                found[f"duplicate field {quote(path(trail))}"] = None
                if len(found) == MAXIMUM_PROBLEMS:
                    break
        return list(found)

    def _children(self, value: Any, trail: Trail) -> Iterator[tuple[Trail, str | None, bool, Any]]:
        if value.__class__ is list:
            for position, item in enumerate(value):
                yield (trail, f"[{position}]"), None, False, item
            return
        known = self.objects.get(id(value))
        seen = set()
        for name, item in known[1] if known is not None else ():
            yield (trail, f".{name}"), name, name in seen, item
            seen.add(name)


def path(trail: Trail) -> str:
    """A place in Go's words: `spec.containers[0].name`."""
    parts: list[str] = []
    while trail is not None:
        trail, part = trail
        parts.append(part)
    whole = "".join(reversed(parts)).removeprefix(".")
    return whole if whole.isascii() else whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def parse(body: bytes) -> tuple[Any, Original | None]:
    """The value of a JSON text, of a duplicate key the last; with its original form if there are duplicate keys.

    Raises JSONError.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _exactly(body)
    if body.count(b"{") + body.count(b"[") > MAXIMUM_DEPTH and too_deep(value):
        raise JSONError("exceeded max depth")
    return (value, None) if _without_duplicates(body, value) else _exactly(body)


def too_deep(value: Any) -> bool:
    """Whether a value is nested deeper than `MAXIMUM_DEPTH`."""
    level = [value]
    for _ in range(MAXIMUM_DEPTH):
        below: list[Any] = []
        for parent in level:
            children = parent.values() if parent.__class__ is dict else parent if parent.__class__ is list else ()
            below += [child for child in children if child.__class__ is dict or child.__class__ is list]
        if not below:
            return False
        level = below
    return True


def _without_duplicates(body: bytes, value: Any) -> bool:
    """Whether it is certain that no key stands twice in one object. False means: look closer.

    Every key is followed by one colon, and a colon in a string stands for itself in both texts unless it is escaped. A
    pair that was dropped takes its colon along.
    """
    written = orjson.dumps(value)
    if body.startswith(written):
        return True
    if body.count(b":") != written.count(b":"):
        return False
    return b"\\u" not in body or not (b"\\u003a" in body or b"\\u003A" in body)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error("manifold-replace-each", _replaced)


def text(body: bytes) -> str:
    """UTF-8 as Go's decoder takes it: each byte that is none becomes U+FFFD."""
    return body.decode("utf-8", "manifold-replace-each")


class _Constant(Exception):
    """The parser met NaN or Infinity, which are no JSON."""


def _constant(name: str) -> Any:
    raise _Constant(name)


def _integer(text: str) -> int | float:
    if len(text) < 19:
        return int(text)
    number = int(text) if len(text) < 25 else _LARGEST + 1
    return number if -_LARGEST - 1 <= number <= _LARGEST else _real(text)


def _real(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise JSONError(f"json: cannot unmarshal number {text} into Go value of type float64")
    return number


def _exactly(body: bytes) -> tuple[Any, Original | None]:
    objects: dict[int, tuple[dict[str, Any], list[tuple[str, Any]]]] = {}
    twice = False

    def hook(given: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        made = dict(given)
        objects[id(made)] = made, given
        if len(made) != len(given):
            twice = True
        return made

    given = text(body)
    decoder = json.JSONDecoder(object_pairs_hook=hook, parse_constant=_constant, parse_int=_integer, parse_float=_real)
    try:
        value = decoder.decode(given)
    except json.JSONDecodeError as error:
        raise JSONError(_told(given, error.pos, error.msg)) from None
    except _Constant as error:
        name = str(error)
        # The parser reads `-Infinity` as one word; Go's stops at the letter.
        place = "in numeric literal" if name[0] == "-" else "looking for beginning of value"
        raise JSONError(f"invalid character {_shown(name.lstrip('-')[0])} {place}") from None
    except RecursionError:
        raise JSONError("exceeded max depth") from None
    if too_deep(value):
        raise JSONError("exceeded max depth")
    if "\\u" in given:
        value = _without_surrogates(value)
    return value, Original(value, objects) if twice else None


def _without_surrogates(value: Any) -> Any:
    """The value with lone surrogates replaced, which UTF-8 cannot carry."""
    if isinstance(value, str):
        return value if value.isascii() else "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, list):
        value[:] = [_without_surrogates(item) for item in value]
    elif isinstance(value, dict):
        for name, item in list(value.items()):
            clean = _without_surrogates(name)
            became = _without_surrogates(item)
            if clean is not name and clean != name:
                del value[name]
                value[clean] = became
            elif became is not item:
                value[name] = became
    return value


def _told(text: str, position: int, message: str) -> str:
    """Go's text for what the standard library's parser found at `position`."""
    if message.startswith("Invalid control character"):
        return f"invalid character {_shown(text[position])} in string literal"
    if message.startswith("Unterminated string"):
        backslashes = len(text) - len(text.rstrip("\\"))
        return f"invalid character {_shown('')} in string escape code" if backslashes % 2 else _END
    if message.startswith(("Invalid \\u", "Invalid \\escape")):
        return _told_escape(text, position)
    position = _after_space(text, position)
    if message.startswith("Illegal trailing comma"):
        # What newer parsers say of `[1,]` and `{"a":1,}`, at the comma.
        position = _after_space(text, position + 1)
        message = "Expecting value" if text[position] == "]" else "Expecting property name"
    if position >= len(text):
        return _END
    found = f"invalid character {_shown(text[position])} "
    number = _unfinished_number(text, position)
    if number is not None:
        return number
    if message.startswith("Expecting value"):
        return _told_literal(text, position) or found + "looking for beginning of value"
    if message.startswith("Expecting property name"):
        return found + "looking for beginning of object key string"
    if message.startswith("Expecting ':'"):
        return found + "after object key"
    if message.startswith("Expecting ','"):
        return found + ("after array element" if _in_list(text, position) else "after object key:value pair")
    return found + ("after top-level value" if message.startswith("Extra data") else "looking for beginning of value")


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found is not None else position


def _told_escape(text: str, position: int) -> str:
    """What is wrong with the escape at or right before `position`."""
    start = text.rfind("\\", 0, position + 1)
    kind = text[start + 1 : start + 2]
    if kind != "u":
        return f"invalid character {_shown(kind)} in string escape code"
    for digit in text[start + 2 : start + 6].ljust(min(4, len(text) - start - 1)):
        if digit not in _HEXADECIMAL:
            return f"invalid character {_shown(digit)} in \\u hexadecimal character escape"
    return _END


def _told_literal(text: str, position: int) -> str:
    """What is wrong with a word or number that begins at `position`; empty where nothing begins there."""
    if text[position] == "-":
        return f"invalid character {_shown(text[position + 1 : position + 2])} in numeric literal"
    for word in ("true", "false", "null"):
        if text[position] == word[0]:
            for offset, letter in enumerate(word):
                given = text[position + offset : position + offset + 1]
                if given != letter:
                    return f"invalid character {_shown(given)} in literal {word} (expecting '{letter}')"
    return ""


def _unfinished_number(text: str, position: int) -> str | None:
    """Go's text for a number that breaks off at `position`, behind which the other parser saw a complete one."""
    if text[position] not in ".eE" or position == 0 or text[position - 1] not in "0123456789":
        return None
    start = position
    while start and text[start - 1] in "0123456789.+-eE":
        start -= 1
    found = _NUMBER.match(text, start)
    if found is None or found.end() <= position:
        return None
    fraction, exponent = found.groups()
    if fraction == ".":
        following = text[found.start(1) + 1 : found.start(1) + 2]
        return f"invalid character {_shown(following)} after decimal point in numeric literal"
    if exponent is not None and exponent[-1] in "eE+-":
        following = text[found.end() : found.end() + 1]
        return f"invalid character {_shown(following)} in exponent of numeric literal"
    return None


def _in_list(text: str, position: int) -> bool:
    """Whether the value before `position` is an element of a list: a bracket there would be accepted."""
    try:
        json.JSONDecoder(parse_constant=_constant, parse_int=float, parse_float=float).decode(text[:position] + "]")
    except json.JSONDecodeError as error:
        return error.pos > position or error.msg.startswith("Extra data")
    return True


def _shown(letter: str) -> str:
    """A character as Go quotes it in these messages: of its UTF-8 the first byte, taken as a character.

    Inside a word, a number or an escape, Go reads the end of the text as a space, and says so.
    """
    if letter == "'":
        return "'\\''"
    if letter == '"':
        return "'\"'"
    byte = letter.encode("utf-8", "surrogatepass")[0] if letter else 32
    escapes = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 92: "\\\\"}
    if byte in escapes:
        return f"'{escapes[byte]}'"
    if byte < 32 or byte == 127:
        return f"'\\x{byte:02x}'"
    if 126 < byte < 160 or byte == 173:
        return f"'\\u00{byte:02x}'"
    return f"'{chr(byte)}'"
