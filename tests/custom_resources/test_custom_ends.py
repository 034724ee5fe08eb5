"""What ends with a definition, a namespace, a workspace: every instance, and no sooner than its finalizers allow."""

import json
from functools import partial

from custom_definitions import DEFINITIONS, MERGE, conditions, define, definition, instance, until
from support.racing import racers, together
from support.server import running_server
from support.traces import at_rest, keys_with

WIDGETS = "/apis/example.dev/v1/namespaces/default/widgets"
PATH = f"{DEFINITIONS}/widgets.example.dev"
HELD = {"finalizers": ["example.dev/held"]}


def release(workspace, path=f"{WIDGETS}/held"):
    status, found = workspace.request("PATCH", path, '{"metadata": {"finalizers": null}}', headers=MERGE)
    assert status == 200, found


def test_definition_waits_for_its_instances(workspace):
    define(workspace, definition())
    workspace.request("POST", WIDGETS, instance("free"))
    workspace.request("POST", WIDGETS, instance("held", metadata=HELD))
    status, found = workspace.request("DELETE", PATH)
    assert status == 200
    assert found["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert found["metadata"]["generation"] == 1
    assert conditions(found)["Terminating"] == ("True", "InstanceDeletionPending")
    until(lambda: [one["metadata"]["name"] for one in workspace.request("GET", WIDGETS)[1]["items"]] == ["held"])
    status, refused = workspace.request("POST", WIDGETS, instance("new"))
    assert status == 403
    assert refused["message"].endswith("create not allowed while custom resource definition is terminating")
    body = json.dumps(instance("new"))
    headers = {"Content-Type": "application/apply-patch+yaml"}
    assert workspace.request("PATCH", f"{WIDGETS}/new?fieldManager=a", body, headers=headers)[0] == 403
    listed = workspace.request("GET", "/apis/example.dev/v1")[1]["resources"][0]
    assert listed["verbs"] == ["delete", "deletecollection", "get", "list", "watch"]
    said = until(
        lambda: conditions(workspace.request("GET", PATH)[1])["Terminating"][1] == "InstanceDeletionInProgress"
    )
    assert said
    release(workspace)
    until(lambda: workspace.request("GET", PATH)[0] == 404)
    assert workspace.request("GET", WIDGETS)[0] == 404
    define(workspace, definition())
    assert workspace.request("GET", WIDGETS)[1]["items"] == []


def test_somebody_else_may_hold_a_definition(workspace):
    made = definition()
    made["metadata"]["finalizers"] = ["example.dev/held"]
    define(workspace, made)
    workspace.request("POST", WIDGETS, instance("one"))
    assert workspace.request("DELETE", PATH)[0] == 200
    until(lambda: workspace.request("GET", PATH)[1]["metadata"]["finalizers"] == ["example.dev/held"])
    assert workspace.request("GET", WIDGETS)[1]["items"] == []
    assert workspace.request("POST", WIDGETS, instance("new"))[0] == 403
    release(workspace, PATH)
    assert workspace.request("GET", PATH)[0] == 404


def test_namespace_takes_its_custom_resources_along(workspace):
    define(workspace, definition())
    workspace.request("POST", "/api/v1/namespaces", {"metadata": {"name": "n"}})
    path = WIDGETS.replace("default", "n")
    for name, more in (("free", {}), ("held", {"metadata": HELD})):
        assert workspace.request("POST", path, instance(name, namespace="n", **more))[0] == 201
    workspace.request("DELETE", "/api/v1/namespaces/n")
    until(lambda: len(workspace.request("GET", path)[1]["items"]) == 1)
    told = until(lambda: workspace.request("GET", "/api/v1/namespaces/n")[1]["status"].get("conditions"))
    assert any("widgets.example.dev has 1 resource instances" in one["message"] for one in told)
    release(workspace, f"{path}/held")
    until(lambda: workspace.request("GET", "/api/v1/namespaces/n")[0] == 404)
    assert workspace.request("GET", path)[1]["items"] == []


def test_workspace_waits_for_custom_resources(server, tmp_path):
    made = server.create_workspace(directory=tmp_path)
    define(made, definition())
    made.request("POST", WIDGETS, instance("held", metadata=HELD))
    workspaces = "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces"
    assert server.request("DELETE", f"{workspaces}/{made.name}")[0] == 200
    until(lambda: "deletionTimestamp" in made.request("GET", f"{WIDGETS}/held")[1]["metadata"])
    assert made.request("GET", PATH)[0] == 200, "a definition outlives its instances"
    release(made)
    until(lambda: server.request("GET", f"{workspaces}/{made.name}")[0] == 404)


def test_nothing_is_left_of_a_workspace(tmp_path):
    with running_server(tmp_path) as server:
        made = server.create_workspace(directory=tmp_path)
        define(made, definition())
        define(made, definition("gadgets", scope="Cluster"))
        made.request("POST", WIDGETS, instance("one"))
        made.request("POST", "/apis/example.dev/v1/gadgets", instance("two", "Gadget", namespace=""))
        # Somebody who takes the finalizer off before its time leaves instances behind.
        made.request("POST", WIDGETS, instance("held", metadata=HELD))
        made.request("DELETE", PATH)
        assert made.request("PATCH", PATH, '{"metadata": {"finalizers": null}}', headers=MERGE)[0] == 200
        assert made.request("GET", WIDGETS)[0] == 404
        define(made, definition())
        assert len(made.request("GET", WIDGETS)[1]["items"]) >= 1
        release(made)
        made.request("DELETE", f"{WIDGETS}/held")
        made.delete()

        until(lambda: at_rest(server))
        server.stop()
    assert keys_with(server.root, made.cluster) == []


def test_an_instance_comes_while_its_definition_goes(server, workspace):
    """It is refused, or ends with it: the next definition of the name finds none."""
    widgets = f"/clusters/{workspace.path}{WIDGETS}"
    with racers(server, 2) as (leaver, maker):
        for number in range(25):
            define(workspace, definition())
            assert workspace.request("GET", WIDGETS)[1]["items"] == []
            left, made = together(
                partial(leaver.ask, "DELETE", f"/clusters/{workspace.path}{PATH}"),
                partial(maker.ask, "POST", widgets, instance(f"w{number}")),
            )
            assert left[0] == 200, left
            assert made[0] in (201, 403, 404), made
            until(lambda: workspace.request("GET", PATH)[0] == 404)
