"""APIExports: identity, secret and endpoint slice in the answer, and what follows when they change."""

import base64
import hashlib
import json

import pytest
from provider import (
    BINDINGS,
    EXPORTS,
    SLICES,
    binding,
    conditions,
    create,
    eventually,
    export,
    merge,
    offer,
    read,
    schema,
)

SECRETS = "/api/v1/namespaces/kcp-system/secrets"


def test_an_export_has_its_identity_in_the_answer(workspace):
    made = offer(workspace, "ex", schema())
    assert made["spec"]["identity"] == {"secretRef": {"name": "ex", "namespace": "kcp-system"}}
    assert conditions(made)["IdentityValid"]["status"] == "True"
    secret = read(workspace, f"{SECRETS}/ex")
    key = base64.b64decode(secret["data"]["key"])
    assert len(key) == 43
    assert made["status"]["identityHash"] == hashlib.sha256(key).hexdigest()
    assert secret["type"] == "Opaque"
    # Its namespace came with what every namespace has.
    assert read(workspace, "/api/v1/namespaces/kcp-system/configmaps/kube-root-ca.crt")["data"]["ca.crt"]


def test_an_export_comes_with_a_slice_that_goes_with_it(workspace):
    made = offer(workspace, "ex", schema())
    found = read(workspace, f"{SLICES}/ex")
    assert found["spec"] == {"export": {"name": "ex", "path": workspace.path}}
    assert found["metadata"]["ownerReferences"] == [
        {"apiVersion": "apis.kcp.io/v1alpha1", "kind": "APIExport", "name": "ex", "uid": made["metadata"]["uid"]}
    ]
    assert {name: one["status"] for name, one in conditions(found).items()} == {
        "APIExportValid": "True",
        "PartitionValid": "True",
    }
    assert "endpoints" not in found["status"]
    assert workspace.request("DELETE", f"{EXPORTS}/ex")[0] == 200
    eventually(lambda: workspace.request("GET", f"{SLICES}/ex")[0] == 404)


def test_an_export_can_do_without_a_slice(workspace):
    body = export("quiet")
    body["metadata"]["annotations"] = {"apiexports.apis.kcp.io/skip-endpointslice": ""}
    create(workspace, EXPORTS, body)
    assert workspace.request("GET", f"{SLICES}/quiet")[0] == 404


def test_a_secret_that_is_there_is_adopted(workspace):
    offer(workspace, "first", schema())
    data = {"key": base64.b64encode(b"chosen").decode()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "moved"}, "data": data}
    create(workspace, SECRETS, secret)
    made = create(workspace, EXPORTS, export("moved"))
    assert made["status"]["identityHash"] == hashlib.sha256(b"chosen").hexdigest()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (None, 'secrets "own" not found'),
        ({"other": "eA=="}, "secret is missing data.key"),
    ],
)
def test_a_secret_that_does_not_do_is_told_and_can_be_mended(workspace, data, text):
    secrets = "/api/v1/namespaces/default/secrets"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "own"}}
    if data is not None:
        create(workspace, secrets, {**secret, "data": data})
    made = create(workspace, EXPORTS, export("ex", identity={"secretRef": {"name": "own", "namespace": "default"}}))
    told = conditions(made)["IdentityValid"]
    assert (told["reason"], told["severity"], told["message"]) == ("IdentityVerificationFailed", "Error", text)
    assert "identityHash" not in made["status"]
    body = {**secret, "data": {"key": base64.b64encode(b"k").decode()}}
    if data is None:
        create(workspace, secrets, body)
    else:
        merge(workspace, f"{secrets}/own", body)
    found = eventually(lambda: (one := read(workspace, f"{EXPORTS}/ex"))["status"].get("identityHash") and one)
    assert found["status"]["identityHash"] == hashlib.sha256(b"k").hexdigest()
    assert conditions(found)["IdentityValid"]["status"] == "True"


def test_an_identity_never_changes(workspace):
    made = offer(workspace, "ex", schema())
    known = made["status"]["identityHash"]
    merge(workspace, f"{SECRETS}/ex", {"data": {"key": base64.b64encode(b"other").decode()}})

    def mismatch():
        found = read(workspace, f"{EXPORTS}/ex")
        assert found["status"]["identityHash"] == known
        return conditions(found)["IdentityValid"].get("message")

    other = hashlib.sha256(b"other").hexdigest()
    assert (
        eventually(mismatch)
        == f'hash mismatch: identity secret hash "{other}" must match status.identityHash "{known}"'
    )


def test_the_endpoint_comes_with_the_first_binding_and_goes_with_the_last(server, workspace, tmp_path):
    offer(workspace, "ex", schema())
    consumers = [server.create_workspace(directory=tmp_path) for _ in range(2)]

    def endpoints():
        return read(workspace, f"{SLICES}/ex")["status"].get("endpoints", [])

    for one in consumers:
        create(one, BINDINGS, binding("b", workspace.path, "ex"))
    url = f"{server.url}/services/apiexport/{workspace.cluster}/ex"
    assert eventually(endpoints) == [{"url": url}]
    assert consumers[0].request("DELETE", f"{BINDINGS}/b")[0] == 200
    assert endpoints() == [{"url": url}]
    consumers[1].delete()  # a workspace takes its bindings along
    eventually(lambda: not endpoints())
    consumers[0].delete()


def test_a_slice_of_a_missing_export_or_partition_says_so(workspace):
    slice_ = {
        "apiVersion": "apis.kcp.io/v1alpha1",
        "kind": "APIExportEndpointSlice",
        "metadata": {"name": "s"},
        "spec": {"export": {"name": "later"}, "partition": "p"},
    }
    made = create(workspace, SLICES, slice_)
    told = conditions(made)
    assert told["APIExportValid"]["reason"] == "APIExportNotFound"
    assert told["PartitionValid"]["reason"] == "PartitionInvalidReference"
    assert "endpoints" not in made["status"]


def test_status_of_an_export_is_written_by_the_server_only(workspace):
    offer(workspace, "ex", schema())
    headers = {"Content-Type": "application/merge-patch+json"}
    body = '{"status":{"identityHash":"0"}}'
    status, found = workspace.request("PATCH", f"{EXPORTS}/ex/status", body, headers=headers)
    assert (status, found["reason"]) == (403, "Forbidden")
    status, found = workspace.request("PATCH", f"{EXPORTS}/ex", body, headers=headers)
    assert status == 200
    assert found["status"]["identityHash"] != "0"


CLAIM = {"group": "", "resource": "configmaps", "verbs": ["*"]}


@pytest.mark.parametrize(
    ("version", "spec", "field"),
    [
        ("v1alpha2", {"permissionClaims": [CLAIM]}, "permissionClaims"),
        ("v1alpha1", {"permissionClaims": [{"resource": "configmaps", "all": True}]}, "permissionClaims"),
        ("v1alpha2", {"resources": []}, "resources"),
        ("v1alpha1", {"latestResourceSchemas": ["v1.widgets.example.io"]}, "latestResourceSchemas"),
        ("v1alpha2", {"maximalPermissionPolicy": None}, "maximalPermissionPolicy"),
    ],
)
@pytest.mark.parametrize("user", ["kcp-admin", "shard-admin"])
def test_what_the_server_exports_is_the_servers(server, version, spec, field, user):
    path = f"/clusters/root/apis/apis.kcp.io/{version}/apiexports/tenancy.kcp.io"
    headers = {"Content-Type": "application/merge-patch+json"}
    before = server.request("GET", path)
    status, refused = server.request("PATCH", path, json.dumps({"spec": spec}), user=user, headers=headers)
    assert (status, refused["reason"]) == (403, "Forbidden")
    assert refused["message"] == (
        'apiexports.apis.kcp.io "tenancy.kcp.io" is forbidden: '
        f"spec.{field} of an export that the server brings cannot be changed"
    )
    assert server.request("GET", path) == before
    # What is no change is none.
    labels = {"metadata": {"labels": {"told": None}}, "spec": before[1]["spec"]}
    assert server.request("PATCH", path, json.dumps(labels), user=user, headers=headers) == before
