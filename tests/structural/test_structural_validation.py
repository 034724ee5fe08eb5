"""What a structural schema says about values: one row per keyword, in the words clients compare."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.base.go_text import number
from manifold.schema.structural import RULES_SKIPPED, blocks_rules, compile_schema
from manifold.schema.structural.validation import same_json


def check(field: dict[str, Any], value: Any) -> list[str]:
    schema = {"type": "object", "properties": {"f": field}}
    return [f"{error.field}: {error.message}" for error in compile_schema(schema).validate({"f": value})]


def whole(schema: dict[str, Any], value: Any) -> list[str]:
    return [f"{error.field}: {error.message}" for error in compile_schema({"type": "object", **schema}).validate(value)]


S = {"type": "string"}
I = {"type": "integer"}  # noqa: E741 - the tables below are read by their columns
KEYED = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["b", "a"],
    "items": {"type": "object", "properties": {"a": {"type": "string", "default": "x"}, "b": S}},
}


@pytest.mark.parametrize(
    ("field", "value", "errors"),
    [
        (S, "x", []),
        (S, 5, ['f: Invalid value: "integer": f in body must be of type string: "integer"']),
        (S, None, ['f: Invalid value: "null": f in body must be of type string: "null"']),
        ({"type": "string", "nullable": True}, None, []),
        (I, 5.0, []),
        (
            I,
            1.5,
            [
                'f: Invalid value: "number": f in body must be of type integer: "number"',
                '<nil>: Invalid value: "": Checked value must be of type integer (default format) in f',
            ],
        ),
        (I, True, ['f: Invalid value: "boolean": f in body must be of type integer: "boolean"']),
        ({"type": "number"}, 3, []),
        ({"type": "boolean"}, 1, ['f: Invalid value: "integer": f in body must be of type boolean: "integer"']),
        ({"type": "array", "items": S}, {}, ['f: Invalid value: "object": f in body must be of type array: "object"']),
        (
            {"type": "array", "items": S},
            ["a", 1],
            ['f[1]: Invalid value: "integer": f[1] in body must be of type string: "integer"'],
        ),
        (
            {"type": "object", "additionalProperties": I},
            {"k": "v"},
            ['f.k: Invalid value: "string": f.k in body must be of type integer: "string"'],
        ),
        (
            {"type": "string", "format": "date-time"},
            7,
            ['f: Invalid value: "int64": f in body must be of type date-time: "int64"'],
        ),
        ({"x-kubernetes-int-or-string": True}, 1, []),
        ({"x-kubernetes-int-or-string": True}, "1%", []),
        (
            {"x-kubernetes-int-or-string": True},
            True,
            ['f: Invalid value: "boolean": f in body must be of type integer,string: "boolean"'],
        ),
        ({"type": "string", "minLength": 2}, "x", ['f: Invalid value: "x": f in body should be at least 2 chars long']),
        ({"type": "string", "maxLength": 2}, "äöü", ["f: Too long: may not be more than 2 bytes"]),
        ({"type": "string", "maxLength": 3}, "äöü", []),
        (
            {"type": "string", "maxLength": 1, "pattern": "^a$"},
            "bb",
            ["f: Too long: may not be more than 1 byte"],
        ),
        ({"type": "string", "pattern": "^a+$"}, "b", ["f: Invalid value: \"b\": f in body should match '^a+$'"]),
        ({"type": "string", "pattern": "^a$"}, "a\n", ["f: Invalid value: \"a\\n\": f in body should match '^a$'"]),
        ({"type": "string", "enum": ["a", "b"]}, "c", ['f: Unsupported value: "c": supported values: "a", "b"']),
        ({"type": "integer", "enum": [1, 2]}, 3, ['f: Unsupported value: 3: supported values: "1", "2"']),
        ({"type": "integer", "minimum": 1}, 0, ["f: Invalid value: 0: f in body should be greater than or equal to 1"]),
        ({"type": "integer", "maximum": 1}, 2, ["f: Invalid value: 2: f in body should be less than or equal to 1"]),
        (
            {"type": "number", "maximum": 1000000},
            1e10,
            ["f: Invalid value: 1e+10: f in body should be less than or equal to 1e+06"],
        ),
        (
            {"type": "integer", "minimum": 1, "exclusiveMinimum": True},
            1,
            ["f: Invalid value: 1: f in body should be greater than 1"],
        ),
        (
            {"type": "integer", "maximum": 1, "exclusiveMaximum": True},
            1,
            ["f: Invalid value: 1: f in body should be less than 1"],
        ),
        (
            {"type": "number", "multipleOf": 0.5},
            0.7,
            ["f: Invalid value: 0.7: f in body should be a multiple of 0.5"],
        ),
        ({"type": "number", "multipleOf": 0.5}, 1.5, []),
        ({"type": "number", "multipleOf": 0.1}, 0.3, []),
        ({"type": "number", "multipleOf": 0.01}, 0.29, []),
        ({"type": "number", "multipleOf": 0.01}, 1e300, []),
        ({"type": "number", "multipleOf": 2.5}, 10, []),
        (
            {"type": "number", "multipleOf": 0.1},
            0.35,
            ["f: Invalid value: 0.35: f in body should be a multiple of 0.1"],
        ),
        (
            {"type": "integer", "format": "int32"},
            3_000_000_000,
            ['<nil>: Invalid value: "": Checked value must be of type integer with format int32 in f'],
        ),
        ({"type": "integer", "format": "int64"}, 3_000_000_000, []),
        (
            {"type": "array", "items": S, "minItems": 1},
            [],
            ["f: Invalid value: 0: f in body should have at least 1 items"],
        ),
        ({"type": "array", "items": S, "maxItems": 1}, ["a", "b"], ["f: Too many: 2: must have at most 1 item"]),
        (
            {"type": "array", "items": S, "uniqueItems": True},
            ["a", "a"],
            ['f: Invalid value: "": f in body shouldn\'t contain duplicates'],
        ),
        (
            {"type": "object", "minProperties": 1, "additionalProperties": S},
            {},
            ["f: Invalid value: 0: f in body should have at least 1 properties"],
        ),
        (
            {"type": "object", "maxProperties": 1, "additionalProperties": S},
            {"a": "", "b": 1},
            [
                "f: Too many: 2: must have at most 1 item",
                'f.b: Invalid value: "integer": f.b in body must be of type string: "integer"',
            ],
        ),
        (
            {"type": "object", "properties": {"a": S}, "required": ["a", "b"]},
            {"a": ""},
            ["f.b: Required value"],
        ),
        (
            {"type": "array", "items": S, "x-kubernetes-list-type": "set"},
            ["a", "b", "a", "a"],
            ['f[2]: Duplicate value: "a"'],
        ),
        (KEYED, [{"a": "x", "b": "1"}, {"b": "1", "a": "x"}], ['f[1]: Duplicate value: {"a":"x","b":"1"}']),
        (KEYED, [{}, {"b": "1"}, {}], ["f[2]: Duplicate value: {}"]),
        (
            {"type": "array", "items": {"type": "number"}, "x-kubernetes-list-type": "set"},
            [1, 1.0, 1.0],
            ["f[2]: Duplicate value: 1"],
        ),
        (KEYED, [{"b": "1"}, {"a": "y", "b": "1"}], []),
        (
            {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True},
            {"x": 1},
            ["f.apiVersion: Required value", "f.kind: Required value"],
        ),
        (
            {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {},
            [
                '<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found none valid',
                "f.a: Required value",
            ],
        ),
        (
            {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"a": 1, "b": 1},
            ['<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found 2 valid alternatives'],
        ),
        (
            {"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {},
            [
                '<nil>: Invalid value: "": "f" must validate at least one schema (anyOf)',
                "f.a: Required value",
            ],
        ),
        (
            {"type": "object", "allOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"a": 1},
            ["f.b: Required value", '<nil>: Invalid value: "": "f" must validate all the schemas (allOf)'],
        ),
        (
            {"type": "object", "not": {"required": ["a"]}},
            {"a": 1},
            ['<nil>: Invalid value: "": "f" must not validate the schema (not)'],
        ),
    ],
)
def test_keywords(field: dict[str, Any], value: Any, errors: list[str]) -> None:
    assert check(field, value) == errors


FORMATS = {
    "date": (["2020-02-29"], ["2020-13-01", "2021-02-29", "20200101"]),
    "date-time": (["2020-01-01T00:00:00Z", "2020-01-01t00:00:00.5+01:00"], ["2020-01-01", "2020-01-01T25:00:00Z"]),
    "ipv4": (["1.2.3.4"], ["1.2.3", "1.2.3.256", "::1"]),
    "ipv6": (["::1", "fe80::1"], ["1.2.3.4", ":::"]),
    "cidr": (["10.0.0.0/8", "::/0", "1.2.3.4/08"], ["1.2.3.4", "1.2.3.4/33"]),
    "uuid": (["123e4567-e89b-12d3-a456-426614174000"], ["x", "123e4567"]),
    "uuid4": (["123e4567-e89b-42d3-a456-426614174000"], ["123e4567-e89b-12d3-a456-426614174000"]),
    "email": (["a@b.c", "A B <a@b.c>"], ["x", "@b"]),
    "uri": (["https://a.b/c?d=e", "/a/b"], ["::", "a b", ""]),
    "hostname": (["a.bc", "a-1"], ["a_b!", "", "-a", "a.b", "a-b-c"]),
    "byte": (["YQ==", "YWJj"], ["***", "YQ=", ""]),
    "duration": (["1h30m", "5s", "3 days"], ["5parsecs", "h"]),
    "mac": (["01:23:45:67:89:ab", "0123.4567.89ab"], ["01:23", "01-23:45:67:89:ab"]),
    "k8s-short-name": (["a-1"], ["A", "a.b"]),
    "k8s-long-name": (["a-1.b"], ["A", "a..b"]),
    "hexcolor": (["#fff", "a1b2c3"], ["#ff"]),
    "rgbcolor": (["rgb(1, 2,3)"], ["rgb(1,2,300)"]),
    "isbn10": (["0-306-40615-2"], ["0-306-40615-3"]),
    "isbn13": (["978-0-306-40615-7"], ["978-0-306-40615-8"]),
    "creditcard": (["4111 1111 1111 1111"], ["4111 1111 1111 1112"]),
    "ssn": (["111-22-3333"], ["1"]),
    "bsonobjectid": (["0" * 24], ["0" * 23]),
}


@pytest.mark.parametrize("name", FORMATS)
def test_formats(name: str) -> None:
    good, bad = FORMATS[name]
    for text in good:
        assert check({"type": "string", "format": name}, text) == []
    for text in bad:
        assert len(check({"type": "string", "format": name}, text)) == 1


@pytest.mark.parametrize(
    ("schema", "value", "errors"),
    [
        ({"minProperties": 1}, {}, ["<nil>: Invalid value: 0:  in body should have at least 1 properties"]),
        ({"required": ["a"]}, {}, ["a: Required value"]),
        (
            {"additionalProperties": I},
            {"a": "x"},
            ['a: Invalid value: "string": .a in body must be of type integer: "string"'],
        ),
        (
            {"properties": {"a": {"type": "object", "additionalProperties": False}}},
            {"a": {"b": 1}},
            ['a: Invalid value: "b": a.b in body is a forbidden property'],
        ),
        ({"properties": {"a": {**S, "nullable": True, "not": {}, "minLength": 1}}}, {"a": None}, []),
        (
            {"properties": {"a": {**S, "nullable": True, "enum": ["b"]}}},
            {"a": None},
            ['a: Unsupported value: null: supported values: "b"'],
        ),
        (
            {"properties": {"a": {**I, "format": "int32"}}},
            {"a": True},
            ['a: Invalid value: "": a in body must be of type int32: ""'],
        ),
        ({"properties": {"a": {**I, "format": "uint8"}}}, {"a": 300}, []),
        (
            {"properties": {"a": {"allOf": [{"maximum": 1}, {"maximum": 1}]}}},
            {"a": 2},
            [
                "a: Invalid value: 2: a in body should be less than or equal to 1",
                '<nil>: Invalid value: "": "a" must validate all the schemas (allOf). None validated',
            ],
        ),
    ],
)
def test_places_and_corners(schema: dict[str, Any], value: Any, errors: list[str]) -> None:
    assert whole(schema, value) == errors


def test_alternatives_of_alternatives_are_judged_once_each() -> None:
    schema: dict[str, Any] = {"required": ["z"]}
    for _ in range(60):
        schema = {"anyOf": [schema, {"required": ["y"]}], "oneOf": [{"required": ["x"]}]}
    assert len(check({"type": "object", "x-kubernetes-preserve-unknown-fields": True, **schema}, {"a": 1})) > 2


def test_unknown_formats_accept_everything() -> None:
    assert check({"type": "string", "format": "shoe-size"}, "anything") == []


def test_a_part_is_told_below_its_field_and_without_it_in_the_text() -> None:
    schema = compile_schema({"type": "object", "properties": {"status": {"type": "object", "properties": {"a": I}}}})
    part = schema.property("status")
    assert part is not None
    (error,) = part.check({"a": "x"}, field="status")
    assert (error.field, error.message) == (
        "status.a",
        'Invalid value: "string": a in body must be of type integer: "string"',
    )
    assert schema.property("spec") is None


def test_rules_are_found_and_kept_from_running() -> None:
    plain = compile_schema({"type": "object", "properties": {"a": S}, "required": ["a"]})
    ruled = compile_schema(
        {"type": "object", "properties": {"a": {**S, "x-kubernetes-validations": [{"rule": "true"}]}}}
    )
    assert not plain.has_rules
    assert ruled.has_rules
    assert blocks_rules(plain.validate({}))
    assert not blocks_rules(compile_schema({"type": "object", "minProperties": 1}).validate({}))
    assert str(RULES_SKIPPED).startswith("<nil>: Invalid value: null: some validation rules were not checked")


RATCHET = compile_schema(
    {
        "type": "object",
        "properties": {
            "old": {"type": "integer", "maximum": 3},
            "list": {"type": "object", "maxProperties": 0, "properties": {"e": I}},
            "said": {"type": "object", "maxProperties": 1, "properties": {"e": I}},
            "whole": {"type": "object", "properties": {"x": {"type": "integer", "maximum": 3}, "y": S}},
            "set": {"type": "array", "items": S, "x-kubernetes-list-type": "set"},
            "plain": {"type": "array", "items": {"type": "integer", "maximum": 3}},
            "keyed": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["k"],
                "items": {"type": "object", "properties": {"k": S, "v": {"type": "integer", "maximum": 3}}},
            },
        },
    }
)


@pytest.mark.parametrize(
    ("new", "old", "fields"),
    [
        ({"old": 5}, {"old": 5}, []),
        ({"old": 6}, {"old": 5}, ["old"]),
        ({"old": 5, "whole": {"x": 9}}, {"old": 5}, ["whole.x"]),
        ({"whole": {"x": 9, "y": "new"}}, {"whole": {"x": 9}}, []),
        ({"plain": [9]}, {"plain": [9]}, []),
        ({"plain": [9, 1]}, {"plain": [9]}, ["plain[0]"]),
        ({"keyed": [{"k": "b"}, {"k": "a", "v": 9}]}, {"keyed": [{"k": "a", "v": 9}]}, []),
        ({"keyed": [{"k": "a", "v": 8}]}, {"keyed": [{"k": "a", "v": 9}]}, ["keyed[0].v"]),
        ({"set": ["a", "a", "b"]}, {"set": ["a", "a"]}, []),
        ({"set": ["a", "a"]}, {"set": ["a"]}, ["set[1]"]),
        ({"old": True}, {"old": 1}, ["old"]),
        ({"keyed": [{"v": 9}]}, {"keyed": [{"v": 9}]}, ["keyed[0].v"]),
        ({"keyed": [{"k": "a", "v": 9}, {"k": "b"}]}, {"keyed": [{"k": "b"}, {"k": "a", "v": 9}]}, []),
        ({"whole": {"x": 9}, "odd": 1}, {"whole": {"x": 9}, "odd": 1}, []),
        ({"list": {"e": 9}, "said": {"e": 9, "f": 1}}, {"list": {"e": 9}, "said": {"e": 9, "f": 1}}, ["said"]),
    ],
)
def test_what_has_not_changed_is_let_through(new: Any, old: Any, fields: list[str]) -> None:
    assert [error.field for error in RATCHET.validate(new, old)] == fields


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.0, "0"), (1.0, "1"), (0.5, "0.5"), (1e6, "1e+06"), (123456789.0, "1.23456789e+08"), (0.0001, "0.0001")),
        *((1e-5, "1e-05"), (-2.5, "-2.5"), (100000.0, "100000"), (1e21, "1e+21"), (1.5e-7, "1.5e-07"), (7, "7")),
    ],
)
def test_numbers_are_shown_as_go_shows_them(value: float, text: str) -> None:
    assert number(value) == text


SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.text(max_size=3)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_same_json_is_reflexive_and_stricter_than_equality(one: Any, other: Any) -> None:
    assert same_json(one, one)
    assert same_json(one, other) <= (one == other)


@given(JSON)
def test_no_value_breaks_the_validator(value: Any) -> None:
    RATCHET.validate({"old": value, "whole": value, "set": value, "plain": value, "keyed": value})


@given(SCALARS | st.lists(JSON, max_size=3))
def test_an_unchanged_value_is_valid_where_the_schema_describes_it(value: Any) -> None:
    obj = {"old": value, "set": value, "plain": value, "whole": {"x": value}, "keyed": [{"k": "a", "v": value}]}
    assert [error for error in RATCHET.validate(obj, obj) if error.reason != "FieldValueDuplicate"] == []
