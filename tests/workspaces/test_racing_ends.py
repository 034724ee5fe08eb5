"""Workspaces that end in the moment in which something comes to be in them."""

import time
from functools import partial

import pytest
from support.racing import racers, together
from support.server import running_server
from support.traces import at_rest, keys_with
from workspace_manifests import MAPS, WORKSPACES

LOGICAL_CLUSTER = "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
APIS = "/apis/apis.kcp.io/v1alpha2"
ROUNDS = 15
BINDINGS = 40
"""More than go with the workspace in one commit: the others are swept up behind it."""
VERBS = ("get", "list")


def body(name):
    kind = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}}
    return {**kind, "spec": {"type": {"name": "universal", "path": "root"}}}


def binding(name):
    kind = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIBinding", "metadata": {"name": name}}
    return {**kind, "spec": {"reference": {"export": {"path": "root:provider", "name": "empty"}}}}


def until_gone(leaver, path):
    deadline = time.monotonic() + 30
    while leaver.ask("GET", path)[0] != 404:
        assert time.monotonic() < deadline, path
        time.sleep(0.02)


@pytest.mark.parametrize("how", ["create", "update"])
def test_somebody_holds_an_object_while_its_workspace_goes(server, workspace, how):
    """A finalizer that was acknowledged is waited for, also where it came at the last moment."""
    with racers(server, 2) as (leaver, holder):
        here = f"/clusters/{workspace.path}{WORKSPACES}"
        for _ in range(2 * ROUNDS):
            status, made = leaver.ask("POST", here, body("leaves"))
            assert status == 201, made
            maps = f"/clusters/{made['spec']['cluster']}{MAPS}"
            held = {"metadata": {"finalizers": ["a.example/held"]}}
            if how == "create":
                hold = partial(holder.ask, "POST", maps, {"metadata": {"name": "held", **held["metadata"]}})
            else:
                hold = partial(holder.merge, f"{maps}/kube-root-ca.crt", held)
            left, answered = together(partial(leaver.ask, "DELETE", f"{here}/leaves"), hold)
            assert left[0] in (200, 202), left
            assert answered[0] in (200, 201, 403, 404), answered
            if answered[0] in (200, 201):
                one = f"{maps}/{answered[1]['metadata']['name']}"
                status, found = holder.ask("GET", one)
                assert (status, found["metadata"]["finalizers"]) == (200, ["a.example/held"]), found
                assert holder.merge(one, {"metadata": {"finalizers": None}})[0] == 200
            until_gone(leaver, f"{here}/leaves")


@pytest.mark.parametrize("user", ["kcp-admin", "shard-admin"])
def test_a_child_comes_while_its_parent_goes(server, workspace, user):
    """It is refused, or goes with its parent: there is no workspace without one."""
    with racers(server, 3, user) as (leaver, *makers):
        here = f"/clusters/{workspace.path}{WORKSPACES}"
        born = []
        for _ in range(ROUNDS):
            status, parent = leaver.ask("POST", here, body("parent"))
            assert status == 201, parent
            inside = f"/clusters/{parent['spec']['cluster']}{WORKSPACES}"
            left, *made = together(
                lambda: leaver.ask("DELETE", f"{here}/parent"),
                *(partial(one.ask, "POST", inside, body(f"child{id(one)}")) for one in makers),
            )
            assert left[0] in (200, 202), left
            assert {status for status, _ in made} <= {201, 403, 404}, made
            born += [child["spec"]["cluster"] for status, child in made if status == 201]
            workspace.kubectl("wait", "ws/parent", "--for=delete", "--timeout=30s")
        for cluster in born:
            status, found = server.request("GET", f"/clusters/{cluster}{LOGICAL_CLUSTER}", user="shard-admin")
            assert status == 404, found


def test_an_export_changes_while_a_workspace_that_has_bound_it_goes(tmp_path):
    """Nothing tells of the workspace afterwards, which only the store itself can say."""
    with running_server(tmp_path) as server, racers(server, 2) as (provider, leaver):
        there = f"/clusters/{server.create_workspace('provider', directory=tmp_path).path}{APIS}"
        export = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": "empty"}}
        assert provider.ask("POST", f"{there}/apiexports", {**export, "spec": {}})[0] == 201
        here = f"/clusters/root{WORKSPACES}"
        gone = []
        for number in range(8):
            status, consumer = leaver.ask("POST", here, body("consumer"))
            assert status == 201, consumer
            gone.append(consumer["spec"]["cluster"])
            bindings = f"/clusters/{gone[-1]}{APIS}/apibindings"
            for name in range(BINDINGS):
                assert leaver.ask("POST", bindings, binding(f"b{name}"))[0] == 201
            spec = {"permissionClaims": [{"group": "", "resource": "secrets", "verbs": [VERBS[number % 2]]}]}
            left, changed = together(
                partial(leaver.ask, "DELETE", f"{here}/consumer"),
                partial(provider.merge, f"{there}/apiexports/empty", {"spec": spec}),
            )
            assert (left[0], changed[0]) == (200, 200), (left, changed)
        deadline = time.monotonic() + 30
        while not at_rest(server):
            assert time.monotonic() < deadline, server.log_text()
            time.sleep(0.1)
        assert not server.mistakes()
    assert {cluster: keys_with(server.root, cluster) for cluster in gone} == {cluster: [] for cluster in gone}
