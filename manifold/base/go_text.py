"""Values in Go's words: how its printers and its JSON encoder write what errors show.

Clients and tests compare refusals literally, and Kubernetes makes most of them with Go's `%q`, `%v` and
`encoding/json` (https://pkg.go.dev/fmt, https://pkg.go.dev/encoding/json). Objects are written in the order of their
members; who shows one of unknown shape sorts them first, as Go does with maps.
"""

from __future__ import annotations

from typing import Any

import orjson

_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\a": r"\a", "\b": r"\b", "\f": r"\f", "\v": r"\v"}
_ESCAPES |= {'"': r"\"", "\\": r"\\"}
_FOR_HTML = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\u2028": r"\u2028", "\u2029": r"\u2029"})
_TYPES = {
    str: "string",
    bool: "bool",
    int: "int64",
    float: "float64",
    list: "[]interface {}",
    dict: "map[string]interface {}",
}


def quote(text: str) -> str:
    """`text` in double quotes, as `%q` writes it."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f'"{"".join(map(_character, text))}"'


def _character(character: str) -> str:
    escaped = _ESCAPES.get(character)
    if escaped is not None:
        return escaped
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def number(value: int | float) -> str:
    """A number as `%v` writes it: the shortest digits, with an exponent below 1e-4 and from 1e+06 on."""
    if isinstance(value, int):
        return str(value)
    sign, digits, power = _decimal(value)
    if -4 <= power < 6 or value == 0:
        return sign + _positional(digits, power)
    return sign + _scientific(digits, power)


def _decimal(value: float) -> tuple[str, str, int]:
    """Sign, significant digits and the power of ten of the first of them."""
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    power = len(whole) - 1 + int(exponent or 0) - (len(whole + fraction) - len(digits) if digits else 0)
    return sign, digits.rstrip("0") or "0", power


def _positional(digits: str, power: int) -> str:
    if power < 0:
        return f"0.{'0' * (-power - 1)}{digits}"
    head, tail = digits[: power + 1].ljust(power + 1, "0"), digits[power + 1 :]
    return f"{head}.{tail}" if tail else head


def _scientific(digits: str, power: int) -> str:
    point = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{point}e{'-' if power < 0 else '+'}{abs(power):02d}"


def json_text(value: Any) -> str:
    """A JSON value as `encoding/json` writes it."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json_string(name)}:{json_text(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(json_text, value)) + "]"
    if isinstance(value, str):
        return _json_string(value)
    if type(value) is float:
        sign, digits, power = _decimal(value)
        if -6 <= power < 21 or value == 0:
            return sign + _positional(digits, power)
        return sign + _scientific(digits, power).replace("e-0", "e-")
    return str(value) if type(value) is int else orjson.dumps(value).decode()


def _json_string(text: str) -> str:
    return orjson.dumps(text).decode().translate(_FOR_HTML)


def plain(value: Any) -> str:
    """A JSON value as `%v` writes it; the members of an object in alphabetical order."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, list):
        return "[" + " ".join(map(plain, value)) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{name}:{plain(value[name])}" for name in sorted(value)) + "]"
    return str(value)


def type_name(value: Any) -> str:
    """The Go type of a decoded JSON value, as `%T` writes it."""
    return "<nil>" if value is None else _TYPES[type(value)]
