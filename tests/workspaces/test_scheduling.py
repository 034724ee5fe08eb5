"""Which shard a workspace goes to, and what becomes of one that fits none until it does."""

import json
import time

import pytest
from support.server import running_server

WORKSPACES = "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces"
TYPES = "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspacetypes"
SHARD = "/clusters/root/apis/core.kcp.io/v1alpha1/shards/root"
OWNER = "experimental.tenancy.kcp.io/owner"
KEPT_AWAY = "experimental.core.kcp.io/unschedulable"
NOWHERE = "No available shards to schedule the workspace"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A server whose shard a test may change."""
    with running_server(tmp_path_factory.mktemp("own")) as server:
        yield server


def make(server, name, labels=None, type="universal", user="kcp-admin"):
    spec = {"type": {"name": type, "path": "root"}}
    if labels is not None:
        spec["location"] = {"selector": {"matchLabels": labels}}
    body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}, "spec": spec}
    status, made = server.request("POST", WORKSPACES, body, user=user)
    assert status == 201, made
    return made


def patch(server, path, body):
    headers = {"Content-Type": "application/merge-patch+json"}
    status, found = server.request("PATCH", path, json.dumps(body), headers=headers)
    assert status == 200, found
    return found


def mark(server, labels=None, annotations=None):
    patch(server, SHARD, {"metadata": {"labels": labels or {}, "annotations": annotations or {}}})


def live(server, name):
    return server.request("GET", f"{WORKSPACES}/{name}")[1]


def becomes_ready(server, name):
    deadline = time.monotonic() + 20
    while (found := live(server, name))["status"]["phase"] != "Ready":
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def waits(workspace, why=NOWHERE):
    (condition,) = workspace["status"]["conditions"]
    told = [condition[part] for part in ("type", "status", "severity", "reason", "message")]
    assert told == ["WorkspaceScheduled", "False", "Error", "Unschedulable", why]
    assert workspace["status"]["phase"] == workspace["metadata"]["labels"]["tenancy.kcp.io/phase"] == "Unavailable"
    assert "cluster" not in workspace["spec"]
    assert "finalizers" not in workspace["metadata"]


def test_a_workspace_goes_where_its_selector_says(own):
    waits(make(own, "far", {"region": "mars"}))
    assert own.request("GET", "/clusters/root:far/api/v1/namespaces")[0] == 404
    mark(own, {"region": "eu", "disk": "fast"})
    made = make(own, "near", {"region": "eu", "name": "root"})
    assert (made["status"]["phase"], made["metadata"]["labels"]["region"]) == ("Ready", "eu")
    labels = {"disk": "fast", "region": None}
    made = patch(own, f"{WORKSPACES}/far", {"spec": {"location": {"selector": {"matchLabels": labels}}}})
    assert (made["status"]["phase"], made["metadata"]["labels"]["region"]) == ("Ready", "eu")
    assert [(one["type"], one["status"]) for one in made["status"]["conditions"]] == [
        ("WorkspaceInitialized", "True"),
        ("WorkspaceScheduled", "True"),
    ]
    assert made["metadata"]["finalizers"] == ["core.kcp.io/logicalcluster"]
    assert made["spec"]["URL"] == f"{own.url}/clusters/root:far"
    assert own.request("GET", "/clusters/root:far/api/v1/namespaces")[0] == 200
    assert own.request("DELETE", f"{WORKSPACES}/far")[0] == 200


def test_a_workspace_that_waits_goes_to_a_shard_that_changes(own):
    waits(make(own, "waiting", {"tier": "gold"}))
    waits(make(own, "never", {"tier": "iron"}))
    mark(own, {"tier": "gold"})
    found = becomes_ready(own, "waiting")
    assert own.request("GET", f"/clusters/{found['spec']['cluster']}/api/v1/namespaces")[0] == 200
    waits(live(own, "never"))
    assert own.request("DELETE", f"{WORKSPACES}/never")[0] == 200
    assert own.request("GET", f"{WORKSPACES}/never")[0] == 404


def test_no_workspace_goes_to_a_shard_that_is_marked(own):
    mark(own, annotations={KEPT_AWAY: "true"})
    waits(make(own, "kept"))
    mark(own, annotations={KEPT_AWAY: None})
    becomes_ready(own, "kept")
    assert make(own, "free")["status"]["phase"] == "Ready"


def test_nobody_says_who_owns_a_workspace_that_waits(own):
    before = make(own, "owned", {"planet": "venus"})["metadata"]["annotations"][OWNER]
    forged = {OWNER: json.dumps({"username": "bob", "groups": ["system:masters"]})}
    found = patch(own, f"{WORKSPACES}/owned", {"metadata": {"annotations": forged}})
    assert found["metadata"]["annotations"][OWNER] == before
    waits(patch(own, f"{WORKSPACES}/owned/status", {"status": {"conditions": []}}))
    mark(own, {"planet": "venus"})
    cluster = becomes_ready(own, "owned")["spec"]["cluster"]
    found = own.request("GET", f"/clusters/{cluster}/apis/core.kcp.io/v1alpha1/logicalclusters/cluster")[1]
    assert found["spec"]["createdBy"]["username"] == "kcp-admin"


def test_a_type_that_has_gone_meanwhile(own):
    body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "WorkspaceType", "metadata": {"name": "gone"}, "spec": {}}
    assert own.request("POST", TYPES, body)[0] == 201
    make(own, "typeless", {"moon": "io"}, type="gone")
    assert own.request("DELETE", f"{TYPES}/gone")[0] == 200
    there = {"spec": {"location": {"selector": None}}}
    waits(patch(own, f"{WORKSPACES}/typeless", there), "workspace type root:gone cannot be used")
    assert own.request("DELETE", f"{WORKSPACES}/typeless")[0] == 200
    assert own.mistakes() == []
