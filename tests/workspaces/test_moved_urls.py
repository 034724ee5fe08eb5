"""A server that is told to be reached elsewhere: the URLs in what it keeps follow."""

import json
import time
from dataclasses import replace

from support.server import running_server
from workspace_manifests import WORKSPACES

TYPES = "/apis/tenancy.kcp.io/v1alpha1/workspacetypes"
LOGICAL_CLUSTER = "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"


def get(workspace, path):
    status, found = workspace.request("GET", path)
    assert status == 200, found
    return found


def until(question):
    deadline = time.monotonic() + 20
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_urls_follow_the_server(tmp_path):
    with running_server(tmp_path / "server") as server:
        parent = server.create_workspace("parent", directory=tmp_path)
        child = server.create_workspace("child", parent=parent.path, directory=tmp_path)
        body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "WorkspaceType", "metadata": {"name": "t"}, "spec": {}}
        assert parent.request("POST", TYPES, body)[0] == 201
        mounted = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "mnt"}}
        mounted["spec"] = {"mount": {"ref": {"apiVersion": "v1", "kind": "X", "name": "x"}}}
        status, made = parent.request("POST", WORKSPACES, mounted)
        assert status == 201, made
        foreign = json.dumps({"spec": {"URL": "https://elsewhere.example/clusters/x"}})
        headers = {"Content-Type": "application/merge-patch+json"}
        path = f"{WORKSPACES}/mnt"
        assert parent.request("PATCH", path, foreign, user="shard-admin", headers=headers)[0] == 200
        apis = "/apis/apis.kcp.io/v1alpha2"
        export = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": "ex"}, "spec": {}}
        assert parent.request("POST", f"{apis}/apiexports", export)[0] == 201
        binding = {**export, "kind": "APIBinding", "spec": {"reference": {"export": {"name": "ex"}}}}
        assert parent.request("POST", f"{apis}/apibindings", binding)[0] == 201
        slice_ = "/apis/apis.kcp.io/v1alpha1/apiexportendpointslices/ex"
        until(lambda: "endpoints" in get(parent, slice_)["status"])
        before = get(parent, f"{WORKSPACES}/child")
    flags = ("--shard-external-url", "https://kcp.example:8443", "--shard-virtual-workspace-url", "https://vw.example")
    with running_server(tmp_path / "server", *flags) as server:
        parent, child = replace(parent, server=server), replace(child, server=server)
        url = "https://kcp.example:8443/clusters"
        until(lambda: get(parent, f"{WORKSPACES}/child")["spec"]["URL"] == f"{url}/root:parent:child")
        after = get(parent, f"{WORKSPACES}/child")
        assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
        assert after["status"] == before["status"]
        until(lambda: get(child, LOGICAL_CLUSTER)["status"]["URL"] == f"{url}/{child.cluster}")
        name = f"{parent.cluster}:t"
        until(
            lambda: (
                [one["url"] for one in get(parent, f"{TYPES}/t")["status"]["virtualWorkspaces"]]
                == [f"https://vw.example/services/{kind}workspaces/{name}" for kind in ("initializing", "terminating")]
            )
        )
        view = f"https://vw.example/services/apiexport/{parent.cluster}/ex"
        until(lambda: get(parent, slice_)["status"]["endpoints"] == [{"url": view}])
        assert get(parent, f"{WORKSPACES}/mnt")["spec"]["URL"] == "https://elsewhere.example/clusters/x"
