"""Roles and their bindings: what is filled in, refused and shown."""

from __future__ import annotations

import pytest
from type_writes import NOW, changed, refused

from manifold.types.rbac import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from manifold.types.resource import Object, ResourceType

RBAC = "rbac.authorization.k8s.io"


@pytest.mark.parametrize(
    ("kind", "rule", "errors"),
    [
        (ROLES, {"apiGroups": [""], "resources": ["a"], "verbs": ["get"]}, []),
        (ROLES, {"nonResourceURLs": ["/x"], "verbs": ["get"]}, ["rules[0].nonResourceURLs"]),
        (CLUSTER_ROLES, {"nonResourceURLs": ["/x"], "verbs": ["get"]}, []),
        (
            CLUSTER_ROLES,
            {"nonResourceURLs": ["/x"], "resourceNames": ["a"], "verbs": ["get"]},
            ["rules[0].nonResourceURLs"],
        ),
        (CLUSTER_ROLES, {}, ["rules[0].verbs", "rules[0].apiGroups", "rules[0].resources"]),
    ],
)
def test_rules(kind: ResourceType, rule: Object, errors: list[str]) -> None:
    assert [error.split(":")[0] for error in refused(kind, {"rules": [rule]})] == errors


def test_no_rules_are_null() -> None:
    for role in ({"rules": []}, {}, {"rules": None}):
        obj: Object = {"metadata": {"name": "x"}, **role}
        assert refused(ROLES, obj) == []
        assert obj["rules"] is None


def test_aggregation() -> None:
    assert refused(CLUSTER_ROLES, {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}) == []
    errors = refused(CLUSTER_ROLES, {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a b": "c"}}]}})
    assert errors[0].startswith('aggregationRule.clusterRoleSelectors[0].matchLabels: Invalid value: "a b": name part')
    assert errors[1] == "aggregationRule.clusterRoleSelectors[0]: Invalid value: null: invalid label selector."
    assert refused(CLUSTER_ROLES, {"aggregationRule": {}}) == [
        "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if "
        "aggregationRule "
        "is non-nil"
    ]


def test_api_groups_of_a_binding_are_filled_in() -> None:
    subjects = [{"kind": "User", "name": "u"}, {"kind": "Group", "name": "g"}, {"kind": "ServiceAccount", "name": "s"}]
    binding: Object = {"metadata": {"name": "x"}, "roleRef": {"kind": "Role", "name": "r"}, "subjects": subjects}
    assert refused(ROLE_BINDINGS, binding) == []
    assert binding["roleRef"]["apiGroup"] == RBAC
    assert [subject.get("apiGroup") for subject in binding["subjects"]] == [RBAC, RBAC, None]


@pytest.mark.parametrize(
    ("kind", "binding", "errors"),
    [
        (CLUSTER_ROLE_BINDINGS, {"roleRef": {"kind": "Role", "name": "r"}}, ["roleRef.kind"]),
        (ROLE_BINDINGS, {"roleRef": {"kind": "ClusterRole", "name": "a/b"}}, ["roleRef.name"]),
        (ROLE_BINDINGS, {"roleRef": {}}, ["roleRef.kind", "roleRef.name"]),
        (
            CLUSTER_ROLE_BINDINGS,
            {
                "roleRef": {"kind": "ClusterRole", "name": "r"},
                "subjects": [
                    {"kind": "ServiceAccount", "name": "A", "apiGroup": "other"},
                    {"kind": "User", "name": "", "apiGroup": "other"},
                    {"kind": "Nope", "name": "x"},
                ],
            },
            [
                "subjects[0].name",
                "subjects[0].apiGroup",
                "subjects[0].namespace",
                "subjects[1].name",
                "subjects[1].apiGroup",
                "subjects[2].kind",
            ],
        ),
    ],
)
def test_bindings(kind: ResourceType, binding: Object, errors: list[str]) -> None:
    assert [error.split(":")[0] for error in refused(kind, binding)] == errors


def test_a_binding_keeps_its_role() -> None:
    old = {"metadata": {}, "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "a"}}
    assert changed(ROLE_BINDINGS, old, {"metadata": {}, "roleRef": {"kind": "Role", "name": "a"}}) == []
    assert changed(ROLE_BINDINGS, old, {"metadata": {}, "roleRef": {"kind": "Role", "name": "b"}}) == [
        f'roleRef: Invalid value: {{"APIGroup":"{RBAC}","Kind":"Role","Name":"b"}}: cannot change roleRef'
    ]


def test_the_table_of_bindings() -> None:
    binding = {
        "metadata": {"name": "x"},
        "roleRef": {"kind": "ClusterRole", "name": "view"},
        "subjects": [
            {"kind": "User", "name": "u"},
            {"kind": "User", "name": "v"},
            {"kind": "ServiceAccount", "name": "s", "namespace": "g"},
            {"kind": "Group", "name": "h"},
        ],
    }
    cells = [column.cell(binding, NOW) for column in ROLE_BINDINGS.columns]
    assert cells == ["x", "ClusterRole/view", "<unknown>", "u, v", "h", "g/s"]
