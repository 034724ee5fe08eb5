"""What is written into a workspace in the very moment in which it is deleted: it is refused, or the deletion sees it.

What a deletion must wait for (a child, an object that somebody holds by a finalizer) is never passed over by one that
was decided just before it came.
"""

import json
import threading
import time

import pytest
from support.server import running_server
from support.traces import at_rest, keys_with
from workspace_manifests import MAPS

WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
HELD = "a.example/held"
MERGE = {"Content-Type": "application/merge-patch+json"}
ROUNDS = 40


@pytest.fixture
def own_server(tmp_path):
    with running_server(tmp_path) as running:
        yield running


def at_the_same_time(*work):
    """What some things give that begin together."""
    together, found = threading.Barrier(len(work)), {}

    def do(place, one):
        together.wait()
        found[place] = one()

    threads = [threading.Thread(target=do, args=pair) for pair in enumerate(work)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[place] for place in range(len(work))]


def pairs(server, make):
    """For each of many workspaces that are deleted while `make` is called for it, what that was answered."""
    found = []
    for number in range(ROUNDS):
        workspace = server.create_workspace(f"w{number}")
        one = f"/clusters/root{WORKSPACES}/{workspace.name}"
        made, _ = at_the_same_time(lambda w=workspace: make(w), lambda at=one: server.request("DELETE", at))
        found.append((workspace, *made))
    return found


def until_gone(server, workspaces):
    deadline = time.monotonic() + 60
    for one in workspaces:
        while server.request("GET", f"/clusters/root{WORKSPACES}/{one.name}")[0] != 404:
            assert time.monotonic() < deadline, one
            time.sleep(0.05)
    while not at_rest(server):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_child_goes_with_its_parent(own_server):
    def child(workspace):
        body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "child"}}
        return workspace.request("POST", WORKSPACES, body)

    answers = pairs(own_server, child)
    until_gone(own_server, [workspace for workspace, _, _ in answers])
    made = [answer for _, status, answer in answers if status == 201]
    assert own_server.stop() == 0
    left = {one["spec"]["cluster"]: keys_with(own_server.root, one["spec"]["cluster"]) for one in made}
    assert not any(left.values()), f"of {len(made)} children: {left}"


@pytest.mark.parametrize("how", ["create", "update"])
def test_who_holds_an_object_sees_the_end_coming(own_server, how):
    """A finalizer that was acknowledged is waited for, also where it came at the last moment."""

    def holding(workspace):
        held = {"metadata": {"name": "held", "finalizers": [HELD]}}
        if how == "create":
            return workspace.request("POST", MAPS, held)
        held["metadata"]["name"] = "kube-root-ca.crt"
        return workspace.request("PATCH", f"{MAPS}/kube-root-ca.crt", json.dumps(held), headers=MERGE)

    answers = pairs(own_server, holding)
    held = [(workspace, answer) for workspace, status, answer in answers if status in (200, 201)]
    for workspace, answer in held:
        place = f"{MAPS}/{answer['metadata']['name']}"
        status, found = workspace.request("GET", place)
        assert status == 200, f"{workspace.name}, one of {len(held)}: {found}"
        assert HELD in found["metadata"]["finalizers"]
        body = json.dumps({"metadata": {"finalizers": None}})
        assert workspace.request("PATCH", place, body, headers=MERGE)[0] == 200
    until_gone(own_server, [workspace for workspace, _, _ in answers])
