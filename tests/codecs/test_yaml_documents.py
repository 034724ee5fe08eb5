"""YAML texts as Kubernetes reads them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from manifold.schema import yaml_documents
from manifold.schema.yaml_documents import MAXIMUM_DEPTH, YAMLError


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("yes", True),
        ("No", False),
        ("on", True),
        ("OFF", False),
        ("y", True),
        ("n", False),
        ("true", True),
        ("tRUE", "tRUE"),
        ("~", None),
        ("", None),
        ("NULL", None),
        ("nULL", "nULL"),
        ("=", "="),
        ("12", 12),
        ("+5", 5),
        ("-0", 0),
        ("010", 8),
        ("08", 8),
        ("0x1f", 31),
        ("0o17", 15),
        ("0b11", 3),
        ("1_000", 1000),
        ("1.0", 1),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000),
        ("1e400", "1e400"),
        ("18446744073709551615", 18446744073709551615.0),
        ("12:30:45", "12:30:45"),
        ("2026-01-02", "2026-01-02"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("1.2.3", "1.2.3"),
        ("'yes'", "yes"),
        ("!!str 5", "5"),
        ('!!int "5"', 5),
        ("!!binary QUJD", "ABC"),
        ("!foo bar", "bar"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars(scalar: str, value: Any) -> None:
    found, twice = yaml_documents.parse(f"a: {scalar}".encode())
    assert found == {"a": value}
    assert type(found["a"]) is type(value)
    assert twice == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# only a comment\n", None),
        ("a: 1\n---\nb: [\n", {"a": 1}),
        ("---\na: 1\n...\n", {"a": 1}),
        ("1: a\ntrue: b\n1.5: c\n2.0: d\n", {"1": "a", "true": "b", "1.5": "c", "2": "d"}),
        ("a: &x {b: 1}\nc: *x\n", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
        ('{"a": {"b": [1, "x"]}}', {"a": {"b": [1, "x"]}}),
        ("- a\n- {b: c}\n", ["a", {"b": "c"}]),
    ],
)
def test_documents(text: str, value: Any) -> None:
    assert yaml_documents.parse(text.encode()) == (value, "")


def test_an_alias_is_a_copy() -> None:
    value, _ = yaml_documents.parse(b"a: &x {b: [1]}\nc: *x\n")
    value["a"]["b"].append(2)
    assert value["c"] == {"b": [1]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [b\nc", "yaml: line 2: did not find expected ',' or ']'"),
        ("a: [b", "yaml: line 1: did not find expected ',' or ']'"),
        ("a: b: c", "yaml: mapping values are not allowed in this context"),
        ("a\nb: c", "yaml: line 2: mapping values are not allowed in this context"),
        ("a:\n\tb: 1", "yaml: line 2: found character that cannot start any token"),
        ("a: *x", "yaml: unknown anchor 'x' referenced"),
        ("a: &x [*x]", "yaml: anchor 'x' value contains itself"),
        ("a: .nan", "json: unsupported value: NaN"),
        ("? [a, b]\n: c", 'yaml: invalid map key: []interface {}{"a", "b"}'),
        ("null: d", 'unsupported map key of type: %!s(<nil>), key: <nil>, value: "d"'),
        ("a: !!int x", "yaml: cannot decode !!str `x` as a !!int"),
        ("a: {<<: 5}", "yaml: map merge requires map or sequence of maps as the value"),
        ("\xff", "yaml: invalid leading UTF-8 octet"),
    ],
)
def test_what_cannot_be_read(text: str, told: str) -> None:
    with pytest.raises(YAMLError) as refused:
        yaml_documents.parse(text.encode("latin-1"))
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a: 1\na: 2\nb: 1\nb: 2\n", ['line 2: key "a" already set in map', 'line 4: key "b" already set in map']),
        ('{"a": 1, "a": 2}', ['line 1: key "a" already set in map']),
        ("l:\n- a: 1\n  a: 2\n", ['line 3: key "a" already set in map']),
    ],
)
def test_duplicate_keys(text: str, lines: list[str]) -> None:
    value, twice = yaml_documents.parse(text.encode())
    assert 2 in (value.get("a"), value.get("l", [{}])[0].get("a"))
    assert twice == "yaml: unmarshal errors:\n  " + "\n  ".join(lines)


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "{a: " * 100_000, "? " * 100_000])
def test_deep_nesting_is_refused_and_harmless(text: str) -> None:
    with pytest.raises(YAMLError):
        yaml_documents.parse(text.encode())


def test_depth_is_bounded() -> None:
    assert yaml_documents.parse(("- " * MAXIMUM_DEPTH + "a").encode())[1] == ""
    half = MAXIMUM_DEPTH // 2 + 1
    repeated = "a: &x " + "[" * half + "]" * half + "\nb: " + "[" * half + "*x" + "]" * half
    for text in ("- " * (MAXIMUM_DEPTH + 1) + "a", repeated):
        with pytest.raises(YAMLError, match="exceeded max depth"):
            yaml_documents.parse(text.encode())


def test_what_aliases_repeat_is_bounded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(YAMLError, match="excessive aliasing"):
        yaml_documents.parse("\n".join(lines).encode())


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029\ufeff"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


class _Quoting(yaml.SafeDumper):
    """Writes every text in double quotes, so that no resolver has a say in it."""


_Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


@settings(max_examples=examples(100))
@given(VALUES, st.booleans())
def test_what_is_written_is_read_back(value: Any, flow: bool) -> None:
    written = yaml.dump(value, Dumper=_Quoting, default_flow_style=flow, allow_unicode=True)
    assert yaml_documents.parse(written.encode()) == (value, "")
