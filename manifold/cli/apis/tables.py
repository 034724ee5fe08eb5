"""Tables as kubectl writes them: columns as wide as their widest cell, three spaces between them."""

from __future__ import annotations

from collections.abc import Sequence


def lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table with its header. The last column is as long as its cells are."""
    every = [header, *rows]
    widths = [max(len(row[at]) for row in every) for at in range(len(header))]
    return ["   ".join([*map(str.ljust, row[:-1], widths), row[-1]]) for row in every]
