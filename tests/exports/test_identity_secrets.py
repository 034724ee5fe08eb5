"""The secret of an identity: its export says whether it is there and says the same, however it went or changed."""

import base64
import hashlib
import json

import pytest
from provider import EXPORTS, conditions, create, eventually, export, merge, offer, read, schema
from support.server import running_server

KEY = base64.b64encode(b"a key").decode()
IDENTITY = hashlib.sha256(b"a key").hexdigest()
OTHER = base64.b64encode(b"another").decode()
NAMESPACES = "/api/v1/namespaces"
SECRETS = "/api/v1/namespaces/held/secrets"
MISMATCH = (
    f'hash mismatch: identity secret hash "{hashlib.sha256(b"another").hexdigest()}" '
    f'must match status.identityHash "{IDENTITY}"'
)


def put_namespace(workspace):
    create(workspace, NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "held"}})


def put_secret(workspace, name="identity", key=KEY, **metadata):
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, **metadata}, "data": {"key": key}}
    return create(workspace, SECRETS, body)


def put_export(workspace, name="ex", secret="identity", identity=IDENTITY):
    made = create(workspace, EXPORTS, export(name, identity={"secretRef": {"namespace": "held", "name": secret}}))
    assert made["status"]["identityHash"] == identity
    assert conditions(made)["IdentityValid"]["status"] == "True"


@pytest.fixture
def held(workspace):
    """A workspace with an export `ex` whose secret is `identity` in the namespace `held`."""
    put_namespace(workspace)
    put_secret(workspace)
    put_export(workspace)
    return workspace


def says(workspace, problem, name="ex", identity=IDENTITY):
    """Wait until an export tells of a problem (empty: of none). It never has another identity."""

    def told():
        found = read(workspace, f"{EXPORTS}/{name}")
        assert found["status"]["identityHash"] == identity
        one = conditions(found)["IdentityValid"]
        if not problem:
            return one["status"] == "True" and set(one) == {"type", "status", "lastTransitionTime"}
        return (one["status"], one.get("message")) == ("False", problem) and one

    found = eventually(told)
    if problem:
        assert (found["reason"], found["severity"]) == ("IdentityVerificationFailed", "Error")


def gone(workspace, path):
    eventually(lambda: workspace.request("GET", path)[0] == 404)


def end_by_name(workspace):
    assert workspace.request("DELETE", f"{SECRETS}/identity")[0] == 200


def end_as_collection(workspace):
    assert workspace.request("DELETE", SECRETS)[0] == 200


def end_with_namespace(workspace):
    assert workspace.request("DELETE", f"{NAMESPACES}/held")[0] == 200
    gone(workspace, f"{NAMESPACES}/held")


def end_with_crowded_namespace(workspace):
    for number in range(60):
        put_secret(workspace, f"other-{number}")
    end_with_namespace(workspace)


def end_with_finalizer(workspace):
    merge(workspace, f"{SECRETS}/identity", {"metadata": {"finalizers": ["example.io/hold"]}})
    assert workspace.request("DELETE", f"{NAMESPACES}/held")[0] == 200
    eventually(lambda: "deletionTimestamp" in read(workspace, f"{SECRETS}/identity")["metadata"])
    says(workspace, "")
    merge(workspace, f"{SECRETS}/identity", {"metadata": {"finalizers": None}})
    gone(workspace, f"{NAMESPACES}/held")


def end_with_owner(workspace):
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}}
    uid = create(workspace, "/api/v1/namespaces/held/configmaps", owner)["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    merge(workspace, f"{SECRETS}/identity", {"metadata": {"ownerReferences": [reference]}})
    assert workspace.request("DELETE", "/api/v1/namespaces/held/configmaps/owner")[0] == 200


@pytest.mark.parametrize(
    "end",
    [
        end_by_name,
        end_as_collection,
        end_with_namespace,
        end_with_crowded_namespace,
        end_with_finalizer,
        end_with_owner,
    ],
)
def test_a_secret_that_goes_is_missed_and_may_come_back(held, end):
    end(held)
    says(held, 'secrets "identity" not found')
    if held.request("GET", f"{NAMESPACES}/held")[0] == 404:
        put_namespace(held)
    put_secret(held, key=OTHER)
    says(held, MISMATCH)
    merge(held, f"{SECRETS}/identity", {"data": {"key": KEY}})
    says(held, "")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"key": OTHER}, MISMATCH),
        ({"key": ""}, "secret is missing data.key"),
        ({"key": None, "other": KEY}, "secret is missing data.key"),
    ],
)
def test_a_secret_that_changes_is_told_and_can_be_put_right(held, data, problem):
    merge(held, f"{SECRETS}/identity", {"data": data})
    says(held, problem)
    merge(held, f"{SECRETS}/identity", {"data": {"key": KEY}})
    says(held, "")


def test_a_change_that_says_the_same_is_none(held):
    before = read(held, f"{EXPORTS}/ex")
    merge(held, f"{SECRETS}/identity", {"metadata": {"labels": {"a": "b"}}})
    put_export(held, "later")
    merge(held, f"{SECRETS}/identity", {"data": {"key": OTHER}})
    says(held, MISMATCH, "later")
    merge(held, f"{SECRETS}/identity", {"data": {"key": KEY}})
    says(held, "", "later")
    says(held, "")
    spec, former = (one["spec"] for one in (read(held, f"{EXPORTS}/ex"), before))
    assert spec == former


def test_a_secret_may_be_that_of_several_exports(held):
    put_export(held, "second")
    assert held.request("DELETE", f"{EXPORTS}/second")[0] == 200
    for name in ("second", "third"):
        put_export(held, name)
    end_with_namespace(held)
    for name in ("ex", "second", "third"):
        says(held, 'secrets "identity" not found', name)
    put_namespace(held)
    put_secret(held)
    for name in ("ex", "second", "third"):
        says(held, "", name)


def test_an_export_follows_the_secret_it_names_now(held):
    put_secret(held, "moved")
    merge(held, f"{EXPORTS}/ex", {"spec": {"identity": {"secretRef": {"name": "moved"}}}})
    end_by_name(held)
    put_export(held, "witness", "moved")
    merge(held, f"{SECRETS}/moved", {"data": {"key": OTHER}})
    says(held, MISMATCH, "witness")
    says(held, MISMATCH)
    assert held.request("DELETE", f"{SECRETS}/moved")[0] == 200
    says(held, 'secrets "moved" not found')


def test_a_name_that_no_secret_can_have(workspace):
    for reference in ({"namespace": "held", "name": "a\0b"}, {"namespace": "a\0b", "name": "x"}, {"name": "x/y"}):
        body = export("ex", identity={"secretRef": reference})
        status, made = workspace.request("POST", EXPORTS, body)
        assert status == 201, made
        told = conditions(made)["IdentityValid"]
        assert (told["status"], told["message"]) == ("False", f'secrets "{reference["name"]}" not found')
        assert workspace.request("DELETE", f"{EXPORTS}/ex")[0] == 200


def test_a_made_secret_is_followed_like_any_other(workspace):
    identity = offer(workspace, "ex", schema())["status"]["identityHash"]
    path = "/api/v1/namespaces/kcp-system/secrets/ex"
    kept = read(workspace, path)
    assert workspace.request("DELETE", f"{NAMESPACES}/kcp-system")[0] == 200
    says(workspace, 'secrets "ex" not found', identity=identity)
    gone(workspace, f"{NAMESPACES}/kcp-system")
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kcp-system"}}
    create(workspace, NAMESPACES, body)
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ex"}, "data": kept["data"]}
    create(workspace, path.removesuffix("/ex"), body)
    says(workspace, "", identity=identity)


def test_the_servers_own_exports_tell_it_too(tmp_path):
    path = "/clusters/root/apis/apis.kcp.io/v1alpha2/apiexports/topology.kcp.io"
    secret = "/clusters/root/api/v1/namespaces/kcp-system/secrets/topology.kcp.io"
    merging = {"Content-Type": "application/merge-patch+json"}

    def message(server):
        return conditions(server.request("GET", path)[1])["IdentityValid"].get("message", "")

    with running_server(tmp_path / "server") as server:
        assert message(server) == ""
        kept = server.request("GET", secret)[1]["data"]
        for data in ({"key": OTHER}, kept):
            assert server.request("PATCH", secret, json.dumps({"data": data}), headers=merging)[0] == 200
            eventually(lambda mends=data is kept: (message(server) == "") == mends)
        assert server.request("DELETE", secret)[0] == 200
        eventually(lambda: message(server) == 'secrets "topology.kcp.io" not found')
    # A start at another address writes what is missing in root.
    with running_server(tmp_path / "server") as server:
        assert server.request("GET", secret)[1]["data"] == kept
        eventually(lambda: message(server) == "")
