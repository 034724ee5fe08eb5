"""What Kubernetes' validator does by accident, and Manifold not (docs/compatibility.md): both are still as told."""

import pytest
from featured_definitions import definition, fields
from support.validation_peer import Question, ask_manifold, ask_peer, served_types

I, N = {"type": "integer"}, {"type": "number"}  # noqa: E741 - schemas are read by their columns


@pytest.mark.parametrize(
    ("schema", "value", "ours", "theirs"),
    [
        ({"type": "string", "format": "date"}, ["x"], "must be of type string", ""),
        ({**I, "maximum": 1.5}, 1, "", "Maximum boundary value must be of type integer"),
        ({**I, "format": "int32", "maximum": 4294967295}, 1, "", "Maximum boundary value must be of type integer"),
        ({**N, "minimum": 4.5}, 4, "should be greater than or equal to 4.5", ""),
        ({**N, "exclusiveMaximum": True, "maximum": 0.5}, 0, "", "should be less than 0"),
        ({**N, "multipleOf": 0.5}, 3, "", "factor MultipleOf declared for spec must be positive: 0"),
        ({**N, "multipleOf": 0.1}, 0.3, "", ""),
        ({**N, "multipleOf": 0.1}, 0.35, "should be a multiple of 0.1", "should be a multiple of 0.1"),
        ({**N, "multipleOf": 0.01}, 0.29, "", "should be a multiple of 0.01"),
        ({**N, "enum": [1, 2]}, 2.5, "Unsupported value: 2.5", ""),
        ({"x-kubernetes-int-or-string": True, "enum": ["a"]}, 97, "Unsupported value: 97", ""),
    ],
)
def test_objects(schema, value, ours, theirs):
    described = definition("text", schema)
    kind = served_types(described)["v1"]
    obj = {"apiVersion": "example.dev/v1", "kind": "Text", "metadata": {"name": "a", "namespace": "b"}, "spec": value}
    question = Question(obj, "texts.example.dev", "v1")
    (said,) = ask_peer([described], [question])
    for causes, wanted in ((ask_manifold(question, kind).causes, ours), (said.causes, theirs)):
        assert bool(causes) == bool(wanted), causes
        assert not wanted or wanted in causes[0]


def test_a_null_that_is_enumerated():
    described = definition("text", fields(a={"type": "string", "nullable": True, "enum": ["b", None]}))
    metadata = {"name": "a", "namespace": "b"}
    obj = {"apiVersion": "example.dev/v1", "kind": "Text", "metadata": metadata, "spec": {"a": None}}
    question = Question(obj, "texts.example.dev", "v1")
    assert ask_manifold(question, served_types(described)["v1"]).causes == ()
    (said,) = ask_peer([described], [question])
    assert said.causes == ('FieldValueNotSupported spec.a: Unsupported value: null: supported values: "b", "null"',)


def service(**more):
    made = definition("text", {"type": "object"})
    client = {"service": {"name": "s", "namespace": "n", **more}}
    webhook = {"clientConfig": client, "conversionReviewVersions": ["v1"]}
    made["spec"]["conversion"] = {"strategy": "Webhook", "webhook": webhook}
    return made


@pytest.mark.parametrize(
    ("made", "ours", "theirs"),
    [
        (
            definition("text", {"x-kubernetes-int-or-string": True, "default": 1.5}),
            "must be of type integer,string",
            "",
        ),
        (service(name=""), "service.name: Required value", "service.namespace: Required value"),
        (service(namespace=""), "service.namespace: Required value", "service.name: Required value"),
    ],
)
def test_definitions(made, ours, theirs):
    (said,) = ask_peer([], [Question(made)])
    for causes, wanted in ((ask_manifold(Question(made)).causes, ours), (said.causes, theirs)):
        assert bool(causes) == bool(wanted), causes
        assert not wanted or wanted in causes[0]


def test_a_required_status_with_a_default():
    needed = {"root": {"required": ["status"]}, "subresources": {"status": {}}}
    described = definition("text", {"type": "object"}, {"type": "object", "default": {}}, **needed)
    obj = {"apiVersion": "example.dev/v1", "kind": "Text", "metadata": {"name": "a", "namespace": "b"}}
    question = Question(obj, "texts.example.dev", "v1")
    assert ask_manifold(question, served_types(described)["v1"]).causes == ()
    assert ask_peer([described], [question])[0].causes == ("FieldValueRequired status: Required value",)
