"""JSON merge patch: the table of RFC 7386, appendix A, and what is no patch of an API object."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from manifold.base.errors import StatusError
from manifold.schema.patches import apply_merge_patch
from manifold.schema.patches.merge_patch import merged


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": 1}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
    ],
)
def test_merge(target: Any, patch: Any, result: Any) -> None:
    before = copy.deepcopy((target, patch))
    assert merged(target, patch) == result
    assert (target, patch) == before
    if isinstance(target, dict) and isinstance(patch, dict):
        assert apply_merge_patch(target, patch) == result


@pytest.mark.parametrize(("patch", "kind"), [([1], "array"), ("x", "string"), (1, "number"), (True, "bool")])
def test_body_that_is_no_object(patch: Any, kind: str) -> None:
    with pytest.raises(StatusError) as refusal:
        apply_merge_patch({}, patch)
    assert refusal.value.code == 400
    assert refusal.value.message == (
        f"error decoding patch: json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
    )
