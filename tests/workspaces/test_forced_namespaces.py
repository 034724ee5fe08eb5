"""A namespace whose end somebody forces, by taking its finalizer off while there is content in it.

What is in it stays, as in Kubernetes. One of the same name can be made again, and what is acknowledged in that one
stays there: the end of the first is over.
"""

import json
import time

import pytest

NAMESPACES = "/api/v1/namespaces"
ENDING = f"{NAMESPACES}/ending"
MAPS = f"{ENDING}/configmaps"
MERGE = {"Content-Type": "application/merge-patch+json"}
PASSES = 1.5
"""Seconds in which a controller that still had work here would have come back to it."""


@pytest.fixture
def forced(workspace):
    """A workspace where the namespace `ending` is gone, and the config map in it that held it is not."""
    assert workspace.request("POST", NAMESPACES, {"metadata": {"name": "ending"}})[0] == 201
    held = {"metadata": {"name": "held", "finalizers": ["a.example/held"]}}
    assert workspace.request("POST", MAPS, held)[0] == 201
    assert workspace.request("DELETE", ENDING)[0] == 200
    deadline = time.monotonic() + 20
    while "deletionTimestamp" not in workspace.request("GET", f"{MAPS}/held")[1]["metadata"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    status, namespace = workspace.request("GET", ENDING)
    assert (status, namespace["status"]["phase"]) == (200, "Terminating")
    namespace["spec"]["finalizers"] = []
    del namespace["metadata"]["resourceVersion"]
    status, answer = workspace.request("PUT", f"{ENDING}/finalize", namespace)
    assert status == 200, answer
    assert workspace.request("GET", ENDING)[0] == 404
    return workspace


def test_it_can_be_made_again_and_keeps_what_comes(forced):
    status, made = forced.request("POST", NAMESPACES, {"metadata": {"name": "ending"}})
    assert status == 201, made
    assert forced.request("POST", MAPS, {"metadata": {"name": "mine"}})[0] == 201
    time.sleep(PASSES)
    assert forced.request("GET", ENDING)[1] == made
    found = forced.request("GET", MAPS)[1]["items"]
    assert sorted(one["metadata"]["name"] for one in found) == ["held", "kube-root-ca.crt", "mine"]
    assert forced.request("GET", f"{ENDING}/serviceaccounts/default")[0] == 200


def test_what_stayed_can_be_let_go_and_the_next_one_ends_as_any_other(forced):
    assert forced.request("POST", NAMESPACES, {"metadata": {"name": "ending"}})[0] == 201
    body = json.dumps({"metadata": {"finalizers": None}})
    assert forced.request("PATCH", f"{MAPS}/held", body, headers=MERGE)[0] == 200
    assert forced.request("GET", f"{MAPS}/held")[0] == 404
    assert forced.request("DELETE", ENDING)[0] == 200
    forced.kubectl("wait", "namespace/ending", "--for=delete", "--timeout=30s")
    assert forced.request("GET", MAPS)[1]["items"] == []


def test_it_can_be_made_again_by_an_apply_while_it_ends(workspace):
    """Whatever the controller is at when the one goes and the other comes."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ending"}}
    for number in range(30):
        sent = f"{ENDING}?fieldManager=m"
        headers = {"Content-Type": "application/apply-patch+yaml"}
        status, answer = workspace.request("PATCH", sent, json.dumps(body), headers=headers)
        assert status in (200, 201), answer
        kept = workspace.request("POST", MAPS, {"metadata": {"name": f"m{number}"}})[0] == 201
        if kept and "deletionTimestamp" not in answer["metadata"]:
            assert workspace.request("GET", f"{MAPS}/m{number}")[0] == 200
        gone = (404,) if "deletionTimestamp" in answer["metadata"] else ()  # what was applied to was about to go
        assert workspace.request("DELETE", ENDING)[0] in (200, *gone)
        status, namespace = workspace.request("GET", ENDING)
        if status == 200 and number % 2:
            namespace["spec"]["finalizers"] = []
            assert workspace.request("PUT", f"{ENDING}/finalize", namespace)[0] in (200, 404, 409)
