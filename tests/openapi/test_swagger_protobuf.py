"""OpenAPI v2 in protobuf, read back by a reader of the wire format that knows only the message definitions."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from openapi_types import TYPES, finish, schema_of

from manifold.base.errors import StatusError
from manifold.schema.openapi.swagger import swagger
from manifold.schema.openapi.swagger_protobuf import encode
from manifold.views.openapi import negotiate_openapi, resources_of


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of each field of a message: bytes, whole numbers or floats."""
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(message):
        number, wire = divmod(varint(), 8)
        if wire == 0:
            yield number, varint()
        elif wire == 1:
            yield number, struct.unpack("<d", message[place : place + 8])[0]
            place += 8
        else:
            assert wire == 2
            size = varint()
            yield number, message[place : place + size]
            place += size


def one(message: bytes, number: int) -> Any:
    (value,) = [value for found, value in fields(message) if found == number]
    return value


def every(message: bytes, number: int) -> list[Any]:
    return [value for found, value in fields(message) if found == number]


def named(message: bytes, number: int) -> dict[str, bytes]:
    return {one(entry, 1).decode(): one(entry, 2) for entry in every(message, number)}


DOCUMENT = finish(swagger(resources_of(TYPES, schema_of)))
MESSAGE = finish(encode(DOCUMENT))
DEFINITIONS = named(one(MESSAGE, 9), 1)
PATHS = named(one(MESSAGE, 8), 2)


def test_everything_is_there() -> None:
    assert one(MESSAGE, 1) == b"2.0"
    assert one(one(MESSAGE, 2), 1) == b"Kubernetes"
    assert list(DEFINITIONS) == list(DOCUMENT["definitions"])
    assert list(PATHS) == list(DOCUMENT["paths"])
    assert list(named(one(MESSAGE, 13), 1)) == ["BearerToken"]


@pytest.mark.parametrize("name", ["com.example.v1.Widget", "io.k8s.api.core.v1.ServiceAccount"])
def test_schemas_say_the_same(name: str) -> None:
    def read(message: bytes) -> dict[str, Any]:
        schema: dict[str, Any] = {}
        for number, value in fields(message):
            if number in (1, 2, 4):
                schema[{1: "$ref", 2: "format", 4: "description"}[number]] = value.decode()
            elif number == 19:
                schema.setdefault("required", []).append(value.decode())
            elif number == 21:
                schema["additionalProperties"] = read(one(value, 1))
            elif number == 22:
                schema["type"] = one(value, 1).decode()
            elif number == 23:
                schema["items"] = read(one(value, 1))
            elif number == 25:
                schema["properties"] = {key: read(child) for key, child in named(value, 1).items()}
            else:
                assert number == 31
                schema[one(value, 1).decode()] = orjson.loads(one(one(value, 2), 2))
        return schema

    assert read(DEFINITIONS[name]) == DOCUMENT["definitions"][name]


def test_patch_operation() -> None:
    operation = one(PATHS["/api/v1/namespaces/{namespace}/configmaps/{name}"], 8)
    assert one(operation, 5) == b"patchCoreV1NamespacedConfigMap"
    extensions = named(operation, 13)
    kind = orjson.loads(one(extensions["x-kubernetes-group-version-kind"], 2))
    assert kind == {"group": "", "version": "v1", "kind": "ConfigMap"}
    names = []
    for item in every(operation, 8):
        parameter = one(item, 1)
        if every(parameter, 2):
            names.append(one(one(one(parameter, 2), 3), 4))
    assert sorted(names) == [b"dryRun", b"fieldManager", b"fieldValidation", b"force"]


def test_constraints() -> None:
    document = {
        **DOCUMENT,
        "paths": {},
        "definitions": {
            "x": {
                "type": "number",
                "maximum": 1.5,
                "minLength": 300,
                "minimum": -1,
                "exclusiveMaximum": True,
                "enum": [1, None, "a"],
                "additionalProperties": False,
            }
        },
    }
    schema = named(one(finish(encode(document)), 9), 1)["x"]
    assert one(schema, 7) == 1.5
    assert one(schema, 9) == -1.0
    assert one(schema, 8) == 1
    assert one(schema, 12) == 300
    assert [orjson.loads(one(value, 2)) for value in every(schema, 20)] == [1, None, "a"]
    assert one(one(schema, 21), 2) == 0


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("application/com.github.proto-openapi.spec.v2@v1.0+protobuf", "protobuf"),
        ("application/com.github.proto-openapi.spec.v2.v1.0+protobuf", "protobuf"),
        ("application/json, */*", "json"),
        ("", "json"),
    ],
)
def test_form(accept: str, form: str) -> None:
    assert negotiate_openapi(accept, has_protobuf=True) == form


def test_v3_has_no_protobuf_form() -> None:
    with pytest.raises(StatusError) as refused:
        negotiate_openapi("application/com.github.proto-openapi.spec.v3@v1.0+protobuf")
    assert refused.value.code == 406
