"""The path of a home leads to it, whatever its user is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.base import clusters
from manifold.workspaces.homes import home_path
from manifold.workspaces.paths import segments


@pytest.mark.parametrize(
    ("user", "path"),
    [
        ("alice", "user:alice"),
        ("a", "user:a"),
        ("kcp-admin", "user:kcp-admin"),
        ("Alice", clusters.home_name("Alice")),
        ("alice@example.com", clusters.home_name("alice@example.com")),
        ("oidc:alice", clusters.home_name("oidc:alice")),
        ("a" * 63, "user:" + "a" * 63),
        ("a" * 64, clusters.home_name("a" * 64)),
        ("-a", clusters.home_name("-a")),
    ],
)
def test_paths_of_homes(user, path):
    assert home_path(user) == path


@given(st.text(max_size=80), st.lists(st.from_regex("[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?", fullmatch=True), max_size=3))
def test_every_path_below_a_home_is_valid_and_begins_in_it(user, children):
    path = ":".join([home_path(user), *children])
    assert clusters.is_valid_path(path)
    assert segments(path) == (clusters.home_name(user), *children)


def test_other_paths_are_as_they_are():
    assert segments("root:user:alice") == ("root", "user", "alice")
    assert segments("user") == ("user",)
    assert segments("system:admin") == ("system:admin",)
