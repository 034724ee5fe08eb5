"""Protobuf bodies: against bytes that Go wrote, and there and back."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from go_protobuf_samples import SAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from manifold.schema import protobuf
from manifold.schema.decoding import DecodingError
from manifold.schema.loading import built_in_schemas, kinds_of, schema_name
from manifold.schema.protobuf import conversion, messages
from manifold.schema.typed import TypedCodec

META = "k8s.io.apimachinery.pkg.apis.meta.v1."


def name_of(obj: dict[str, Any]) -> tuple[str, str, str]:
    group, _, version = obj["apiVersion"].rpartition("/")
    return group, version, obj["kind"]


def normalized(obj: dict[str, Any]) -> dict[str, Any]:
    group, version, kind = name_of(obj)
    codec = TypedCodec(built_in_schemas()[schema_name(group, version, kind)], kind)
    assert codec.normalize(obj) == []
    return obj


@pytest.mark.parametrize(("body", "stored"), SAMPLES, ids=[stored["kind"] for _, stored in SAMPLES])
def test_what_go_wrote(body: str, stored: dict[str, Any]) -> None:
    api_version, kind, obj = protobuf.decode(base64.b64decode(body))
    assert (api_version, kind) == (stored["apiVersion"], stored["kind"])
    assert normalized({"apiVersion": api_version, "kind": kind, **obj}) == stored


@pytest.mark.parametrize(("body", "stored"), SAMPLES, ids=[stored["kind"] for _, stored in SAMPLES])
def test_there_and_back(body: str, stored: dict[str, Any]) -> None:
    written = protobuf.encode(protobuf.message_for(*name_of(stored)), stored)
    api_version, kind, obj = protobuf.decode(written)
    assert normalized({"apiVersion": api_version, "kind": kind, **obj}) == stored
    # Go writes more empty fields than we do, and nothing else.
    assert len(written) <= len(base64.b64decode(body))


def test_every_kind_has_a_message_and_every_message_its_fields() -> None:
    for name in built_in_schemas():
        kinds = kinds_of(name)
        if len(kinds) == 1 and not name.endswith(".Info"):
            message = protobuf.message_for(*kinds[0])
            assert message, name
            assert protobuf.decode_message(message, b"") == {}
    assert protobuf.message_for("", "v1", "Nope") == ""


def test_a_type_is_also_known_by_the_name_of_its_schema() -> None:
    name = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"
    raw = protobuf.encode_message(name, {"spec": {"group": "g"}})
    assert protobuf.decode_message(name, raw) == {"spec": {"group": "g"}}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "empty data"),
        (b"abcd", "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"),
        (b"k8s\x00", "empty body"),
        (b"k8s\x00\x0a\xff\xff", "unexpected EOF"),
        (b"k8s\x00\x08\x01", "proto: wrong wireType = 0 for field TypeMeta"),
        (b"k8s\x00\x2f\x01", "proto: illegal wireType 7"),
        (b"k8s\x00" + b"\xff" * 11, "proto: integer overflow"),
        (b"k8s\x00\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x01\x0a", "unexpected EOF"),
        (b"k8s\x00\x0a\x0a\x0a\x02v1\x12\x04Nope", 'no kind "Nope" is registered for version "v1"'),
    ],
)
def test_what_cannot_be_read(body: bytes, told: str) -> None:
    with pytest.raises(DecodingError) as refused:
        protobuf.decode(body)
    assert str(refused.value) == told


def test_text_that_is_no_utf8_is_read_as_go_would() -> None:
    name = b"\x0a\x02\xff\xfe"
    assert protobuf.decode_message("k8s.io.api.core.v1.LocalObjectReference", name) == {"name": "\ufffd\ufffd"}
    pair = b"\x12\x06\x0a\x01\xff\x12\x01\xfe"
    assert protobuf.decode_message("k8s.io.api.core.v1.ConfigMap", pair) == {"data": {"\ufffd": "\ufffd"}}
    finalizer = b"\x0a\x03\x72\x01\xff"
    assert protobuf.decode_message("k8s.io.api.core.v1.ConfigMap", finalizer) == {
        "metadata": {"finalizers": ["\ufffd"]}
    }


def test_depth_is_bounded() -> None:
    name = "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
    value: dict[str, Any] = {"default": orjson.loads("[" * 190 + "]" * 190)}
    raw = protobuf.encode_message(name, value)
    assert protobuf.decode_message(name, raw) == value
    for _ in range(30):
        field = b"\xe2\x01"  # number 28, `not`
        size = len(raw)
        raw = field + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])) + raw
    with pytest.raises(DecodingError, match="exceeded max depth"):
        protobuf.decode_message(name, raw)


@pytest.mark.parametrize(
    ("message", "value"),
    [
        ("Time", "2026-01-02T03:04:05Z"),
        ("Time", "1969-12-31T23:59:59Z"),
        ("MicroTime", "2026-01-02T03:04:05.000006Z"),
        ("Duration", "0s"),
        ("Duration", "1h2m3.5s"),
        ("Duration", "15ms"),
        ("Duration", "-2m0s"),
        ("Duration", "1.5µs"),
        ("FieldsV1", {"f:a": {}}),
        ("Verbs", ["get"]),
    ],
)
def test_messages_that_stand_for_something_else(message: str, value: Any) -> None:
    made = messages.message_class(META + message)()
    conversion.writer(META + message)(made, value)
    again = messages.message_class(META + message).FromString(made.SerializeToString())
    assert conversion.reader(META + message)(again) == value


@pytest.mark.parametrize("value", [5, -1, "http"])
def test_int_or_string(value: int | str) -> None:
    name = "k8s.io.apimachinery.pkg.util.intstr.IntOrString"
    made = messages.message_class(name)()
    conversion.writer(name)(made, value)
    assert conversion.reader(name)(made) == value


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
OBJECTS = st.fixed_dictionaries(
    {"metadata": st.fixed_dictionaries({}, optional={"name": TEXTS, "labels": st.dictionaries(TEXTS, TEXTS)})},
    optional={
        "immutable": st.booleans(),
        "data": st.dictionaries(TEXTS, TEXTS),
        "binaryData": st.dictionaries(TEXTS, st.binary().map(lambda raw: base64.b64encode(raw).decode())),
    },
)


@settings(max_examples=examples(100))
@given(OBJECTS)
def test_any_config_map_comes_back(obj: dict[str, Any]) -> None:
    stored = normalized({"apiVersion": "v1", "kind": "ConfigMap", **obj})
    body = protobuf.encode("k8s.io.api.core.v1.ConfigMap", stored)
    api_version, kind, found = protobuf.decode(body)
    assert normalized({"apiVersion": api_version, "kind": kind, **found}) == stored


@settings(max_examples=examples(200))
@given(st.binary(max_size=60))
def test_garbage_is_refused_or_read_but_never_worse(raw: bytes) -> None:
    for body in (raw, b"k8s\x00" + raw, b"k8s\x00\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12" + bytes([len(raw)]) + raw):
        try:
            obj = protobuf.decode(body)[2]
        except DecodingError:
            continue
        assert isinstance(obj, dict)
