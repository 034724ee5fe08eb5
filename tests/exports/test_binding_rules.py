"""What bindings are made of, without a server: hashes, labels, conditions, conflicts, statuses."""

from dataclasses import replace

import pytest

from manifold.exports import bindings, conditions, statuses
from manifold.exports.bindings import Export, ExportedResource
from manifold.exports.statuses import Referred
from manifold.views.rows import BoundExport, read_row, row_value

WIDGETS = Export(
    "p1",
    "root:prov",
    "ex",
    "i" * 64,
    [
        ExportedResource("example.io", "widgets", "v1.widgets.example.io", "u2", ("v1",)),
        ExportedResource("example.io", "gadgets", "v1.gadgets.example.io", "u1", ("v1", "v2")),
    ],
)
FOUND = Referred("p1", "ex", "root:prov|ex", True, WIDGETS)
NOW, LATER = "2030-01-01T00:00:00Z", "2030-01-01T00:00:01Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("root:tenancy.kcp.io", "bmCdly9xXiUpEHe3ypvDwvXMTfoVZUE92mqAQf"),
        ("abcd1234:my-export", "phGj1BkmdNY3LKTrtFc1KGLYTBs8Nt50p8PIU"),
    ],
)
def test_hash_of_an_export(text, expected):
    assert bindings.hashed(text) == expected
    assert bindings.export_label(*text.split(":")) == expected


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ({"group": "", "resource": "configmaps", "verbs": ["get"]}, "3QVjs6pfBjMpLEVYYhysJnroYGsQGlWm05E4qe"),
        (
            {"group": "apps", "resource": "deployments", "identityHash": "deadbeef"},
            "4CpOMiJ5JL9ZC4cG8ne7nGNQbSOEUiwZ89KHal",
        ),
    ],
)
def test_hash_of_a_claim(claim, expected):
    assert bindings.claim_label(claim) == expected


def test_reflexive_value_is_that_of_its_bytes():
    assert bindings.base62(bytes([*range(10), *range(10), *range(8)])) == bindings.REFLEXIVE


def test_claim_on_bindings_covers_the_binding_itself():
    claim = {"group": "apis.kcp.io", "resource": "apibindings", "state": "Accepted"}
    key = bindings.CLAIM_LABEL_PREFIX + bindings.export_label("p1", "ex")
    assert bindings.labels("p1", "ex", [claim])[key] == bindings.claim_label(claim)
    assert bindings.labels("p1", "ex", [{**claim, "state": "Rejected"}])[key] == bindings.REFLEXIVE


@pytest.mark.parametrize(
    ("cluster", "export", "ending"),
    [("1umw6ehtvluim94b", "tenancy.kcp.io", "3jchz"), ("1umw6ehtvluim94b", "topology.kcp.io", "3neap")],
)
def test_name_of_a_default_binding(cluster, export, ending):
    assert bindings.default_binding_name(cluster, "root", export) == f"{export}-{ending}"


def test_bound_status_names_resources_in_order():
    found = statuses.bound_status(WIDGETS, NOW)
    assert found["phase"] == "Bound"
    assert [(one["resource"], one["schema"]["UID"]) for one in found["boundResources"]] == [
        ("gadgets", "u1"),
        ("widgets", "u2"),
    ]
    assert [one["type"] for one in found["conditions"]] == [
        "Ready",
        "APIExportValid",
        "BindingUpToDate",
        "InitialBindingCompleted",
        "PermissionClaimsApplied",
        "PermissionClaimsValid",
    ]


def test_time_of_a_condition_changes_with_its_status_only():
    first = statuses.status({}, FOUND, ["widgets.example.io:{other false}"], NOW)
    second = statuses.status({"status": first}, FOUND, (), LATER)
    times = {one["type"]: one["lastTransitionTime"] for one in second["conditions"]}
    assert (times["APIExportValid"], times["Ready"]) == (NOW, LATER)


def test_bound_binding_whose_export_is_gone_stays_bound():
    bound = statuses.status({}, FOUND, (), NOW)
    gone = statuses.status({"status": bound}, Referred("p1", "ex", "root:prov|ex", False, None), (), LATER)
    told = {one["type"]: one for one in gone["conditions"]}
    assert (gone["phase"], gone["boundResources"]) == ("Bound", bound["boundResources"])
    assert told["APIExportValid"]["message"] == "APIExport root:prov|ex not found"
    assert told["Ready"]["status"] == "True"


def test_nothing_is_bound_outside_a_logical_cluster():
    found = statuses.status({}, FOUND, (), NOW, in_cluster=False)
    assert (found["phase"], found["conditions"][0]["reason"]) == ("Binding", "LogicalClusterNotFound")
    assert "boundResources" not in found


def test_conflicts_name_the_holder():
    held = {"widgets.example.io": {"n": "first"}, "gadgets.example.io": {"c": True, "e": "never"}}
    assert statuses.conflicts(WIDGETS, "second", held) == [
        "gadgets.example.io:{ true}",
        "widgets.example.io:{first false}",
    ]
    assert statuses.conflicts(WIDGETS, "first", {"widgets.example.io": {"n": "first"}}) == []


def test_many_unknown_claims_are_told_shortly():
    claims = [{"group": "g", "resource": f"r{number:02}", "state": "Accepted"} for number in range(12)]
    found = statuses.status({"spec": {"permissionClaims": claims}}, FOUND, (), NOW)
    message = found["conditions"][-1]["message"]
    assert message.startswith("12 unexpected and/or invalid permission claims (showing first 10): [unexpected/")
    assert message.count("unexpected/invalid claim") == 10


@pytest.mark.parametrize(
    ("selector", "why"),
    [
        ({"matchExpressions": [{"key": "a", "operator": "Foo"}]}, '"Foo" is not a valid label selector operator'),
        ({"matchExpressions": [{"key": "a", "operator": "In"}]}, "values"),
        ({"matchLabels": {"a b": "c"}}, "a b"),
    ],
)
def test_a_claim_whose_selector_cannot_be_read_is_not_applied(selector, why):
    offered = ({"group": "", "resource": "configmaps", "verbs": ["*"], "identityHash": ""},)
    export = replace(WIDGETS, claims=(*offered, {**offered[0], "resource": "secrets"}))
    good = {**offered[0], "resource": "secrets", "state": "Accepted", "selector": {"matchAll": True}}
    claims = [{**offered[0], "state": "Accepted", "selector": selector}, good]
    found = statuses.status({"spec": {"permissionClaims": claims}}, replace(FOUND, export=export), (), NOW)
    told = {one["type"]: one for one in found["conditions"]}["PermissionClaimsApplied"]
    assert (told["status"], told["severity"], told["reason"]) == ("False", "Error", "InternalError")
    assert told["message"].startswith("claim for configmaps.: ")
    assert why in told["message"]
    assert [one["resource"] for one in found["appliedPermissionClaims"]] == ["secrets"]
    assert found["phase"] == "Bound"


def test_one_condition_is_put_in_its_place():
    obj = {"status": {"conditions": [conditions.true("Ready", NOW), conditions.true("Z", NOW)]}}
    assert conditions.with_one(obj, conditions.false("A", NOW, conditions.INFO, "Why", "because"))
    assert [one["type"] for one in obj["status"]["conditions"]] == ["Ready", "A", "Z"]
    assert not conditions.with_one(obj, conditions.false("A", LATER, conditions.INFO, "Why", "because"))


def test_row_says_what_it_was_told():
    exports = (BoundExport("root", "a", "1", "root"), BoundExport("root", "b", "2", "", True))
    assert read_row(row_value(exports)).exports == exports
