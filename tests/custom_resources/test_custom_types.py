"""What types follow from a definition, and how their records are read when it has changed; no server."""

import pytest
from custom_definitions import definition, version

from manifold.base.errors import StatusError
from manifold.registry.served import Served
from manifold.schema import records
from manifold.types.apiextensions.custom_types import content_hash, custom_types
from manifold.views.remembering import Remembered
from manifold.views.rows import ENDING, LEFT, SERVED, BoundExport, Defined, read_row, row_value


def accepted(made):
    """A definition whose names have been accepted."""
    names = made["spec"]["names"]
    kind = names["kind"]
    granted = {"plural": names["plural"], "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    return {**made, "status": {"acceptedNames": granted}}


def served(made):
    """Its types by version, and the stored one."""
    types = custom_types(accepted(made), content_hash(accepted(made)))
    return {one.version: Served(one) for one in types.served}, Served(types.stored)


def spec(**properties):
    return {"type": "object", "properties": properties}


TEXT = {"type": "string"}


def obj(api_version="example.dev/v1", **content):
    metadata = {"name": "a", "namespace": "n", "uid": "u"}
    return {"apiVersion": api_version, "kind": "Widget", "metadata": metadata, "spec": content}


def test_equal_definitions_are_one_whatever_their_metadata():
    one, other = accepted(definition()), accepted(definition())
    other["metadata"] = {"name": "widgets.example.dev", "uid": "x", "annotations": {"a": "b"}}
    assert content_hash(one) == content_hash(other)
    other["spec"]["versions"][0]["deprecated"] = True
    assert content_hash(one) != content_hash(other)


def test_a_current_record_is_served_by_concatenation():
    versions, stored = served(definition(versions=[version("v1"), version("v2", storage=False)]))
    value = stored.encode(obj(size=1))
    # Equal schemas: one record for both.
    assert all(value[2 : 11 + value[2]] in one.current for one in versions.values())
    assert versions["v2"].decode(value, 7)["apiVersion"] == "example.dev/v2"
    assert versions["v2"].render(value, 7) == value_of("example.dev/v2", value, 7)
    assert stored.is_current(value)


def value_of(api_version, value, revision):
    return records.render(value, revision, records.head(api_version, "Widget"))


@pytest.mark.parametrize(
    ("before", "after", "content", "expected"),
    [
        (spec(a=TEXT), spec(a=TEXT, b={"type": "string", "default": "x"}), {"a": "1"}, {"a": "1", "b": "x"}),
        (spec(a=TEXT, b=TEXT), spec(a=TEXT), {"a": "1", "b": "2"}, {"a": "1"}),
        (spec(a=TEXT), spec(a={**TEXT, "maxLength": 1}), {"a": "long"}, {"a": "long"}),
    ],
)
def test_records_of_another_schema_are_brought_along(before, after, content, expected):
    _, old = served(definition(versions=[version(spec=before)]))
    _, new = served(definition(versions=[version(spec=after)]))
    value = old.encode(obj(**content))
    assert not new.is_current(value)
    assert new.decode(value, 7)["spec"] == expected
    assert new.decode(new.encode(new.decode(value, 7)), 8)["spec"] == expected
    assert b'"resourceVersion":"7"' in new.render(value, 7)


def test_records_of_a_version_that_is_gone_are_pruned():
    _, old = served(definition(versions=[version("v1", spec=spec(a=TEXT, b=TEXT))]))
    _, new = served(definition(versions=[version("v2", spec=spec(a=TEXT))]))
    assert new.decode(old.encode(obj(a="1", b="2")), 7)["spec"] == {"a": "1"}


def test_writes_in_another_version_are_pruned_by_the_stored_one():
    versions, stored = served(
        definition(versions=[version("v1", spec=spec(a=TEXT, b=TEXT), storage=False), version("v2", spec=spec(a=TEXT))])
    )
    given = obj(a="1", b="2")
    value = versions["v1"].encode(given)
    assert given["spec"] == {"a": "1", "b": "2"}, "it stays the caller's"
    assert stored.is_current(value)
    assert versions["v1"].decode(value, 7)["spec"] == {"a": "1"}


def test_nothing_is_converted_without_the_webhook():
    webhook = {"clientConfig": {"service": {"name": "s", "namespace": "n", "path": "/c"}}}
    conversion = {"strategy": "Webhook", "webhook": webhook}
    versions, stored = served(definition(versions=[version("v1"), version("v2", storage=False)], conversion=conversion))
    value = stored.encode(obj(size=1))
    assert versions["v1"].decode(value, 7)["spec"] == {"size": 1}
    for attempt in (lambda: versions["v2"].render(value, 7), lambda: versions["v2"].encode(obj(size=1))):
        with pytest.raises(StatusError, match=r'Post "https://s.n.svc:443/c\?timeout=30s"') as caught:
            attempt()
        assert caught.value.code == 500


def test_a_version_that_is_stored_and_not_served():
    versions, stored = served(definition(versions=[version("v1", served=False), version("v2", storage=False)]))
    assert list(versions) == ["v2"]
    assert stored.type.version == "v1"
    assert versions["v2"].decode(stored.encode(obj(size=1)), 7)["apiVersion"] == "example.dev/v2"


def test_selectable_fields_are_told_as_text():
    fields = [{"jsonPath": ".spec.flag"}, {"jsonPath": ".spec.size"}]
    made = version(spec=spec(flag={"type": "boolean"}, size={"type": "integer"}), selectableFields=fields)
    _, stored = served(definition(versions=[made]))
    assert stored.type.selectable[-2:] == ("spec.flag", "spec.size")
    labels = stored.type.field_labels(obj(flag=True))
    assert (labels["spec.flag"], labels["spec.size"]) == ("true", "")


def test_rows_say_what_they_were_told():
    exports = (BoundExport("root", "a", "1", "root"), BoundExport("root", "b", "2", "", True))
    definitions = (
        Defined("widgets.example.dev", "hash", SERVED, "Widget", "WidgetList", "widgets", "widget", ("wd", "w")),
        Defined("gadgets.example.dev", "", LEFT),
    )
    value = row_value(exports, definitions)
    told = read_row(bytes(bytearray(value)))
    assert (told.exports, told.definitions) == (exports, definitions)
    first, second = definitions
    assert (first.open, second.open, Defined("a.b", "", SERVED | ENDING).open) == (True, False, False)
    assert (first.resource, first.group) == ("widgets", "example.dev")


def test_what_is_remembered_has_a_bounded_weight():
    kept = Remembered(10)
    for number in range(4):
        kept.put(number, str(number), 3)
    assert [kept.get(number) for number in range(4)] == [None, "1", "2", "3"]
    kept.get(1)
    kept.put(4, "4", 3)
    assert [kept.get(number) for number in range(5)] == [None, "1", None, "3", "4"]
    kept.put(5, "too heavy", 11)
    assert kept.get(5) is None
    kept.drop(1)
    assert len(kept) == 2
