"""Names, label keys and values, and generated names: what is taken, and the words of what is not."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.base import names

LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
QUALIFIED = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
KEY = f"a valid label key {QUALIFIED} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
CONFIG_KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("a", []),
        ("a-b-0", []),
        ("0", []),
        ("a" * 63, []),
        ("a" * 64, ["must be no more than 63 characters"]),
        ("a.b", ["must not contain dots"]),
        ("a.", [LABEL]),
        ("", [LABEL]),
        ("-a", [LABEL]),
        ("A", [LABEL]),
        ("a\n", [LABEL]),
        ("ä", [LABEL]),
        ("A" * 64, ["must be no more than 63 characters", LABEL]),
    ],
)
def test_dns_label(text: str, errors: list[str]) -> None:
    assert names.dns_label(text) == errors


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("a.b-c.0", []),
        ("a" * 253, []),
        ("a" * 254, ["must be no more than 253 characters"]),
        ("a..b", [SUBDOMAIN]),
        ("a.-b", [SUBDOMAIN]),
        ("A_b", [SUBDOMAIN]),
        ("a.b\n", [SUBDOMAIN]),
    ],
)
def test_dns_subdomain(text: str, errors: list[str]) -> None:
    assert names.dns_subdomain(text) == errors


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("app", []),
        ("My_Name.x", []),
        ("example.com/App", []),
        ("a" * 63, []),
        ("a" * 253 + "/" + "b" * 63, []),
        ("a" * 64, ["name part must be no more than 63 bytes"]),
        ("a" * 254 + "/b", ["prefix part must be no more than 253 bytes"]),
        ("", ["name part must be non-empty", "name part " + QUALIFIED]),
        ("/a", ["prefix part must be non-empty"]),
        ("a.b/", ["name part must be non-empty", "name part " + QUALIFIED]),
        ("a/b/c", [KEY]),
        ("-a", ["name part " + QUALIFIED]),
        ("UPPER/x", ["prefix part " + SUBDOMAIN]),
        ("UPPER/-", ["prefix part " + SUBDOMAIN, "name part " + QUALIFIED]),
    ],
)
def test_label_keys(text: str, errors: list[str]) -> None:
    assert names.label_key(text) == errors
    assert names.is_label_key(text) is (not errors)


def test_label_values() -> None:
    assert names.label_value("") == []
    assert names.label_value("a_B.c-9") == []
    assert names.label_value("a" * 64) == ["must be no more than 63 bytes"]
    assert len(names.label_value("bad value!")) == 1
    assert len(names.label_value("-" + "a" * 63)) == 2


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("key.name", []),
        (".hidden", []),
        ("...", ["must not start with '..'"]),
        (".", ["must not be '.'"]),
        ("..", ["must not be '..'"]),
        ("..a", ["must not start with '..'"]),
        ("a b", [CONFIG_KEY]),
        ("", [CONFIG_KEY]),
        ("a" * 254, ["must be no more than 253 characters"]),
    ],
)
def test_config_keys(text: str, errors: list[str]) -> None:
    assert names.config_key(text) == errors


@pytest.mark.parametrize(
    ("name", "prefix", "errors"),
    [
        ("system:thing", False, []),
        ("a%b/c", False, ["may not contain '/'", "may not contain '%'"]),
        (".", False, ["may not be '.'"]),
        ("..", False, ["may not be '..'"]),
        (".", True, []),
    ],
)
def test_names_that_are_path_segments(name: str, prefix: bool, errors: list[str]) -> None:
    assert names.segment_name(name, prefix) == errors


def test_a_prefix_may_end_in_a_dash() -> None:
    assert names.subdomain_name("gen-", True) == []
    assert names.subdomain_name("gen-", False) == [SUBDOMAIN]
    assert names.label_name("gen-", True) == []
    assert names.subdomain_name("-", True) == [SUBDOMAIN]


def test_other_formats() -> None:
    assert names.fully_qualified("a.b.c") == []
    assert names.fully_qualified("a.b") == ["should be a domain with at least three segments separated by dots"]
    assert names.dns_label_1035("a1") == []
    assert len(names.dns_label_1035("1a")) == 1


@given(st.text(max_size=100), st.randoms(use_true_random=False))
def test_generated_names_are_the_cut_prefix_and_five_characters(prefix: str, source: random.Random) -> None:
    name = names.generate_name(prefix, source.randrange)
    assert name[:-5] == prefix[:58]
    assert set(name[-5:]) <= set("bcdfghjklmnpqrstvwxz2456789")


@given(st.from_regex(r"[a-z]([-a-z0-9]{0,80}[a-z0-9])?-?", fullmatch=True), st.randoms(use_true_random=False))
def test_a_good_prefix_gives_a_good_name(prefix: str, source: random.Random) -> None:
    assert names.subdomain_name(names.generate_name(prefix, source.randrange), False) == []


@given(st.text(alphabet=string.ascii_letters + string.digits + "-._/\n ä", max_size=90))
def test_kinds_of_names_contain_each_other(text: str) -> None:
    if not names.dns_label(text):
        assert names.dns_subdomain(text) == []
        assert names.label_value(text) == []
    if not names.label_value(text) and text:
        assert names.label_key(text) == []
    assert names.is_label_key(text) is (not names.label_key(text))
    if not names.label_key(text):
        assert names.label_key(f"example.com/{text.rpartition('/')[2]}") == []
