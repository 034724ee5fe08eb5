"""Namespaces, workspaces and bindings that end, a process that is killed: nothing stays that should not."""

import asyncio
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from owned_objects import MAPS, create, delete, eventually, get, gone, owners, reference
from support.server import Workspace, running_server, start_server
from support.traces import at_rest

from manifold.base import keys
from manifold.registry.owners import GARBAGE, INDEX, MARK, PROPAGATION
from manifold.storage.sqlite import open_store

NAMESPACES = "/api/v1/namespaces"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
ROLE = {"path": ROLES, "kind": "ClusterRole", "version": "rbac.authorization.k8s.io/v1"}


def rows(root):
    """What is left of owners in the store of a stopped server."""

    async def scan():
        store = await open_store(root / "store.sqlite")
        snapshot = await store.snapshot()
        found = []
        for prefix in (keys.index_key(INDEX), keys.index_key(MARK), keys.work_key(GARBAGE), keys.work_key(PROPAGATION)):
            found += [keys.parts(row.key) for row in await snapshot.scan(prefix, keys.after(prefix))]
        await store.close()
        return found

    return asyncio.run(scan())


def test_no_row_outlives_its_objects(tmp_path):
    with running_server(tmp_path) as server:
        workspace = server.create_workspace(directory=tmp_path)
        role = create(workspace, "role", **ROLE)
        for policy in ("Background", "Foreground", "Orphan"):
            owner = create(workspace, "owner")
            create(workspace, "dependent", reference(owner, block=True), role)
            create(workspace, "other", owner)
            delete(workspace, "owner", policy)
            gone(workspace, "owner")
            delete(workspace, "dependent")
            if policy == "Orphan":
                delete(workspace, "other")
            gone(workspace, "dependent", "other")
        create(workspace, "space", path=NAMESPACES, kind="Namespace")
        maps = MAPS.replace("default", "space")
        owner = create(workspace, "owner", path=maps)
        for number in range(120):
            create(workspace, f"dependent-{number}", owner, role, path=maps)
        create(workspace, "slow", reference(owner, block=True), path=maps, finalizers=["example.dev/hold"])
        delete(workspace, "owner", "Foreground", maps)
        delete(workspace, "space", path=NAMESPACES)
        eventually(lambda: "deletionTimestamp" in get(workspace, "slow", maps)["metadata"])
        patch = '{"metadata":{"finalizers":null}}'
        workspace.kubectl("patch", "configmap", "slow", "-n", "space", "--type=merge", "-p", patch)
        gone(workspace, "space", path=NAMESPACES)
        delete(workspace, "role", path=ROLES)
        held = server.create_workspace(directory=tmp_path)
        for one, finalizers in ((held, ["example.dev/hold"]), (server.create_workspace(directory=tmp_path), [])):
            owner = create(one, "owner")
            create(one, "dependent", reference(owner, block=True), finalizers=finalizers)
            if one is held:
                delete(one, "owner", "Foreground")
            one.delete()
        held.kubectl("patch", "configmap", "dependent", "--type=merge", "-p", patch)
        workspaces = "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces"
        eventually(lambda: server.request("GET", f"{workspaces}/{held.name}")[0] == 404)
        eventually(lambda: at_rest(server))
        assert server.stop() == 0
        assert rows(server.root) == []


def test_a_workspace_owns(workspace):
    inner = workspace.server.create_workspace(parent=workspace.path, directory=workspace.directory)
    workspaces = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
    create(workspace, "dependent", get(workspace, inner.name, workspaces))
    create(inner, "held", finalizers=["example.dev/hold"])
    inner.delete()
    time.sleep(0.3)
    assert get(workspace, "dependent")
    inner.kubectl("patch", "configmap", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    gone(workspace, inner.name, path=workspaces)
    gone(workspace, "dependent")


@pytest.mark.parametrize("policy", ["Background", "Foreground", "Orphan"])
def test_a_workspace_is_deleted_with_a_policy(workspace, policy):
    inner = workspace.server.create_workspace(parent=workspace.path, directory=workspace.directory)
    workspaces = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
    create(workspace, "dependent", reference(get(workspace, inner.name, workspaces), block=True))
    delete(workspace, inner.name, policy, workspaces)
    gone(workspace, inner.name, path=workspaces)
    if policy == "Orphan":
        assert owners(get(workspace, "dependent")) == []
    else:
        gone(workspace, "dependent")


def test_a_workspace_is_owned(workspace):
    owner = create(workspace, "owner", **ROLE)
    workspaces = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
    body = {
        "apiVersion": "tenancy.kcp.io/v1alpha1",
        "kind": "Workspace",
        "metadata": {"name": "inner", "ownerReferences": [reference(owner)]},
        "spec": {"type": {"name": "universal", "path": "root"}},
    }
    status, made = workspace.request("POST", workspaces, body)
    assert status == 201, made
    delete(workspace, "owner", path=ROLES)
    gone(workspace, "inner", path=workspaces)


def test_the_end_of_a_binding_ends_what_its_objects_own(workspace):
    version = "topology.kcp.io/v1alpha1"
    path = f"/apis/{version}/partitions"
    body = {"apiVersion": version, "kind": "Partition", "metadata": {"name": "part"}, "spec": {}}
    status, owner = workspace.request("POST", path, body)
    assert status == 201, owner
    create(workspace, "dependent", owner)
    create(workspace, "kept")
    bindings = "/apis/apis.kcp.io/v1alpha2/apibindings"
    names = [one["metadata"]["name"] for one in workspace.request("GET", bindings)[1]["items"]]
    (name,) = [one for one in names if one.startswith("topology")]
    delete(workspace, name, path=bindings)
    gone(workspace, "dependent")
    assert get(workspace, "kept")


@pytest.mark.parametrize("policy", ["Background", "Foreground", "Orphan"])
def test_a_killed_process_goes_on_where_it_was(tmp_path, policy):
    server = start_server(tmp_path)
    try:
        workspace = server.create_workspace(directory=tmp_path)
        owner = create(workspace, "owner")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: create(workspace, f"d{n}", reference(owner, block=True)), range(250)))
        delete(workspace, "owner", policy)
        time.sleep(0.02)
        server.stop(signal.SIGKILL)
        server = start_server(tmp_path)
        again = Workspace(server, workspace.name, workspace.path, workspace.cluster, workspace.kubeconfig)
        gone(again, "owner")
        if policy == "Orphan":
            items = again.request("GET", MAPS)[1]["items"]
            assert len(items) == 251
            assert not [one for one in items if owners(one)]
        else:
            eventually(lambda: len(again.request("GET", MAPS)[1]["items"]) == 1, 20)
        eventually(lambda: at_rest(server))
    finally:
        server.stop()
    assert rows(server.root) == []


def test_dependents_made_while_their_owner_goes(workspace):
    """Whoever wins, no dependent outlives its owner."""
    for turn in range(6):
        owner = create(workspace, "owner")

        def make(number, owner=owner, turn=turn):
            create(workspace, f"d{turn}-{number}", owner)

        with ThreadPoolExecutor(8) as pool:
            made = [pool.submit(make, number) for number in range(24)]
            delete(workspace, "owner")
            for one in made:
                one.result()
    eventually(lambda: len(workspace.request("GET", MAPS)[1]["items"]) == 1)


def test_the_end_of_a_definition_ends_what_its_objects_own(workspace):
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.dev"},
        "spec": {
            "group": "example.dev",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    }
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    status, made = workspace.request("POST", definitions, body)
    assert status == 201, made
    widgets = {
        "path": "/apis/example.dev/v1/namespaces/default/widgets",
        "kind": "Widget",
        "version": "example.dev/v1",
    }
    owner = create(workspace, "owner", **widgets)
    below = create(workspace, "below", reference(owner, block=True), **widgets)
    create(workspace, "deepest", below)
    delete(workspace, "owner", "Foreground", widgets["path"])
    gone(workspace, "owner", "below", path=widgets["path"])
    gone(workspace, "deepest")
    owner = create(workspace, "owner", **widgets)
    create(workspace, "dependent", owner)
    delete(workspace, "widgets.example.dev", path=definitions)
    gone(workspace, "dependent")
