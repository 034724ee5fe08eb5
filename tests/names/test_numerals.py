"""Digests in other bases: the same number, without padding."""

from hypothesis import given
from hypothesis import strategies as st

from manifold.base.numerals import BASE36, BASE62, numeral


@given(st.binary(max_size=40), st.sampled_from([BASE36, BASE62]))
def test_a_numeral_is_the_number(digest: bytes, digits: str) -> None:
    found = numeral(digest, digits)
    number = 0
    for digit in found:
        number = number * len(digits) + digits.index(digit)
    assert number == int.from_bytes(digest, "big")
    assert not found.startswith("0")
