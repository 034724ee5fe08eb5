"""Reading what a group of commits is decided on: the rows it writes, and those its guards are about.

Keys are asked for many at a time, in statements of few sizes, so that SQLite need not parse a new one for each group.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from manifold.storage.contract import Guard, Write
from manifold.storage.sqlite import layout
from manifold.storage.sqlite.group import Current


def read_current(connection: apsw.Connection, commits: Sequence[tuple[Sequence[Write], Sequence[Guard]]]) -> Current:
    """The rows there are that `commits` write or guard, as `decide` takes them."""
    written = {write.key for writes, _ in commits for write in writes}
    guarded = {guard.key for _, guards in commits for guard in guards if not guard.end} - written
    current: dict[bytes, tuple[int, bytes | None]] = {}
    for keys in _padded(list(written)):
        for key, revision, value in connection.execute(layout.current_rows(len(keys)), keys):
            current[key] = (revision, value)
    for keys in _padded(list(guarded)):
        for key, revision in connection.execute(layout.current_revisions(len(keys)), keys):
            current[key] = (revision, None)
    ranges = {(guard.key, guard.end) for _, guards in commits for guard in guards if guard.end}
    for start, end in ranges:
        # One more than the group can delete: if any stays, it is among them.
        for key, revision in connection.execute(layout.CURRENT_BETWEEN, (start, end, len(written) + 1)):
            current.setdefault(key, (revision, None))
    return current


def _padded(keys: list[bytes]) -> list[list[bytes]]:
    """`keys` in portions whose lengths are powers of two, the last one filled up by repeating a key."""
    portions = []
    for start in range(0, len(keys), layout.LARGEST):
        portion = keys[start : start + layout.LARGEST]
        size = 1 << (len(portion) - 1).bit_length()
        portions.append(portion + portion[:1] * (size - len(portion)))
    return portions
