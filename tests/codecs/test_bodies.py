"""Request bodies of every media type: what they become, and how they are refused."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from manifold.base.errors import StatusError
from manifold.schema import bodies
from manifold.schema.bodies import JSON, PROTOBUF, YAML, check_type, parse_body, parse_delete_options, parse_patch
from manifold.schema.loading import built_in_schemas
from manifold.schema.typed import TypedCodec

CONFIG_MAP = ("", "v1", "ConfigMap", "k8s.io.api.core.v1.ConfigMap")
CORE_EVENT = ("", "v1", "Event", "k8s.io.api.core.v1.Event")
WIDGET = ("t.example.com", "v1", "Widget", "")
UNRECOGNIZED = "the object provided is unrecognized (must be of type ConfigMap): "
NO_HEAD = UNRECOGNIZED + "couldn't get version/kind; json parse error: "
HEAD = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
NOT_REGISTERED = 'is registered for version "{}" in scheme "pkg/runtime/scheme.go:111"'


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("", b'{"data":{"a":"1"}}'),
        (JSON, b'{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"1"}}'),
        ("Application/JSON; charset=utf-8", b'{"kind":"","data":{"a":"1"}}'),
        (YAML, b"apiVersion: v1\ndata:\n  a: '1'\n"),
        (PROTOBUF, base64.b64decode("azhzAAoPCgJ2MRIJQ29uZmlnTWFwEhIKCAoDcGJjGgF3EgYKAWESATE=")),
    ],
)
def test_objects(content_type: str, body: bytes) -> None:
    parsed = parse_body(body, content_type, *CONFIG_MAP)
    assert parsed.duplicates == []
    assert parsed.obj["data"] == {"a": "1"}
    assert (parsed.obj["apiVersion"], parsed.obj["kind"]) == ("v1", "ConfigMap")


@pytest.mark.parametrize(
    ("content_type", "body", "told"),
    [
        (JSON, b'{"apiVersion":', NO_HEAD + 'unexpected end of JSON input ({"apiVersion":)'),
        (JSON, b"", NO_HEAD + "unexpected end of JSON input (<empty>)"),
        (JSON, b'"x"', NO_HEAD + f"json: cannot unmarshal string into Go value of type {HEAD} (227822)"),
        (JSON, b"[]", NO_HEAD + f"json: cannot unmarshal array into Go value of type {HEAD} (5b5d)"),
        (
            JSON,
            b"\x1f\x8b\x08\x00",
            NO_HEAD + "invalid character '\\x1f' looking for beginning of value (1f8b0800)",
        ),
        (
            JSON,
            b'{"kind":5}',
            NO_HEAD + 'json: cannot unmarshal number into Go struct field .kind of type string ({"kind":5})',
        ),
        (
            JSON,
            b'{"apiVersion":"a/b/c"}',
            UNRECOGNIZED + 'unexpected GroupVersion string: a/b/c ({"apiVersion":"a/b/c"})',
        ),
        (
            JSON,
            b'{"a":' + b" " * 40,
            NO_HEAD + 'unexpected end of JSON input ({"a":' + " " * 25 + " ...)",
        ),
        (YAML, b"a: [b\nc", UNRECOGNIZED + "yaml: line 2: did not find expected ',' or ']' (613a205b620a63)"),
        (YAML, b"- a", NO_HEAD + f"json: cannot unmarshal array into Go value of type {HEAD} (2d2061)"),
        (PROTOBUF, base64.b64decode("azhzAAr//w=="), UNRECOGNIZED + "unexpected EOF (6b3873000affff)"),
        (
            PROTOBUF,
            b"abcd",
            UNRECOGNIZED + "provided data does not appear to be a protobuf message, "
            "expected prefix [107 56 115 0] (61626364)",
        ),
        (PROTOBUF, b"", UNRECOGNIZED + "empty data (<empty>)"),
        (
            JSON,
            b'{"apiVersion":"v1","kind":"Secret"}',
            'Secret in version "v1" cannot be handled as a ConfigMap: '
            "converting (v1.Secret) to (core.ConfigMap): unknown conversion",
        ),
        (
            JSON,
            b'{"apiVersion":"v2","kind":"ConfigMap"}',
            'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" '
            + NOT_REGISTERED.format("v2"),
        ),
        (
            JSON,
            b'{"apiVersion":"apps/v1","kind":"ConfigMap"}',
            'ConfigMap in version "v1" cannot be handled as a ConfigMap: no kind "ConfigMap" '
            + NOT_REGISTERED.format("apps/v1"),
        ),
        (
            PROTOBUF,
            b"k8s\x00\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x02\x0a\x7f",
            'ConfigMap in version "v1" cannot be handled as a ConfigMap: unexpected EOF',
        ),
    ],
)
def test_refusals(content_type: str, body: bytes, told: str) -> None:
    with pytest.raises(StatusError) as refused:
        parse_body(body, content_type, *CONFIG_MAP)
    assert (refused.value.code, refused.value.reason) == (400, "BadRequest")
    assert refused.value.message == told


def test_a_kind_that_two_groups_serve_is_of_another_version() -> None:
    with pytest.raises(StatusError) as refused:
        parse_body(b'{"apiVersion":"events.k8s.io/v1","kind":"Event"}', JSON, *CORE_EVENT)
    told = "the API version in the data (events.k8s.io/v1) does not match the expected API version (v1)"
    assert refused.value.message == told


@pytest.mark.parametrize(
    ("target", "content_type", "accepted"),
    [
        (CONFIG_MAP, "text/plain", [JSON, YAML, PROTOBUF]),
        (WIDGET, "text/plain", [JSON, YAML, PROTOBUF]),
        (WIDGET, PROTOBUF, [JSON, YAML]),
    ],
)
def test_media_types(target: tuple[str, str, str, str], content_type: str, accepted: list[str]) -> None:
    with pytest.raises(StatusError) as refused:
        parse_body(b"hello", content_type, *target)
    assert (refused.value.code, refused.value.reason) == (415, "UnsupportedMediaType")
    prefix = "the body of the request was in an unknown format - accepted media types include: "
    assert refused.value.message == prefix + ", ".join(accepted)


def test_a_custom_resource_must_say_what_it_is() -> None:
    good = {"apiVersion": "t.example.com/v1", "kind": "Widget"}
    assert parse_body(orjson.dumps(good), JSON, *WIDGET).obj == good
    body = b'{"metadata": {"name": "b"}}'
    with pytest.raises(StatusError) as refused:
        parse_body(body, JSON, *WIDGET)
    told = "the object provided is unrecognized (must be of type Widget): Object 'Kind' is missing in '{0}' ({0})"
    assert refused.value.message == told.format(body.decode())
    with pytest.raises(StatusError) as refused:
        parse_body(b'{"apiVersion":"t.example.com/v2","kind":"Widget"}', JSON, *WIDGET)
    told = "the API version in the data (t.example.com/v2) does not match the expected API version (t.example.com/v1)"
    assert refused.value.message == told
    with pytest.raises(StatusError) as refused:
        parse_body(b'{"apiVersion":"t.example.com/v1","kind":"Gadget","metadata":{"name":"b"}}', JSON, *WIDGET)
    assert refused.value.code == 422
    told = 'Gadget.t.example.com "b" is invalid: kind: Invalid value: "Gadget": must be Widget'
    assert refused.value.message == told


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        (
            '{"metadata":{"name":"u","bogus":1},"data":{"a":"1","a":"2"},"extra":{"x":1}}',
            ['unknown field "metadata.bogus"', 'duplicate field "data.a"', 'unknown field "extra"'],
        ),
        ('{"extra":1,"data":{},"data":{}}', ['unknown field "extra"', 'duplicate field "data"']),
        ('{"extra":{"x":1,"x":2},"extra":2,"data":{},"data":{}}', ['unknown field "extra"', 'duplicate field "data"']),
        ('{"data":{"a.b":"1","a.b":"2"},"a.b":1}', ['duplicate field "data.a.b"', 'unknown field "a.b"']),
        ('{"extra":1}', ['unknown field "extra"']),
        ('{"data":{"a":"1","a":"2"}}', ['duplicate field "data.a"']),
    ],
)
def test_problems_are_told_in_the_order_of_the_text(body: str, problems: list[str]) -> None:
    parsed = parse_body(body.encode(), JSON, *CONFIG_MAP)
    codec = TypedCodec(built_in_schemas()["io.k8s.api.core.v1.ConfigMap"], "ConfigMap")
    assert parsed.problems(codec.normalize(parsed.obj)) == problems


def test_duplicates_of_yaml_are_one_problem_and_a_warning_each() -> None:
    parsed = parse_body(b"data:\n  a: x\n  a: z\nextra: 1\nextra: 2\n", YAML, *CONFIG_MAP)
    codec = TypedCodec(built_in_schemas()["io.k8s.api.core.v1.ConfigMap"], "ConfigMap")
    problems = parsed.problems(codec.normalize(parsed.obj))
    lines = ['line 3: key "a" already set in map', 'line 5: key "extra" already set in map']
    assert problems == ["yaml: unmarshal errors:\n  " + "\n  ".join(lines), 'unknown field "extra"']
    assert bodies.warnings(problems) == [*lines, 'unknown field "extra"']
    told = f'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: {", ".join(problems)}'
    assert bodies.strict_error("ConfigMap", "v1", problems).message == told


def test_check_type() -> None:
    obj: dict[str, Any] = {}
    check_type(obj, "coordination.k8s.io/v1", "Lease", "coordination.k8s.io")
    assert obj == {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    with pytest.raises(StatusError, match=r"converting \(v1.Secret\) to \(coordination.Lease\): unknown conversion"):
        check_type({"apiVersion": "v1", "kind": "Secret"}, "coordination.k8s.io/v1", "Lease", "coordination.k8s.io")


@pytest.mark.parametrize(
    ("obj", "told"),
    [
        ({}, "invalid object type: /, Kind="),
        ({"apiVersion": "v1", "kind": "Secret"}, "invalid object type: /v1, Kind=Secret"),
        ({"apiVersion": "apps/v9", "kind": "ConfigMap"}, "invalid object type: apps/v9, Kind=ConfigMap"),
    ],
)
def test_an_applied_configuration_must_say_what_it_is(obj: dict[str, Any], told: str) -> None:
    with pytest.raises(StatusError) as refused:
        check_type(obj, "v1", "ConfigMap", "", applied=True)
    assert refused.value.message == told
    check_type({"apiVersion": "v1", "kind": "ConfigMap"}, "v1", "ConfigMap", "", applied=True)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b'{"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0,"dryRun":["All"],"bogus":1}'),
        (JSON, b'{"gracePeriodSeconds":0,"dryRun":["All"]}'),
        (YAML, b"gracePeriodSeconds: 0\ndryRun: [All]\n"),
        (PROTOBUF, b"k8s\x00\x0a\x13\x0a\x02v1\x12\x0dDeleteOptions\x12\x07\x08\x00\x2a\x03All"),
    ],
)
def test_delete_options(content_type: str, body: bytes) -> None:
    options = parse_delete_options(body, content_type)
    assert (options["gracePeriodSeconds"], options["dryRun"]) == (0, ["All"])
    assert "bogus" not in options


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"kind":"Nope","apiVersion":"v1"}', 'no kind "Nope" ' + NOT_REGISTERED.format("v1")),
        (b"{", "couldn't get version/kind; json parse error: unexpected end of JSON input"),
        (
            b'{"gracePeriodSeconds":"5"}',
            "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64",
        ),
    ],
)
def test_delete_options_that_are_none(body: bytes, told: str) -> None:
    with pytest.raises(StatusError) as refused:
        parse_delete_options(body, JSON)
    assert (refused.value.code, refused.value.message) == (400, told)


MERGE_PATCH = "application/merge-patch+json"


@pytest.mark.parametrize(
    ("media_type", "body", "value", "problems"),
    [
        (MERGE_PATCH, b'{"data":{"u":"1","u":"2"}}', {"data": {"u": "2"}}, ['duplicate field "data.u"']),
        (
            bodies.JSON_PATCH,
            b'[{"op":"test","op":"add"}]',
            [{"op": "add"}],
            ['json patch duplicate field "[0].op"'],
        ),
        (bodies.APPLY_YAML, b"data:\n  a: x\n  a: z\n", {"data": {"a": "z"}}, ['line 3: key "a" already set in map']),
        (bodies.APPLY_YAML, b'{"data":{"a":"x"}}', {"data": {"a": "x"}}, []),
    ],
)
def test_patches(media_type: str, body: bytes, value: Any, problems: list[str]) -> None:
    assert parse_patch(body, media_type, "ConfigMap") == (value, problems)


@pytest.mark.parametrize(
    ("media_type", "body", "code", "told"),
    [
        (MERGE_PATCH, b'{"data":', 400, "error decoding patch: unexpected end of JSON input"),
        (bodies.JSON_PATCH, b'[{"op"', 400, "error decoding patch: unexpected end of JSON input"),
        (bodies.STRATEGIC_MERGE_PATCH, b'{"spec":', 400, "unexpected end of JSON input"),
        (
            bodies.APPLY_YAML,
            b"a: [b",
            400,
            "error decoding YAML: error converting YAML to JSON: yaml: line 1: did not find expected ',' or ']'",
        ),
        (
            bodies.JSON_PATCH,
            orjson.dumps([{"op": "test"}] * 10_001),
            413,
            "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
        ),
    ],
)
def test_patches_that_are_none(media_type: str, body: bytes, code: int, told: str) -> None:
    with pytest.raises(StatusError) as refused:
        parse_patch(body, media_type, "ConfigMap")
    assert (refused.value.code, refused.value.message) == (code, told)
