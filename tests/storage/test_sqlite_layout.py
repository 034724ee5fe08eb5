"""The embedded engine's statements: each finds what it wants through an index, whatever the size of the table."""

import apsw
import pytest

from manifold.storage.sqlite import layout

STATEMENTS = (
    {
        name: text
        for name, text in vars(layout).items()
        if name.isupper() and not name.startswith("_") and isinstance(text, str) and " FROM " in text
    }
    | {f"FORGET_{number}": text for number, text in enumerate(layout.FORGET)}
    | {
        function.__name__: function(8)
        for function in (layout.current_rows, layout.current_revisions, layout.unset_current)
    }
)
TREES = ("entries", "current", "past", "ended")


def plan(statement, bindings):
    connection = apsw.Connection(":memory:")
    connection.execute(layout.SCHEMA)
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", bindings)]


@pytest.mark.parametrize("name", sorted(name for name in STATEMENTS if "MARK" not in name))
def test_no_statement_scans_a_table(name):
    statement = STATEMENTS[name]
    steps = plan(statement, (b"a",) * (4 if "?1" in statement else statement.count("?")))
    assert steps
    scanned = [step for step in steps if step.startswith(tuple(f"SCAN {tree}" for tree in TREES))]
    # The largest revision is the last row.
    assert not scanned or name == "LAST_REVISION"
    # Only what is few is sorted: what was written since a moment ago.
    assert name == "SCAN_RECENT" or not [step for step in steps if "TEMP B-TREE" in step]


@pytest.mark.parametrize("name", ["COUNT", "current_revisions"])
def test_counts_and_guards_do_not_look_at_values(name):
    statement = STATEMENTS[name]
    assert not [step for step in plan(statement, (b"",) * statement.count("?")) if "entries" in step]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 127, 128, 129, 256, 1000])
def test_portions_add_up(count):
    sizes = layout.portions(count)
    assert sum(sizes) == count
    assert all(size & (size - 1) == 0 and size <= layout.LARGEST for size in sizes)
    assert sizes == sorted(sizes, reverse=True)
