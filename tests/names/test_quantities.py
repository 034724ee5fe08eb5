"""Quantities: canonical forms, refusals, and arithmetic without loss."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.base import quantity


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("1", "1"),
        ("+1", "1"),
        ("-1", "-1"),
        ("001", "1"),
        ("1500m", "1500m"),
        ("1000m", "1"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("1.", "1"),
        ("-0.5", "-500m"),
        ("1.1", "1100m"),
        ("100000", "100k"),
        ("1500", "1500"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("0.5Mi", "512Ki"),
        ("1000Ki", "1000Ki"),
        ("512", "512"),
        ("1e3", "1e3"),
        ("1E3", "1e3"),
        ("1E", "1E"),
        ("12e-1", "1200e-3"),
        ("10e1", "100"),
        ("1e24", "1e24"),
        ("1000E", "1000E"),
        ("0.0000000001", "1n"),
        ("-0.0000000001", "-1n"),
        ("0.0001Ki", "102400u"),
        ("100Ei", "9223372036854775807"),
    ],
)
def test_canonical_form(text: str, canonical: str) -> None:
    assert quantity.canonical(text) == canonical
    assert quantity.canonical(canonical) == canonical


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", quantity.FORMAT_TEXT),
        ("many", quantity.FORMAT_TEXT),
        ("1x", quantity.FORMAT_TEXT),
        ("1 ", quantity.FORMAT_TEXT),
        ("1.2.3", quantity.FORMAT_TEXT),
        ("1KiB", quantity.FORMAT_TEXT),
        ("١", quantity.FORMAT_TEXT),
        ("1K", quantity.SUFFIX_TEXT),
        ("--1", quantity.SUFFIX_TEXT),
        ("1ee3", quantity.SUFFIX_TEXT),
        ("1e9999999999999999999999", quantity.SUFFIX_TEXT),
    ],
)
def test_refusals(text: str, words: str) -> None:
    with pytest.raises(quantity.QuantityError) as refused:
        quantity.parse(text)
    assert str(refused.value) == words


def test_values() -> None:
    assert quantity.parse("1500m").value() == 2
    assert quantity.parse("-1500m").value() == -2
    assert quantity.parse("1500m").milli() == 1500
    assert not quantity.parse("1500m").whole
    assert quantity.parse("1Ki").value() == 1024
    assert quantity.of(3) == quantity.parse("3")
    assert quantity.of(0.5) == quantity.parse("500m")


amounts = st.builds(
    lambda sign, number, suffix: f"{sign}{number}{suffix}",
    st.sampled_from(["", "-"]),
    st.from_regex("[0-9]{1,6}([.][0-9]{1,3})?", fullmatch=True),
    st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "e2", "e-3", "E3"]),
)
FACTORS = {"": 1, "m": Fraction(1, 1000), "k": 1000, "M": 10**6, "G": 10**9, "Ki": 1024, "Mi": 1024**2}
FACTORS |= {"e2": 100, "e-3": Fraction(1, 1000), "E3": 1000}


@given(amounts)
def test_writing_keeps_the_amount(text: str) -> None:
    parsed = quantity.parse(text)
    assert quantity.parse(str(parsed)).nano == parsed.nano
    suffix = max((suffix for suffix in FACTORS if text.endswith(suffix)), key=len)
    exact = Fraction(text.removesuffix(suffix) if suffix else text) * FACTORS[suffix]
    assert parsed.nano == exact * 10**9


@given(amounts, amounts)
def test_sums_are_exact(first: str, second: str) -> None:
    one, other = quantity.parse(first), quantity.parse(second)
    assert (one + other - other).nano == one.nano
    assert (one + other).nano == (other + one).nano
