"""Workspaces, their types and their ways to authenticate: what they refuse, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from kcp_objects import SKIPPED, create, kind_of, made, update

from manifold.base.errors import StatusError

PATH = "'^[a-z0-9]([-a-z0-9]*[a-z0-9])?(:[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'"


@pytest.mark.parametrize(
    ("resource", "spec", "name", "errors"),
    [
        ("workspaces", {"type": {"name": "universal", "path": "root"}}, "a", []),
        (
            "workspaces",
            {},
            "a.b",
            [
                'metadata.name: Invalid value: "a.b": metadata.name in body should match '
                "'^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'"
            ],
        ),
        ("workspaces", {}, "a" * 64, ["metadata.name: Too long: may not be more than 63 bytes", SKIPPED]),
        (
            "workspaces",
            {"mount": {"ref": {"kind": "", "name": "n", "apiVersion": "v1"}}},
            "a",
            ['403 workspaces.tenancy.kcp.io "a" is forbidden: spec.mount.kind must be set'],
        ),
        (
            "workspaces",
            {"type": {"name": "t"}, "mount": {"ref": {"kind": "K", "name": "n", "apiVersion": "v1"}}},
            "a",
            ['403 workspaces.tenancy.kcp.io "a" is forbidden: spec.type cannot be set for mounted workspaces'],
        ),
        (
            "workspacetypes",
            {"limitAllowedParents": {"none": True, "types": [{"name": "a", "path": "root"}]}},
            "a",
            [
                '<nil>: Invalid value: "": "spec.limitAllowedParents" must validate one and only one schema (oneOf). '
                "Found 2 valid alternatives"
            ],
        ),
        (
            "workspacetypes",
            {"extend": {"with": [{"name": "x", "path": "Root:X"}]}},
            "a",
            [
                'spec.extend.with[0].path: Invalid value: "Root:X": spec.extend.with[0].path in body should match '
                + PATH
            ],
        ),
        (
            "workspacetypes",
            {"defaultChildWorkspaceType": {"name": "a"}},
            "a",
            ['403 workspacetypes.tenancy.kcp.io "a" is forbidden: .spec.defaultChildWorkspaceType.path must be set'],
        ),
        (
            "workspacetypes",
            {"limitAllowedChildren": {"types": [{"name": "a", "path": "root"}, {"name": "b"}]}},
            "a",
            [
                '403 workspacetypes.tenancy.kcp.io "a" is forbidden: '
                ".spec.limitAllowedChildren.types[1].path must be set"
            ],
        ),
        ("workspaceauthenticationconfigurations", {}, "a", ["spec.jwt: Required value", SKIPPED]),
        (
            "workspaceauthenticationconfigurations",
            {
                "jwt": [
                    {
                        "issuer": {"url": "https://i"},
                        "claimMappings": {
                            "username": {"claim": "a", "expression": "b"},
                            "groups": {"expression": "b", "prefix": "p"},
                            "uid": {},
                        },
                        "claimValidationRules": [{"claim": "a", "requiredValue": "b"}, {}],
                    }
                ]
            },
            "a",
            [
                "spec.jwt[0].claimMappings.groups: Invalid value: prefix can only be specified when claim is specified",
                "spec.jwt[0].claimMappings.username: Invalid value: claim and expression cannot both be specified",
                "spec.jwt[0].claimValidationRules[1]: Invalid value: either claim or expression must be specified",
                "spec.jwt[0].claimValidationRules[1]: Invalid value: "
                "requiredValue can only be specified when claim is specified",
                "spec.jwt[0].claimValidationRules[1]: Invalid value: "
                "message can only be specified when expression is specified",
            ],
        ),
    ],
)
def test_creation(resource: str, spec: Any, name: str, errors: list[str]) -> None:
    assert create(kind_of(resource), spec, name)[0] == errors


@pytest.mark.parametrize("name", ["any", "system"])
def test_reserved_names_of_workspace_types(name: str) -> None:
    with pytest.raises(StatusError) as refusal:
        create(kind_of("workspacetypes"), {}, name)
    assert refusal.value.code == 403
    assert refusal.value.message.endswith(f'metadata.name: Invalid value: "{name}": name is reserved')


@pytest.mark.parametrize(
    ("resource", "new", "old", "errors"),
    [
        (
            "workspaces",
            {"type": {"name": "b", "path": "root"}},
            {"type": {"name": "a", "path": "root"}},
            ["spec.type: Invalid value: name is immutable"],
        ),
        (
            "workspaces",
            {"type": {"name": "a"}},
            {"type": {"name": "a", "path": "root"}},
            ["spec.type: Invalid value: path is immutable"],
        ),
        (
            "workspaces",
            {"cluster": "b"},
            {"cluster": "a"},
            ['spec.cluster: Invalid value: "b": cluster is immutable'],
        ),
        (
            "workspaces",
            {},
            {"cluster": "a", "URL": "https://u"},
            ["spec: Invalid value: URL cannot be unset", "spec: Invalid value: cluster cannot be unset"],
        ),
        ("workspaces", {"cluster": "a"}, {}, []),
        (
            "workspaces",
            {"mount": {"ref": {"apiVersion": "v1", "kind": "K", "name": "m"}}},
            {"mount": {"ref": {"apiVersion": "v1", "kind": "K", "name": "n"}}},
            ["spec.mount: Invalid value: mount is immutable"],
        ),
    ],
)
def test_changes(resource: str, new: Any, old: Any, errors: list[str]) -> None:
    assert update(kind_of(resource), {"spec": new}, {"spec": old}) == errors


@pytest.mark.parametrize(
    ("resource", "new", "old", "errors"),
    [
        (
            "workspaces",
            {"status": {"phase": "Gone"}},
            {},
            [
                'status.phase: Unsupported value: "Gone": supported values: "Scheduling", "Initializing", "Ready", '
                '"Unavailable", "Inactive", "Terminating", "Deleting"',
                SKIPPED,
            ],
        ),
        (
            "workspaces",
            {"status": {"phase": "Ready"}},
            {},
            ['403 workspaces.tenancy.kcp.io "x" is forbidden: spec.cluster must be set for phase Ready'],
        ),
        ("workspaces", {"status": {"phase": "Ready"}}, {"spec": {"cluster": "c", "URL": "https://u"}}, []),
    ],
)
def test_status(resource: str, new: Any, old: Any, errors: list[str]) -> None:
    kind = kind_of(resource)
    assert update(kind, {"spec": None, **new}, {"spec": None, **old}, "status") == errors


def test_the_status_subresource_changes_nothing_else() -> None:
    kind = kind_of("workspaces")
    old = made(kind, {"cluster": "c"})
    old["metadata"]["labels"] = {"a": "b"}
    new = made(kind, {"cluster": "d"}, status={"phase": "Deleting"})
    new["metadata"]["annotations"] = {"c": "d"}
    kind.subresources["status"].prepare_update(new, old)
    assert new["spec"] == {"cluster": "c"}
    assert new["metadata"] == {"name": "x", "labels": {"a": "b"}}
    assert new["status"] == {"phase": "Deleting"}
