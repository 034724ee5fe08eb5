"""What the codec of built-in types makes of parsed JSON, and how it refuses what does not fit."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.examples import examples

from manifold.base.errors import StatusError
from manifold.schema import decoding
from manifold.schema.loading import built_in_schemas, schema_name
from manifold.schema.model import Node
from manifold.schema.typed import TypedCodec

CRD = ("apiextensions.k8s.io", "CustomResourceDefinition")


def node_of(group: str, kind: str) -> Node:
    return built_in_schemas()[schema_name(group, "v1", kind)]


def codec_of(group: str, kind: str) -> TypedCodec:
    return TypedCodec(node_of(group, kind), kind)


@pytest.mark.parametrize(
    ("group", "kind", "given_object", "stored"),
    [
        ("", "ConfigMap", {}, {"metadata": {}}),
        ("", "ConfigMap", {"data": {}, "immutable": False}, {"metadata": {}, "immutable": False}),
        ("", "ConfigMap", {"data": None, "immutable": None}, {"metadata": {}}),
        ("", "ConfigMap", {"data": {"a": None, "b": ""}}, {"metadata": {}, "data": {"a": "", "b": ""}}),
        ("", "ConfigMap", {"binaryData": {"a": None}}, {"metadata": {}, "binaryData": {"a": ""}}),
        ("", "ConfigMap", {"metadata": {"creationTimestamp": None, "labels": {}, "name": ""}}, {"metadata": {}}),
        (
            "",
            "ConfigMap",
            {"metadata": {"deletionGracePeriodSeconds": 0, "generation": 0}},
            {"metadata": {"deletionGracePeriodSeconds": 0}},
        ),
        (
            "",
            "ConfigMap",
            {"metadata": {"ownerReferences": [{"name": "a", "controller": False}]}},
            {
                "metadata": {
                    "ownerReferences": [{"name": "a", "controller": False, "apiVersion": "", "kind": "", "uid": ""}]
                }
            },
        ),
        ("rbac.authorization.k8s.io", "Role", {"rules": []}, {"metadata": {}, "rules": None}),
        ("rbac.authorization.k8s.io", "Role", {"rules": [{}]}, {"metadata": {}, "rules": [{"verbs": None}]}),
        ("rbac.authorization.k8s.io", "Role", {"rules": [None]}, {"metadata": {}, "rules": [{"verbs": None}]}),
        (
            "rbac.authorization.k8s.io",
            "RoleBinding",
            {},
            {"metadata": {}, "roleRef": {"apiGroup": "", "kind": "", "name": ""}},
        ),
        (
            "",
            "Event",
            {"count": 0},
            {
                "metadata": {},
                "involvedObject": {},
                "source": {},
                "firstTimestamp": None,
                "lastTimestamp": None,
                "eventTime": None,
                "reportingComponent": "",
                "reportingInstance": "",
            },
        ),
        (
            "",
            "ResourceQuota",
            {"spec": {"hard": {"cpu": "0.5", "pods": 1000, "memory": "2048Mi"}}},
            {"metadata": {}, "status": {}, "spec": {"hard": {"cpu": "500m", "pods": "1k", "memory": "2Gi"}}},
        ),
        (
            "coordination.k8s.io",
            "Lease",
            {"spec": {"renewTime": "2026-01-02T05:04:05.000006+02:00"}},
            {"metadata": {}, "spec": {"renewTime": "2026-01-02T03:04:05.000006Z"}},
        ),
        (
            *CRD,
            {"spec": {"versions": []}},
            {
                "metadata": {},
                "spec": {"versions": [], "group": "", "scope": "", "names": {"plural": "", "kind": ""}},
                "status": {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": None},
            },
        ),
    ],
)
def test_stored_form(group: str, kind: str, given_object: dict[str, Any], stored: dict[str, Any]) -> None:
    assert codec_of(group, kind).normalize(given_object) == []
    assert given_object == stored


@pytest.mark.parametrize(
    ("given_text", "stored"),
    [("QUI=", "QUI="), ("QQ==", "QQ=="), ("QR==", "QQ=="), ("QU\nJD", "QUJD"), ("QUJD\r\n", "QUJD")],
)
def test_base64_is_written_as_go_would(given_text: str, stored: str) -> None:
    secret: dict[str, Any] = {"data": {"a": given_text}}
    codec_of("", "Secret").normalize(secret)
    assert secret["data"]["a"] == stored


@pytest.mark.parametrize(
    ("group", "kind", "given_object", "told"),
    [
        (
            "",
            "ConfigMap",
            {"data": {"k": 5}},
            "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
        ),
        (
            "",
            "ConfigMap",
            {"data": "s"},
            "json: cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string",
        ),
        (
            "",
            "ConfigMap",
            {"metadata": []},
            "json: cannot unmarshal array into Go struct field ConfigMap.metadata of type v1.ObjectMeta",
        ),
        (
            "",
            "ConfigMap",
            {"metadata": {"uid": {}}},
            "json: cannot unmarshal object into Go struct field ObjectMeta.metadata.uid of type types.UID",
        ),
        (
            "",
            "ConfigMap",
            {"metadata": {"generation": 1.5}},
            "json: cannot unmarshal number 1.5 into Go struct field ObjectMeta.metadata.generation of type int64",
        ),
        (
            "",
            "ConfigMap",
            {"metadata": {"ownerReferences": [{"name": True}]}},
            "json: cannot unmarshal bool into Go struct field OwnerReference.metadata.ownerReferences.name "
            "of type string",
        ),
        (
            "",
            "ConfigMap",
            {"metadata": {"creationTimestamp": 5}},
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
        ),
        (
            "coordination.k8s.io",
            "Lease",
            {"spec": {"leaseDurationSeconds": 3_000_000_000}},
            "json: cannot unmarshal number 3000000000 into Go struct field LeaseSpec.spec.leaseDurationSeconds "
            "of type int32",
        ),
        (
            "coordination.k8s.io",
            "Lease",
            {"spec": {"renewTime": "yesterday"}},
            'parsing time "yesterday" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "yesterday" as "2006"',
        ),
        (
            "coordination.k8s.io",
            "Lease",
            {"spec": {"renewTime": "2020-01-02T03:04:05Z"}},
            'parsing time "2020-01-02T03:04:05Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
        ),
        (
            "",
            "ResourceQuota",
            {"spec": {"hard": {"pods": "many"}}},
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        ("", "Secret", {"data": {"a": "***"}}, "illegal base64 data at input byte 0"),
        ("", "Secret", {"data": {"a": "QUJ"}}, "illegal base64 data at input byte 0"),
        ("", "Secret", {"data": {"a": "QUJDQ==="}}, "illegal base64 data at input byte 5"),
        ("", "Secret", {"data": {"a": "QUI=x"}}, "illegal base64 data at input byte 4"),
        (
            "authorization.k8s.io",
            "SubjectAccessReview",
            {"spec": {"extra": True}},
            "json: cannot unmarshal bool into Go struct field SubjectAccessReviewSpec.spec.extra "
            "of type map[string]v1.ExtraValue",
        ),
        (
            "admissionregistration.k8s.io",
            "ValidatingWebhookConfiguration",
            {"webhooks": [{"rules": [{"apiGroups": 1}]}]},
            "json: cannot unmarshal number into Go struct field "
            "RuleWithOperations.webhooks.rules.Rule.apiGroups of type []string",
        ),
        # What decodes itself ends decoding: it is told before a value of the wrong type that stood earlier.
        ("", "ConfigMap", {"data": 5, "metadata": {"deletionTimestamp": "x"}}, None),
    ],
)
def test_refusals(group: str, kind: str, given_object: dict[str, Any], told: str | None) -> None:
    with pytest.raises(StatusError) as refused:
        codec_of(group, kind).normalize(given_object)
    assert (refused.value.code, refused.value.reason) == (400, "BadRequest")
    prefix = f'{kind} in version "v1" cannot be handled as a {kind}: '
    if told is None:
        told = 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'
    assert refused.value.message == prefix + told


def test_unknown_fields_are_dropped_and_told_in_order() -> None:
    given_object: dict[str, Any] = {
        "extra": {"x": 1},
        "metadata": {"name": "a", "bogus": 1, "ownerReferences": [{"z": 1}]},
        "Data": {},
    }
    assert codec_of("", "ConfigMap").normalize(given_object) == [
        'unknown field "extra"',
        'unknown field "metadata.bogus"',
        'unknown field "metadata.ownerReferences[0].z"',
        'unknown field "Data"',
    ]
    assert given_object.keys() == {"metadata"}


def test_at_most_a_hundred_unknown_fields_are_told() -> None:
    assert len(codec_of("", "ConfigMap").normalize({f"x{number}": 1 for number in range(300)})) == 100


def test_inside_of_a_schema_that_may_be_a_boolean_unknown_fields_go_silently() -> None:
    schema = {"properties": {"a": {"additionalProperties": {"type": "string", "bogus": 1}, "bogus": 1}}}
    crd: dict[str, Any] = {"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}}
    path = "spec.versions[0].schema.openAPIV3Schema.properties.a.bogus"
    assert codec_of(*CRD).normalize(crd) == [f'unknown field "{path}"']
    assert schema == {"properties": {"a": {"additionalProperties": {"type": "string"}}}}


def _values(node: Node, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that fit a node more often than not."""
    odd = st.sampled_from([None, None, "", "x", 0, 1.5, True, [], {}])
    if depth > 4:
        return odd
    if node.kind == "object":
        children = {name: _values(child, depth + 1) for name, child in node.properties.items()}
        children["bogus"] = odd
        fitting: st.SearchStrategy[Any] = st.fixed_dictionaries({}, optional=children)
    elif node.kind == "map":
        assert node.values is not None
        fitting = st.dictionaries(st.sampled_from("abc"), _values(node.values, depth + 1), max_size=2)
    elif node.kind == "list":
        assert node.items is not None
        fitting = st.lists(_values(node.items, depth + 1), max_size=2)
    elif node.kind == "string":
        fitting = st.sampled_from(["", "QUJD", "5", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000006Z"])
    elif node.kind == "any":
        fitting = st.sampled_from([{}, {"a": [1]}])
    else:
        fitting = st.booleans() if node.kind == "boolean" else st.integers(-5, 5)
    return st.one_of(fitting, fitting, fitting, odd)


@settings(max_examples=examples(150))
@given(st.data())
def test_the_fast_way_and_the_exact_way_agree(data: st.DataObject) -> None:
    group, kind = data.draw(st.sampled_from([("", "ConfigMap"), ("", "Event"), ("", "ResourceQuota"), ("", "Secret")]))
    node = node_of(group, kind)
    value = data.draw(_values(node).filter(lambda value: isinstance(value, dict)))
    exact = copy.deepcopy(value)
    problems: list[str] | None = None
    told = ""
    try:
        problems = decoding.decode(node, exact)
    except decoding.DecodingError as error:
        told = str(error)
    if problems is None:
        with pytest.raises(StatusError) as refused:
            codec_of(group, kind).normalize(value)
        assert refused.value.message.endswith(told)
        return
    assert codec_of(group, kind).normalize(value) == problems
    assert value == exact
    again = copy.deepcopy(value)
    assert codec_of(group, kind).normalize(again) == []
    assert again == value
