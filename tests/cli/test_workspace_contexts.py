"""What entering and going back make of a kubeconfig's contexts."""

from pathlib import Path

import pytest

from manifold.cli.workspaces.contexts import CURRENT, PREVIOUS, back, enter, named
from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.kubeconfig import Entry, Kubeconfig

AT = Path("/k")


def world(clusters, contexts, current):
    """A kubeconfig of clusters (name: server) and contexts (name: cluster)."""
    return Kubeconfig(
        {
            "clusters": {name: Entry(name, {"server": url, "x": name}, AT) for name, url in clusters.items()},
            "contexts": {name: Entry(name, {"cluster": of, "user": "me"}, AT) for name, of in contexts.items()},
            "users": {},
        },
        current,
    )


def applied(kubeconfig, change):
    """The kubeconfig after a change."""
    entries = {kind: dict(found) for kind, found in kubeconfig.entries.items()}
    for kind, changed in change.entries.items():
        entries[kind].update({entry.name: entry for entry in changed})
    return Kubeconfig(entries, change.current_context or kubeconfig.current_context)


def seen(kubeconfig):
    """Current context, and by context: cluster name and server."""
    return kubeconfig.current_context, {
        name: (context.text("cluster"), kubeconfig.cluster(context.text("cluster")).text("server"))
        for name, context in kubeconfig.entries["contexts"].items()
    }


def go(kubeconfig, server):
    return applied(kubeconfig, enter(kubeconfig, kubeconfig.current_context, {"server": server}, {}))


def go_back(kubeconfig):
    return applied(kubeconfig, back(kubeconfig, kubeconfig.current_context))


def test_there_and_back():
    start = world({"root": "R"}, {"root": "root"}, "root")
    first = go(start, "A")
    assert seen(first) == (CURRENT, {"root": ("root", "R"), CURRENT: (CURRENT, "A"), PREVIOUS: ("root", "R")})
    second = go(first, "B")
    assert seen(second) == (
        CURRENT,
        {"root": ("root", "R"), CURRENT: (CURRENT, "B"), PREVIOUS: (PREVIOUS, "A")},
    )
    returned = go_back(second)
    assert seen(returned) == (
        CURRENT,
        {"root": ("root", "R"), CURRENT: (CURRENT, "A"), PREVIOUS: (PREVIOUS, "B")},
    )
    assert seen(go_back(returned)) == seen(second)


def test_back_to_a_context_of_the_users_own():
    """Its cluster is referred to, not copied: what the user changes in it holds."""
    home = go_back(go(world({"root": "R"}, {"root": "root"}, "root"), "A"))
    assert seen(home) == (CURRENT, {"root": ("root", "R"), CURRENT: ("root", "R"), PREVIOUS: (PREVIOUS, "A")})
    assert seen(go_back(home))[1][CURRENT] == (CURRENT, "A")
    assert seen(go_back(home))[1][PREVIOUS] == ("root", "R")


def test_all_else_of_cluster_and_context_is_copied():
    start = world({"root": "R"}, {"root": "root"}, "root")
    entered = applied(start, enter(start, "root", {"server": "A", "certificate-authority": ""}, {"namespace": "n"}))
    assert entered.cluster(CURRENT).values == {"server": "A", "x": "root"}
    assert entered.context(CURRENT).values == {"cluster": CURRENT, "user": "me", "namespace": "n"}
    assert entered.cluster("root") == start.cluster("root")
    assert entered.context("root") == start.context("root")


def test_no_way_back():
    with pytest.raises(CommandError, match=r"^no previous workspace found in kubeconfig$"):
        go_back(world({"root": "R"}, {"root": "root"}, "root"))


@pytest.mark.parametrize(
    ("current", "text"),
    [
        ("", "no current context is set"),
        ("nope", 'context "nope" does not exist'),
        ("lost", 'cluster "gone" of context'),
    ],
)
def test_what_is_missing_is_named(current, text):
    kubeconfig = world({"root": "R"}, {"root": "root", "lost": "gone"}, current)
    with pytest.raises(CommandError, match=text):
        go(kubeconfig, "A")


@pytest.mark.parametrize(("switch", "current"), [(True, "mine"), (False, "root")])
def test_a_context_of_its_own(switch, current):
    start = world({"root": "R"}, {"root": "root"}, "root")
    kept = applied(start, named(start, "root", "mine", {"server": "A"}, switch))
    assert seen(kept) == (current, {"root": ("root", "R"), "mine": ("mine", "A")})
