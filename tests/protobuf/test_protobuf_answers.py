"""What is read as protobuf is what is read as JSON: of every type, by every verb."""

import base64
import json
import time
from typing import Any

import pytest
from binary_answers import JSON, META, PROTOBUF, Answer, ask, frames, opened, stored
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from manifold.schema import protobuf
from manifold.types.table import built_in_types

MAPS = "/api/v1/namespaces/default/configmaps"
TYPES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
PARTIAL = ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PARTIAL_LIST = ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
TABLE = ";as=Table;g=meta.k8s.io;v=v1"
INITIAL = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"


def request_pem() -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name)
    signed = made.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()


RULES = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]
SUBJECTS = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "nobody"}]
WEBHOOK = {
    "name": "hook.example.com",
    "clientConfig": {"url": "https://example.com/hook", "caBundle": None},
    "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}],
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
    "timeoutSeconds": 3,
    "namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]},
}
CONSTRAINTS = {"resourceRules": WEBHOOK["rules"]}


def bound(kind: str) -> dict[str, Any]:
    return {"subjects": SUBJECTS, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "sample"}}


BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("", "configmaps"): {"data": {"a": "ä\U0001f600", "empty": ""}, "binaryData": {"b": "AP8="}, "immutable": False},
    ("", "events"): {
        "involvedObject": {"kind": "ConfigMap", "namespace": "default", "name": "sample"},
        "reason": "Sampled",
        "count": 3,
        "firstTimestamp": "2026-01-02T03:04:05Z",
        "eventTime": "2026-01-02T03:04:05.000006Z",
        "reportingComponent": "tests.example.com/x",
        "reportingInstance": "y",
        "action": "Sample",
        "type": "Normal",
    },
    ("", "namespaces"): {},
    ("", "resourcequotas"): {"spec": {"hard": {"count/configmaps": "10", "cpu": "1500m"}}},
    ("", "secrets"): {"data": {"a": "AP8=", "empty": ""}, "type": "Opaque"},
    ("", "serviceaccounts"): {"automountServiceAccountToken": False, "secrets": [{"name": "one"}]},
    ("certificates.k8s.io", "certificatesigningrequests"): {
        "spec": {"request": request_pem(), "signerName": "example.com/signer", "usages": ["client auth"]}
    },
    ("coordination.k8s.io", "leases"): {
        "spec": {"holderIdentity": "h", "leaseDurationSeconds": 15, "renewTime": "2026-01-02T03:04:05.000006Z"}
    },
    ("rbac.authorization.k8s.io", "roles"): {"rules": RULES},
    ("rbac.authorization.k8s.io", "clusterroles"): {
        "rules": [*RULES, {"nonResourceURLs": ["/healthz"], "verbs": ["get"]}],
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]},
    },
    ("rbac.authorization.k8s.io", "rolebindings"): bound("Role"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"): bound("ClusterRole"),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"): {"webhooks": [WEBHOOK]},
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"): {"webhooks": [WEBHOOK]},
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"): {
        "spec": {
            "matchConstraints": CONSTRAINTS,
            "validations": [{"expression": "true", "message": "m"}],
            "variables": [{"name": "v", "expression": "1"}],
        }
    },
    ("admissionregistration.k8s.io", "validatingadmissionpolicybindings"): {
        "spec": {"policyName": "sample", "validationActions": ["Deny"]}
    },
    ("admissionregistration.k8s.io", "mutatingadmissionpolicies"): {
        "spec": {
            "matchConstraints": CONSTRAINTS,
            "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{}"}}],
        }
    },
    ("admissionregistration.k8s.io", "mutatingadmissionpolicybindings"): {"spec": {"policyName": "sample"}},
    ("events.k8s.io", "events"): {
        "regarding": {"kind": "ConfigMap", "namespace": "default", "name": "sample"},
        "reason": "Sampled",
        "note": "told",
        "eventTime": "2026-01-02T03:04:05.000006Z",
        "reportingController": "tests.example.com/x",
        "reportingInstance": "y",
        "action": "Sample",
        "type": "Normal",
    },
    ("apiextensions.k8s.io", "customresourcedefinitions"): {
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {
                                    "type": "object",
                                    "additionalProperties": {"type": "number", "minimum": 0.5},
                                    "default": {"a": 1},
                                },
                                "either": {"x-kubernetes-int-or-string": True},
                                "one": {"type": "string", "enum": ["a", "b"]},
                            },
                        }
                    },
                }
            ],
        },
    },
}  # fmt: skip
STORED = [kind for kind in built_in_types() if not kind.storageless and not kind.custom]


def collection(group: str, version: str, resource: str, namespaced: bool) -> str:
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    return f"{root}/namespaces/default/{resource}" if namespaced else f"{root}/{resource}"


def test_every_built_in_type_is_in_the_table():
    assert {(kind.group, kind.resource) for kind in STORED} == set(BODIES)
    assert all(kind.protobuf for kind in built_in_types() if not kind.custom)


def counted(workspace, path):
    """A quota, once its status tells what is used."""
    deadline = time.monotonic() + 20
    while "used" not in (found := json.loads(ask(workspace, "GET", path, JSON).body)).get("status", {}):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("kind", STORED, ids=[f"{kind.group}-{kind.resource}" for kind in STORED])
def test_an_object_of_every_type(workspace, kind):
    path = collection(kind.group, kind.version, kind.resource, kind.namespaced)
    body = {
        "metadata": {"name": "sample", "labels": {"of": "test"}, "annotations": {"a": "ä"}},
        **BODIES[kind.group, kind.resource],
    }
    body["metadata"].setdefault("labels", {"of": "test"})
    name = body["metadata"]["name"]
    made = ask(workspace, "POST", path, PROTOBUF, {"apiVersion": kind.api_version, "kind": kind.kind, **body})
    assert made.status == 201, made.body
    created = stored(made.decoded())
    assert (created["apiVersion"], created["kind"]) == (kind.api_version, kind.kind)

    plain = json.loads(ask(workspace, "GET", f"{path}/{name}", JSON).body)
    if kind.resource == "resourcequotas":  # what it limits is counted behind its creation
        plain = counted(workspace, f"{path}/{name}")
    wanted = stored(plain)
    assert created["metadata"]["uid"] == wanted["metadata"]["uid"]
    assert stored(ask(workspace, "GET", f"{path}/{name}").decoded()) == wanted

    listed = ask(workspace, "GET", f"{path}?labelSelector=of%3Dtest").decoded()
    assert (listed["apiVersion"], listed["kind"]) == (kind.api_version, kind.kind + "List")
    heads = {"apiVersion": kind.api_version, "kind": kind.kind}
    assert [stored({**heads, **item}) for item in listed["items"]] == [wanted]

    watched = ask(workspace, "GET", f"{path}?watch=1&timeoutSeconds=1&labelSelector=of%3Dtest&{INITIAL}")
    assert watched.media == f"{PROTOBUF};stream=watch"
    (added, shown), (bookmark, last), *rest = frames(watched.body)
    assert (added, stored(shown), bookmark, rest) == ("ADDED", wanted, "BOOKMARK", [])
    assert (last["apiVersion"], last["kind"]) == (kind.api_version, kind.kind)
    assert last["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}

    metadata = ask(workspace, "GET", f"{path}/{name}", PROTOBUF + PARTIAL).decoded()
    assert (metadata["apiVersion"], metadata["kind"]) == ("meta.k8s.io/v1", "PartialObjectMetadata")
    assert stored({**wanted, "metadata": metadata["metadata"]})["metadata"] == wanted["metadata"]

    # What was read can be written as it is: nothing in it is new to the server.
    again = ask(
        workspace, "PUT", f"{path}/{name}", body=protobuf.encode(kind.protobuf, plain), **{"Content-Type": PROTOBUF}
    )
    assert again.status == 200, again.body
    assert again.decoded()["metadata"]["resourceVersion"] == plain["metadata"]["resourceVersion"], "it was a change"
    assert ask(workspace, "DELETE", f"{path}/{name}").decoded()["kind"] in ("Status", kind.kind)


NAMES = ["kube-root-ca.crt", *(f"m{number}" for number in range(5))]


@pytest.fixture
def maps(workspace):
    for number in range(5):
        body = {"metadata": {"name": f"m{number}", "labels": {"n": str(number)}}, "data": {"k": "x" * 10}}
        assert ask(workspace, "POST", MAPS, JSON, body).status == 201
    return workspace


def test_pages(maps):
    first = ask(maps, "GET", f"{MAPS}?limit=2").decoded()
    plain = json.loads(ask(maps, "GET", f"{MAPS}?limit=2", JSON).body)
    assert first["metadata"] == plain["metadata"]
    assert first["metadata"]["remainingItemCount"] == 4
    rest = ask(maps, "GET", f"{MAPS}?limit=5&continue={first['metadata']['continue']}").decoded()
    assert [item["metadata"]["name"] for item in first["items"] + rest["items"]] == NAMES
    assert "continue" not in rest["metadata"]


@pytest.mark.parametrize(
    "query", ["fieldSelector=metadata.name%3Dnothing", "labelSelector=n%3D9", "fieldSelector=metadata.namespace%3Dx"]
)
def test_a_list_of_nothing(maps, query):
    found = ask(maps, "GET", f"{MAPS}?{query}").decoded()
    assert (found["kind"], found.get("items")) == ("ConfigMapList", None)
    assert found["metadata"]["resourceVersion"]


def test_a_list_that_is_sent_in_pieces(maps):
    for number in range(6):
        body = {"metadata": {"name": f"large-{number}"}, "data": {"k": chr(97 + number) * 700_000}}
        assert ask(maps, "POST", MAPS, JSON, body).status == 201
    found = ask(maps, "GET", MAPS)
    assert len(found.body) > 6 * 700_000
    items = [item for item in found.decoded()["items"] if item["metadata"]["name"] != "kube-root-ca.crt"]
    assert [len(item["data"]["k"]) for item in items] == [700_000] * 6 + [10] * 5


def test_metadata_of_types_without_a_message(workspace):
    for accept in (PROTOBUF + PARTIAL_LIST, f"{PROTOBUF}{PARTIAL_LIST},{JSON}{PARTIAL_LIST},{JSON}"):
        found = ask(workspace, "GET", "/apis/apis.kcp.io/v1alpha2/apibindings", accept).decoded()
        assert (found["apiVersion"], found["kind"]) == ("meta.k8s.io/v1", "PartialObjectMetadataList")
        assert found["items"]
        assert all(item.keys() == {"metadata"} for item in found["items"])
    watched = ask(
        workspace,
        "GET",
        f"/apis/apis.kcp.io/v1alpha2/apibindings?watch=1&timeoutSeconds=1&{INITIAL}",
        PROTOBUF + PARTIAL,
    )
    *events, (last, bookmark) = frames(watched.body)
    assert {(kind, obj["kind"]) for kind, obj in events} == {("ADDED", "PartialObjectMetadata")}
    assert (last, bookmark["kind"], bookmark["apiVersion"]) == ("BOOKMARK", "PartialObjectMetadata", "meta.k8s.io/v1")


def status_of(answer: Answer) -> tuple[int, str, str]:
    found = answer.decoded() if answer.media == PROTOBUF else json.loads(answer.body)
    assert found["kind"] == "Status"
    return answer.status, answer.media, found["message"]


ONLY = "only the following media types are accepted: "
READABLE = f"{ONLY}{JSON}, application/yaml, {PROTOBUF}"
WATCHABLE = f"{ONLY}{JSON};stream=watch, {PROTOBUF};stream=watch"
MISSING = 'configmaps "missing" not found'
UNKNOWN = "the server could not find the requested resource"


@pytest.mark.parametrize(
    ("path", "accept", "expected"),
    [
        (f"{MAPS}/missing", PROTOBUF, (404, PROTOBUF, MISSING)),
        (f"{MAPS}/missing", f"{PROTOBUF},{JSON}", (404, PROTOBUF, MISSING)),
        (f"{MAPS}/missing", f"{JSON},{PROTOBUF}", (404, JSON, MISSING)),
        (f"{MAPS}/missing", f"{PROTOBUF}{PARTIAL},{JSON}{PARTIAL},{JSON}", (404, JSON, MISSING)),
        (MAPS, PROTOBUF + TABLE, (406, JSON, READABLE)),
        (f"{TYPES}/missing", PROTOBUF, (406, PROTOBUF, READABLE)),
        (f"{TYPES}?watch=1", PROTOBUF, (406, PROTOBUF, WATCHABLE)),
        (f"{TYPES}/missing", f"{PROTOBUF},{JSON}", (404, PROTOBUF, 'workspaces.tenancy.kcp.io "missing" not found')),
        ("/apis/nope.example.com/v1/nopes", PROTOBUF, (404, PROTOBUF, UNKNOWN)),
    ],
)  # fmt: skip
def test_refusals(workspace, path, accept, expected):
    assert status_of(ask(workspace, "GET", path, accept)) == expected


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (f"{PROTOBUF},{JSON}", PROTOBUF),
        (f"{JSON},{PROTOBUF}", JSON),
        (f"{PROTOBUF};q=0.5,{JSON}", JSON),
        (f"{PROTOBUF}, */*", PROTOBUF),
        ("*/*", JSON),
        (f"{PROTOBUF}{TABLE},{JSON}{TABLE},{JSON}", JSON),
    ],
)
def test_the_first_that_can_be_had_is_sent(maps, accept, media):
    assert ask(maps, "GET", MAPS, accept).media == media
    assert ask(maps, "GET", f"{MAPS}/m0", accept).media == media
    assert ask(maps, "GET", TYPES, accept).media == JSON or accept == PROTOBUF


def test_causes_of_a_refusal(workspace):
    answer = ask(workspace, "POST", MAPS, PROTOBUF, {"metadata": {"name": "Bad_Name"}})
    plain = json.loads(ask(workspace, "POST", MAPS, JSON, {"metadata": {"name": "Bad_Name"}}).body)
    found = answer.decoded()
    assert (answer.status, found["details"], found["message"]) == (422, plain["details"], plain["message"])


def test_what_writes_answer(maps):
    patched = ask(
        maps, "PATCH", f"{MAPS}/m0", body=b'{"data":{"k":"2"}}', **{"Content-Type": "application/merge-patch+json"}
    )
    assert (patched.status, patched.decoded()["data"]) == (200, {"k": "2"})
    deleted = ask(maps, "DELETE", f"{MAPS}/m0").decoded()
    assert (deleted["kind"], deleted["status"], deleted["details"]["name"]) == ("Status", "Success", "m0")
    rest = ask(maps, "DELETE", MAPS).decoded()
    assert (rest["kind"], [item["metadata"]["name"] for item in rest["items"]]) == (
        "ConfigMapList",
        [name for name in NAMES if name != "m0"],
    )


def test_reviews_and_tokens(workspace):
    body = {"spec": {"resourceAttributes": {"verb": "get", "resource": "secrets"}}}
    review = ask(workspace, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", PROTOBUF, body)
    assert (review.status, review.decoded()["status"]["allowed"]) == (201, True)
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    token = ask(workspace, "POST", path, PROTOBUF, {"spec": {"expirationSeconds": 3600}}).decoded()
    assert token["kind"] == "TokenRequest"
    assert token["status"]["token"].count(".") == 2


def test_a_watch_tells_changes_and_ends_with_its_error(maps):
    now = ask(maps, "GET", MAPS).decoded()["metadata"]["resourceVersion"]
    merge = {"Content-Type": "application/merge-patch+json"}
    ask(maps, "POST", MAPS, JSON, {"metadata": {"name": "new"}})
    ask(maps, "PATCH", f"{MAPS}/new", JSON, b'{"data":{"k":"2"}}', **merge)
    ask(maps, "DELETE", f"{MAPS}/new", JSON)
    watched = ask(maps, "GET", f"{MAPS}?watch=1&resourceVersion={now}&timeoutSeconds=1", f"{PROTOBUF};stream=watch")
    assert [(kind, obj["metadata"]["name"], obj.get("data")) for kind, obj in frames(watched.body)] == [
        ("ADDED", "new", None),
        ("MODIFIED", "new", {"k": "2"}),
        ("DELETED", "new", {"k": "2"}),
    ]
    ((kind, status),) = frames(ask(maps, "GET", f"{MAPS}?watch=1&resourceVersion=99999999&timeoutSeconds=9").body)
    assert (kind, status["kind"], status["code"], status["reason"]) == ("ERROR", "Status", 504, "Timeout")


def test_the_message_of_a_status_is_the_one_clients_know():
    assert protobuf.message_for("", "v1", "Status") == META + "Status"
    body = protobuf.encode_object({"apiVersion": "v1", "kind": "Status", "code": 404, "details": {"name": "a"}})
    assert opened(body) == {"apiVersion": "v1", "kind": "Status", "code": 404, "details": {"name": "a"}}
    with pytest.raises(ValueError, match="no message"):
        protobuf.encode_object({"apiVersion": "example.com/v1", "kind": "Widget"})
