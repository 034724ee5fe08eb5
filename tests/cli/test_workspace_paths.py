"""Where an argument of `ws` leads, without a server."""

import pytest

from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.paths import ROOT_NOTE, Place, Target, place, resolve

HERE = "root:org:team"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://host:6443/clusters/root:org", Place("https://host:6443", "root:org")),
        ("https://host:6443/clusters/root:org/", Place("https://host:6443", "root:org")),
        ("https://host/prefix/clusters/root/clusters/x", Place("https://host/prefix", "root")),
        ("https://host/clusters/system:admin", Place("https://host", "system:admin")),
        ("https://host", Place("https://host", "")),
        ("https://host/", Place("https://host", "")),
        ("https://host/clusters/", Place("https://host/clusters", "")),
    ],
)
def test_place(url, expected):
    assert place(url) == expected


def test_url_of_another_workspace():
    assert place("https://host/clusters/root").url("root:a") == "https://host/clusters/root:a"


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("a", "root:org:team:a"),
        ("a:b", "root:org:team:a:b"),
        ("a/b", "root:org:team:a:b"),
        ("./a", "root:org:team:a"),
        (".:a:.", "root:org:team:a"),
        ("..", "root:org"),
        ("..:..", "root"),
        ("../..", "root"),
        ("a:..:b", "root:org:team:b"),
        ("..:other", "root:org:other"),
        (":", "root"),
        (":root", "root"),
        (":root:x", "root:x"),
        (":root:x:..:y", "root:y"),
        (":1umw6ehtvluim94b", "1umw6ehtvluim94b"),
        (":1umw6ehtvluim94b:child", "1umw6ehtvluim94b:child"),
        (":system:admin", "system:admin"),
        ("/root/x", "root:x"),
        ("rooted", "root:org:team:rooted"),
    ],
)
def test_resolve(argument, expected):
    assert resolve(argument, HERE, "") == Target(expected)


SERVER = "https://host:6443/clusters/root:org:team"


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("https://host:6443/clusters/root:a:b", "root:a:b"),
        ("https://host:6443/clusters/1umw6ehtvluim94b", "1umw6ehtvluim94b"),
        ("https://host:6443/clusters/root:a/", "root:a"),
        ("https://host:6443/clusters/root:a/api/v1", "root:a"),
    ],
)
def test_urls_on_the_same_server(argument, expected):
    assert resolve(argument, HERE, SERVER) == Target(expected)
    assert resolve(argument, "", "https://host:6443") == Target(expected)


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("https://host:6443", "does not point to a workspace"),
        ("https://host:6443/clusters/*", "does not point to a workspace"),
        ("https://host:6443/clusters/Root", "does not point to a workspace"),
        ("https://other:6443/clusters/root:a", "is of another server than the context; use --server"),
        ("http://host:6443/clusters/root:a", "is of another server than the context; use --server"),
    ],
)
def test_urls_that_lead_nowhere(argument, problem):
    with pytest.raises(CommandError, match=problem):
        resolve(argument, HERE, SERVER)


@pytest.mark.parametrize(("argument", "expected"), [("root", "root"), ("root:x", "root:x"), ("root/x", "root:x")])
def test_root_is_absolute_with_a_note(argument, expected):
    assert resolve(argument, HERE, "") == Target(expected, note=ROOT_NOTE)


@pytest.mark.parametrize(
    ("argument", "below"),
    [
        ("~", ""), ("~:a", "a"), ("~/a/b", "a:b"), ("~:a:..:b", "b"),
        ("/home/alice", ""), ("/home/alice/a", "a"),  # what a shell makes of ~ and ~/a
    ],
)  # fmt: skip
def test_home(argument, below):
    assert resolve(argument, HERE, "", "/home/alice") == Target(below, home=True)


@pytest.mark.parametrize("home", ["", "/"])
def test_no_home_directory_hides_an_absolute_path(home):
    assert resolve("/root/x", HERE, "", home) == Target("root:x")


@pytest.mark.parametrize("argument", ["..:..:..", ":root:..", "..:..:..:x", "~:.."])
def test_nothing_is_above_the_root(argument):
    with pytest.raises(CommandError, match=r"^cannot go up from root$"):
        resolve(argument, HERE, "")


@pytest.mark.parametrize("current", ["1umw6ehtvluim94b", "system:admin"])
def test_a_bare_name_has_nothing_above_and_is_its_own_top(current):
    with pytest.raises(CommandError, match="cannot go up from root"):
        resolve("..", current, "")
    assert resolve(":", current, "") == Target(current)


@pytest.mark.parametrize(
    "argument",
    ["Upper", "a b", "under_score", "a::b", ":root:", "::", "a:", "*", ":*", "-a", "ä", "a.b", "~:Upper", "x" * 64, ""],
)
def test_what_is_no_path(argument):
    with pytest.raises(CommandError) as refusal:
        resolve(argument, HERE if argument else "", "https://host")
    assert str(refusal.value) in (
        f"invalid workspace path: {argument}",
        'current config context URL "https://host" does not point to workspace',
    )


@pytest.mark.parametrize("argument", ["a", "..", ":"])
def test_relative_to_nothing(argument):
    with pytest.raises(CommandError, match=r'^current config context URL "https://h" does not point to workspace$'):
        resolve(argument, "", "https://h")


def test_absolute_from_nothing():
    assert resolve(":root:a", "", "https://h") == Target("root:a")
