"""The interactive browser of workspaces: what keys do to the tree, and a walk through it at a real terminal."""

import pytest
from bash_terminal import Bash, environment
from support.server import kubectl

from manifold.cli.workspaces.browser import Browser, Row, Wish, line, opened, pressed, shown

TREE = opened(Browser((Row("root:a", "a"),)), [Row("root:a:b", "b"), Row("root:a:c", "c")])


def walked(keys, browser=TREE):
    wish = Wish.NOTHING
    for key in keys:
        browser, wish = pressed(browser, key)
        if wish is Wish.OPEN:
            browser = opened(browser, [Row(f"{browser.chosen.path}:x", "x"), Row("", "... and more")])
    return browser, wish


@pytest.mark.parametrize(
    ("keys", "chosen", "labels", "wish"),
    [
        ([], "a", "abc", Wish.NOTHING),
        (["down"], "b", "abc", Wish.NOTHING),
        (["j", "j", "j", "down"], "c", "abc", Wish.NOTHING),
        (["end", "up", "k", "k"], "a", "abc", Wish.NOTHING),
        (["G", "home"], "a", "abc", Wish.NOTHING),
        (["page down"], "c", "abc", Wish.NOTHING),
        (["down", "enter"], "b", "abc", Wish.ENTER),
        (["q"], "a", "abc", Wish.LEAVE),
        (["escape"], "a", "abc", Wish.LEAVE),
        (["?"], "a", "abc", Wish.NOTHING),
        (["right"], "a", "abc", Wish.NOTHING),
        (["left"], "a", "a", Wish.NOTHING),
        (["left", "h"], "a", "a", Wish.ABOVE),
        (["down", "l"], "b", "ab,x,... and more,c", Wish.OPEN),
        (["down", "right", "down", "down", "enter"], "... and more", "ab,x,... and more,c", Wish.NOTHING),
        (["down", "right", "down", "left"], "b", "ab,x,... and more,c", Wish.NOTHING),
        (["down", "right", "left"], "b", "abc", Wish.NOTHING),
        (["down", "right", "up", "left"], "a", "a", Wish.NOTHING),
        (["down", "right", "end", "left"], "a", "ab,x,... and more,c", Wish.NOTHING),
    ],
)
def test_keys(keys, chosen, labels, wish):
    browser, found = walked(keys)
    assert browser.chosen.label == chosen
    assert "".join(row.label for row in browser.rows) == labels.replace(",", "")
    assert found is wish


def test_there_is_nothing_above_the_first_workspace():
    assert walked(["left"], Browser((Row("root", "root"),)))[1] is Wish.NOTHING


def test_what_fits_is_shown_around_the_chosen_row():
    many = Browser(tuple(Row(f"root:{n}", str(n)) for n in range(10)))
    assert [list(shown(Browser(many.rows, at), 4)) for at in (0, 5, 9)] == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    assert list(shown(many, 50)) == list(range(10))


def test_rows_as_text():
    browser, _ = walked(["down", "right"])
    assert [line(row) for row in browser.rows] == [
        "- a",
        "    - b",
        "        + x",
        "          ... and more",
        "    + c",
    ]


@pytest.fixture
def bash(server, tmp_path):
    """A terminal in a workspace with another one in it, in which there is a third."""
    top = server.create_workspace(directory=tmp_path)
    server.create_workspace("atlas", parent=top.path, directory=tmp_path)
    server.create_workspace("inner", parent=f"{top.path}:atlas", directory=tmp_path)
    terminal = Bash(environment(top.kubeconfig), tmp_path)
    terminal.workspace = top
    yield terminal
    terminal.close()
    top.delete()


def test_a_walk(bash):
    top = bash.workspace
    bash.press("kubectl ws -i\n")
    bash.until(r"atlas \(root:universal\)")
    bash.until("q: leave")
    bash.press("j\x1bOC")  # to atlas, and open it
    bash.until("inner")
    bash.press("j\r")
    bash.until(f"Current workspace is '{top.path}:atlas:inner' \\(type root:universal\\)")
    bash.press("kubectl ws tree -i\n")
    bash.until("q: leave")
    bash.press("hh\r")  # close it, go above, and go there
    bash.until(f"Current workspace is '{top.path}:atlas' \\(type root:universal\\)")
    before = top.kubeconfig.read_bytes()
    bash.press("kubectl ws -i :root\n")
    bash.until("q: leave")
    bash.press("jq")
    bash.press("kubectl ws current\n")
    bash.until(f"Current workspace is '{top.path}:atlas'")
    assert top.kubeconfig.read_bytes() == before


def test_without_a_terminal_it_is_refused(workspace):
    done = kubectl("ws", "-i", kubeconfig=workspace.kubeconfig, check=False)
    refusal = "Error: the interactive browser needs a terminal; use tree, or list\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", refusal)
