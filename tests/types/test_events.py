"""Events of both groups, and the conversion between them."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.types.events import CORE_EVENTS, EVENTS, EventConversion
from manifold.types.resource import Object

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INVOLVED = {"kind": "ConfigMap", "namespace": "g", "name": "a"}
NEW: Object = {
    "metadata": {"name": "n", "namespace": "g"},
    "eventTime": "2025-12-31T23:59:00.000000Z",
    "reportingController": "c.example.com",
    "reportingInstance": "i",
    "action": "Do",
    "reason": "R",
    "type": "Normal",
    "note": "text",
    "regarding": INVOLVED,
}


def refused(event: Object) -> list[str]:
    return [str(error) for error in EVENTS.strategy.validate_create(event)]


def core_refused(event: Object) -> list[str]:
    return [str(error) for error in CORE_EVENTS.strategy.validate_create(event)]


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({}, []),
        ({"series": {"count": 2, "lastObservedTime": "2026-01-01T00:00:00.000000Z"}}, []),
        (
            {"series": {"count": 1, "lastObservedTime": None}},
            ['series.count: Invalid value: "": should be at least 2', "series.lastObservedTime: Required value"],
        ),
        ({"eventTime": None}, ["eventTime: Required value"]),
        ({"type": "Odd"}, ['type: Invalid value: "": has invalid value: Odd']),
        ({"deprecatedCount": 1}, ['count: Invalid value: "": needs to be unset']),
        ({"deprecatedSource": {"host": "h"}}, ['source: Invalid value: "": needs to be unset']),
        ({"deprecatedSource": {}}, []),
        ({"reportingController": ""}, ["reportingController: Required value"]),
        ({"reportingInstance": "x" * 129}, ['reportingInstance: Invalid value: "": can have at most 128 characters']),
        ({"note": "x" * 1025}, ['message: Invalid value: "": can have at most 1024 characters']),
        ({"action": ""}, ["action: Required value"]),
        ({"regarding": {}}, ['involvedObject.namespace: Invalid value: "": does not match event.namespace']),
        ({"regarding": {}, "metadata": {"name": "n", "namespace": "kube-system"}}, []),
        ({"regarding": {"namespace": "elsewhere"}}, []),
    ],
)
def test_new_events(change: Object, errors: list[str]) -> None:
    found = refused({**NEW, **change})
    if change.get("reportingController") == "":
        assert found[0] == errors[0]
        assert found[1].startswith('reportingController: Invalid value: "": name part must be non-empty')
    else:
        assert found == errors


@pytest.mark.parametrize(
    ("namespace", "involved", "good"),
    [("g", "g", True), ("default", "", True), ("g", "", False), ("g", "default", False), ("default", "g", False)],
)
def test_old_events_lie_where_their_object_does(namespace: str, involved: str, good: bool) -> None:
    event = {
        "metadata": {"name": "e", "namespace": namespace},
        "involvedObject": {"namespace": involved},
        "type": "Odd",
    }
    shown = f'involvedObject.namespace: Invalid value: "{involved}": does not match event.namespace'
    assert core_refused(event) == ([] if good else [shown])


def test_new_events_through_the_core_group_name_their_reporter_otherwise() -> None:
    event = {"metadata": {"name": "e", "namespace": "g"}, "involvedObject": INVOLVED, "eventTime": "t"}
    found = core_refused(event)
    assert found[0] == "reportingComponent: Required value"
    assert "action: Required value" in found
    assert "reason: Required value" in found


def test_what_of_an_event_cannot_change() -> None:
    new = {**NEW, "reason": "Other", "note": "x", "action": "Other", "reportingInstance": "j"}
    errors = EVENTS.strategy.validate_update(new, NEW)
    assert [error.field for error in errors] == ["reason", "message", "reason", "action", "reportingInstance"]
    assert errors[1].message == 'Invalid value: "x": field is immutable'
    series = {"count": 2, "lastObservedTime": "2026-01-01T00:00:00.000000Z"}
    assert EVENTS.strategy.validate_update({**NEW, "series": series}, NEW) == []
    assert (
        CORE_EVENTS.strategy.validate_update(
            {"metadata": {"name": "e", "namespace": "g"}, "involvedObject": INVOLVED, "count": 2},
            {"metadata": {"name": "e", "namespace": "g"}, "involvedObject": INVOLVED, "count": 1},
        )
        == []
    )


def test_the_core_form() -> None:
    stored = EventConversion().to_stored(deepcopy(NEW))
    assert stored == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "n", "namespace": "g"},
        "involvedObject": INVOLVED,
        "reason": "R",
        "message": "text",
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "type": "Normal",
        "eventTime": "2025-12-31T23:59:00.000000Z",
        "action": "Do",
        "reportingComponent": "c.example.com",
        "reportingInstance": "i",
    }


texts = st.text(min_size=1, max_size=5)
times = st.sampled_from([None, "2026-01-01T00:00:00Z"])
micro_times = st.sampled_from([None, "2026-01-01T00:00:00.000001Z"])
core_events = st.fixed_dictionaries(
    {
        "metadata": st.just({"name": "e", "namespace": "g"}),
        "involvedObject": st.dictionaries(st.sampled_from(["kind", "name", "namespace"]), texts),
        "source": st.dictionaries(st.sampled_from(["component", "host"]), texts),
        "firstTimestamp": times,
        "lastTimestamp": times,
        "eventTime": micro_times,
        "reportingComponent": st.text(max_size=3),
        "reportingInstance": st.text(max_size=3),
    },
    optional={
        "reason": texts,
        "message": texts,
        "type": texts,
        "action": texts,
        "count": st.integers(min_value=1, max_value=9),
        "related": st.dictionaries(st.sampled_from(["kind", "name"]), texts),
        "series": st.fixed_dictionaries(
            {"lastObservedTime": micro_times}, optional={"count": st.integers(min_value=1, max_value=9)}
        ),
    },
)


@given(core_events)
def test_nothing_is_lost_on_the_way_there_and_back(event: Object) -> None:
    conversion = EventConversion()
    stored = {"apiVersion": "v1", "kind": "Event", **event}
    served = conversion.from_stored(deepcopy(stored))
    assert conversion.to_stored(deepcopy(served)) == stored
    # Both forms are what their codecs would make of them.
    assert CORE_EVENTS.codec.normalize(deepcopy(stored)) == []
    again = deepcopy(served)
    assert EVENTS.codec.normalize(again) == []
    assert again == served


def cells(kind: Any, event: Object) -> list[Any]:
    return [column.cell(event, NOW) for column in kind.columns]


def test_both_groups_show_the_same_table() -> None:
    stored = EventConversion().to_stored(deepcopy(NEW))
    expected = ["60s", "Normal", "R", "configmap/a", "", "c.example.com, i", "text", "60s", 1, "n"]
    assert cells(EVENTS, NEW) == expected
    assert cells(CORE_EVENTS, stored) == expected
    old = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Node", "fieldPath": "spec.x"},
        "source": {"component": "c", "host": "h"},
        "firstTimestamp": "2025-12-31T23:50:00Z",
        "lastTimestamp": "2025-12-31T23:59:55Z",
        "count": 7,
        "message": " m \n",
    }
    assert cells(CORE_EVENTS, old) == ["5s", "", "", "node", "spec.x", "c, h", "m", "10m", 7, "e"]
    old["series"] = {"count": 9, "lastObservedTime": "2025-12-31T23:59:59.000000Z"}
    assert cells(CORE_EVENTS, old)[0] == "1s"
    assert cells(CORE_EVENTS, old)[8] == 9


def test_field_labels() -> None:
    labels = EVENTS.field_labels(NEW)
    assert labels["regarding.kind"] == "ConfigMap"
    assert labels["reportingController"] == "c.example.com"
    assert set(labels) == set(EVENTS.selectable)
    stored = EventConversion().to_stored(deepcopy(NEW))
    core = CORE_EVENTS.field_labels(stored)
    assert core["involvedObject.name"] == "a"
    assert core["source"] == "c.example.com"
    assert set(core) == set(CORE_EVENTS.selectable)


def test_where_events_lie() -> None:
    assert (EVENTS.stored_group, EVENTS.stored_resource, EVENTS.stored_version) == ("", "events", "v1")
    assert EVENTS.named_in_refusals == ("", "Event")
    assert CORE_EVENTS.named_in_refusals == ("", "Event")
