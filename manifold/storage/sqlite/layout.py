"""How rows and log lie in the file, and every statement on them: the one place that knows the layout.

One table holds every version of every key, the row's revision being its rowid:

    revision   of the write; consecutive, so the log is a range of the table
    next       revision of the write that replaced or deleted it; 0 while the row is current
    previous   revision of the row it replaced, 0 where there was none
    key, value value is NULL for a deletion, whose `next` is its own revision: it was never current

and three partial indexes: current rows by key (unique), past rows by (key, next) for views at older revisions, and
everything that ended by `next`, which is the order the log is forgotten in.

So a row that is never changed is written once and leaves nothing to be forgotten, a value is stored once however it
is reached (current, as the log's value, as the next change's previous value), and both indexes a create touches are
the table's end and one random leaf. Measured against a rows table beside a log table that copies the previous value
(1.5 kB values, random keys, no fsync): create 16 us against 26, update 39 against 52, 20 % fewer bytes after updates.
A table clustered by key (`WITHOUT ROWID`) scans a cold file faster and costs twice as much to write.

Pages are 8 KiB: with 4 KiB an ordinary object does not fit a page and goes to overflow pages.
"""

from __future__ import annotations

from functools import cache

APPLICATION_ID = 0x4D616E69  # "Mani", in the file's header
FORMAT = 1
"""The file's `user_version`. Raised whenever a file written before cannot be read by this code as it is."""

FIRST_REVISION = 101
"""The revision of an empty store. Small numbers are left out: 0 and 1 mean something in `resourceVersion`."""

PAGE_BYTES = 8192

SCHEMA = f"""
CREATE TABLE entries(
    revision INTEGER PRIMARY KEY, next INTEGER NOT NULL, previous INTEGER NOT NULL,
    key BLOB NOT NULL, value BLOB) STRICT;
CREATE UNIQUE INDEX entries_current ON entries(key, next) WHERE next = 0;
CREATE INDEX entries_past ON entries(key, next) WHERE next > revision;
CREATE INDEX entries_ended ON entries(next) WHERE next <> 0;
CREATE TABLE marks(revision INTEGER PRIMARY KEY, time REAL NOT NULL, bytes INTEGER NOT NULL) STRICT;
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('oldest', {FIRST_REVISION}), ('created', unixepoch());
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
"""

# Reading. `next = 0`, `next > revision` and `next <> 0` are repeated word for word: that is how SQLite recognises the
# indexes. (`next` is a column of the first so that guards and counts are answered from the index alone.)

GET = "SELECT value, revision FROM entries WHERE key = ? AND next = 0"
SCAN = "SELECT key, value, revision FROM entries WHERE key >= ? AND key < ? AND next = 0 ORDER BY key LIMIT ?"
COUNT = "SELECT count(*) FROM (SELECT 1 FROM entries WHERE key >= ? AND key < ? AND next = 0 LIMIT ?)"

# At an older revision r a key's row is the current one if last written at or before r, else the past one that r lies
# in (revision <= r < next). Never both, so the two sets are merged without looking for doubles.

GET_PAST = """
SELECT value, revision FROM entries
WHERE key = ? AND next > revision AND next > ? ORDER BY next LIMIT 1"""

# Past rows of a range are found in one of two ways: by their end, where little was written since r (every snapshot of
# a running request), or key by key, each with one seek, so that a key written a million times costs one step as well.

_ROW = "entries.key, entries.value, entries.revision"

_CURRENT_AT = """
SELECT {} FROM entries WHERE key >= ?1 AND key < ?2 AND next = 0 AND revision <= ?4"""

_PAST_BY_END = """
SELECT {} FROM entries
WHERE next > ?4 AND next <> 0 AND +next > revision AND revision <= ?4 AND +key >= ?1 AND +key < ?2"""

_PAST_BY_KEY = """
SELECT {} FROM (
    WITH RECURSIVE past(key) AS (
        SELECT (SELECT key FROM entries WHERE key >= ?1 AND key < ?2 AND next > revision ORDER BY key LIMIT 1)
        UNION ALL
        SELECT (SELECT key FROM entries WHERE key > past.key AND key < ?2 AND next > revision ORDER BY key LIMIT 1)
        FROM past WHERE past.key IS NOT NULL)
    SELECT key FROM past WHERE key IS NOT NULL) AS past
CROSS JOIN entries
WHERE entries.revision <= ?4 AND entries.revision = (
    SELECT revision FROM entries
    WHERE key = past.key AND next > revision AND next > ?4 ORDER BY next LIMIT 1)"""

SCAN_RECENT = f"{_CURRENT_AT} UNION ALL {_PAST_BY_END} ORDER BY 1 LIMIT ?3".format(_ROW, _ROW)
COUNT_RECENT = f"SELECT count(*) FROM ({_CURRENT_AT} UNION ALL {_PAST_BY_END} LIMIT ?3)".format(1, 1)

# Walking key by key must end with the page, whose end is the last of its current rows: two statements.
SCAN_CURRENT_AT = f"{_CURRENT_AT} ORDER BY key LIMIT ?3".format(_ROW)
SCAN_PAST = f"{_PAST_BY_KEY} LIMIT ?3".format(_ROW)
COUNT_PAST = f"SELECT count(*) FROM ({_CURRENT_AT} UNION ALL {_PAST_BY_KEY} LIMIT ?3)".format(1, 1)

CHANGES = """
SELECT entries.revision, entries.key, entries.value, before.value, entries.previous
FROM entries LEFT JOIN entries AS before ON before.revision = entries.previous
WHERE entries.revision > ? AND entries.revision <= ? ORDER BY entries.revision LIMIT ?"""

# Writing. Each statement carries many rows, since every step of a statement hands the interpreter's lock over and
# takes it back, which a busy event loop makes expensive. Statements exist for powers of two, so that few are prepared.

LARGEST = 128
"""How many rows one statement carries at most."""


@cache
def current_rows(count: int) -> str:
    """Key, revision and value of those of `count` keys that have a current row."""
    return f"SELECT key, revision, value FROM entries WHERE next = 0 AND key IN ({_marks('?', count)})"


@cache
def current_revisions(count: int) -> str:
    """Key and revision of those of `count` keys that have a current row; read from the index alone."""
    return f"SELECT key, revision FROM entries WHERE next = 0 AND key IN ({_marks('?', count)})"


@cache
def insert(count: int) -> str:
    """Put `count` entries: revision, next, previous, key, value of each."""
    return f"INSERT INTO entries(revision, next, previous, key, value) VALUES {_marks('(?, ?, ?, ?, ?)', count)}"


@cache
def end(count: int) -> str:
    """End `count` current rows: revision, next of each."""
    return (
        f"WITH ended(revision, next) AS (VALUES {_marks('(?, ?)', count)}) "
        "UPDATE entries SET next = ended.next FROM ended WHERE entries.revision = ended.revision"
    )


def portions(count: int) -> list[int]:
    """`count` as a sum of powers of two up to `LARGEST`, largest first."""
    sizes = [LARGEST] * (count // LARGEST)
    rest = count % LARGEST
    size = LARGEST >> 1
    while rest:
        if rest >= size:
            sizes.append(size)
            rest -= size
        size >>= 1
    return sizes


def _marks(mark: str, count: int) -> str:
    return ", ".join([mark] * count)


# Forgetting, and what is kept to know what may be forgotten: marks say how much log there was at a revision and time.

OLDEST = "SELECT value FROM meta WHERE name = 'oldest'"
SET_OLDEST = "UPDATE meta SET value = ? WHERE name = 'oldest'"
LAST_REVISION = "SELECT max(revision) FROM entries"
ENDED = """
SELECT next, length(key) + ifnull(length(value), 0) FROM entries
WHERE next <> 0 AND next <= ? ORDER BY next LIMIT ?"""
FORGET = "DELETE FROM entries WHERE next <> 0 AND next <= ?"
BYTES_ENDED_AFTER = """
SELECT count(*), ifnull(sum(length(key) + ifnull(length(value), 0)), 0) FROM entries
WHERE next <> 0 AND next > ?"""
MARK = "INSERT OR REPLACE INTO marks VALUES (?, ?, ?)"
LAST_MARK = "SELECT revision, time, bytes FROM marks ORDER BY revision DESC LIMIT 1"
FIRST_MARK_BYTES = "SELECT bytes FROM marks ORDER BY revision LIMIT 1"
FORGETTABLE = "SELECT max(revision) FROM marks WHERE time <= ? AND bytes <= ?"
FORGET_MARKS = "DELETE FROM marks WHERE revision < ?"
