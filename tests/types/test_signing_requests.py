"""Certificate signing requests: what a request may say, and who may answer it how."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

import pytest
from type_writes import NOW, changed, refused

from manifold.base.user import User
from manifold.types.certificates import SIGNING_REQUESTS, USAGES, Approval, Signing, set_requester
from manifold.types.resource import Object


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
                'status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
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
        'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block'
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
