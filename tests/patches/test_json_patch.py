"""JSON patch: every operation of RFC 6902 on every kind of place, pointers of RFC 6901, bounds, and refusals."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.base.errors import StatusError
from manifold.schema.json_documents import MAXIMUM_DEPTH
from manifold.schema.patches import apply_json_patch, unknown_members
from manifold.schema.patches.json_patch import MAX_OPERATIONS

REFUSED = object()
# document, operations, result (the RFC's appendix A, then what it leaves to be checked)
CASES: list[tuple[str, Any, list[dict[str, Any]], Any]] = [
    (
        "A.1 adding a member",
        {"foo": "bar"},
        [{"op": "add", "path": "/baz", "value": "qux"}],
        {"foo": "bar", "baz": "qux"},
    ),
    (
        "A.2 adding an element",
        {"foo": ["bar", "baz"]},
        [{"op": "add", "path": "/foo/1", "value": "qux"}],
        {"foo": ["bar", "qux", "baz"]},
    ),
    ("A.3 removing a member", {"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
    (
        "A.4 removing an element",
        {"foo": ["bar", "qux", "baz"]},
        [{"op": "remove", "path": "/foo/1"}],
        {"foo": ["bar", "baz"]},
    ),
    ("A.5 replacing", {"baz": "qux"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo"}),
    (
        "A.6 moving a value",
        {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
        [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
        {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
    ),
    (
        "A.7 moving an element",
        {"foo": ["all", "grass", "cows", "eat"]},
        [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
        {"foo": ["all", "cows", "eat", "grass"]},
    ),
    (
        "A.8 testing, success",
        {"baz": "qux", "foo": ["a", 2, "c"]},
        [{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}],
        {"baz": "qux", "foo": ["a", 2, "c"]},
    ),
    ("A.9 testing, error", {"baz": "qux"}, [{"op": "test", "path": "/baz", "value": "bar"}], REFUSED),
    (
        "A.10 adding a nested member",
        {"foo": "bar"},
        [{"op": "add", "path": "/child", "value": {"grandchild": {}}}],
        {"foo": "bar", "child": {"grandchild": {}}},
    ),
    (
        "A.11 unknown members are ignored",
        {"foo": "bar"},
        [{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}],
        {"foo": "bar", "baz": "qux"},
    ),
    (
        "A.12 adding below what is not there",
        {"foo": "bar"},
        [{"op": "add", "path": "/baz/bat", "value": "qux"}],
        REFUSED,
    ),
    ("A.14 escapes", {"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ("A.15 text is no number", {"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": "10"}], REFUSED),
    (
        "A.16 adding a list as an element",
        {"foo": ["bar"]},
        [{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}],
        {"foo": ["bar", ["abc", "def"]]},
    ),
    ("the whole document", {"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
    ("the whole document by add", {"a": 1}, [{"op": "add", "path": "", "value": [1]}], [1]),
    ("the whole document tested", {"a": 1}, [{"op": "test", "path": "", "value": {"a": 1.0}}], {"a": 1}),
    ("the whole document cannot go", {"a": 1}, [{"op": "remove", "path": ""}], REFUSED),
    ("an empty name is a name", {"": 1}, [{"op": "replace", "path": "/", "value": 2}], {"": 2}),
    ("a pointer starts with a slash", {"a": 1}, [{"op": "remove", "path": "a"}], REFUSED),
    ("a tilde needs its digit", {"~2": 1}, [{"op": "remove", "path": "/~2"}], REFUSED),
    ("no path", {"a": 1}, [{"op": "remove"}], REFUSED),
    ("no value", {"a": 1}, [{"op": "add", "path": "/b"}], REFUSED),
    ("null is a value", {"a": 1}, [{"op": "add", "path": "/b", "value": None}], {"a": 1, "b": None}),
    ("no op", {"a": 1}, [{"path": "/a"}], REFUSED),
    ("an unknown op", {"a": 1}, [{"op": "frob", "path": "/a"}], REFUSED),
    ("removing what is not there", {"a": 1}, [{"op": "remove", "path": "/b"}], REFUSED),
    (
        "replacing what is not there adds it",
        {"a": {}},
        [{"op": "replace", "path": "/a/b", "value": 1}],
        {"a": {"b": 1}},
    ),
    ("replacing an element that is not there", {"a": []}, [{"op": "replace", "path": "/a/0", "value": 1}], REFUSED),
    ("testing for null what is not there", {"a": 1}, [{"op": "test", "path": "/b", "value": None}], {"a": 1}),
    ("testing below what is not there", {"a": 1}, [{"op": "test", "path": "/b/c", "value": None}], REFUSED),
    ("true is not 1", {"a": [1]}, [{"op": "test", "path": "/a", "value": [True]}], REFUSED),
    (
        "order of members does not count",
        {"a": {"x": 1, "y": 2}},
        [{"op": "test", "path": "/a", "value": {"y": 2, "x": 1}}],
        0,
    ),
    ("order of elements counts", {"a": [1, 2]}, [{"op": "test", "path": "/a", "value": [2, 1]}], REFUSED),
    ("at the end", {"a": [1]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2]}),
    ("behind the end", {"a": [1]}, [{"op": "add", "path": "/a/2", "value": 2}], REFUSED),
    ("counted from the end", {"a": [1, 2]}, [{"op": "remove", "path": "/a/-1"}], {"a": [1]}),
    ("counted beyond the start", {"a": [1, 2]}, [{"op": "remove", "path": "/a/-3"}], REFUSED),
    ("an index has no leading zero", {"a": [1, 2]}, [{"op": "remove", "path": "/a/01"}], REFUSED),
    ("an index is a number", {"a": [1, 2]}, [{"op": "remove", "path": "/a/x"}], REFUSED),
    ("an index is of ordinary digits", {"a": [1, 2]}, [{"op": "remove", "path": "/a/١"}], REFUSED),
    ("the place behind the end is only for add", {"a": [1]}, [{"op": "replace", "path": "/a/-", "value": 2}], REFUSED),
    ("inside a scalar", {"a": 1}, [{"op": "add", "path": "/a/b", "value": 2}], REFUSED),
    ("moving into itself", {"a": {"b": 1}}, [{"op": "move", "from": "/a", "path": "/a/c"}], REFUSED),
    ("moving to the same place", {"a": 1}, [{"op": "move", "from": "/a", "path": "/a"}], {"a": 1}),
    ("moving nothing", {"a": 1}, [{"op": "move", "from": "/b", "path": "/a"}], REFUSED),
    ("moving without from", {"a": 1}, [{"op": "move", "path": "/a"}], REFUSED),
    ("copying", {"a": {"x": 1}}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": {"x": 1}, "b": {"x": 1}}),
    (
        "a copy is independent",
        {"a": {"x": 1}},
        [{"op": "copy", "from": "/a", "path": "/b"}, {"op": "replace", "path": "/b/x", "value": 2}],
        {"a": {"x": 1}, "b": {"x": 2}},
    ),
    (
        "nothing of a patch that fails",
        {"a": [1]},
        [{"op": "add", "path": "/a/-", "value": 2}, {"op": "test", "path": "/a", "value": []}],
        REFUSED,
    ),
]


@pytest.mark.parametrize(("document", "operations", "result"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_operation(document: Any, operations: list[dict[str, Any]], result: Any) -> None:
    before, given_before = copy.deepcopy(document), copy.deepcopy(operations)
    if result is REFUSED:
        with pytest.raises(StatusError) as refusal:
            apply_json_patch(document, operations)
        assert refusal.value.status() == {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": "the server rejected our request due to an error in our request",
            "reason": "Invalid",
            "details": {},
            "code": 422,
        }
    else:
        assert apply_json_patch(document, operations) == (document if result == 0 else result)
    assert (document, operations) == (before, given_before)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"op": "add"}, "object into Go value of type []handlers.jsonPatchOp"),
        ("x", "string into Go value of type []handlers.jsonPatchOp"),
        ([1], "number into Go value of type handlers.jsonPatchOp"),
        ([{"op": 1}], "number into Go struct field jsonPatchOp.op of type string"),
        ([{"op": "add", "path": ["a"]}], "array into Go struct field jsonPatchOp.path of type string"),
        ([{"op": "move", "path": "/a", "from": True}], "bool into Go struct field jsonPatchOp.from of type string"),
    ],
)
def test_body_that_is_no_patch(body: Any, what: str) -> None:
    with pytest.raises(StatusError) as refusal:
        apply_json_patch({}, body)
    assert (refusal.value.code, refusal.value.message) == (400, f"error decoding patch: json: cannot unmarshal {what}")


def test_too_many_operations() -> None:
    operations = [{"op": "test", "path": "/a", "value": 1}] * MAX_OPERATIONS
    assert apply_json_patch({"a": 1}, operations) == {"a": 1}
    with pytest.raises(StatusError) as refusal:
        apply_json_patch({"a": 1}, [*operations, operations[0]])
    assert (refusal.value.code, refusal.value.reason) == (413, "RequestEntityTooLarge")
    assert refusal.value.message == (
        "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001"
    )


def test_copies_are_bounded() -> None:
    doubling = [{"op": "copy", "from": "/a", "path": "/a/-"}] * 30
    with pytest.raises(StatusError) as refusal:
        apply_json_patch({"a": ["x" * 1000]}, doubling)
    assert refusal.value.code == 422


def test_depth_is_bounded() -> None:
    deep: Any = 1
    for _ in range(MAXIMUM_DEPTH - 1):
        deep = {"a": deep}
    below = "/a" * (MAXIMUM_DEPTH - 1)
    assert apply_json_patch({}, [{"op": "add", "path": "/x", "value": deep}]) == {"x": deep}
    for operations in (
        [{"op": "add", "path": "/x", "value": deep}, {"op": "add", "path": f"/x{below}", "value": {}}],
        [{"op": "add", "path": "/x", "value": [deep]}],
        [{"op": "add", "path": "/x", "value": deep}, {"op": "move", "from": "/x", "path": "/y/x"}],
    ):
        with pytest.raises(StatusError) as refusal:
            apply_json_patch({"y": {}}, operations)
        assert refusal.value.code == 422


def test_unknown_members_are_told() -> None:
    operations = [{"op": "add", "path": "/a", "value": 1, "extra": 2}, {"op": "remove", "path": "/a"}, {"x": 1}]
    assert unknown_members(operations) == ['json patch unknown field "[0].extra"', 'json patch unknown field "[2].x"']


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab/~", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: str = "") -> list[str]:
    found = [path]
    if isinstance(value, dict):
        for name, inner in value.items():
            found += places(inner, f"{path}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            found += places(inner, f"{path}/{position}")
    return found


@given(document=JSON, value=JSON, data=st.data())
def test_what_is_put_in_any_place_is_found_there(document: Any, value: Any, data: st.DataObject) -> None:
    before = orjson.dumps(document)
    path = data.draw(st.sampled_from(places(document)))
    put = {"op": "replace", "path": path, "value": value}
    result = apply_json_patch(document, [put, {"op": "test", "path": path, "value": value}])
    assert orjson.dumps(document) == before
    if path:
        undone = apply_json_patch(result, [{"op": "remove", "path": path}])
        assert len(places(undone)) == len(places(document)) - len(places(get(document, path)))


def get(document: Any, path: str) -> Any:
    for token in path.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        document = document[name] if isinstance(document, dict) else document[int(name)]
    return document


@given(document=JSON, operations=st.lists(st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
     "path": st.sampled_from(["", "/", "/a", "/b", "/0", "/a/0", "/a/b", "/-", "/-1"]),
     "from": st.sampled_from(["", "/a", "/b", "/0", "/a/0"]), "value": JSON}), max_size=6))  # fmt: skip
def test_any_patch_is_carried_out_or_refused(document: Any, operations: list[dict[str, Any]]) -> None:
    before = orjson.dumps([document, operations])
    try:
        apply_json_patch(document, operations)
    except StatusError as refusal:
        assert refusal.code == 422  # noqa: PT017 either outcome is right
    assert orjson.dumps([document, operations]) == before
