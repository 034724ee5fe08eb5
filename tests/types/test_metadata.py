"""ObjectMeta on create and on update."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifold.base import names
from manifold.types.metadata import validate_create, validate_update

UID = "11111111-1111-1111-1111-111111111111"


def created(custom: bool = False, **metadata: Any) -> list[str]:
    errors = validate_create({"name": "x", "namespace": "g", **metadata}, True, names.subdomain_name, custom)
    return [str(error) for error in errors]


def test_good_metadata() -> None:
    assert (
        created(
            generateName="gen-",
            labels={"app": "x", "example.com/App": ""},
            annotations={"Example.com/Note": "any text\n"},
            finalizers=["kubernetes", "example.com/hold"],
            ownerReferences=[{"apiVersion": "a.example/v1", "kind": "A", "name": "a", "uid": UID, "controller": True}],
        )
        == []
    )


def test_names_are_required() -> None:
    assert created(name="") == ["metadata.name: Required value: name or generateName is required"]
    assert [error.split(":")[0] for error in created(name="A", generateName="-B")] == [
        "metadata.generateName",
        "metadata.name",
    ]


def test_the_namespace_belongs_to_namespaced_types_only() -> None:
    assert created(namespace="") == ["metadata.namespace: Required value"]
    assert created(namespace="a.b") == ['metadata.namespace: Invalid value: "a.b": must not contain dots']
    errors = validate_create({"name": "x", "namespace": "g"}, False, names.subdomain_name)
    assert [str(error) for error in errors] == ["metadata.namespace: Forbidden: not allowed on this type"]
    assert validate_create({"name": "x"}, False, names.subdomain_name) == []


def test_annotation_keys_may_have_any_case_and_labels_not() -> None:
    assert created(annotations={"EXAMPLE.com/X": ""}) == []
    assert len(created(labels={"EXAMPLE.com/X": ""})) == 1


def test_annotations_are_bounded_all_together() -> None:
    half = 128 * 1024
    assert created(annotations={"a": "x" * (half - 1), "b": "x" * (half - 1)}) == []
    assert created(annotations={"a": "x" * half, "b": "x" * (half - 1)}) == [
        "metadata.annotations: Too long: may not be more than 262144 bytes"
    ]
    assert len(created(annotations={"a": "ä" * half})) == 1


@pytest.mark.parametrize(
    ("finalizers", "custom", "errors"),
    [
        (["orphan"], False, []),
        (["foregroundDeletion"], False, []),
        (["nodomain"], True, []),
        (
            ["a.b/c", "nodomain"],
            False,
            [
                'metadata.finalizers[1]: Invalid value: "nodomain": name is neither a standard finalizer name nor is '
                "it "
                "fully qualified"
            ],
        ),
        (
            ["orphan", "foregroundDeletion"],
            False,
            [
                'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and '
                "foregroundDeletion cannot be both set"
            ],
        ),
        (["a/b/c"], True, None),
    ],
)
def test_finalizers(finalizers: list[str], custom: bool, errors: list[str] | None) -> None:
    found = created(custom, finalizers=finalizers)
    assert found == errors if errors is not None else len(found) == 1


@pytest.mark.parametrize(
    ("owner", "errors"),
    [
        (
            {"apiVersion": "", "kind": "", "name": "", "uid": ""},
            [
                'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
                'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
                'metadata.ownerReferences.name: Invalid value: "": must not be empty',
                'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
            ],
        ),
        (
            {"uid": UID, "name": "a", "kind": "Event", "apiVersion": "v1", "controller": False},
            [
                'metadata.ownerReferences: Invalid value: {"apiVersion":"v1","kind":"Event","name":"a",'
                f'"uid":"{UID}","controller":false}}: /v1, Kind=Event is disallowed from being an owner'
            ],
        ),
        (
            {"apiVersion": "a/b/c", "kind": "A", "name": "a", "uid": UID},
            ['metadata.ownerReferences.apiVersion: Invalid value: "a/b/c": version must not be empty'],
        ),
    ],
)
def test_owners(owner: dict[str, Any], errors: list[str]) -> None:
    assert created(ownerReferences=[owner]) == errors


def test_only_one_owner_controls() -> None:
    owners = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": UID, "controller": True} for name in ("a", "b")
    ]
    (error,) = created(ownerReferences=owners)
    assert error.endswith(
        'Only one reference can have Controller set to true. Found "true" in references for ConfigMap/a and ConfigMap/b'
    )
    assert '"controller":true},{"apiVersion":"v1"' in error


def updated(new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    before = {"name": "x", "namespace": "g", "uid": UID, "resourceVersion": "5", **(old or {})}
    errors = validate_update({**before, **new}, before)
    # What is wrong with metadata is told twice on update, in the causes.
    assert errors[: len(errors) // 2] == errors[len(errors) // 2 :]
    return [str(error) for error in errors[: len(errors) // 2]]


@pytest.mark.parametrize(
    ("new", "old", "errors"),
    [
        ({}, {}, []),
        ({"labels": {"a": "b"}}, {}, []),
        ({"labels": {"a": "b!"}}, {"labels": {"a": "b!"}}, []),
        ({"uid": "other"}, {}, ['metadata.uid: Invalid value: "other": field is immutable']),
        ({"name": "y"}, {}, ['metadata.name: Invalid value: "y": field is immutable']),
        ({"generation": 1}, {"generation": 2}, ["metadata.generation: Invalid value: 1: must not be decremented"]),
        (
            {"deletionTimestamp": "2026-01-01T00:00:00Z"},
            {},
            ['metadata.deletionTimestamp: Invalid value: "2026-01-01T00:00:00Z": field is immutable'],
        ),
        ({"finalizers": ["a.b/c"]}, {}, []),
        ({"finalizers": ["a.b/c"]}, {"finalizers": ["a.b/c", "d.e/f"], "deletionTimestamp": "t"}, []),
        (
            {"finalizers": ["a.b/c", "d.e/g", "d.e/f"]},
            {"finalizers": ["a.b/c"], "deletionTimestamp": "t"},
            [
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found "
                'new finalizers []string{"d.e/f", "d.e/g"}'
            ],
        ),
    ],
)
def test_updates(new: dict[str, Any], old: dict[str, Any], errors: list[str]) -> None:
    assert updated(new, old) == errors


def test_what_changes_is_looked_at() -> None:
    for part, value in (
        ("labels", {"a b": ""}),
        ("annotations", {"a b": ""}),
        ("finalizers", ["a b/c"]),
        ("ownerReferences", [{"apiVersion": "v1", "kind": "A", "name": "a"}]),
    ):
        assert len(updated({part: value})) == 1, part


@given(
    st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
    st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
)
def test_an_update_finds_what_a_create_would_have_found(labels: dict[str, str], annotations: dict[str, str]) -> None:
    errors = created(labels=labels, annotations=annotations)
    assert updated({"labels": labels, "annotations": annotations}) == errors
