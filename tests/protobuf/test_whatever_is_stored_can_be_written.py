"""Bodies of every built-in type with any values in any field: what their codec accepts has a message, and comes back.

A watch encodes inside the commit of a write, where nothing may fail.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

import orjson
import pytest
from binary_answers import opened, stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.examples import examples

from manifold.base.errors import StatusError
from manifold.schema import protobuf
from manifold.schema.decoding import DecodingError
from manifold.schema.protobuf import conversion
from manifold.schema.protobuf.messages import Field, fields
from manifold.types.table import built_in_types

TYPES = list(built_in_types())
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
ODD = st.sampled_from([None, "", 0, -1, 1.5, 1e30, 2**31, 2**63, -(2**63), True, [], {}, [None], {"": None}, "x"])
JSON = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2), max_leaves=4
)
SCALARS = {
    "string": TEXTS,
    "bool": st.booleans(),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 5),
    "bytes": st.binary(max_size=4).map(lambda raw: base64.b64encode(raw).decode()),
}
STANDING_FOR = {
    "Time": st.sampled_from(["2026-01-02T03:04:05.5Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+01:00"]),
    "MicroTime": st.sampled_from(["2026-01-02T03:04:05.000006Z", "1969-12-31T23:59:59.500000Z"]),
    "Duration": st.sampled_from(["1h2m3.5s", "0s", "-15ms"]),
    "Quantity": st.sampled_from(["1500m", "0", "1Ki", "1e3", 5, "0.5"]),
    "IntOrString": st.integers(-(2**31), 2**31 - 1) | TEXTS,
    "FieldsV1": st.dictionaries(TEXTS, st.just({}), max_size=2),
    "Verbs": st.lists(TEXTS, max_size=2),
    "ExtraValue": st.lists(TEXTS, max_size=2),
    "RawExtension": st.dictionaries(TEXTS, JSON, max_size=2),
    "JSON": JSON,
    "JSONSchemaPropsOrBool": st.booleans(),
    "JSONSchemaPropsOrStringArray": st.lists(TEXTS, max_size=2),
    "JSONSchemaPropsOrArray": st.just({"type": "object"}),
}  # fmt: skip


def value(field: Field, depth: int) -> st.SearchStrategy[Any]:
    one = SCALARS[field.type] if field.scalar else message(field.type, depth)
    if field.map:
        return st.dictionaries(TEXTS, st.none() | one, max_size=2)
    return st.lists(st.none() | one, max_size=2) if field.repeated else one


@cache
def message(name: str, depth: int) -> st.SearchStrategy[Any]:
    """JSON data of a message, right in most places."""
    last = name.rpartition(".")[2]
    if name in conversion._SPECIAL:
        return STANDING_FOR.get(last, JSON) if last != "Timestamp" else STANDING_FOR["Time"]
    if depth == 0:
        return st.just({})
    known = {field.name: st.none() | value(field, depth - 1) for field in fields(name) if field.name}
    return st.fixed_dictionaries({}, optional=known)


@pytest.mark.parametrize("kind", TYPES, ids=[f"{kind.group}-{kind.resource}" for kind in TYPES if not kind.custom])
@settings(max_examples=examples(40), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_object_of_a_type(kind, data):
    obj = data.draw(message(kind.protobuf, 5))
    obj = {**obj, "apiVersion": kind.api_version, "kind": kind.kind}
    if not isinstance(obj.get("metadata"), dict):
        obj["metadata"] = {}
    try:
        kind.codec.normalize(obj)
    except (DecodingError, StatusError):
        return
    wanted = orjson.loads(orjson.dumps(obj))
    again = opened(protobuf.encode(kind.protobuf, obj))
    assert stored(again) == stored(wanted)
