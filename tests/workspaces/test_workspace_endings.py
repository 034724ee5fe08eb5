"""Deleting workspaces: empty ones, full ones, ones that something holds; and what watchers of them see."""

import json
import time

from workspace_manifests import MAPS, WORKSPACES, type_manifest, workspace_manifest


def gone(workspace, name: str) -> bool:
    return workspace.request("GET", f"{WORKSPACES}/{name}")[0] == 404


def await_gone(workspace, name: str) -> None:
    workspace.kubectl("wait", f"ws/{name}", "--for=delete", "--timeout=30s")
    assert gone(workspace, name)


def child(workspace, name="child"):
    return workspace.server.create_workspace(name, parent=workspace.path, directory=workspace.directory)


def watched(workspace, path: str) -> list[dict]:
    """The events of a watch that ends by itself."""
    with workspace.opened(path, patience=30) as answer:
        return [json.loads(line) for line in answer.read().splitlines()]


def test_one_that_nothing_holds_is_gone_in_the_answer(workspace):
    inside = child(workspace)
    inside.kubectl("create", "configmap", "full", "--from-literal=a=b")
    assert workspace.request("DELETE", f"{WORKSPACES}/child")[0] == 200
    assert gone(workspace, "child")
    assert workspace.server.request("GET", f"/clusters/{inside.path}{MAPS}")[0] == 404
    assert workspace.server.request("GET", f"/clusters/{inside.cluster}{MAPS}")[0] == 403
    assert workspace.server.request("POST", f"/clusters/{inside.cluster}{MAPS}", {}, user="shard-admin")[0] == 403


def test_the_same_name_again_is_another_workspace(workspace):
    before = child(workspace)
    before.kubectl("create", "configmap", "old")
    workspace.kubectl("delete", "ws", "child", "--timeout=30s")
    after = child(workspace)
    assert after.cluster != before.cluster
    assert after.request("GET", f"{MAPS}/old")[0] == 404


def test_children_go_first(workspace):
    inside = child(workspace)
    below = child(inside, "below")
    workspace.kubectl("delete", "ws", "child", "--timeout=40s")
    assert gone(workspace, "child")
    for one in (inside, below):
        assert workspace.server.request("GET", f"/clusters/{one.cluster}{MAPS}")[0] == 403


def test_a_finalizer_inside_holds_it(workspace):
    inside = child(workspace)
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    inside.kubectl("create", "-f", "-", input=json.dumps(held))
    workspace.kubectl("delete", "ws", "child", "--wait=false")
    workspace.kubectl("wait", "ws/child", "--for=jsonpath={.status.phase}=Deleting", "--timeout=10s")
    found = json.loads(workspace.kubectl("get", "ws", "child", "-o", "json").stdout)
    assert found["metadata"]["deletionTimestamp"]
    deadline = time.monotonic() + 20
    while True:
        conditions = {one["type"]: one for one in found["status"].get("conditions", ())}
        if "WorkspaceContentDeleted" in conditions:
            break
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
        found = json.loads(workspace.kubectl("get", "ws", "child", "-o", "json").stdout)
    assert conditions["WorkspaceContentDeleted"]["status"] == "False"
    inside.kubectl("patch", "cm", "held", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    await_gone(workspace, "child")


def test_a_finalizer_on_it_holds_it(workspace):
    inside = child(workspace)
    hold = '{"metadata": {"finalizers": ["example.com/hold", "core.kcp.io/logicalcluster"]}}'
    workspace.kubectl("patch", "ws", "child", "--type=merge", "-p", hold)
    workspace.kubectl("delete", "ws", "child", "--wait=false")
    assert not gone(workspace, "child")
    inside.kubectl("get", "ns")
    let = '{"metadata": {"finalizers": ["core.kcp.io/logicalcluster"]}}'
    workspace.kubectl("patch", "ws", "child", "--type=merge", "-p", let)
    await_gone(workspace, "child")


def test_a_terminator_holds_it(workspace):
    workspace.kubectl("create", "-f", "-", input=type_manifest("ending", terminator=True))
    workspace.kubectl("create", "-f", "-", input=workspace_manifest("child", type={"name": "ending"}))
    workspace.kubectl("delete", "ws", "child", "--wait=false")
    found = json.loads(workspace.kubectl("get", "ws", "child", "-o", "json").stdout)
    assert (found["status"]["phase"], found["status"]["terminators"]) == (
        "Terminating",
        [f"{workspace.cluster}:ending"],
    )
    status, cluster = workspace.server.request(
        "GET", f"/clusters/{found['spec']['cluster']}/apis/core.kcp.io/v1alpha1/logicalclusters/cluster", user="master"
    )
    assert (status, cluster["status"]["phase"]) == (200, "Terminating")
    cluster["status"]["terminators"] = []
    path = f"/clusters/{found['spec']['cluster']}/apis/core.kcp.io/v1alpha1/logicalclusters/cluster/status"
    status, answer = workspace.server.request("PUT", path, cluster, user="master")
    assert status == 200, answer
    await_gone(workspace, "child")


def test_watching_workspaces_come_and_go(workspace):
    revision = workspace.request("GET", WORKSPACES)[1]["metadata"]["resourceVersion"]
    for name in ("a", "b"):
        workspace.kubectl("create", "-f", "-", input=workspace_manifest(name))
    workspace.kubectl("delete", "ws", "a", "--timeout=30s")
    events = watched(workspace, f"{WORKSPACES}?watch=1&resourceVersion={revision}&timeoutSeconds=1")
    seen = [
        (event["type"], event["object"]["metadata"]["name"], event["object"]["status"]["phase"]) for event in events
    ]
    assert seen[0] == ("ADDED", "a", "Ready"), "Ready when first seen"
    assert ("ADDED", "b", "Ready") in seen
    assert seen[-1][:2] == ("DELETED", "a")
    assert [kind for kind, name, _ in seen if name == "b"] == ["ADDED"]


def test_wildcard_reads_of_the_shard(server, tmp_path):
    """An operator sees every logical cluster at once: built-in types by name, bound ones by their identity."""
    pair = [server.create_workspace(directory=tmp_path) for _ in range(2)]
    clusters = {one.cluster for one in pair}
    for one in pair:
        one.kubectl("create", "configmap", "wild", f"--from-literal=of={one.cluster}")
        one.kubectl("create", "-f", "-", input=workspace_manifest("child"))
    everywhere = f"/clusters/*{MAPS.replace('/namespaces/default', '')}?fieldSelector=metadata.name%3Dwild"
    status, found = server.request("GET", everywhere, user="shard-admin")
    assert status == 200
    assert {one["metadata"]["annotations"]["kcp.io/cluster"]: one["data"]["of"] for one in found["items"]} == {
        cluster: cluster for cluster in clusters
    }
    assert server.request("GET", everywhere)[0] == 403, "kcp-admin is no operator of the shard"
    status, refused = server.request("DELETE", everywhere, user="shard-admin")
    assert (status, refused["reason"]) == (405, "MethodNotAllowed")
    binding = next(
        one
        for one in pair[0].request("GET", "/apis/apis.kcp.io/v1alpha2/apibindings")[1]["items"]
        if one["metadata"]["name"].startswith("tenancy.kcp.io")
    )
    bound = {one["resource"]: one["schema"]["identityHash"] for one in binding["status"]["boundResources"]}
    wild = f"/clusters/*{WORKSPACES}"
    status, found = server.request("GET", f"{wild}:{bound['workspaces']}", user="shard-admin")
    assert status == 200
    children = {
        one["metadata"]["annotations"]["kcp.io/cluster"] for one in found["items"] if one["metadata"]["name"] == "child"
    }
    assert clusters <= children
    status, unknown = server.request("GET", f"{wild}:{'0' * 64}", user="shard-admin")
    assert status == 404, unknown
    assert server.request("GET", wild, user="shard-admin")[0] == 404
    for one in pair:
        one.delete()
