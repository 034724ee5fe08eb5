"""`ws -i` and `ws tree -i`: the browser of workspaces at a terminal.

The terminal is curses' and as it was when this ends, whatever happens. Workspaces are asked for when they are opened,
and at most MOST of one parent.
"""

from __future__ import annotations

import contextlib
import curses
import os
import sys
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING

from manifold.base import clusters
from manifold.cli.workspaces.browser import KEYS, Browser, Row, Wish, line, opened, pressed, shown
from manifold.cli.workspaces.entering import enter, type_of
from manifold.cli.workspaces.failures import CommandError, ServerError
from manifold.cli.workspaces.session import Session, collection, pages

if TYPE_CHECKING:
    from curses import window

MOST = 1000
"""How many workspaces of one parent are shown."""
_NAMES: Mapping[int, str] = {
    curses.KEY_UP: "up",
    curses.KEY_DOWN: "down",
    curses.KEY_LEFT: "left",
    curses.KEY_RIGHT: "right",
    curses.KEY_PPAGE: "page up",
    curses.KEY_NPAGE: "page down",
    curses.KEY_HOME: "home",
    curses.KEY_END: "end",
    curses.KEY_ENTER: "enter",
    10: "enter",
    13: "enter",
    27: "escape",
}


def browse(session: Session, path: str) -> None:
    """Show the tree below `path`, and enter what is chosen there; nothing is written where the user leaves.

    Raises CommandError where there is no terminal, and for what reading or entering fails with.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError("the interactive browser needs a terminal; use tree, or list")
    first = opened(Browser((_top(path),)), _children(session, path))
    os.environ.setdefault("ESCDELAY", "25")
    try:
        chosen = curses.wrapper(lambda screen: _walk(screen, session, first))
    except curses.error as error:
        raise CommandError(f"the terminal cannot show the interactive browser: {error}") from None
    if chosen:
        enter(session, chosen)


def _walk(screen: window, session: Session, browser: Browser) -> str:
    """Let the user walk; the path to enter, or empty."""
    with contextlib.suppress(curses.error):  # what a terminal cannot do, it goes without
        curses.use_default_colors()
        curses.curs_set(0)
    while True:
        _draw(screen, browser)
        try:
            code = screen.getch()
        except KeyboardInterrupt:
            return ""
        browser, wish = pressed(browser, _NAMES.get(code, chr(code) if 32 <= code < 127 else ""))
        if wish is Wish.LEAVE:
            return ""
        if wish is Wish.ENTER:
            return browser.chosen.path
        if wish is Wish.OPEN:
            browser = opened(browser, _remarked(session, browser.chosen.path))
        elif wish is Wish.ABOVE:
            above = clusters.parent(browser.rows[0].path)
            browser = opened(Browser((_top(above),)), _remarked(session, above))


def _draw(screen: window, browser: Browser) -> None:
    height, width = screen.getmaxyx()
    screen.erase()
    for at, number in enumerate(shown(browser, max(1, height - 2))):
        mark = curses.A_REVERSE if number == browser.cursor else curses.A_NORMAL
        screen.addnstr(at, 0, line(browser.rows[number]), width - 1, mark)
    if height > 2:
        screen.addnstr(height - 1, 0, KEYS, width - 1, curses.A_DIM)
    screen.refresh()


def _top(path: str) -> Row:
    return Row(path, path)


def _remarked(session: Session, path: str) -> list[Row]:
    """The workspaces in one, or a remark why they cannot be had."""
    try:
        return _children(session, path)
    except ServerError as error:
        return [Row("", "(no access)" if error.code == 403 else f"({error})")]


def _children(session: Session, path: str) -> list[Row]:
    items = (item for page in pages(session.client, collection(path)) for item in page.get("items") or ())
    rows: list[Row] = []
    for item in islice((item for item in items if not item["metadata"].get("deletionTimestamp")), MOST + 1):
        if len(rows) == MOST:
            return [*rows, Row("", "... and more")]
        name, phase = item["metadata"]["name"], (item.get("status") or {}).get("phase") or "-"
        told = [name, f"({type_of(item)})" if type_of(item) else "[m]", phase if phase != "Ready" else ""]
        rows.append(Row(clusters.join(path, name), " ".join(part for part in told if part)))
    return rows
