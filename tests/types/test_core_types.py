"""The core group: ConfigMaps, Secrets, namespaces, service accounts, quotas."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import pytest
from type_writes import NOW, changed

from manifold.types.configuration import CONFIG_MAPS, SECRETS
from manifold.types.key_pairs import next_block
from manifold.types.namespaces import NAMESPACES, SERVICE_ACCOUNTS
from manifold.types.quotas import RESOURCE_QUOTAS
from manifold.types.resource import Object, ResourceType


def taken(kind: ResourceType, obj: Object) -> Object:
    """A new object as it would be stored. Fails where it would be refused."""
    obj = {"metadata": {"name": "x", "namespace": "g"}, **obj}
    assert kind.codec.normalize(obj) == []
    kind.strategy.default(obj)
    kind.strategy.prepare_create(obj)
    assert kind.strategy.validate_create(obj) == []
    return obj


def refused(kind: ResourceType, obj: Object) -> list[str]:
    obj = {"metadata": {"name": "x", "namespace": "g"}, **obj}
    kind.codec.normalize(obj)
    kind.strategy.default(obj)
    kind.strategy.prepare_create(obj)
    return [str(error) for error in kind.strategy.validate_create(obj)]


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


CLOSED = "field is immutable when `immutable` is set"


@pytest.mark.parametrize(
    ("old", "new", "errors"),
    [
        ({"data": {"a": "1"}}, {"data": {"a": "2"}, "immutable": True}, []),
        ({"immutable": False, "data": {"a": "1"}}, {"data": {"a": "2"}}, []),
        ({"immutable": True}, {"immutable": True, "data": {}}, []),
        ({"immutable": True, "data": {"a": "1"}}, {"data": {"a": "1"}}, [f"immutable: Forbidden: {CLOSED}"]),
        (
            {"immutable": True, "data": {"a": "1"}},
            {"immutable": True, "data": {"a": "2"}},
            [f"data: Forbidden: {CLOSED}"],
        ),
        (
            {"immutable": True, "data": {"a": "1"}},
            {"immutable": False, "binaryData": {"a": "MQ=="}},
            [f"immutable: Forbidden: {CLOSED}", f"data: Forbidden: {CLOSED}", f"binaryData: Forbidden: {CLOSED}"],
        ),
    ],
)
def test_a_closed_config_map_stays_closed(old: Object, new: Object, errors: list[str]) -> None:
    assert changed(CONFIG_MAPS, old, new) == errors


def test_config_map_size_and_keys() -> None:
    assert refused(CONFIG_MAPS, {"data": {"a": "x" * (1024 * 1024)}}) == []
    assert refused(CONFIG_MAPS, {"data": {"a": "x" * (1024 * 1024)}, "binaryData": {"b": "eA=="}}) == [
        "[]: Too long: may not be more than 1048576 bytes"
    ]
    assert len(refused(CONFIG_MAPS, {"data": {"a": "ä" * (1024 * 1024)}})) == 1
    assert refused(CONFIG_MAPS, {"data": {"k": ""}, "binaryData": {"k": ""}}) == [
        'data[k]: Invalid value: "k": duplicate of key present in binaryData'
    ]
    assert refused(CONFIG_MAPS, {"binaryData": {"..": ""}}) == [
        "binaryData[..]: Invalid value: \"..\": must not be '..'"
    ]


def test_secret_texts_become_data() -> None:
    secret = taken(SECRETS, {"stringData": {"a": "b", "z": "ä"}, "data": {"z": "eg==", "y": "eQ=="}})
    assert secret["data"] == {"z": encoded("ä"), "y": "eQ==", "a": "Yg=="}
    assert secret["type"] == "Opaque"
    assert "stringData" not in secret
    assert "stringData" not in taken(SECRETS, {"stringData": {}})


@pytest.mark.parametrize(
    ("secret", "errors"),
    [
        ({"type": "example.com/any"}, []),
        ({"type": "kubernetes.io/tls", "data": {"tls.crt": "", "tls.key": ""}}, []),
        ({"type": "kubernetes.io/tls", "data": {"tls.crt": ""}}, ["data[tls.key]: Required value"]),
        ({"type": "kubernetes.io/ssh-auth", "data": {"ssh-privatekey": ""}}, ["data[ssh-privatekey]: Required value"]),
        ({"type": "kubernetes.io/basic-auth", "data": {"password": ""}}, []),
        ({"type": "kubernetes.io/dockercfg"}, ["data[.dockercfg]: Required value"]),
        ({"type": "kubernetes.io/dockercfg", "stringData": {".dockercfg": "{}"}}, []),
        ({"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "null"}}, []),
        (
            {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": '"secret"'}},
            [
                'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": json: cannot unmarshal string '
                "into Go value of type map[string]interface {}"
            ],
        ),
        (
            {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": ""}},
            [
                'data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": unexpected end of JSON input',
            ],
        ),
        (
            {
                "type": "kubernetes.io/service-account-token",
                "metadata": {"name": "x", "annotations": {"kubernetes.io/service-account.name": "sa"}},
            },
            [],
        ),
    ],
)
def test_secret_types_require_their_keys(secret: Object, errors: list[str]) -> None:
    assert refused(SECRETS, secret) == errors


def test_secret_changes() -> None:
    assert changed(SECRETS, {"type": "Opaque"}, {"type": "a.b/c"}) == [
        'type: Invalid value: "a.b/c": field is immutable'
    ]
    assert changed(SECRETS, {"type": "Opaque", "immutable": True}, {"type": "Opaque", "immutable": True}) == []
    assert changed(SECRETS, {"type": "Opaque", "immutable": True, "data": {"a": "eA=="}}, {"type": "Opaque"}) == [
        f"immutable: Forbidden: {CLOSED}",
        f"data: Forbidden: {CLOSED}",
    ]


def test_a_tls_secret_without_a_pair_is_warned_about() -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1))
        .not_valid_after(datetime(2040, 1, 1))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )

    def pem(private: ec.EllipticCurvePrivateKey, form: PrivateFormat) -> str:
        return private.private_bytes(Encoding.PEM, form, NoEncryption()).decode()

    def warned(crt: str, private: str) -> list[str]:
        data = {"tls.crt": encoded(crt), "tls.key": encoded(private)}
        return SECRETS.strategy.warnings({"type": "kubernetes.io/tls", "data": data})

    good = certificate.decode()
    assert warned(good, pem(key, PrivateFormat.PKCS8)) == []
    assert warned("a text\n" + good + good, pem(key, PrivateFormat.TraditionalOpenSSL)) == []
    other = pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.PKCS8)
    assert warned(good, other) == ["tls: private key does not match public key"]
    assert warned("", other) == ["tls: failed to find any PEM data in certificate input"]
    assert warned(good, "x") == ["tls: failed to find any PEM data in key input"]
    assert warned(good, good) == ["tls: found a certificate rather than a key in the PEM for the private key"]
    assert SECRETS.strategy.warnings({"type": "Opaque"}) == []


def test_a_new_namespace() -> None:
    namespace = taken(
        NAMESPACES, {"metadata": {"name": "x"}, "spec": {"finalizers": ["a.b/c"]}, "status": {"phase": "Terminating"}}
    )
    assert namespace["metadata"]["labels"] == {"kubernetes.io/metadata.name": "x"}
    assert namespace["spec"] == {"finalizers": ["a.b/c", "kubernetes"]}
    assert namespace["status"] == {"phase": "Active"}
    assert NAMESPACES.check_name("a.b", False) == ["must not contain dots"]
    assert [column.cell(namespace, NOW) for column in NAMESPACES.columns] == ["x", "Active", "<unknown>"]


def test_what_a_writer_of_a_namespace_cannot_change() -> None:
    old = taken(NAMESPACES, {"metadata": {"name": "x"}})
    new: Object = {
        "metadata": {"name": "x", "labels": {"kubernetes.io/metadata.name": "other", "a": "b"}},
        "spec": {},
        "status": {"phase": "Terminating"},
    }
    assert changed(NAMESPACES, old, new) == []
    assert new["metadata"]["labels"] == {"kubernetes.io/metadata.name": "x", "a": "b"}
    assert new["spec"] == {"finalizers": ["kubernetes"]}
    assert new["status"] == {"phase": "Active"}


def part_changed(kind: ResourceType, part: str, old: Object, new: Object) -> list[str]:
    behaviour = kind.subresources[part]
    behaviour.prepare_update(new, old)
    return [str(error) for error in behaviour.validate_update(new, old)]


def test_the_phase_follows_the_deletion() -> None:
    living: Object = {"metadata": {"name": "x"}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    new: Object = {"metadata": {"name": "x"}, "spec": {}, "status": {"phase": "Terminating"}}
    assert part_changed(NAMESPACES, "status", living, new) == [
        "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"
    ]
    assert new["spec"] == {"finalizers": ["kubernetes"]}
    new = {"metadata": {"name": "x", "deletionTimestamp": "t"}, "status": {"phase": "Active"}}
    assert part_changed(NAMESPACES, "status", living, new) == [
        "status.Phase: Invalid value: \"Active\": may only be 'Terminating' if `deletionTimestamp` is not empty"
    ]
    new["status"]["phase"] = "Terminating"
    assert part_changed(NAMESPACES, "status", living, new) == []


def test_finalizing_a_namespace() -> None:
    old: Object = {
        "metadata": {"name": "x"},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Terminating"},
    }
    new: Object = {"metadata": {"name": "x"}, "spec": {}, "status": {}}
    assert part_changed(NAMESPACES, "finalize", old, new) == []
    assert new == {"metadata": {"name": "x"}, "spec": {}, "status": {"phase": "Terminating"}}
    new = {"metadata": {"name": "x"}, "spec": {"finalizers": ["nodomain"]}}
    assert part_changed(NAMESPACES, "finalize", old, new) == [
        'spec.finalizers[0]: Invalid value: "nodomain": name is neither a standard finalizer name nor is it fully '
        "qualified"
    ]


def test_secrets_of_a_service_account_are_names() -> None:
    account = taken(SERVICE_ACCOUNTS, {"secrets": [{"name": "a", "kind": "Secret", "namespace": "g"}]})
    assert account["secrets"] == [{"name": "a"}]


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        ({"hard": {"count/a.b": "1", "requests.storage": "1.5Gi", "a.b/gpu": "2", "hugepages-2Mi": "2Mi"}}, []),
        ({"hard": {"pods": "-1"}}, ['spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0']),
        ({"hard": {"a.b/gpu": "0.5"}}, ['spec.hard[a.b/gpu]: Invalid value: "500m": must be an integer']),
        (
            {"hard": {"storage": "1"}},
            ['spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota'],
        ),
        ({"hard": {"cpu": "1"}, "scopes": ["Terminating", "PriorityClass"]}, []),
        (
            {"hard": {"cpu": "1"}, "scopes": ["BestEffort"]},
            ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
        ),
        ({"hard": {"requests.storage": "1"}, "scopes": ["VolumeAttributesClass"]}, []),
        (
            {
                "hard": {"pods": "1"},
                "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In"}]},
            },
            [
                "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when "
                "`operator` is "
                "'In' or 'NotIn' for scope selector"
            ],
        ),
        (
            {
                "hard": {"pods": "1"},
                "scopeSelector": {"matchExpressions": [{"scopeName": "Nope", "operator": "Exists", "values": ["a"]}]},
            },
            [
                'spec.scopeSelector.matchExpressions.scopeName: Invalid value: "Nope": unsupported scope',
                'spec.scopeSelector.matchExpressions.values: Invalid value: ["a"]: must be no value when `operator` is '
                "'Exist' or 'DoesNotExist' for scope selector",
            ],
        ),
        (
            {"scopeSelector": {"matchExpressions": [{"scopeName": "BestEffort", "operator": "Nope"}]}},
            [
                "spec.scopeSelector.matchExpressions.operator: Invalid value: \"Nope\": must be 'Exist' when scope "
                "is any of "
                "ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
                "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
                'spec.scopeSelector.matchExpressions.operator: Invalid value: "Nope": not a valid selector operator',
            ],
        ),
    ],
)
def test_quota_specs(spec: dict[str, Any], errors: list[str]) -> None:
    assert refused(RESOURCE_QUOTAS, {"spec": spec}) == errors


def test_quota_status() -> None:
    quota = taken(RESOURCE_QUOTAS, {"spec": {"hard": {"pods": "1"}}, "status": {"used": {"pods": "9"}}})
    assert quota["status"] == {}
    new: Object = {
        "metadata": quota["metadata"],
        "spec": {},
        "status": {"hard": {"secrets": "10", "limits.cpu": "2", "pods": "1"}, "used": {"secrets": "3"}},
    }
    assert part_changed(RESOURCE_QUOTAS, "status", quota, new) == []
    assert new["spec"] == {"hard": {"pods": "1"}}
    cells = [column.cell(new, NOW) for column in RESOURCE_QUOTAS.columns]
    assert cells[1:3] == ["pods: 0/1, secrets: 3/10", "limits.cpu: 0/2"]
    new["status"]["used"] = {"a b": "-1"}
    assert len(part_changed(RESOURCE_QUOTAS, "status", quota, new)) == 3


def test_scopes_cannot_be_exchanged_but_may_be_reordered() -> None:
    old: Object = {"metadata": {}, "spec": {"hard": {"pods": "1"}, "scopes": ["Terminating", "NotBestEffort"]}}
    new: Object = {"metadata": {}, "spec": {"hard": {"pods": "1"}, "scopes": ["NotBestEffort", "Terminating"]}}
    assert changed(RESOURCE_QUOTAS, old, new) == []
    new["spec"].pop("scopes")
    assert changed(RESOURCE_QUOTAS, old, new) == ["spec.scopes: Invalid value: null: field is immutable"]


def test_tables_and_field_labels() -> None:
    created = {"name": "x", "namespace": "g", "creationTimestamp": "2025-12-31T23:59:00Z"}
    config = {"metadata": created, "data": {"a": "1"}, "binaryData": {"b": ""}}
    assert [column.cell(config, NOW) for column in CONFIG_MAPS.columns] == ["x", 2, "60s"]
    secret = {"metadata": created, "type": "Opaque", "data": {"a": "1"}}
    assert [column.cell(secret, NOW) for column in SECRETS.columns] == ["x", "Opaque", 1, "60s"]
    assert SECRETS.field_labels(secret) == {"metadata.name": "x", "metadata.namespace": "g", "type": "Opaque"}
    assert set(SECRETS.selectable) == set(SECRETS.field_labels(secret))
    namespace = {"metadata": {"name": "x"}, "status": {"phase": "Active"}}
    assert NAMESPACES.field_labels(namespace) == {"metadata.name": "x", "status.phase": "Active"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", []),
        (b"-----BEGIN A-----\neA==\n-----END A-----\n", [("A", False, b"x")]),
        (b"-----BEGIN A-----\r\neA==\r\n-----END A-----", [("A", False, b"x")]),
        (b"-----BEGIN A-----\n-----END A-----\n", [("A", False, b"")]),
        (b"-----BEGIN A-----\nKey: value\n\neA==\n-----END A-----\n", [("A", True, b"x")]),
        (b"text -----BEGIN A-----\neA==\n-----END A-----\n", []),
        (b"-----BEGIN A-----\neA==\n-----END B-----\n-----BEGIN C-----\neQ==\n-----END C-----\n", [("C", False, b"y")]),
        (b"-----BEGIN A-----\n***\n-----END A-----\n-----BEGIN C-----\neQ==\n-----END C-----\n", [("C", False, b"y")]),
        (b"-----BEGIN A-----\neA==\n", []),
        (b"-----BEGIN A-----\n" * 50_000, []),
        (b"-----BEGIN A-----\n" * 50_000 + b"-----END A-----", []),
    ],
)
def test_pem_blocks(text: bytes, found: list[tuple[str, bool, bytes]]) -> None:
    blocks = []
    position = 0
    while (block := next_block(text, position)) is not None:
        blocks.append((block.label, block.headers, block.content))
        position = block.end
    assert blocks == found


def test_errors_do_not_grow_with_the_square_of_a_list() -> None:
    many = ["Nope"] * 2000
    errors = refused(RESOURCE_QUOTAS, {"spec": {"hard": {"pods": "1"}, "scopes": many}})
    assert len(errors) == 32
    expressions = [{"scopeName": "BestEffort", "operator": "Exists"}] * 2000
    spec = {"hard": {"cpu": "1"}, "scopeSelector": {"matchExpressions": expressions}}
    assert len(refused(RESOURCE_QUOTAS, {"spec": spec})) == 32
