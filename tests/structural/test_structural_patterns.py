"""Go's regular expressions, and JSONPath."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.schema.structural.jsonpath import compile_path, path_names
from manifold.schema.structural.linear import Pattern, _Automaton
from manifold.schema.structural.patterns import PatternError, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("^a$", ["a"], ["a\n", "ba"]),
        ("a|b", ["xa", "b"], ["c"]),
        (r"\Aa\z", ["a"], ["a\n"]),
        (r"^\d+$", ["123"], ["١"]),
        (r"^\s$", [" ", "\t"], ["\v"]),
        (r"^[\s]$", ["\n"], ["\v"]),
        (r"^[^\s]$", ["x", "\v"], [" "]),
        (r"\Qa.b\E", ["a.b"], ["axb"]),
        (r"^\x{1F600}$", ["😀"], ["x"]),
        (r"^[[:alpha:]_]+$", ["ab_"], ["1"]),
        (r"^[[:^digit:]]+$", ["ab"], ["1"]),
        (r"^\p{Lu}$", ["Ä"], ["ä"]),
        (r"^\pL+$", ["äB"], ["1"]),
        (r"^\P{L}$", ["1"], ["a"]),
        ("^a(?i)b|c$", ["aB", "C"], ["Ab"]),
        ("^(?i:a)b$", ["Ab"], ["aB"]),
        ("(?m)^a$", ["b\na\nc"], ["ba"]),
        ("^(?P<x>a)$", ["a"], ["b"]),
        ("^(?<x>a)$", ["a"], ["b"]),
        ("^a{,3}$", ["a{,3}"], ["aa"]),
        ("^a{2,3}$", ["aa"], ["a"]),
        ("^{$", ["{"], ["}"]),
        ("^[]a]$", ["]", "a"], ["b"]),
        ("^[a&&b]$", ["&"], ["c"]),
        (r"^\101$", ["A"], ["1"]),
        ("^a+?$", ["aa"], [""]),
    ],
)
def test_patterns_match_as_go_matches(pattern: str, matching: list[str], other: list[str]) -> None:
    search = compile_pattern(pattern).search
    assert [text for text in matching if not search(text)] == []
    assert [text for text in other if search(text)] == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("[", "missing closing ]: `[`"),
        ("[a", "missing closing ]: `[a`"),
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected ): `a)`"),
        ("*a", "missing argument to repetition operator: `*`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a*+", "invalid nested repetition operator: `*+`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{2,1}", "invalid repeat count: `{2,1}`"),
        (r"\1", r"invalid escape sequence: `\1`"),
        (r"\y", r"invalid escape sequence: `\y`"),
        ("a\\", "trailing backslash at end of expression: ``"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?<!a)", "invalid or unsupported Perl syntax: `(?<`"),
        ("[b-a]", "invalid character class range: `b-a`"),
        (r"\p{Nope}", r"invalid character class range: `\p{Nope}`"),
    ],
)
def test_what_go_refuses_is_refused_in_its_words(pattern: str, text: str) -> None:
    with pytest.raises(PatternError) as refusal:
        compile_pattern(pattern)
    assert str(refusal.value) == f"error parsing regexp: {text}"


PIECES = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", "^", "$", r"\b", r"\B", r"\d", "(?i:B)", "(a|ab)", "(a*)*", "(b+a?)+", "(a?b?){2}"]
)


@given(st.lists(PIECES, max_size=5).map("".join), st.text("aAbB1\n -", max_size=10))
def test_the_automaton_and_the_engine_agree(pattern: str, text: str) -> None:
    compiled = Pattern(pattern)
    found = _Automaton(compiled._tree).search(text)
    assert compiled.search(text) == found
    if text or r"\B" not in pattern:  # Python's engine sees no \B in an empty text, Go's does
        assert found == (re.search(pattern, text, re.ASCII) is not None)


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^a*a*a*a*a*b$", "(a*)*b", "(x+x+)+y"])
def test_no_pattern_holds_the_process(pattern: str) -> None:
    # An engine that backtracks would not come back from these.
    for length in (30, 200, 20_000):
        assert not compile_pattern(pattern).search("ax" * 5 + "a" * length + "!")
        assert not compile_pattern(pattern).search("a" * length + "!")


def test_patterns_have_a_size() -> None:
    with pytest.raises(PatternError, match="expression too large"):
        compile_pattern("((a{1000}){1000})")


OBJECT = {
    "metadata": {"labels": {"region": "eu", "a.b": "dotted"}},
    "list": [1, 2, 3],
    "conditions": [{"type": "Other", "n": 1}, {"type": "Ready", "status": "True", "n": 2}],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".metadata.labels.region", ["eu"]),
        (".metadata.labels['region']", ["eu"]),
        ('.metadata.labels["a.b"]', ["dotted"]),
        (r".metadata.labels.a\.b", ["dotted"]),
        (".list[*]", [1, 2, 3]),
        (".list[0]", [1]),
        (".list[-1]", [3]),
        (".list[9]", []),
        (".list[1:]", [2, 3]),
        (".list[0,2]", [1, 3]),
        ('.conditions[?(@.type=="Ready")].status', ["True"]),
        (".conditions[?(@.n > 1)].type", ["Ready"]),
        (".conditions[?(@.status)].type", ["Ready"]),
        ("..type", ["Other", "Ready"]),
        (".conditions[*].status", ["True"]),
        (".nope.deeper", []),
        (".metadata.labels.*", ["eu", "dotted"]),
    ],
)
def test_paths(path: str, found: list[Any]) -> None:
    assert compile_path(path)(OBJECT) == found


@pytest.mark.parametrize("path", ["spec.a", ".a[", ".a[x]", ".a b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        compile_path(path)


@pytest.mark.parametrize(
    ("path", "names"), [(".a.b", ["a", "b"]), (".a['b.c']", ["a", "b.c"]), (".a[0]", []), (".a[*]", []), ("a", [])]
)
def test_names_of_a_plain_path(path: str, names: list[str]) -> None:
    assert path_names(path) == names
