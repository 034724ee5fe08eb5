"""Leases, roles and bindings, certificate signing requests, reviews, and the table of all types."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from manifold.base.errors import StatusError, invalid
from manifold.base.user import User
from manifold.types import table
from manifold.types.authentication import TOKEN_REQUEST, TOKEN_REVIEWS
from manifold.types.authorization import (
    LOCAL_SUBJECT_ACCESS_REVIEWS,
    SELF_SUBJECT_ACCESS_REVIEWS,
    SELF_SUBJECT_RULES_REVIEWS,
    SUBJECT_ACCESS_REVIEWS,
)
from manifold.types.certificates import SIGNING_REQUESTS, USAGES, Approval, Signing, set_requester
from manifold.types.coordination import LEASES
from manifold.types.rbac import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from manifold.types.resource import Object, ResourceType

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RBAC = "rbac.authorization.k8s.io"


def refused(kind: ResourceType, obj: Object) -> list[str]:
    obj.setdefault("metadata", {"name": "x"})
    assert kind.codec.normalize(obj) == []
    kind.strategy.default(obj)
    kind.strategy.prepare_create(obj)
    return [str(error) for error in kind.strategy.validate_create(obj)]


def changed(kind: ResourceType, old: Object, new: Object) -> list[str]:
    kind.strategy.default(new)
    kind.strategy.prepare_update(new, old)
    return [str(error) for error in kind.strategy.validate_update(new, old)]


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        ({"leaseDurationSeconds": 1, "leaseTransitions": 0}, []),
        (
            {"leaseDurationSeconds": 0, "leaseTransitions": -1},
            [
                "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
                "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
            ],
        ),
    ],
)
def test_leases(spec: Object, errors: list[str]) -> None:
    assert refused(LEASES, {"spec": spec}) == errors


def test_a_lease_drops_what_is_not_served() -> None:
    lease: Object = {
        "metadata": {"name": "x"},
        "spec": {"strategy": "Nope", "preferredHolder": "a", "holderIdentity": "h"},
    }
    assert refused(LEASES, lease) == []
    assert lease["spec"] == {"holderIdentity": "h"}
    assert [column.cell(lease, NOW) for column in LEASES.columns] == ["x", "h", "<unknown>"]
    assert not LEASES.unconditional_update
    assert LEASES.create_on_update


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


@cache
def request_pem() -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return base64.b64encode(made.public_bytes(Encoding.PEM)).decode()


def request(**spec: Any) -> Object:
    filled = {"request": request_pem(), "signerName": "example.com/signer", "usages": ["client auth"], **spec}
    return {"metadata": {"name": "c"}, "spec": filled}


BAD_PEM = base64.b64encode(b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n").decode()


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        ({}, []),
        ({"expirationSeconds": 600}, []),
        ({"request": "eA=="}, ['spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST']),
        (
            {"request": BAD_PEM},
            [f'spec.request: Invalid value: "{BAD_PEM}": asn1: structure error: malformed certificate request'],
        ),
        ({"usages": []}, ["spec.usages: Required value"]),
        ({"usages": ["any", "any"]}, ['spec.usages[1]: Duplicate value: "any"']),
        ({"signerName": ""}, ["spec.signerName: Required value"]),
        (
            {"signerName": "nodomain"},
            [
                'spec.signerName: Invalid value: "nodomain": must be a fully qualified domain and path of the form '
                "'example.com/signer-name'"
            ],
        ),
        (
            {"signerName": "domain/x"},
            [
                'spec.signerName: Invalid value: "domain": should be a domain with at least two segments separated '
                "by dots"
            ],
        ),
        (
            {"signerName": "kubernetes.io/legacy-unknown"},
            [
                'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not '
                "allowed via "
                "this API version"
            ],
        ),
        (
            {"expirationSeconds": 10},
            [
                "spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 600 seconds (10 "
                "minutes)",
            ],
        ),
    ],
)
def test_signing_requests(spec: Object, errors: list[str]) -> None:
    assert refused(SIGNING_REQUESTS, request(**spec)) == errors


def test_unknown_usages_are_told_all_known_ones() -> None:
    (error,) = refused(SIGNING_REQUESTS, request(usages=["nope"]))
    assert error.startswith('spec.usages[0]: Unsupported value: "nope": supported values: "any", "cert sign"')
    assert error.endswith('"timestamping"')
    assert list(USAGES) == sorted(USAGES)


def test_bad_labels_of_signers_are_named() -> None:
    errors = refused(SIGNING_REQUESTS, request(signerName="A.com/B"))
    assert errors[0].startswith(
        'spec.signerName: Invalid value: "A.com": validating label "A": a lowercase RFC 1123 label'
    )
    assert errors[1].startswith(
        'spec.signerName: Invalid value: "B": validating label "B": a lowercase RFC 1123 subdomain'
    )


def test_who_asks_is_not_for_the_request_to_say() -> None:
    obj = request(username="somebody", groups=["system:masters"])
    obj["status"] = {"conditions": [{"type": "Approved", "status": "True"}]}
    assert refused(SIGNING_REQUESTS, obj) == []
    assert obj["status"] == {}
    assert "username" not in obj["spec"]
    assert SIGNING_REQUESTS.set_creator is set_requester
    set_requester(obj, User("alice", groups=("a",)))
    assert obj["spec"]["username"] == "alice"
    assert obj["spec"]["groups"] == ["a"]
    assert "uid" not in obj["spec"]


def test_a_request_stays_as_it_was_made() -> None:
    old = {**request(), "status": {}}
    new = {**request(usages=["server auth"]), "status": {"certificate": "eA=="}}
    assert changed(SIGNING_REQUESTS, old, new) == []
    assert new["spec"] == old["spec"]
    assert new["status"] == {}


def condition(kind: str, status: str = "True", **more: str) -> Object:
    return {"type": kind, "status": status, **more}


def answered(
    part: Approval | Signing, before: list[Object], after: list[Object], **status: str
) -> tuple[Object, list[str]]:
    old = {**request(), "status": {"conditions": before}}
    new = {**request(usages=["any"]), "status": {"conditions": after, **status}}
    part.prepare_update(new, old)
    assert new["spec"] == old["spec"]
    return new["status"], [str(error) for error in part.validate_update(new, old)]


def test_approving() -> None:
    status, errors = answered(Approval(lambda: NOW), [], [condition("Approved", reason="Ok")], certificate="eA==")
    assert errors == []
    stamp = "2026-01-01T00:00:00Z"
    assert status == {
        "conditions": [condition("Approved", reason="Ok", lastUpdateTime=stamp, lastTransitionTime=stamp)]
    }


def test_a_transition_keeps_its_time() -> None:
    before = condition("Approved", lastTransitionTime="2020-01-01T00:00:00Z")
    status, errors = answered(Approval(lambda: NOW), [before], [condition("Approved")])
    assert errors == []
    assert status["conditions"][0]["lastTransitionTime"] == "2020-01-01T00:00:00Z"
    assert status["conditions"][0]["lastUpdateTime"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("part", "before", "after", "errors"),
    [
        (
            Approval(),
            [condition("Approved")],
            [condition("Denied")],
            ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"'],
        ),
        (
            Approval(),
            [],
            [condition("Approved"), condition("Denied")],
            [
                'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually '
                "exclusive",
            ],
        ),
        (
            Approval(),
            [],
            [condition("Approved", "False"), condition("", "")],
            [
                'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
                "status.conditions[1].type: Required value",
                "status.conditions[1].status: Required value",
            ],
        ),
        (
            Approval(),
            [],
            [condition("Other"), condition("Other")],
            ['status.conditions[1].type: Duplicate value: "Other"'],
        ),
        (
            Signing(),
            [],
            [condition("Approved")],
            ['status.conditions: Forbidden: updates may not add a condition of type "Approved"'],
        ),
        (Signing(), [], [condition("Failed")], []),
    ],
)
def test_decisions(part: Approval | Signing, before: list[Object], after: list[Object], errors: list[str]) -> None:
    assert answered(part, before, after)[1] == errors


def test_signing() -> None:
    _, errors = answered(Signing(), [], [], certificate=base64.b64encode(b"no PEM").decode())
    assert errors == [
        'status.certificate: Invalid value: "<certificate data>": must contain one or more CERTIFICATE PEM blocks'
    ]
    _, errors = answered(Signing(), [], [], certificate=request_pem())
    assert errors == [
        'status.certificate: Invalid value: "<certificate data>": only CERTIFICATE PEM blocks are allowed, found '
        '"CERTIFICATE REQUEST"'
    ]


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ({}, "Pending"),
        ({"conditions": [condition("Approved")]}, "Approved"),
        ({"conditions": [condition("Approved")], "certificate": "eA=="}, "Approved,Issued"),
        ({"conditions": [condition("Denied"), condition("Failed")]}, "Denied,Failed"),
    ],
)
def test_the_table_of_signing_requests(status: Object, shown: str) -> None:
    obj = {**request(expirationSeconds=3600, username="u"), "status": status}
    cells = [column.cell(obj, NOW) for column in SIGNING_REQUESTS.columns]
    assert cells == ["c", "<unknown>", "example.com/signer", "u", "60m", shown]
    assert SIGNING_REQUESTS.field_labels(obj) == {"metadata.name": "c", "spec.signerName": "example.com/signer"}


@pytest.mark.parametrize(
    ("kind", "review", "errors"),
    [
        (SUBJECT_ACCESS_REVIEWS, {"spec": {"user": "u", "resourceAttributes": {}}}, []),
        (SUBJECT_ACCESS_REVIEWS, {"spec": {"groups": ["g"], "nonResourceAttributes": {"path": "/"}}}, []),
        (
            SUBJECT_ACCESS_REVIEWS,
            {"metadata": {"name": "x"}, "spec": {"user": "u", "resourceAttributes": {}}},
            ['metadata: Invalid value: {"name":"x"}: must be empty'],
        ),
        (SELF_SUBJECT_ACCESS_REVIEWS, {"spec": {"resourceAttributes": {"verb": "get"}}}, []),
        (
            SELF_SUBJECT_ACCESS_REVIEWS,
            {"spec": {}},
            [
                "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or "
                "resourceAttributes "
                "must be specified"
            ],
        ),
        (
            SELF_SUBJECT_ACCESS_REVIEWS,
            {
                "spec": {
                    "resourceAttributes": {"labelSelector": {}, "fieldSelector": {"requirements": [{"operator": "In"}]}}
                }
            },
            [
                "spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be specified",
                "spec.resourceAttributes.fieldSelector.requirements[0].values: Required value: must be specified when "
                "`operator` is 'In' or 'NotIn'",
                "spec.resourceAttributes.labelSelector.requirements: Required value: when "
                "spec.resourceAttributes.labelSelector is specified, requirements or rawSelector is required",
            ],
        ),
        (
            LOCAL_SUBJECT_ACCESS_REVIEWS,
            {"metadata": {"namespace": "w"}, "spec": {"user": "u", "resourceAttributes": {"namespace": "g"}}},
            ['spec.resourceAttributes.namespace: Invalid value: "g": must match metadata.namespace'],
        ),
        (
            LOCAL_SUBJECT_ACCESS_REVIEWS,
            {
                "metadata": {"namespace": "w"},
                "spec": {"user": "u", "nonResourceAttributes": {"path": "/", "verb": "get"}},
            },
            [
                'spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":"get"}: disallowed on this kind of '
                "request"
            ],
        ),
    ],
)
def test_reviews(kind: ResourceType, review: Object, errors: list[str]) -> None:
    review.setdefault("metadata", {})
    assert refused(kind, review) == errors


def test_reviews_that_ask_nothing() -> None:
    with pytest.raises(StatusError, match="token is required for TokenReview in authentication"):
        refused(TOKEN_REVIEWS, {"spec": {}})
    with pytest.raises(StatusError, match="no namespace on request"):
        refused(SELF_SUBJECT_RULES_REVIEWS, {"spec": {}})


def test_refusals_of_authorization_reviews_name_no_kind() -> None:
    errors = SUBJECT_ACCESS_REVIEWS.strategy.validate_create({"spec": {}})
    status = invalid(*SUBJECT_ACCESS_REVIEWS.named_in_refusals, "", errors).status()
    assert status["message"].startswith('.authorization.k8s.io "" is invalid: [')


def test_token_requests() -> None:
    wanted: Object = {"metadata": {}, "spec": {"audiences": ["a"]}}
    assert refused(TOKEN_REQUEST, wanted) == []
    assert wanted["spec"] == {"audiences": ["a"], "expirationSeconds": 3600, "boundObjectRef": None}
    assert refused(TOKEN_REQUEST, {"spec": {"expirationSeconds": 599}}) == [
        "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes"
    ]
    assert refused(TOKEN_REQUEST, {"spec": {"expirationSeconds": (1 << 32) + 1}}) == [
        "spec.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds"
    ]


def test_the_table_is_made_once_and_names_each_type_once() -> None:
    types = table.built_in_types()
    assert types is table.built_in_types()
    assert len(table.types_by_resource()) == len(table.types_by_kind()) == len(types) + 1
    assert table.find_type("", "v1", "configmaps") in types
    assert table.find_kind("coordination.k8s.io", "v1", "Lease") is LEASES
    assert table.find_type("", "v1", "pods") is None
    assert table.find_type("authentication.k8s.io", "v1", "tokenrequests") is TOKEN_REQUEST
    assert TOKEN_REQUEST not in types
    assert table.BuiltInTypes().types() is types


def test_every_type_can_show_an_empty_object() -> None:
    for kind in table.built_in_types():
        obj: Object = {"metadata": {"name": "x", "namespace": "g"}}
        for column in kind.columns:
            column.cell(obj, NOW)
        assert set(kind.selectable) >= {name for name in kind.field_labels(obj) if name == "metadata.name"}
        assert kind.list_kind
        assert kind.protobuf
        if kind.storageless:
            assert kind.verbs == ("create",)
