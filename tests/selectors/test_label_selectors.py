"""Label selectors: grammar, refusals, canonical text, and matching against a naive model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.base import selectors
from manifold.base.errors import StatusError
from manifold.base.fields import Path
from manifold.base.label_validation import validate_selector

QUALIFIED = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)

OBJECTS = {
    "none": {},
    "even": {"par": "even", "i": "2"},
    "odd": {"par": "odd", "i": "1"},
    "empty": {"par": ""},
    "big": {"i": "9223372036854775808"},
    "word": {"i": "x"},
}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", {"none", "even", "odd", "empty", "big", "word"}),
        ("par=even", {"even"}),
        ("par==even", {"even"}),
        ("par!=even", {"none", "odd", "empty", "big", "word"}),
        ("par in (even,odd)", {"even", "odd"}),
        ("par in (even , , x)", {"even", "empty"}),
        ("par notin (even,odd)", {"none", "empty", "big", "word"}),
        ("par", {"even", "odd", "empty"}),
        ("!par", {"none", "big", "word"}),
        ("! par", {"none", "big", "word"}),
        ("i>1", {"even"}),
        ("i<2", {"odd"}),
        ("par=", {"empty"}),
        ("par in ()", {"empty"}),
        ("par=even,i notin (1)", {"even"}),
        ("i>0,i<3,par", {"even", "odd"}),
    ],
)
def test_what_is_selected(text: str, selected: set[str]) -> None:
    selector = selectors.parse(text)
    assert {name for name, labels in OBJECTS.items() if selector.matches(labels)} == selected
    assert selector.empty is (text == "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("i in 1", "unable to parse requirement: found '1' expected: '('"),
        ("-a=b", f'unable to parse requirement: <nil>: Invalid value: "-a": name part {QUALIFIED}'),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("a=>b", "unable to parse requirement: found '>', expected: identifier"),
        ("a=b,", "found '', expected: identifier after ','"),
        ("a=b,,c", "found ',', expected: identifier after ','"),
        (
            "i>x",
            'unable to parse requirement: values[0]: Invalid value: "x": '
            "for 'Gt', 'Lt' operators, the value must be an integer",
        ),
        ("!!a", "unable to parse requirement: found '!', expected: identifier"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("(", "found '(', expected: !, identifier, or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a in (b,=)", "unable to parse requirement: found '=', expected: ',', or identifier"),
    ],
)
def test_refusals(text: str, words: str) -> None:
    with pytest.raises(StatusError) as refused:
        selectors.parse(text)
    assert refused.value.code == 400
    assert refused.value.reason == "BadRequest"
    assert refused.value.message == words


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("b=1, a == 2", "a==2,b=1"),
        ("x in (c, a,b ,a)", "x in (a,b,c)"),
        ("a in (,b)", "a in (,b)"),
        ("in in (in,notin)", "in in (in,notin)"),
        ("!a,b,c>5,d<6", "!a,b,c>5,d<6"),
        ("a=", "a="),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    assert str(selectors.parse(text)) == canonical


keys = st.from_regex(r"([a-z]{1,3}\.io/)?[a-z0-9]([-a-z_.0-9]{0,3}[a-z0-9])?", fullmatch=True) | st.sampled_from(
    ["in", "notin"]
)
values = st.from_regex(r"([a-z0-9]([-a-z_.0-9]{0,2}[a-z0-9])?)?", fullmatch=True)
numbers = st.integers(min_value=0, max_value=12).map(str)


def _requirement(key: str, operator: str, given: list[str], number: str) -> selectors.Requirement:
    if operator in (selectors.EXISTS, selectors.DOES_NOT_EXIST):
        return selectors.requirement(key, operator)
    if operator in (selectors.GREATER, selectors.LESS):
        return selectors.requirement(key, operator, [number])
    return selectors.requirement(key, operator, given if operator in (selectors.IN, selectors.NOT_IN) else given[:1])


requirements = st.builds(
    _requirement,
    keys,
    st.sampled_from(["in", "notin", "=", "==", "!=", "exists", "!", "gt", "lt"]),
    st.lists(values | numbers, min_size=1, max_size=4),
    numbers,
)


def naive(requirement: selectors.Requirement, labels: dict[str, str]) -> bool:
    """What a requirement means, written down as the documentation says it."""
    key, operator, wanted = requirement.key, requirement.operator, requirement.values
    if operator == "exists":
        return key in labels
    if operator == "!":
        return key not in labels
    if operator in ("notin", "!="):
        return key not in labels or labels[key] not in wanted
    if key not in labels:
        return False
    if operator in ("gt", "lt"):
        if not labels[key].isdecimal():
            return False
        return int(labels[key]) > int(wanted[0]) if operator == "gt" else int(labels[key]) < int(wanted[0])
    return labels[key] in wanted


@given(st.lists(requirements, max_size=4), st.lists(st.tuples(keys, values | numbers), max_size=4), st.booleans())
def test_matching_is_the_naive_model(
    wanted: list[selectors.Requirement], pairs: list[tuple[str, str]], own: bool
) -> None:
    labels = dict(pairs)
    if own:
        labels |= {each.key: each.values[0] if each.values else "" for each in wanted}
    selector = selectors.parse(",".join(str(each) for each in wanted))
    assert selector.matches(labels) is all(naive(each, labels) for each in wanted)


@given(st.lists(requirements, max_size=5))
def test_printing_and_reading_back(wanted: list[selectors.Requirement]) -> None:
    selector = selectors.parse(",".join(str(each) for each in wanted))
    assert selectors.parse(str(selector)) == selector
    assert sorted(map(str, selector.requirements)) == sorted(map(str, wanted))


@given(st.text(alphabet="abi n()=!<>,-/.0\t\0ä", max_size=14))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        selector = selectors.parse(text)
    except StatusError:
        return
    assert selectors.parse(str(selector)) == selector


def test_objects_as_selectors() -> None:
    selector = selectors.from_object(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["a", "b"]},
                {"key": "old", "operator": "DoesNotExist"},
            ],
        }
    )
    assert str(selector) == "app=web,!old,tier in (a,b)"
    assert selector.matches({"app": "web", "tier": "a"})
    assert not selector.matches({"app": "web", "tier": "a", "old": ""})
    assert selectors.from_object({}).empty
    assert not selectors.from_object(None).matches({})


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ({"matchExpressions": [{"key": "a", "operator": "Gt"}]}, '"Gt" is not a valid label selector operator'),
        ({"matchLabels": {"a b": "c"}}, f'key: Invalid value: "a b": name part {QUALIFIED}'),
        (
            {"matchExpressions": [{"key": "a", "operator": "In"}]},
            "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
        ),
    ],
)
def test_objects_that_are_no_selectors(selector: dict[str, Any], words: str) -> None:
    with pytest.raises(selectors.SelectorError) as refused:
        selectors.from_object(selector)
    assert str(refused.value) == words


def test_errors_of_objects() -> None:
    selector = {
        "matchLabels": {"a b": "c"},
        "matchExpressions": [
            {"key": "a", "operator": "In"},
            {"key": "a", "operator": "Exists", "values": ["x"]},
            {"key": "", "operator": "Nope", "values": ["-"]},
        ],
    }
    errors = [str(error) for error in validate_selector(selector, Path("spec.selector"))]
    assert errors[0] == f'spec.selector.matchLabels: Invalid value: "a b": name part {QUALIFIED}'
    assert errors[1] == (
        "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"
    )
    assert errors[2] == (
        "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or "
        "'DoesNotExist'"
    )
    assert errors[3] == (
        'spec.selector.matchExpressions[2].operator: Invalid value: "Nope": not a valid selector operator'
    )
    assert errors[4] == 'spec.selector.matchExpressions[2].key: Invalid value: "": name part must be non-empty'
    assert errors[5] == f'spec.selector.matchExpressions[2].key: Invalid value: "": name part {QUALIFIED}'
    assert errors[6].startswith(
        'spec.selector.matchExpressions[2].values[0]: Invalid value: "-": a valid label must be'
    )
    assert validate_selector(None, Path("x")) == []
