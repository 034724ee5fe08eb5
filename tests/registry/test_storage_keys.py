"""Keys tell objects apart, keep their order, and ranges hold exactly what belongs to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.base import keys

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
PARTS = st.tuples(TEXT, TEXT, TEXT, TEXT, TEXT, TEXT)


@given(PARTS, PARTS)
def test_keys_are_injective_and_keep_order(one, other):
    first, second = keys.ObjectKey(*one).encode(), keys.ObjectKey(*other).encode()
    assert (first == second) == (one == other)
    in_bytes = [tuple(part.encode() for part in parts) for parts in (one, other)]
    assert (first < second) == (in_bytes[0] < in_bytes[1])


@given(PARTS)
def test_a_key_gives_back_its_parts(parts):
    key = keys.ObjectKey(*parts).encode()
    assert keys.decode(key) == keys.ObjectKey(*parts)
    assert keys.parts(key) == list(parts)


@given(PARTS, PARTS, st.integers(3, 5))
def test_a_range_holds_what_belongs_to_it_and_nothing_else(inside, other, depth):
    prefix = keys.type_prefix(*inside[:3]) if depth == 3 else keys.cluster_prefix(*inside[:4])
    if depth == 5:
        prefix += keys.segment(inside[4])
    for parts in (inside, other):
        within = prefix <= keys.ObjectKey(*parts).encode() < keys.after(prefix)
        assert within == (parts[:depth] == inside[:depth])


@given(st.lists(TEXT, min_size=1, max_size=4), PARTS)
def test_what_is_kept_about_objects_is_no_object(parts, place):
    key = keys.ObjectKey(*place).encode()
    for other in (keys.index_key(*parts), keys.work_key(*parts)):
        assert other != key
        with pytest.raises(ValueError, match="not the key of an object"):
            keys.decode(other)
    assert keys.index_key(*parts) != keys.work_key(*parts)
    assert keys.work_key(*parts).startswith(keys.work_prefix(parts[0]))


@pytest.mark.parametrize("position", range(6))
def test_no_segment_reaches_into_the_next(position):
    parts = ["g", "r", "i", "c", "n", "m"]
    parts[position] += "\x00"
    with pytest.raises(ValueError, match="NUL"):
        keys.ObjectKey(*parts).encode()
