"""Watches that send tables: one row an event, columns in the first, and bookmarks that are tables, too."""

import pytest

TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
INITIAL = {"sendInitialEvents": "true", "allowWatchBookmarks": "true", "resourceVersionMatch": "NotOlderThan"}
ENDED = {"k8s.io/initial-events-end": "true"}


def cells(event: dict) -> list:
    """The cells of the only row, without the age."""
    (row,) = event["object"]["rows"]
    return row["cells"][:-1]


def test_the_end_of_the_initial_events_is_a_table(room):
    room.create("a", k="1")
    room.create("b")
    *added, bookmark = room.watch(accept=TABLE, **INITIAL).events(3)
    assert {event["object"]["kind"] for event in (*added, bookmark)} == {"Table"}
    assert [cells(event) for event in added] == [["a", "Opaque", 1], ["b", "Opaque", 0]]
    assert [event["object"]["columnDefinitions"] is None for event in (*added, bookmark)] == [False, True, True]
    assert (bookmark["type"], cells(bookmark)) == ("BOOKMARK", ["", "", 0])
    row = bookmark["object"]["rows"][0]["object"]
    assert (row["kind"], row["metadata"]["annotations"]) == ("PartialObjectMetadata", ENDED)
    assert bookmark["object"]["metadata"] == {"resourceVersion": row["metadata"]["resourceVersion"]}


@pytest.mark.parametrize(
    ("include", "kind"),
    [("", "PartialObjectMetadata"), ("None", "PartialObjectMetadata"), ("Object", "Secret")],
)
def test_a_table_of_nothing_names_its_columns_in_the_bookmark(room, include, kind):
    (bookmark,) = room.watch(accept=TABLE, includeObject=include, **INITIAL).events(1)
    assert [column["name"] for column in bookmark["object"]["columnDefinitions"]] == ["Name", "Type", "Data", "Age"]
    (row,) = bookmark["object"]["rows"]
    assert (row["object"]["kind"], row["object"]["metadata"]["annotations"]) == (kind, ENDED)


def test_a_refusal_is_no_table(room):
    (event,) = room.watch(accept=TABLE, resourceVersion=99999999).events(1)
    assert (event["type"], event["object"]["kind"]) == ("ERROR", "Status")
