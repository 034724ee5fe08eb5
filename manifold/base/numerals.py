"""Digests as numbers in other bases, in which names and labels carry them.

Two digits at a time: names are made with every workspace, and half as many divisions are half as much work.
"""

from __future__ import annotations

from functools import cache

BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
BASE62 = BASE36 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def numeral(digest: bytes, digits: str) -> str:
    """A digest as one big-endian number in the base that has `digits`, highest digit first; no bytes are no digits."""
    number = int.from_bytes(digest, "big")
    pairs = _pairs(digits)
    found = []
    while number:
        number, pair = divmod(number, len(pairs))
        found.append(pairs[pair])
    return "".join(reversed(found)).lstrip(digits[0])


@cache
def _pairs(digits: str) -> tuple[str, ...]:
    return tuple(first + second for first in digits for second in digits)
