"""Field selectors: grammar, escapes, refusals, matching."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.base import field_selectors
from manifold.base.errors import StatusError


@pytest.mark.parametrize(
    ("text", "matching", "other"),
    [
        ("metadata.name=a", {"metadata.name": "a"}, {"metadata.name": "b"}),
        ("metadata.name==a", {"metadata.name": "a"}, {}),
        ("metadata.name!=a", {}, {"metadata.name": "a"}),
        ("a=1,b!=2", {"a": "1"}, {"a": "1", "b": "2"}),
        ("a=", {}, {"a": "1"}),
        (r"a=x\,y\=z\\", {"a": "x,y=z\\"}, {"a": "x"}),
        ("", {"a": "1"}, None),
        (",", {}, None),
    ],
)
def test_matching(text: str, matching: dict[str, str], other: dict[str, str] | None) -> None:
    selector = field_selectors.parse(text)
    assert selector.matches(matching)
    if other is not None:
        assert not selector.matches(other)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"),
        ("a=1,in (b)", "invalid selector: 'a=1,in (b)'; can't understand 'in (b)'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        (r"a=b\x", r"invalid field selector: invalid escape sequence: \x"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_refusals(text: str, words: str) -> None:
    with pytest.raises(StatusError) as refused:
        field_selectors.parse(text)
    assert refused.value.code == 400
    assert refused.value.message == words


def test_unsupported_fields() -> None:
    selector = field_selectors.parse("data.n=1")
    with pytest.raises(StatusError) as plain:
        field_selectors.check(selector, ("metadata.name", "metadata.namespace"))
    assert plain.value.message == ('"data.n" is not a known field selector: only "metadata.name", "metadata.namespace"')
    with pytest.raises(StatusError) as own:
        field_selectors.check(selector, ("type", "metadata.namespace", "metadata.name"))
    assert own.value.message == "field label not supported: data.n"
    field_selectors.check(field_selectors.parse("type=x"), ("type",))


def test_the_one_value_a_field_must_have() -> None:
    selector = field_selectors.parse("metadata.name=a,type!=b")
    assert selector.exact("metadata.name") == "a"
    assert selector.exact("type") is None
    assert selector.exact("other") is None


terms = st.builds(
    field_selectors.Term,
    st.from_regex("[a-z.]{1,6}", fullmatch=True),
    st.text(alphabet="ab,=\\!", max_size=5),
    st.booleans(),
)


@given(
    st.lists(terms, max_size=4),
    st.dictionaries(st.sampled_from(["a", "b", "a.b"]), st.text(alphabet="ab,=\\", max_size=3)),
)
def test_printing_and_reading_back(wanted: list[field_selectors.Term], fields: dict[str, str]) -> None:
    selector = field_selectors.parse(",".join(str(each) for each in wanted))
    assert sorted(map(str, selector.terms)) == sorted(map(str, wanted))
    assert field_selectors.parse(str(selector)) == selector
    assert selector.matches(fields) is all(
        (fields.get(each.label, "") == each.value) is not each.negated for each in wanted
    )
