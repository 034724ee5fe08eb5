"""A logical cluster from its first initializer to its last terminator, and out of service in between."""

import contextlib
import hashlib
import http.client
import json
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.server import Workspace

TYPES = "/apis/tenancy.kcp.io/v1alpha1/workspacetypes"
WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
LOGICAL_CLUSTER = "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
OWNER = "experimental.tenancy.kcp.io/owner"


def merge(target, path, body, **options):
    headers = {"Content-Type": "application/merge-patch+json"}
    return target.request("PATCH", path, json.dumps(body), headers=headers, **options)


def conditions(obj):
    return {one["type"]: one for one in obj["status"].get("conditions") or ()}


def wait_until(question):
    deadline = time.monotonic() + 20
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def make_type(workspace, name, *bases, **spec):
    bases = [{"name": "universal", "path": "root"}, *({"name": one, "path": workspace.path} for one in bases)]
    body = {
        "apiVersion": "tenancy.kcp.io/v1alpha1",
        "kind": "WorkspaceType",
        "metadata": {"name": name},
        "spec": {"extend": {"with": bases}, **spec},
    }
    status, made = workspace.request("POST", TYPES, body)
    assert status == 201, made


def make_workspace(workspace, tmp_path, type_name):
    body = {
        "apiVersion": "tenancy.kcp.io/v1alpha1",
        "kind": "Workspace",
        "metadata": {"name": "w"},
        "spec": {"type": {"name": type_name, "path": workspace.path}},
    }
    status, made = workspace.request("POST", WORKSPACES, body)
    assert status == 201, made
    child = Workspace(workspace.server, "w", f"{workspace.path}:w", made["spec"]["cluster"], tmp_path / "unused")
    return made, child


def get(target, path):
    status, found = target.request("GET", path)
    assert status == 200, found
    return found


def label(prefix, name):
    digest = hashlib.sha224(name.encode()).hexdigest()
    return prefix + digest[: 63 - len(prefix)], digest


def test_initializers_are_taken_off_one_by_one(workspace, tmp_path):
    make_type(workspace, "one", initializer=True)
    make_type(workspace, "two", "one", initializer=True, terminator=True)
    one, two = f"{workspace.cluster}:one", f"{workspace.cluster}:two"
    made, child = make_workspace(workspace, tmp_path, "two")
    assert (made["status"]["phase"], made["status"]["initializers"]) == ("Initializing", [one, two])
    assert json.loads(made["metadata"]["annotations"][OWNER])["groups"]
    found = get(child, LOGICAL_CLUSTER)
    labels = found["metadata"]["labels"]
    assert labels["tenancy.kcp.io/phase"] == "Initializing"
    for prefix, name in (("initializer", one), ("initializer", two), ("terminator", two)):
        key, value = label(f"{prefix}.internal.kcp.io/", name)
        assert len(key) == 63
        assert labels[key] == value
    assert found["metadata"]["finalizers"] == ["core.kcp.io/logicalcluster-deletion", "kcp.io/has-terminators"]

    status, found = merge(child, f"{LOGICAL_CLUSTER}/status", {"status": {"initializers": [two]}})
    assert (status, found["status"]["phase"]) == (200, "Initializing")
    assert label("initializer.internal.kcp.io/", one)[0] not in found["metadata"]["labels"]
    assert conditions(found)["WorkspaceInitialized"]["message"] == f"Initializers still exist: [{two}]"
    told = get(workspace, f"{WORKSPACES}/w")
    assert (told["status"]["phase"], told["status"]["initializers"]) == ("Initializing", [two])
    assert conditions(told)["WorkspaceInitialized"]["message"] == f"Initializers still exist: [{two}]"

    status, found = merge(child, f"{LOGICAL_CLUSTER}/status", {"status": {"initializers": [one, two]}})
    assert status == 403
    assert found["message"].endswith("status.initializers must not grow")

    status, found = merge(child, f"{LOGICAL_CLUSTER}/status", {"status": {"initializers": []}})
    assert (status, found["status"]["phase"]) == (200, "Ready")
    assert found["status"]["initializers"] == []  # as it was written: what owns the field finds it there
    assert found["metadata"]["labels"]["tenancy.kcp.io/phase"] == "Ready"
    assert label("initializer.internal.kcp.io/", two)[0] not in found["metadata"]["labels"]
    assert label("terminator.internal.kcp.io/", two)[0] in found["metadata"]["labels"]
    assert conditions(found)["WorkspaceInitialized"]["status"] == "True"
    assert json.loads(found["metadata"]["annotations"][OWNER]) == {"username": "kcp-admin"}
    told = get(workspace, f"{WORKSPACES}/w")
    assert told["status"]["phase"] == told["metadata"]["labels"]["tenancy.kcp.io/phase"] == "Ready"
    assert conditions(told)["WorkspaceInitialized"]["status"] == "True"
    assert "initializers" not in told["status"]
    assert told["status"]["terminators"] == [two]
    assert json.loads(told["metadata"]["annotations"][OWNER]) == {"username": "kcp-admin"}
    assert told["metadata"]["generation"] == 2

    status, found = merge(child, f"{LOGICAL_CLUSTER}/status", {"status": {"initializers": [one]}})
    assert status == 403
    assert found["message"].endswith("status.initializers is immutable after initialization")


def test_last_terminator_lets_the_workspace_go(workspace, tmp_path):
    make_type(workspace, "ending", terminator=True)
    made, child = make_workspace(workspace, tmp_path, "ending")
    name = f"{workspace.cluster}:ending"
    assert (made["status"]["phase"], made["status"]["terminators"]) == ("Ready", [name])
    status, found = workspace.request("DELETE", f"{WORKSPACES}/w")
    assert (status, found["kind"], found["status"]["phase"]) == (200, "Workspace", "Terminating")
    found = get(child, LOGICAL_CLUSTER)
    assert found["status"]["phase"] == "Terminating"
    time.sleep(1.5)
    found = get(workspace, f"{WORKSPACES}/w")
    assert found["status"]["phase"] == "Terminating"
    for told in (found, get(child, LOGICAL_CLUSTER)):
        emptied = conditions(told)["WorkspaceContentDeleted"]
        assert (emptied["status"], "message" in emptied, "reason" in emptied) == ("True", False, False)
    status, found = merge(child, f"{LOGICAL_CLUSTER}/status", {"status": {"terminators": []}})
    assert (status, found["status"]["phase"]) == (200, "Deleting")
    assert "kcp.io/has-terminators" not in found["metadata"]["finalizers"]
    wait_until(lambda: workspace.request("GET", f"{WORKSPACES}/w")[0] == 404)


@pytest.mark.parametrize("annotation", ["core.kcp.io/inactive", "internal.kcp.io/inactive"])
def test_inactive_logical_cluster_answers_nothing_but_about_itself(workspace, annotation):
    status, found = merge(workspace, LOGICAL_CLUSTER, {"metadata": {"annotations": {annotation: "true"}}})
    assert (status, found["status"]["phase"]) == (200, "Inactive")
    assert found["metadata"]["labels"]["tenancy.kcp.io/phase"] == "Inactive"
    for user in ("kcp-admin", "shard-admin"):
        for path in ("/api/v1/namespaces", "/apis", WORKSPACES):
            status, found = workspace.request("GET", path, user=user)
            assert status == 403
            assert found["message"] == (
                f'logicalclusters.core.kcp.io "{workspace.cluster}" is forbidden: logical cluster is marked inactive'
            )
    assert workspace.request("GET", "/api/v1/namespaces", user="user")[1]["message"].endswith("access denied")
    assert workspace.request("GET", "/openapi/v3")[0] == 200
    status, found = merge(workspace, LOGICAL_CLUSTER, {"metadata": {"annotations": {annotation: None}}})
    assert (status, found["status"]["phase"]) == (200, "Ready")
    assert workspace.request("GET", "/api/v1/namespaces")[0] == 200


def test_open_watches_end_when_a_logical_cluster_leaves_service(workspace):
    def watch(path):
        context = ssl.create_default_context(cafile=str(workspace.server.authority))
        headers = {"Authorization": f"Bearer {workspace.server.token()}"}
        connection = http.client.HTTPSConnection("127.0.0.1", workspace.server.port, context=context, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", f"/clusters/{workspace.path}{path}?watch=1&timeoutSeconds=4", headers=headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status

    with ThreadPoolExecutor(2) as threads:
        ended = threads.submit(watch, "/api/v1/configmaps")
        kept = threads.submit(watch, "/apis/core.kcp.io/v1alpha1/logicalclusters")
        time.sleep(0.5)
        inactive = "core.kcp.io/inactive"
        assert merge(workspace, LOGICAL_CLUSTER, {"metadata": {"annotations": {inactive: "true"}}})[0] == 200
        assert ended.result(timeout=3) == 200
        assert not kept.done()
        assert merge(workspace, LOGICAL_CLUSTER, {"metadata": {"annotations": {inactive: None}}})[0] == 200


def test_labels_finalizer_and_annotations_of_the_server_stay(workspace):
    before = get(workspace, LOGICAL_CLUSTER)["metadata"]
    change = {
        "labels": {"tenancy.kcp.io/phase": "x", "initializer.internal.kcp.io/x": "x", "mine": "kept"},
        "finalizers": None,
        "annotations": {"kcp.io/path": "root:else", "internal.tenancy.kcp.io/type": "root:root", "mine": "kept"},
    }
    status, found = merge(workspace, LOGICAL_CLUSTER, {"metadata": change})
    assert status == 200, found
    after = found["metadata"]
    assert after["labels"] == {**before["labels"], "mine": "kept"}
    assert after["finalizers"] == before["finalizers"]
    assert after["annotations"] == {**before["annotations"], "mine": "kept"}


def test_phase_of_a_workspace_is_the_servers(server, workspace):
    path = f"/clusters/root{WORKSPACES}/{workspace.name}"
    change = {"metadata": {"labels": {"tenancy.kcp.io/phase": "x"}, "finalizers": None}}
    status, found = merge(server, path, change)
    assert status == 200, found
    assert found["metadata"]["labels"]["tenancy.kcp.io/phase"] == "Ready"
    assert found["metadata"]["finalizers"] == ["core.kcp.io/logicalcluster"]
    status, found = merge(server, path, {"metadata": {"labels": None}})
    assert found["metadata"]["labels"] == {"tenancy.kcp.io/phase": "Ready"}
    status, found = merge(server, f"{path}/status", {"status": {"phase": "Scheduling"}})
    assert (status, found["status"]["phase"]) == (200, "Ready")
    failing = {"type": "WorkspaceMountReady", "status": "False", "lastTransitionTime": "2030-01-01T00:00:00Z"}
    status, found = merge(server, f"{path}/status", {"status": {"conditions": [failing]}})
    assert (status, found["status"]["phase"]) == (200, "Unavailable")
    assert found["metadata"]["labels"]["tenancy.kcp.io/phase"] == "Unavailable"
    status, found = merge(server, f"{path}/status", {"status": {"conditions": []}})
    assert (status, found["status"]["phase"]) == (200, "Ready")


def test_namespaces_of_a_held_workspace_end_with_their_content(workspace, tmp_path):
    make_type(workspace, "plain")
    _made, child = make_workspace(workspace, tmp_path, "plain")
    held = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    configmaps = "/api/v1/namespaces/default/configmaps"
    assert child.request("POST", configmaps, held)[0] == 201
    status, found = workspace.request("DELETE", f"{WORKSPACES}/w")
    assert (status, found["status"]["phase"]) == (200, "Deleting")
    wait_until(lambda: "WorkspaceContentDeleted" in conditions(get(workspace, f"{WORKSPACES}/w")))
    assert get(child, "/api/v1/namespaces/default")["status"]["phase"] == "Terminating"
    status, found = child.request("POST", configmaps, {"metadata": {"name": "late"}})
    assert status == 403
    assert "because it is being terminated" in found["message"]
    told = conditions(get(workspace, f"{WORKSPACES}/w"))["WorkspaceContentDeleted"]
    assert told["reason"] == "SomeResourcesRemain"
    assert "namespaces. has " in told["message"]
    assert "example.com/hold in 1 resource instances" in told["message"]
    assert merge(child, f"{configmaps}/held", {"metadata": {"finalizers": None}})[0] == 200
    wait_until(lambda: workspace.request("GET", f"{WORKSPACES}/w")[0] == 404)


def test_deleting_a_logical_cluster_takes_its_workspace_with_it(workspace, tmp_path):
    make_type(workspace, "plain")
    _made, child = make_workspace(workspace, tmp_path, "plain")
    held = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    assert child.request("POST", "/api/v1/namespaces/default/configmaps", held)[0] == 201
    path = f"{WORKSPACES}/w"
    assert merge(workspace, path, {"metadata": {"finalizers": ["example.com/mine"]}})[0] == 200
    status, found = child.request("DELETE", LOGICAL_CLUSTER)
    assert (status, found["message"].partition("forbidden: ")[2]) == (403, "LogicalCluster cannot be deleted")
    assert merge(child, LOGICAL_CLUSTER, {"spec": {"directlyDeletable": True}})[0] == 200
    status, found = child.request("DELETE", LOGICAL_CLUSTER)
    assert (status, found["status"]["phase"]) == (200, "Deleting")
    told = get(workspace, path)
    assert (told["status"]["phase"], "deletionTimestamp" in told["metadata"]) == ("Deleting", True)
    status, told = merge(workspace, path, {"metadata": {"finalizers": ["example.com/mine"]}})
    assert sorted(told["metadata"]["finalizers"]) == ["core.kcp.io/logicalcluster", "example.com/mine"]
    configmap = "/api/v1/namespaces/default/configmaps/held"
    assert merge(child, configmap, {"metadata": {"finalizers": None}})[0] == 200
    wait_until(lambda: get(workspace, path)["metadata"]["finalizers"] == ["example.com/mine"])
    assert merge(workspace, path, {"metadata": {"finalizers": None}})[0] == 200
    assert workspace.request("GET", path)[0] == 404


def test_root_cannot_be_deleted(server):
    status, found = server.request("DELETE", f"/clusters/root{LOGICAL_CLUSTER}", user="shard-admin")
    assert (status, found["message"].partition("forbidden: ")[2]) == (403, "LogicalCluster cannot be deleted")


def test_deletion_counts_as_a_change_of_what_is_wanted(workspace, tmp_path):
    """In the generation of both objects, whichever of them is deleted."""
    make_type(workspace, "held", terminator=True)
    made, child = make_workspace(workspace, tmp_path, "held")
    assert made["metadata"]["generation"] == 2
    assert get(child, LOGICAL_CLUSTER)["metadata"]["generation"] == 1
    for _ in range(2):
        status, answer = workspace.request("DELETE", f"{WORKSPACES}/w")
        assert (status, answer["metadata"]["generation"]) == (200, 3)
        assert get(child, LOGICAL_CLUSTER)["metadata"]["generation"] == 2
    assert merge(child, f"{LOGICAL_CLUSTER}/status", {"status": {"terminators": []}})[0] == 200
    wait_until(lambda: workspace.request("GET", f"{WORKSPACES}/w")[0] == 404)

    made, child = make_workspace(workspace, tmp_path, "held")
    status, answer = child.request("DELETE", LOGICAL_CLUSTER, user="shard-admin")
    assert (status, answer["metadata"]["generation"]) == (200, 2)
    assert get(workspace, f"{WORKSPACES}/w")["metadata"]["generation"] == 3
    assert merge(child, f"{LOGICAL_CLUSTER}/status", {"status": {"terminators": []}})[0] == 200
    wait_until(lambda: workspace.request("GET", f"{WORKSPACES}/w")[0] == 404)
