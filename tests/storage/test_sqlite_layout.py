"""The embedded engine's statements: each finds what it wants through an index, whatever the size of the table."""

import apsw
import pytest

from manifold.storage.sqlite import layout

STATEMENTS = {
    name: text
    for name, text in vars(layout).items()
    if name.isupper() and not name.startswith("_") and isinstance(text, str) and "FROM entries" in text
} | {function.__name__: function(8) for function in (layout.current_rows, layout.current_revisions, layout.end)}


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_no_statement_scans_the_table(name):
    connection = apsw.Connection(":memory:")
    connection.execute(layout.SCHEMA)
    statement = STATEMENTS[name]
    bindings = (b"a",) * (4 if "?1" in statement else statement.count("?"))
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", bindings)]
    assert steps
    assert not [step for step in steps if step.startswith("SCAN entries")]
    # Only what is few is sorted: what was written since a moment ago.
    assert name == "SCAN_RECENT" or not [step for step in steps if "TEMP B-TREE" in step]


@pytest.mark.parametrize("name", ["COUNT", "current_revisions"])
def test_counts_and_guards_are_answered_from_the_index(name):
    connection = apsw.Connection(":memory:")
    connection.execute(layout.SCHEMA)
    statement = STATEMENTS[name]
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", (b"",) * statement.count("?"))]
    assert any("USING COVERING INDEX entries_current" in step for step in steps)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 127, 128, 129, 256, 1000])
def test_portions_add_up(count):
    sizes = layout.portions(count)
    assert sum(sizes) == count
    assert all(size & (size - 1) == 0 and size <= layout.LARGEST for size in sizes)
    assert sizes == sorted(sizes, reverse=True)
