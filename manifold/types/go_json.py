"""What Go's JSON decoder says of a text that is no JSON object.

Three places show those words to clients (the content of two types of Secret, and bodies); they are compared literally.
This is the scanner of RFC 8259 as a set of states, each of which knows what it was looking for when it met a character
it cannot use.
"""

from __future__ import annotations

import re

import orjson

_SPACE = " \t\r\n"
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LITERALS = {"t": "true", "f": "false", "n": "null"}
_GO_NAMES: dict[type, str] = {str: "string", bool: "bool", int: "number", float: "number", list: "array"}
_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\a": r"\a", "\b": r"\b", "\f": r"\f", "\v": r"\v"}
_END = "unexpected end of JSON input"


class _SyntaxError(Exception):
    """The text of what is wrong."""


def quoted(character: str) -> str:
    """A character as Go quotes it in syntax errors."""
    if character == "'":
        return r"'\''"
    if character == '"':
        return "'\"'"
    if character == "\\":
        return r"'\\'"
    if character.isprintable():
        return f"'{character}'"
    code = ord(character)
    return "'" + (_ESCAPES.get(character) or (f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}")) + "'"


def _wrong(character: str, context: str) -> _SyntaxError:
    return _SyntaxError(f"invalid character {quoted(character)} {context}")


class _Scanner:
    """Walks one text; each method leaves `at` behind what it has read."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip(self) -> str:
        """The next character that is not white space."""
        while self.at < len(self.text) and self.text[self.at] in _SPACE:
            self.at += 1
        return self.peek()

    def peek(self) -> str:
        if self.at >= len(self.text):
            raise _SyntaxError(_END)
        return self.text[self.at]

    def document(self) -> None:
        self.value()
        rest = self.text[self.at :].lstrip(_SPACE)
        if rest:
            raise _wrong(rest[0], "after top-level value")

    def value(self) -> None:
        # A stack instead of recursion: `{` and `[` for what is open, so that depth costs nothing.
        stack: list[str] = []
        while True:
            character = self.skip()
            if character in "{[":
                self.at += 1
                stack.append(character)
                closing = self.skip()
                if closing == ("}" if character == "{" else "]"):
                    self.at += 1
                    stack.pop()
                elif character == "{":
                    self.key("looking for beginning of object key string")
                    continue
                else:
                    continue
            elif character == '"':
                self.string()
            elif character in _LITERALS:
                self.literal(_LITERALS[character])
            elif character == "-" or character.isdecimal():
                self.number()
            else:
                raise _wrong(character, "looking for beginning of value")
            if not self.close(stack):
                return

    def close(self, stack: list[str]) -> bool:
        """Go on behind a value; false where it was the outermost one."""
        while stack:
            character = self.skip()
            self.at += 1
            if stack[-1] == "{":
                if character == ",":
                    self.skip()
                    self.key("looking for beginning of object key string")
                    return True
                if character != "}":
                    raise _wrong(character, "after object key:value pair")
            elif character == ",":
                return True
            elif character != "]":
                raise _wrong(character, "after array element")
            stack.pop()
        return False

    def key(self, context: str) -> None:
        character = self.peek()
        if character != '"':
            raise _wrong(character, context)
        self.string()
        character = self.skip()
        if character != ":":
            raise _wrong(character, "after object key")
        self.at += 1

    def string(self) -> None:
        self.at += 1
        while (character := self.peek()) != '"':
            if character < " ":
                raise _wrong(character, "in string literal")
            self.at += 1
            if character == "\\":
                escaped = self.peek()
                self.at += 1
                if escaped == "u":
                    for _ in range(4):
                        digit = self.peek()
                        if digit not in "0123456789abcdefABCDEF":
                            raise _wrong(digit, r"in \u hexadecimal character escape")
                        self.at += 1
                elif escaped not in '"\\/bfnrt':
                    raise _wrong(escaped, "in string escape code")
        self.at += 1

    def literal(self, word: str) -> None:
        for expected in word:
            character = self.peek()
            if character != expected:
                raise _wrong(character, f"in literal {word} (expecting {quoted(expected)})")
            self.at += 1

    def number(self) -> None:
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            self.at += 1
            raise _wrong(self.peek(), "in numeric literal")
        self.at = found.end()
        if self.at < len(self.text):
            character = self.text[self.at]
            if character == "." or (character in "eE" and not re.search("[eE]", found[0])):
                self.at += 1
                if character in "eE" and self.at < len(self.text) and self.text[self.at] in "+-":
                    self.at += 1
                place = (
                    "after decimal point in numeric literal" if character == "." else "in exponent of numeric literal"
                )
                raise _wrong(self.peek(), place)


def syntax_error(text: str) -> str:
    """What Go's decoder says of a text, empty where it is JSON."""
    try:
        _Scanner(text).document()
    except _SyntaxError as error:
        return str(error)
    return ""


def object_error(data: bytes) -> str:
    """What Go says when it cannot read `data` as a JSON object, empty where it can (null counts as an object)."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return syntax_error(data.decode(errors="replace"))
    if value is None or isinstance(value, dict):
        return ""
    return f"json: cannot unmarshal {_GO_NAMES[type(value)]} into Go value of type map[string]interface {{}}"
