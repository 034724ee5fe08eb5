"""Logical cluster names and paths, with the reference's own vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.base import clusters


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ("alice", "v1u4alow0iv9"),
        ("bob", "2okdry95y5lkv"),
        ("", "36ks9xj4a2n61"),
        ("user172", "0f9mt7goyif7"),
        ("user", "b7mkgpsbnrbl"),
        ("kcp-admin", "kvdk2spgmbix"),
    ],
)
def test_home_names(user: str, name: str) -> None:
    assert clusters.home_name(user) == name


def test_shard_hash() -> None:
    assert clusters.shard_hash("root") == "1pfxsevk"


@pytest.mark.parametrize(
    ("text", "name", "path"),
    [
        ("root", True, True),
        ("a", False, True),
        ("ab", True, True),
        ("1umw6ehtvluim94b", True, True),
        ("a" * 63, True, True),
        ("a" * 64, False, False),
        ("root:org:ws", False, True),
        ("system:admin", True, True),
        ("system:Anything at all", True, False),
        ("*", False, True),
        ("", False, False),
        ("Root", False, False),
        ("root:", False, False),
        (":root", False, False),
        ("root::a", False, False),
        ("-a", False, False),
        ("root\n", False, False),
    ],
)
def test_validity(text: str, name: bool, path: bool) -> None:
    assert clusters.is_valid_name(text) is name
    assert clusters.is_valid_path(text) is path


@pytest.mark.parametrize(
    ("path", "is_name", "parent", "base", "segments"),
    [
        ("root", True, "", "root", ("root",)),
        ("root:a", False, "root", "a", ("root", "a")),
        ("root:a:b", False, "root:a", "b", ("root", "a", "b")),
        ("system:admin", True, "", "system:admin", ("system:admin",)),
        ("*", True, "", "*", ("*",)),
    ],
)
def test_parts(path: str, is_name: bool, parent: str, base: str, segments: tuple[str, ...]) -> None:
    assert clusters.is_name(path) is is_name
    assert clusters.parent(path) == parent
    assert clusters.base(path) == base
    assert clusters.parse(path) == segments
    assert clusters.request_path(path) == f"/clusters/{path}"


def test_a_path_that_is_none() -> None:
    with pytest.raises(ValueError, match="is not the path of a logical cluster"):
        clusters.parse("A:b")


def test_below_counts_whole_segments() -> None:
    assert clusters.is_below("root:a:b", "root:a")
    assert clusters.is_below("root:a", "root:a")
    assert not clusters.is_below("root:ab", "root:a")


@given(st.binary(min_size=32, max_size=32))
def test_child_names_are_names(random: bytes) -> None:
    name = clusters.child_name(random)
    assert len(name) == 16
    assert clusters.is_valid_name(name)
    assert name == clusters.child_name(random)


def test_child_names_need_all_their_randomness() -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        clusters.child_name(b"short")


@given(st.text(max_size=40))
def test_home_names_are_names(user: str) -> None:
    assert clusters.is_valid_name(clusters.home_name(user))


@given(st.lists(st.from_regex("[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?", fullmatch=True), min_size=1, max_size=5))
def test_joining_and_taking_apart(segments: list[str]) -> None:
    path = ""
    for segment in segments:
        path = clusters.join(path, segment)
    assert clusters.is_valid_path(path)
    if segments[0] != "system":
        assert clusters.parse(path) == tuple(segments)
        assert clusters.parent(path) == ":".join(segments[:-1])
        assert clusters.base(path) == segments[-1]
