"""Pruning, defaulting, the codec and the nodes of structural schemas."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from manifold.base.errors import StatusError
from manifold.schema.structural import StructuralCodec, compile_schema
from manifold.schema.structural.nodes import UNDESCRIBED

S = {"type": "string"}
KEEP = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
SPEC = {
    "type": "object",
    "properties": {
        "a": S,
        "nested": {"type": "object", "properties": {"b": S}},
        "free": {**KEEP, "properties": {"known": {"type": "object", "properties": {"x": S}}}},
        "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"c": S}}},
        "list": {"type": "array", "items": {"type": "object", "properties": {"d": S}}},
        "any": {"type": "object", "additionalProperties": True},
        "emb": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": KEEP}},
        "maybe": {"type": "string", "nullable": True},
        "filled": {"type": "string", "default": "d"},
        "either": {"x-kubernetes-int-or-string": True},
    },
}
SCHEMA = compile_schema({"type": "object", "properties": {"spec": SPEC}})


@pytest.mark.parametrize(
    ("spec", "kept", "dropped"),
    [
        ({"a": "1", "z": 1}, {"a": "1"}, ["spec.z"]),
        ({"nested": {"b": "", "z": {}}}, {"nested": {"b": ""}}, ["spec.nested.z"]),
        ({"free": {"z": {"y": 1}}}, {"free": {"z": {"y": 1}}}, []),
        ({"free": {"known": {"x": "", "z": 1}}}, {"free": {"known": {"x": ""}}}, ["spec.free.known.z"]),
        ({"map": {"k": {"c": "", "z": 1}}}, {"map": {"k": {"c": ""}}}, ["spec.map.k.z"]),
        ({"list": [{"d": ""}, {"z": 1}]}, {"list": [{"d": ""}, {}]}, ["spec.list[1].z"]),
        ({"any": {"k": {"deep": [1]}, "l": 1}}, {"any": {"k": {}, "l": 1}}, ["spec.any.k.deep"]),
        ({"a": {"b": {}}, "list": {"d": ""}}, {"a": {}, "list": {}}, ["spec.a.b", "spec.list.d"]),
        (
            {"a": [{"b": 1}], "nested": [[{"b": 1}]]},
            {"a": [{}], "nested": [[{}]]},
            ["spec.a[0].b", "spec.nested[0][0].b"],
        ),
        ({"free": {"l": [{"z": 1}]}}, {"free": {"l": [{"z": 1}]}}, []),
        (
            {"emb": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}, "z": 1}},
            {"emb": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}}},
            ["spec.emb.z"],
        ),
        ({"a": None, "maybe": None, "filled": None}, {"maybe": None, "filled": None}, []),
        ({"z": 1, "nested": {"z": 1}}, {"nested": {}}, ["spec.nested.z", "spec.z"]),
        ({"either": 5}, {"either": 5}, []),
    ],
)
def test_pruning(spec: Any, kept: Any, dropped: list[str]) -> None:
    obj = {"apiVersion": "v1", "kind": "K", "metadata": {"name": "x"}, "spec": spec}
    assert SCHEMA.prune(obj) == dropped
    assert obj["spec"] == kept
    assert obj["metadata"] == {"name": "x"}
    assert SCHEMA.prune(obj) == []


@pytest.mark.parametrize(
    ("schema", "given", "made"),
    [
        ({"properties": {"a": {"type": "integer", "default": 3}}}, {}, {"a": 3}),
        ({"properties": {"a": {"type": "integer", "default": 3}}}, {"a": None}, {"a": 3}),
        ({"properties": {"a": {"type": "integer", "default": 3, "nullable": True}}}, {"a": None}, {"a": None}),
        ({"properties": {"a": {"type": "integer", "default": 3}}}, {"a": 0}, {"a": 0}),
        ({"properties": {"n": {"type": "object", "properties": {"a": {"default": 1}}}}}, {}, {}),
        (
            {"properties": {"n": {"type": "object", "default": {"x": 1}, "properties": {"a": {"default": 1}}}}},
            {},
            {"n": {"x": 1, "a": 1}},
        ),
        (
            {"properties": {"l": {"type": "array", "items": {"properties": {"a": {"default": 1}}}}}},
            {"l": [{}, {"a": 2}]},
            {"l": [{"a": 1}, {"a": 2}]},
        ),
        ({"additionalProperties": {"properties": {"a": {"default": 1}}}}, {"k": {}}, {"k": {"a": 1}}),
        ({"properties": {"l": {"type": "array", "items": {"default": "x"}}}}, {"l": [None]}, {"l": ["x"]}),
    ],
)
def test_defaulting(schema: Any, given: Any, made: Any) -> None:
    compiled = compile_schema({"type": "object", "properties": {"spec": {"type": "object", **schema}}})
    obj = {"spec": given}
    compiled.default(obj)
    assert obj["spec"] == made


def test_every_object_has_a_default_of_its_own() -> None:
    compiled = compile_schema({"type": "object", "properties": {"spec": {"type": "object", "default": {"a": []}}}})
    one: dict[str, Any] = {}
    other: dict[str, Any] = {}
    compiled.default(one)
    one["spec"]["a"].append(1)
    compiled.default(other)
    assert other == {"spec": {"a": []}}


def test_the_codec_tells_unknown_fields_in_order_and_decodes_metadata() -> None:
    codec = StructuralCodec(SCHEMA, "Widget", "v1")
    obj = {
        "apiVersion": "t.example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "a", "labels": {}, "bogus": 1, "creationTimestamp": None},
        "spec": {"z": 1, "emb": {"apiVersion": "v1", "kind": "X", "metadata": {"odd": 1, "name": "n"}}},
        "other": 1,
    }
    assert codec.normalize(obj) == [
        'unknown field "metadata.bogus"',
        'unknown field "other"',
        'unknown field "spec.z"',
        'unknown field "spec.emb.metadata.odd"',
    ]
    assert obj["metadata"] == {"name": "a"}
    assert obj["spec"] == {"emb": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n"}}}


@pytest.mark.parametrize(
    ("embedded", "text"),
    [
        ({"kind": 1}, "spec.emb.kind: Invalid value: 1: must be a string"),
        (
            {"metadata": {"name": "<", "labels": {"a": 1}}},
            'spec.emb.metadata: Invalid value: {"labels":{"a":1},"name":"\\u003c"}: '
            "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string",
        ),
        (
            {"metadata": []},
            "spec.emb.metadata: Invalid value: []: json: cannot unmarshal array into Go value of type v1.ObjectMeta",
        ),
    ],
)
def test_an_embedded_object_that_cannot_be_read_is_a_bad_request(embedded: Any, text: str) -> None:
    with pytest.raises(StatusError) as refusal:
        StructuralCodec(SCHEMA, "Widget", "v1").normalize({"spec": {"emb": embedded}})
    assert refusal.value.code == 400
    assert refusal.value.message == f'Widget in version "v1" cannot be handled as a Widget: {text}'


def test_null_metadata_of_an_embedded_object_is_empty() -> None:
    obj = {"spec": {"emb": {"apiVersion": "v1", "kind": "X", "metadata": None}}}
    assert StructuralCodec(SCHEMA, "Widget", "v1").normalize(obj) == []
    assert obj["spec"]["emb"]["metadata"] == {}


@pytest.mark.parametrize(
    ("metadata", "text"),
    [
        ({"labels": {"a": 1}}, "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string"),
        ("x", "json: cannot unmarshal string into Go value of type v1.ObjectMeta"),
    ],
)
def test_metadata_of_the_wrong_type_is_a_bad_request(metadata: Any, text: str) -> None:
    with pytest.raises(StatusError) as refusal:
        StructuralCodec(SCHEMA, "Widget", "v1").normalize({"metadata": metadata})
    assert refusal.value.code == 400
    assert refusal.value.message == f'Widget in version "v1" cannot be handled as a Widget: {text}'


def test_nodes_carry_topology() -> None:
    schema = {
        "type": "object",
        "properties": {
            "metadata": {"type": "object", "properties": {"name": S}},
            "spec": {
                "type": "object",
                "properties": {
                    "set": {"type": "array", "items": S, "x-kubernetes-list-type": "set"},
                    "map": {
                        "type": "array",
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["k"],
                        "items": {"type": "object", "properties": {"k": {"type": "string", "default": "d"}}},
                    },
                    "whole": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"a": S}},
                    "labels": {"type": "object", "additionalProperties": S},
                    "free": KEEP,
                    "mixed": {"x-kubernetes-int-or-string": True},
                },
            },
        },
    }
    node = compile_schema(copy.deepcopy(schema)).node
    spec = node.properties["spec"].properties
    assert node.kind == "object"
    assert "labels" in node.properties["metadata"].properties
    assert node.properties["apiVersion"].kind == "string"
    assert (spec["set"].kind, spec["set"].list_type) == ("list", "set")
    assert (spec["map"].list_type, spec["map"].map_keys) == ("map", ("k",))
    assert spec["map"].items is not None
    assert spec["map"].items.properties["k"].default == "d"
    assert spec["whole"].map_type == "atomic"
    assert (spec["labels"].kind, spec["labels"].values is not None) == ("map", True)
    assert spec["free"].values is UNDESCRIBED
    assert spec["free"].preserve
    assert spec["mixed"].format == "int-or-string"
