r"""Regular expressions of schemas: Go's syntax (RE2), rewritten for Python.

A pattern is read once, token by token, and rewritten: `$` without the multi-line flag is the end of the text and not
also before a last newline, `\s` has no vertical tab, `\Q..\E`, `\x{..}`, `\p{..}` and POSIX classes are spelled out,
flags in the middle of a group become scoped groups, and braces that are no repetition are literal. What Go refuses is
refused with Go's words (package regexp/syntax), because clients see them; look-around and back references are among
that. How it is then matched, so that no pattern can hold the process, is in `linear`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from manifold.schema.structural.linear import Pattern, TooManyPlacesError

MAX_REPEAT = 1000

_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_POSIX_NEGATED = {
    "alnum": r"\x00-/:-@\[-`{-\U0010ffff",
    "alpha": r"\x00-@\[-`{-\U0010ffff",
    "ascii": r"\x80-\U0010ffff",
    "digit": r"\x00-/:-\U0010ffff",
    "lower": r"\x00-`{-\U0010ffff",
    "space": r"\x00-\x08\x0e-\x1f!-\U0010ffff",
    "upper": r"\x00-@\[-\U0010ffff",
    "word": r"\x00-/:-@\[-\^`{-\U0010ffff",
}
_SPACE = r"\t\n\f\r "
_NOT_SPACE = r"\x00-\x08\x0b\x0e-\x1f!-\U0010ffff"
_CONTROL = {"a": r"\x07", "f": r"\f", "n": r"\n", "r": r"\r", "t": r"\t", "v": r"\v"}
_REPEAT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}", re.ASCII)
_FLAGS = re.compile(r"\(\?([imsU]*(?:-[imsU]+)?)([:)])")
_NAME = re.compile(r"\(\?P?<([A-Za-z0-9_]+)>")


class PatternError(ValueError):
    """A pattern that Go does not compile. The message is Go's, with `error parsing regexp: ` in front."""

    def __init__(self, why: str, part: str) -> None:
        super().__init__(f"error parsing regexp: {why}: `{part}`")


@lru_cache(maxsize=1024)
def compile_pattern(text: str) -> Pattern:
    """The compiled pattern; `search` says whether a text matches. Raises PatternError where Go would refuse it."""
    rewritten = _Rewriter(text).rewrite()
    try:
        return Pattern(rewritten)
    except TooManyPlacesError:
        raise PatternError("expression too large", text) from None
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError("expression nests too deeply", text) from error


class _Rewriter:
    """One pass over a pattern. A frame of `groups` is (scopes opened by flags in it, multi-line before it)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.out: list[str] = []
        self.scopes: list[str] = []
        self.groups: list[tuple[list[str], bool]] = []
        self.multi_line = False
        self.names: set[str] = set()
        self.repeatable = False

    def rewrite(self) -> str:
        text = self.text
        while self.at < len(text):
            character = text[self.at]
            if character == "\\":
                self._escape()
            elif character == "[":
                self._class()
            elif character == "(":
                self._open()
            elif character == ")":
                self._close()
            elif character == "|":
                self._emit(")" * len(self.scopes) + "|" + "".join(self.scopes), 1, repeatable=False)
            elif character in "*+?":
                self._repeat(character)
            elif character == "{" and (found := _REPEAT.match(text, self.at)):
                self._counted(found)
            elif character == "$":
                self._emit("$" if self.multi_line else r"\Z", 1)
            elif character in "^.":
                self._emit(character, 1)
            else:
                self._emit(re.escape(character), 1)
        if self.groups:
            raise PatternError("missing closing )", text)
        return "".join(self.out) + ")" * len(self.scopes)

    def _emit(self, piece: str, length: int, repeatable: bool = True) -> None:
        self.out.append(piece)
        self.at += length
        self.repeatable = repeatable

    def _repeat(self, operator: str) -> None:
        start = self.at
        length = 2 if self.text[start + 1 : start + 2] == "?" else 1
        self._repetition(operator, start, length, self.text[start : start + length])

    def _counted(self, found: re.Match[str]) -> None:
        low = int(found[1])
        high = low if not found[2] else (int(found[3]) if found[3] else -1)
        if low > MAX_REPEAT or high > MAX_REPEAT or (0 <= high < low):
            raise PatternError("invalid repeat count", found[0])
        length = len(found[0]) + (self.text[found.end() : found.end() + 1] == "?")
        self._repetition(found[0], self.at, length, self.text[self.at : self.at + length])

    def _repetition(self, operator: str, start: int, length: int, written: str) -> None:
        if not self.repeatable:
            raise PatternError("missing argument to repetition operator", operator)
        rest = self.text[start + length : start + length + 1]
        counted = _REPEAT.match(self.text, start + length)
        if (rest and rest in "*+?") or counted:
            raise PatternError("invalid nested repetition operator", written + (counted[0] if counted else rest))
        self._emit(written, length)

    def _open(self) -> None:
        text = self.text
        if not text.startswith("(?", self.at):
            self._push("(", 1)
            return
        if named := _NAME.match(text, self.at):
            if named[1] in self.names:
                raise PatternError("duplicate capture group name", named[1])
            self.names.add(named[1])
            self._push("(", len(named[0]))
            return
        flags = _FLAGS.match(text, self.at)
        if flags is None:
            if text.startswith(("(?P<", "(?<"), self.at) and not text.startswith(("(?<=", "(?<!"), self.at):
                end = text.find(">", self.at)
                raise PatternError("invalid named capture", text[self.at : end + 1] if end > 0 else text[self.at :])
            upto = self.at + 2
            while upto < len(text) and text[upto] in "imsU-":
                upto += 1
            raise PatternError("invalid or unsupported Perl syntax", text[self.at : upto + 1])
        on, _, off = flags[1].partition("-")
        scoped = f"(?{on.replace('U', '')}" + (f"-{off.replace('U', '')}" if off.replace("U", "") else "") + ":"
        if flags[2] == ":":
            self._push(scoped, len(flags[0]))
        else:
            self.scopes.append(scoped)
            self._emit(scoped, len(flags[0]), repeatable=False)
        self.multi_line = (self.multi_line or "m" in on) and "m" not in off

    def _push(self, opening: str, length: int) -> None:
        self.groups.append((self.scopes, self.multi_line))
        self.scopes = []
        self._emit(opening, length, repeatable=False)

    def _close(self) -> None:
        if not self.groups:
            raise PatternError("unexpected )", self.text)
        closing = ")" * (len(self.scopes) + 1)
        self.scopes, self.multi_line = self.groups.pop()
        self._emit(closing, 1)

    def _escape(self) -> None:
        text, at = self.text, self.at
        if at + 1 >= len(text):
            raise PatternError("trailing backslash at end of expression", "")
        character = text[at + 1]
        if character in "dDwWbBA":
            self._emit("\\" + character, 2)
        elif character == "z":
            self._emit(r"\Z", 2)
        elif character == "s":
            self._emit(f"[{_SPACE}]", 2)
        elif character == "S":
            self._emit(f"[{_NOT_SPACE}]", 2)
        elif character == "Q":
            end = text.find("\\E", at + 2)
            literal = text[at + 2 : end] if end >= 0 else text[at + 2 :]
            self._emit(re.escape(literal), 2 + len(literal) + (2 if end >= 0 else 0), repeatable=bool(literal))
        elif character in "pP":
            ranges, length = self._unicode(at)
            self._emit(f"[{ranges}]" if ranges else r"[^\x00-\U0010ffff]", length)
        else:
            point, length = self._character(at)
            self._emit(re.escape(point), length)

    def _character(self, at: int) -> tuple[str, int]:
        """The one character an escape stands for, and the length of the escape."""
        text = self.text
        character = text[at + 1 : at + 2]
        if character in _CONTROL and character:
            return _CONTROL[character].encode().decode("unicode_escape"), 2
        if character == "x":
            found = re.compile(r"\\x(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{2}))").match(text, at)
            if found is not None and int(found[1] or found[2], 16) <= 0x10FFFF:
                return chr(int(found[1] or found[2], 16)), len(found[0])
        elif character in "01234567" and character:
            found = re.compile(r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})").match(text, at)
            if found is not None:
                return chr(int(found[1], 8)), len(found[0])
        elif character and character < "\x80" and not character.isalnum() and character != "_":
            return character, 2
        raise PatternError("invalid escape sequence", text[at : at + 2])

    def _unicode(self, at: int) -> tuple[str, int]:
        text = self.text
        found = re.compile(r"\\([pP])(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))").match(text, at)
        if found is None:
            raise PatternError("invalid character class range", text[at : at + 2])
        negated = (found[1] == "P") != bool(found[2])
        name = found[3] or found[4]
        ranges = _category(name, negated)
        if ranges is None:
            raise PatternError("invalid character class range", found[0])
        return ranges, len(found[0])

    def _class(self) -> None:
        text, start = self.text, self.at
        at = start + 1
        pieces = ["["]
        if text[at : at + 1] == "^":
            pieces.append("^")
            at += 1
        first = True
        while at < len(text) and (text[at] != "]" or first):
            first = False
            if text.startswith("[:", at) and (end := text.find(":]", at + 2)) >= 0:
                name = text[at + 2 : end]
                ranges = _POSIX_NEGATED.get(name[1:]) if name.startswith("^") else _POSIX.get(name)
                if ranges is None:
                    raise PatternError("invalid character class range", text[at : end + 2])
                pieces.append(ranges)
                at = end + 2
                continue
            if text[at] == "\\" and text[at + 1 : at + 2] in tuple("dDwWsSpP"):
                piece, length = self._perl_in_class(at)
                pieces.append(piece)
                at += length
                continue
            begin = at
            low, at = self._class_character(at, start)
            if text[at : at + 1] == "-" and text[at + 1 : at + 2] not in ("", "]"):
                high, at = self._class_character(at + 1, start)
                if high < low:
                    raise PatternError("invalid character class range", text[begin:at])
                pieces.append(f"{_in_class(low)}-{_in_class(high)}")
            else:
                pieces.append(_in_class(low))
        if at >= len(text):
            raise PatternError("missing closing ]", text[start:])
        self._emit("".join(pieces) + "]", at + 1 - start)

    def _class_character(self, at: int, start: int) -> tuple[str, int]:
        if at >= len(self.text):
            raise PatternError("missing closing ]", self.text[start:])
        if self.text[at] != "\\":
            return self.text[at], at + 1
        if at + 1 >= len(self.text):
            raise PatternError("trailing backslash at end of expression", "")
        point, length = self._character(at)
        return point, at + length

    def _perl_in_class(self, at: int) -> tuple[str, int]:
        character = self.text[at + 1]
        if character in "pP":
            return self._unicode(at)
        if character in "sS":
            return (_SPACE if character == "s" else _NOT_SPACE), 2
        return "\\" + character, 2


def _in_class(character: str) -> str:
    return f"\\{character}" if character in r"\]^-[&~|" else character


@lru_cache(maxsize=64)
def _category(name: str, negated: bool) -> str | None:
    """The ranges of a Unicode general category (`L`, `Lu`, `Any`); None for what Python has no table of."""
    if name == "Any":
        return "" if negated else r"\x00-\U0010ffff"
    majors = "CLMNPSZ"
    if len(name) > 2 or name[0] not in majors:
        return None
    from unicodedata import category

    ranges: list[str] = []
    start = -1
    for point in range(0x110001):
        inside = point < 0x110000 and category(chr(point)).startswith(name) != negated
        if inside and start < 0:
            start = point
        elif not inside and start >= 0:
            ranges.append(f"\\U{start:08x}-\\U{point - 1:08x}")
            start = -1
    return "".join(ranges) or None
