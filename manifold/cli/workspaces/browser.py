"""A tree of workspaces that can be walked with keys: what is shown, and what a key does to it.

Plain data and functions: no terminal and no server. A tree is its visible rows in order, each with its depth; opening
one puts rows behind it, closing one takes those away that are deeper. What must be asked of a server is said by `Wish`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from manifold.base import clusters


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the tree. A row without a path is a remark; nothing can be done with it."""

    path: str
    label: str
    depth: int = 0
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Browser:
    """The visible rows, and which of them is the chosen one."""

    rows: tuple[Row, ...]
    cursor: int = 0

    @property
    def chosen(self) -> Row:
        """The row that keys are about."""
        return self.rows[self.cursor]


class Wish(Enum):
    """What a key asks for beyond the rows that are there."""

    NOTHING = "nothing"
    OPEN = "open"
    """The children of the chosen row: give them to `opened`."""
    ABOVE = "above"
    """The tree of the workspace above the first row: begin again with it."""
    ENTER = "enter"
    LEAVE = "leave"


STEPS: Mapping[str, int] = {"up": -1, "k": -1, "down": 1, "j": 1, "page up": -10, "page down": 10}
KEYS = "up down: move   right: open   left: close, go above   enter: go there   q: leave"


def pressed(browser: Browser, key: str) -> tuple[Browser, Wish]:
    """What a key does. Keys that mean nothing do nothing."""
    if key in STEPS:
        return _at(browser, browser.cursor + STEPS[key]), Wish.NOTHING
    if key in ("home", "g"):
        return _at(browser, 0), Wish.NOTHING
    if key in ("end", "G"):
        return _at(browser, len(browser.rows)), Wish.NOTHING
    if key in ("q", "escape"):
        return browser, Wish.LEAVE
    row = browser.chosen
    if key == "enter":
        return browser, Wish.ENTER if row.path else Wish.NOTHING
    if key in ("right", "l"):
        return browser, Wish.OPEN if row.path and not row.is_open else Wish.NOTHING
    if key in ("left", "h"):
        return _closed(browser)
    return browser, Wish.NOTHING


def opened(browser: Browser, children: Sequence[Row]) -> Browser:
    """The chosen row open, with these rows behind it, one deeper than it."""
    at, row = browser.cursor, browser.chosen
    below = tuple(replace(child, depth=row.depth + 1) for child in children)
    return replace(browser, rows=(*browser.rows[:at], replace(row, is_open=True), *below, *browser.rows[at + 1 :]))


def shown(browser: Browser, height: int) -> range:
    """Which rows fit into `height` lines, with the chosen one among them, as near to the middle as can be."""
    first = max(0, min(browser.cursor - height // 2, len(browser.rows) - height))
    return range(first, min(first + height, len(browser.rows)))


def line(row: Row) -> str:
    """A row as text."""
    if not row.path:
        return f"{'    ' * row.depth}  {row.label}"
    return f"{'    ' * row.depth}{'-' if row.is_open else '+'} {row.label}"


def _closed(browser: Browser) -> tuple[Browser, Wish]:
    """The chosen row closed; where it is closed already, the row it is below is chosen."""
    at, row = browser.cursor, browser.chosen
    if row.is_open:
        behind = next((n for n in range(at + 1, len(browser.rows)) if browser.rows[n].depth <= row.depth), None)
        rest = browser.rows[behind:] if behind is not None else ()
        return replace(browser, rows=(*browser.rows[:at], replace(row, is_open=False), *rest)), Wish.NOTHING
    if row.depth == 0:
        return browser, Wish.ABOVE if clusters.parent(row.path) else Wish.NOTHING
    above = next(n for n in range(at - 1, -1, -1) if browser.rows[n].depth < row.depth)
    return _at(browser, above), Wish.NOTHING


def _at(browser: Browser, position: int) -> Browser:
    return replace(browser, cursor=max(0, min(position, len(browser.rows) - 1)))
