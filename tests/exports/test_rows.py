"""The rows that say what is offered and who has bound it: what is written is what is read, equal things are equal."""

from manifold.views.consumers import Consumer, GrantedClaim, consumer_key, consumer_value, read_consumer
from manifold.views.offers import definition_of, offer_row, offered, read_offer
from manifold.views.rows import BoundExport, Claimed, read_row, row_value


def schema(plural="widgets", prefix="v1", **changes):
    names = {"plural": plural, "singular": plural[:-1], "kind": "Widget", "listKind": "WidgetList"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"type": "object"}}
    spec = {"group": "example.io", "names": names, "scope": "Namespaced", "versions": [version], **changes}
    return {"metadata": {"name": f"{prefix}.{plural}.example.io", "uid": prefix}, "spec": spec}


def test_equal_schemas_are_one_content_whatever_they_are_called():
    first, body = offered(definition_of(schema(prefix="v1")))
    second, same = offered(definition_of(schema(prefix="v2", conversion={"strategy": "None"})))
    assert (first, body) == (second, same)
    other, _ = offered(definition_of(schema(nameValidation="PathSegmentName")))
    assert other.content != first.content


def test_an_offer_is_the_same_in_any_order():
    one, _ = offered(definition_of(schema("widgets")))
    two, _ = offered(definition_of(schema("gadgets")))
    name, value = offer_row([one, two])
    assert (name, value) == offer_row([two, one])
    assert [entry.name for entry in read_offer(value)] == ["gadgets.example.io", "widgets.example.io"]
    assert read_offer(value)[1] == one


def test_a_row_tells_what_is_bound():
    bound = (
        BoundExport("root", "tenancy.kcp.io", "id", "root"),
        BoundExport("p1", "ex", "id2", "", False, "0ffe4"),
        BoundExport("p1", "ey", "id3", "", True),
    )
    assert read_row(row_value(bound)).exports == bound
    assert read_row(row_value(bound) + b" ").exports == bound


def test_a_consumer_row_tells_what_is_granted():
    claims = [
        {"group": "", "resource": "configmaps", "verbs": ["get"], "selector": {"matchAll": True}, "state": "Accepted"},
        {"group": "", "resource": "secrets", "verbs": ["*"], "selector": {"matchAll": True}, "state": "Rejected"},
        {
            "group": "events.k8s.io",
            "resource": "events",
            "identityHash": "",
            "verbs": ["*"],
            "selector": {"matchLabels": {"a": "b"}},
            "state": "Accepted",
        },
    ]
    binding = {"metadata": {"name": "b"}, "spec": {"permissionClaims": claims}, "status": {"phase": "Bound"}}
    read = read_consumer(consumer_key("p1", "ex", "c1", "b"), consumer_value(binding))
    assert read == Consumer(
        "c1",
        "b",
        True,
        False,
        (
            GrantedClaim("", "configmaps", "", ("get",)),
            GrantedClaim("", "events", "", ("*",), {"matchLabels": {"a": "b"}}),
        ),
    )
    assert read.claim("events.k8s.io", "events", "") is read.claim("", "events", "") is read.claims[1]
    assert read.claim("", "secrets", "") is None
    assert read.claims[0].allows("get")
    assert not read.claims[0].allows("list")


def test_a_claim_without_a_selector_grants_nothing_in_particular():
    claim = {"resource": "configmaps", "verbs": ["*"], "state": "Accepted"}
    binding = {"metadata": {"name": "b", "deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": {}}
    binding["spec"]["permissionClaims"] = [claim]
    read = read_consumer(consumer_key("p1", "ex", "c1", "b"), consumer_value(binding))
    assert (read.bound, read.ending, read.claims[0].selector) == (False, True, {})


def test_a_row_tells_what_is_claimed():
    claims = (
        Claimed("label", "value", "", "configmaps"),
        Claimed("label", "other", "example.io", "widgets", "id", {"matchLabels": {"a": "b"}}),
    )
    read = read_row(row_value((), (), claims) + b" ")
    assert read.claims == claims
    assert (read.exports, read.definitions) == ((), ())
