"""Changes of CustomResourceDefinitions: what stays as it is, and what the server remembers."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from extension_definitions import create, definition, version

from manifold.types.apiextensions.definitions import CUSTOM_RESOURCE_DEFINITIONS as KIND


def update(old: dict[str, Any], **spec: Any) -> tuple[list[str], dict[str, Any]]:
    new = copy.deepcopy(old)
    new["spec"].update(spec)
    KIND.strategy.prepare_update(new, old)
    return [str(error) for error in KIND.strategy.validate_update(new, old)], new


def established() -> dict[str, Any]:
    obj = definition()
    assert create(obj) == []
    obj["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    return obj


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        ({"scope": "Cluster"}, ['spec.scope: Invalid value: "Cluster": field is immutable']),
        ({"group": "o.example.com"}, ['spec.group: Invalid value: "o.example.com": field is immutable']),
        (
            {"names": {"plural": "others", "singular": "thing", "kind": "Thing", "listKind": "ThingList"}},
            ['spec.names.plural: Invalid value: "others": field is immutable'],
        ),
        (
            {"versions": [version(name="v9")]},
            [
                'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions; v1 was previously a '
                "storage version, and must remain in spec.versions until a storage migration ensures no data remains "
                "persisted in v1 and removes v1 from status.storedVersions"
            ],
        ),
    ],
)
def test_what_cannot_change(spec: Any, errors: list[str]) -> None:
    assert update(established(), **spec)[0] == errors


def test_a_new_storage_version_is_remembered() -> None:
    old = established()
    errors, new = update(old, versions=[version(storage=False), version(name="v2")])
    assert errors == []
    assert new["status"]["storedVersions"] == ["v1", "v2"]
    assert old["status"]["storedVersions"] == ["v1"]


def test_scope_may_change_before_the_definition_is_served() -> None:
    obj = definition()
    create(obj)
    assert update(obj, scope="Cluster")[0] == []


def test_the_status_subresource_changes_nothing_else() -> None:
    old = established()
    new = copy.deepcopy(old)
    new["spec"]["scope"] = "Cluster"
    new["metadata"]["labels"] = {"a": "b"}
    new["status"]["storedVersions"] = []
    KIND.subresources["status"].prepare_update(new, old)
    assert new["spec"] == old["spec"]
    assert new["metadata"] == old["metadata"]
    errors = KIND.subresources["status"].validate_update(new, old)
    assert [str(error) for error in errors] == [
        "status.storedVersions: Invalid value: []: must have at least one stored version"
    ]
