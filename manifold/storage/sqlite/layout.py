"""How rows and log lie in the file, and every statement on them: the one place that knows the layout.

One table, `entries`, holds every version of every key. It is only appended to, so it is the log:

    revision    of the write; consecutive, and the rowid
    previous    revision of the row it replaced, 0 where there was none
    key, value  value is NULL for a deletion

Three narrow trees find rows in it: `current` by key; `past` by key and the revision at which they ceased to be
current (`next`), for views at older revisions; `ended` by `next` alone, which is the order the log is forgotten in.

So a row that is never changed is written once and leaves nothing to be forgotten, and a value is stored once however
it is reached (current, as the log's value, as the next change's previous value). An update writes the end of two
tables and one leaf each of `current` and `past`; it does not touch the page its old value lies on. Measured through
the store with eight writers and values of 1.3 kB, against `next` as a column of `entries` with partial indexes on it:
update 51 us of CPU against 58 in the order of keys, 72 against 79 in random order; create the same.

Tables clustered by their key hold no values here: with them they would scan a cold file faster and cost twice as much
to write.

Pages are 8 KiB: with 4 KiB an ordinary object does not fit a page and goes to overflow pages.
"""

from __future__ import annotations

from functools import cache

APPLICATION_ID = 0x4D616E69  # "Mani", in the file's header
FORMAT = 2
"""The file's `user_version`. Raised whenever a file written before cannot be read by this code as it is."""

ENTRY_OVERHEAD = 64
"""What an entry costs in the log besides its key and value, roughly."""

FIRST_REVISION = 101
"""The revision of an empty store. Small numbers are left out: 0 and 1 mean something in `resourceVersion`."""

PAGE_BYTES = 8192

TABLES = """
CREATE TABLE current(key BLOB PRIMARY KEY, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE past(
    key BLOB NOT NULL, next INTEGER NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY(key, next)) STRICT, WITHOUT ROWID;
CREATE TABLE ended(next INTEGER PRIMARY KEY, revision INTEGER NOT NULL) STRICT;
"""

SCHEMA = f"""
CREATE TABLE entries(
    revision INTEGER PRIMARY KEY, previous INTEGER NOT NULL, key BLOB NOT NULL, value BLOB) STRICT;
{TABLES}
CREATE TABLE marks(revision INTEGER PRIMARY KEY, time REAL NOT NULL, bytes INTEGER NOT NULL) STRICT;
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('oldest', {FIRST_REVISION}), ('created', unixepoch());
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
"""

UPGRADES = {
    # `next` was a column of entries: of a deletion its own revision, of a current row 0.
    1: f"""
{TABLES}
INSERT INTO current SELECT key, revision FROM entries WHERE next = 0 ORDER BY key;
INSERT INTO past SELECT key, next, revision FROM entries WHERE next > revision ORDER BY key, next;
INSERT INTO ended SELECT next, revision FROM entries WHERE next > revision ORDER BY next;
DROP INDEX entries_current;
DROP INDEX entries_past;
DROP INDEX entries_ended;
ALTER TABLE entries DROP COLUMN next;
PRAGMA user_version = 2;
"""
}
"""What makes a file of one format a file of the next one."""

# Reading.

GET = """
SELECT entries.value, current.revision FROM current CROSS JOIN entries ON entries.revision = current.revision
WHERE current.key = ?"""
SCAN = """
SELECT current.key, entries.value, current.revision
FROM current CROSS JOIN entries ON entries.revision = current.revision
WHERE current.key >= ? AND current.key < ? ORDER BY current.key LIMIT ?"""
CURRENT_BETWEEN = "SELECT key, revision FROM current WHERE key >= ? AND key < ? LIMIT ?"
COUNT = "SELECT count(*) FROM (SELECT 1 FROM current WHERE key >= ? AND key < ? LIMIT ?)"

# At an older revision r a key's row is the current one if last written at or before r, else the past one that r lies
# in (revision <= r < next). Never both, so the two sets are merged without looking for doubles.

GET_PAST = """
SELECT entries.value, past.revision FROM past CROSS JOIN entries ON entries.revision = past.revision
WHERE past.key = ? AND past.next > ? ORDER BY past.next LIMIT 1"""

# Past rows of a range are found in one of two ways: by their end, where little was written since r (every snapshot of
# a running request), or key by key, each with one seek, so that a key written a million times costs one step as well.

_CURRENT_AT = """
SELECT current.key, entries.value, current.revision
FROM current CROSS JOIN entries ON entries.revision = current.revision
WHERE current.key >= ?1 AND current.key < ?2 AND current.revision <= ?4"""

_PAST_BY_END = """
SELECT entries.key, entries.value, ended.revision
FROM ended CROSS JOIN entries ON entries.revision = ended.revision
WHERE ended.next > ?4 AND ended.revision <= ?4 AND entries.key >= ?1 AND entries.key < ?2"""

_PAST_BY_KEY = """
SELECT changed.key, entries.value, entries.revision FROM (
    WITH RECURSIVE changed(key) AS (
        SELECT (SELECT key FROM past WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT 1)
        UNION ALL
        SELECT (SELECT key FROM past WHERE key > changed.key AND key < ?2 ORDER BY key LIMIT 1)
        FROM changed WHERE changed.key IS NOT NULL)
    SELECT key FROM changed WHERE key IS NOT NULL) AS changed
CROSS JOIN entries
WHERE entries.revision <= ?4 AND entries.revision = (
    SELECT past.revision FROM past WHERE past.key = changed.key AND past.next > ?4 ORDER BY past.next LIMIT 1)"""

SCAN_RECENT = f"{_CURRENT_AT} UNION ALL {_PAST_BY_END} ORDER BY 1 LIMIT ?3"
COUNT_RECENT = f"SELECT count(*) FROM ({_CURRENT_AT} UNION ALL {_PAST_BY_END} LIMIT ?3)"

# Walking key by key must end with the page, whose end is the last of its current rows: two statements.
SCAN_CURRENT_AT = f"{_CURRENT_AT} ORDER BY current.key LIMIT ?3"
SCAN_PAST = f"{_PAST_BY_KEY} LIMIT ?3"
COUNT_PAST = f"SELECT count(*) FROM ({_CURRENT_AT} UNION ALL {_PAST_BY_KEY} LIMIT ?3)"

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
    return (
        "SELECT current.key, current.revision, entries.value "
        "FROM current CROSS JOIN entries ON entries.revision = current.revision "
        f"WHERE current.key IN ({_marks('?', count)})"
    )


@cache
def current_revisions(count: int) -> str:
    """Key and revision of those of `count` keys that have a current row."""
    return f"SELECT key, revision FROM current WHERE key IN ({_marks('?', count)})"


@cache
def append(count: int) -> str:
    """Put `count` entries: revision, previous, key, value of each."""
    return f"INSERT INTO entries VALUES {_marks('(?, ?, ?, ?)', count)}"


@cache
def set_current(count: int) -> str:
    """Make `count` entries the current ones of their keys: key, revision of each."""
    return f"INSERT OR REPLACE INTO current VALUES {_marks('(?, ?)', count)}"


@cache
def unset_current(count: int) -> str:
    """Leave `count` keys without a current entry."""
    return f"DELETE FROM current WHERE key IN ({_marks('?', count)})"


@cache
def put_past(count: int) -> str:
    """Put `count` entries among the past ones: key, next, revision of each."""
    return f"INSERT INTO past VALUES {_marks('(?, ?, ?)', count)}"


@cache
def put_ended(count: int) -> str:
    """Note when `count` entries ended: next, revision of each."""
    return f"INSERT INTO ended VALUES {_marks('(?, ?)', count)}"


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

# A deletion is forgotten with the row that it ended: `deletions` below.

_BYTES = f"""
length(entries.key) + ifnull(length(entries.value), 0)
+ CASE WHEN deletions.revision IS NULL THEN 0 ELSE length(entries.key) + {ENTRY_OVERHEAD} END + {ENTRY_OVERHEAD}"""

_ENDED = """
FROM ended CROSS JOIN entries ON entries.revision = ended.revision
LEFT JOIN entries AS deletions ON deletions.revision = ended.next AND deletions.value IS NULL"""

ENDED = f"SELECT ended.next, {_BYTES} {_ENDED} WHERE ended.next <= ? ORDER BY ended.next LIMIT ?"
BYTES_ENDED_AFTER = f"SELECT ifnull(sum({_BYTES}), 0) {_ENDED} WHERE ended.next > ?"
FORGET = (
    """
DELETE FROM past WHERE (key, next) IN (
    SELECT entries.key, ended.next FROM ended CROSS JOIN entries ON entries.revision = ended.revision
    WHERE ended.next <= ?)""",
    "DELETE FROM entries WHERE revision IN (SELECT next FROM ended WHERE next <= ?) AND value IS NULL",
    "DELETE FROM entries WHERE revision IN (SELECT revision FROM ended WHERE next <= ?)",
    "DELETE FROM ended WHERE next <= ?",
)
MARK = "INSERT OR REPLACE INTO marks VALUES (?, ?, ?)"
LAST_MARK = "SELECT revision, time, bytes FROM marks ORDER BY revision DESC LIMIT 1"
FIRST_MARK_BYTES = "SELECT bytes FROM marks ORDER BY revision LIMIT 1"
FORGETTABLE = "SELECT max(revision) FROM marks WHERE time <= ? AND bytes <= ?"
FORGET_MARKS = "DELETE FROM marks WHERE revision < ?"
