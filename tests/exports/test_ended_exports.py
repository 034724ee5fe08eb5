"""Exports that end and are made again under bindings that wait for them: nothing of the first stays with the next."""

import time

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

SYSTEM = "/api/v1/namespaces/kcp-system"
SYSTEM_MAPS = f"{SYSTEM}/configmaps"
MAPS = "/api/v1/namespaces/default/configmaps"
CLAIM = {"group": "", "resource": "configmaps", "verbs": ["*"]}
ACCEPTED = {**CLAIM, "state": "Accepted", "selector": {"matchAll": True}}


@pytest.fixture
def consumer(server, tmp_path):
    made = server.create_workspace(directory=tmp_path)
    yield made
    made.delete()


@pytest.fixture
def waiting(workspace, consumer):
    """A consumer whose binding `late` waits, because what it binds is bound by `early`; its export is gone."""
    offer(workspace, "first", schema())
    create(workspace, EXPORTS, export("second", schema(), permissionClaims=[CLAIM]))
    create(consumer, BINDINGS, binding("early", workspace.path, "first"))
    made = create(consumer, BINDINGS, binding("late", workspace.path, "second", [ACCEPTED]))
    assert made["status"]["phase"] == "Binding"
    assert workspace.request("DELETE", f"{EXPORTS}/second")[0] == 200
    late = eventually(lambda: invalid(consumer))
    assert late["status"]["apiExportClusterName"] == made["status"]["apiExportClusterName"] == workspace.cluster
    return consumer


def invalid(consumer):
    late = read(consumer, f"{BINDINGS}/late")
    return late if conditions(late)["APIExportValid"]["status"] == "False" else None


def reached(workspace):
    """How many config maps the view of the export `second` reaches."""
    path = f"/services/apiexport/{workspace.cluster}/second/clusters/*/api/v1/configmaps"
    status, found = workspace.server.request("GET", path)
    assert status == 200, found
    return len(found["items"])


def test_a_binding_finds_its_export_when_that_is_made_again(workspace, waiting):
    create(workspace, EXPORTS, export("second", schema()))
    eventually(lambda: not invalid(waiting))
    merge(workspace, f"{EXPORTS}/second", {"spec": {"permissionClaims": [CLAIM]}})
    eventually(lambda: read(waiting, f"{BINDINGS}/late")["status"].get("exportPermissionClaims"))
    assert waiting.request("DELETE", f"{BINDINGS}/early")[0] == 200
    eventually(lambda: read(waiting, f"{BINDINGS}/late")["status"]["phase"] == "Bound")


def test_a_binding_that_has_gone_grants_the_next_one_nothing(workspace, waiting):
    assert waiting.request("DELETE", f"{BINDINGS}/late")[0] == 200
    create(workspace, EXPORTS, export("second", schema(), permissionClaims=[CLAIM]))
    assert reached(workspace) == 0
    create(waiting, BINDINGS, binding("late", workspace.path, "second", [ACCEPTED]))
    assert reached(workspace) > 0


def test_an_export_that_is_made_again_at_once_keeps_its_slice(workspace):
    """Although what the first one owned, which is much, is still being collected."""
    former = offer(workspace, "first", schema())["metadata"]
    owner = {"apiVersion": "apis.kcp.io/v1alpha1", "kind": "APIExport", "name": "first", "uid": former["uid"]}
    maps = [{"metadata": {"name": f"m{number}", "ownerReferences": [owner]}} for number in range(60)]
    for body in maps:
        create(workspace, MAPS, body)
    assert workspace.request("DELETE", f"{EXPORTS}/first")[0] == 200
    made = create(workspace, EXPORTS, export("first", schema()))
    eventually(lambda: len(read(workspace, MAPS)["items"]) == 1)
    time.sleep(0.3)  # the slice is looked at behind them
    [owner] = read(workspace, f"{SLICES}/first")["metadata"]["ownerReferences"]
    assert owner["uid"] == made["metadata"]["uid"]
    assert workspace.request("DELETE", f"{EXPORTS}/first")[0] == 200
    eventually(lambda: workspace.request("GET", f"{SLICES}/first")[0] == 404)


def test_no_secret_comes_to_be_in_a_namespace_that_ends(workspace):
    """Nothing would take it out of there."""
    offer(workspace, "first", schema())
    held = {"metadata": {"name": "held", "finalizers": ["a.example/held"]}}
    create(workspace, SYSTEM_MAPS, held)
    assert workspace.request("DELETE", SYSTEM)[0] == 200
    eventually(lambda: "deletionTimestamp" in read(workspace, f"{SYSTEM_MAPS}/held")["metadata"])
    status, refusal = workspace.request("POST", EXPORTS, export("second", schema()))
    assert (status, refusal["reason"]) == (403, "Forbidden")
    assert "the namespace kcp-system, which is being terminated" in refusal["message"]
    merge(workspace, f"{SYSTEM_MAPS}/held", {"metadata": {"finalizers": None}})
    eventually(lambda: workspace.request("GET", SYSTEM)[0] == 404)
    create(workspace, EXPORTS, export("second", schema()))
    found = read(workspace, f"{SYSTEM}/secrets")["items"]
    assert [one["metadata"]["name"] for one in found] == ["second"]
