"""Which names a definition is granted, as a table; no server."""

import pytest

from manifold.exports.naming import Used, drop_condition, grant, put_condition, tell
from manifold.views.rows import SERVED, Defined

WANTED = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList", "shortNames": ["wd"]}
GRANTED = {"plural": "widgets", "singular": "widget", "shortNames": ["wd"], "kind": "Widget", "listKind": "WidgetList"}


@pytest.mark.parametrize(
    ("resources", "kinds", "before", "names", "reason"),
    [
        ((), (), {}, GRANTED, "NoConflicts"),
        (("widgets",), (), {}, {**GRANTED, "plural": ""}, "PluralConflict"),
        (("widgets",), (), {"plural": "widgets"}, GRANTED, "NoConflicts"),
        (("widget",), (), {"singular": "old"}, {**GRANTED, "singular": "old"}, "SingularConflict"),
        (("wd",), (), {"shortNames": ["wd"]}, GRANTED, "NoConflicts"),
        ((), ("Widget",), {}, {**GRANTED, "kind": ""}, "KindConflict"),
        ((), ("WidgetList",), {"listKind": "Old"}, {**GRANTED, "listKind": "Old"}, "ListKindConflict"),
        # The last thing that stands against it is told.
        (("widgets", "widget"), ("Widget",), {}, None, "KindConflict"),
        # Kinds and resources do not stand in each other's way.
        (("Widget", "WidgetList"), ("widgets", "widget", "wd"), {}, GRANTED, "NoConflicts"),
    ],
)
def test_grant(resources, kinds, before, names, reason):
    found = grant(WANTED, before, Used(set(resources), set(kinds)))
    assert found.reason == reason
    assert found.complete == (reason == "NoConflicts")
    if names is not None:
        assert found.names == names


def test_names_that_are_no_longer_wanted_go():
    before = {**GRANTED, "categories": ["all"]}
    found = grant({"plural": "widgets", "kind": "Widget"}, before, Used())
    assert found.names == {"plural": "widgets", "kind": "Widget"}


def test_others_of_the_group_count():
    used = Used()
    others = [
        Defined("gadgets.example.dev", "h", SERVED, "Gadget", "GadgetList", "gadgets", "gadget", ("gd",)),
        Defined("widgets.example.dev", "h", SERVED, "Widget", "WidgetList", "widgets", "widget"),
        Defined("gizmos.example.com", "h", SERVED, "Gizmo", "GizmoList", "gizmos", "gizmo"),
    ]
    used.add_definitions(others, "widgets.example.dev")
    assert used.resources == {"gadgets", "gadget", "gd"}
    assert used.kinds == {"Gadget", "GadgetList"}


def test_conditions_keep_the_time_of_their_last_change():
    status = {}
    granted = grant(WANTED, {}, Used())
    tell(status, granted, True, "first")
    tell(status, granted, True, "second")
    assert [one["lastTransitionTime"] for one in status["conditions"]] == ["first", "first"]
    tell(status, grant({**WANTED, "listKind": "X"}, GRANTED, Used(kinds={"X"})), True, "third")
    told = {one["type"]: (one["status"], one["lastTransitionTime"]) for one in status["conditions"]}
    assert told == {"NamesAccepted": ("False", "third"), "Established": ("True", "first")}
    put_condition(status, {"type": "Own", "status": "True", "lastTransitionTime": "now"})
    drop_condition(status, "NamesAccepted")
    assert [one["type"] for one in status["conditions"]] == ["Established", "Own"]
