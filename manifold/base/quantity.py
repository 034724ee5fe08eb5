"""Quantities: numbers with a suffix (`1500m`, `2Gi`, `1e3`), read, compared and written as Kubernetes does.

A quantity is held as a whole number of billionths, the finest step there is, so that comparing and adding are exact
integer operations. What is finer is rounded away from zero, under the rule that who asks for something gets something.
The canonical form keeps the family of the suffix (decimal, binary, exponent), has no fraction and the largest
suffix possible (API conventions, "Quantity").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Family = Literal["decimal", "binary", "exponent"]

_NANO = 10**9
_MAXIMUM = (1 << 63) - 1
_LARGEST_EXPONENT = 308
"""Exponents beyond are refused: a few characters must not cost a number of millions of digits."""
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_BINARY_SUFFIX = {power: suffix for suffix, power in _BINARY.items()}
_PARTS = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)")
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)").fullmatch

FORMAT_TEXT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
SUFFIX_TEXT = "unable to parse quantity's suffix"


class QuantityError(ValueError):
    """A text that is no quantity; the words are those of the decoding error clients see."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount: `nano` billionths, and the family of suffixes it is written in. Equal amounts may differ in family."""

    nano: int
    family: Family = "decimal"

    @property
    def whole(self) -> bool:
        """Whether there is no fraction."""
        return self.nano % _NANO == 0

    def value(self) -> int:
        """The amount in units, rounded away from zero."""
        return _scaled(self.nano, _NANO)

    def milli(self) -> int:
        """The amount in thousandths, rounded away from zero."""
        return _scaled(self.nano, _NANO // 1000)

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.nano + other.nano, self.family if self.nano else other.family)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.nano - other.nano, self.family if self.nano else other.family)

    def __str__(self) -> str:
        if not self.nano:
            return "0"
        if self.family == "binary" and self.whole and abs(self.nano) >= 1024 * _NANO:
            number, power = self.nano // _NANO, 0
            while power < 6 and number % 1024 == 0:
                number //= 1024
                power += 1
            return f"{number}{_BINARY_SUFFIX.get(power, '')}"
        number, exponent = self.nano, -9
        largest = 18 if self.family != "exponent" else None
        while number % 1000 == 0 and exponent != largest:
            number //= 1000
            exponent += 3
        if self.family == "exponent":
            return f"{number}e{exponent}" if exponent else str(number)
        return f"{number}{_DECIMAL_SUFFIX[exponent]}"


def _scaled(nano: int, unit: int) -> int:
    return -(-nano // unit) if nano > 0 else nano // unit


def parse(text: str) -> Quantity:
    """The quantity a text means. Raises QuantityError."""
    found = _PARTS.fullmatch(text)
    if found is None or not text:
        raise QuantityError(FORMAT_TEXT)
    sign, number, fraction, suffix = found.groups()
    fraction = fraction or ""
    family: Family = "decimal"
    power = 0
    exponent = _DECIMAL.get(suffix)
    if exponent is None:
        exponent = 0
        if suffix in _BINARY:
            family, power = "binary", _BINARY[suffix]
        elif written := _EXPONENT(suffix):
            family = "exponent"
            exponent = int(written[1][:20])
            if abs(exponent) > _LARGEST_EXPONENT:
                raise QuantityError(SUFFIX_TEXT)
        else:
            raise QuantityError(SUFFIX_TEXT)
    # The amount in billionths is digits * 1024**power * 10**shift, rounded up where shift asks for a division.
    digits = int((number + fraction) or "0") * 1024**power
    shift = exponent + 9 - len(fraction)
    nano = digits * 10**shift if shift >= 0 else -(-digits // 10**-shift)
    if family == "binary":
        nano = min(nano, _MAXIMUM * _NANO)
        if nano < _NANO:
            family = "decimal"
    return Quantity(-nano if sign == "-" else nano, family)


def canonical(text: str) -> str:
    """The text a quantity is stored and sent back as: `0.5` is `500m`, `1024Mi` is `1Gi`. Raises QuantityError."""
    if text.isdigit() and text.isascii() and len(text) < 4 and text[0] != "0":
        return text
    return str(parse(text))


def of(value: str | int | float) -> Quantity:
    """The quantity of a JSON value: a string, or a bare number as it is written in manifests. Raises QuantityError."""
    return parse(value if isinstance(value, str) else repr(value))
