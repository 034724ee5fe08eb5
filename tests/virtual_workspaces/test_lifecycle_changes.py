"""What an initializer or a terminator may change through its view, in every way there is to change an object."""

import pytest
from lifecycle_world import LOGICAL_CLUSTER, WORKSPACES

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"


def written(world, view, way, lists):
    """Write lists of a LogicalCluster's status through a view, in one of the ways there are."""
    path = f"{view}{LOGICAL_CLUSTER}/status"
    status, live = world.request("GET", path)
    assert status == 200, live
    if way == "put":
        live["status"].update(lists)
        return world.request("PUT", path, live)
    if way == "merge":
        return world.request("PATCH", path, {"status": lists}, media=MERGE)
    if way == "json":
        operations = [{"op": "add", "path": f"/status/{name}", "value": value} for name, value in lists.items()]
        return world.request("PATCH", path, operations, media=JSON_PATCH)
    body = {"apiVersion": "core.kcp.io/v1alpha1", "kind": "LogicalCluster", "metadata": {"name": "cluster"}}
    return world.request("PATCH", f"{path}?fieldManager=m&force=true", {**body, "status": lists}, media=APPLY)


@pytest.mark.parametrize("way", ["put", "merge", "json", "apply"])
def test_exactly_its_own_name_can_be_taken_off(world, way):
    extend = {"with": [{"name": "other", "path": world.provider.path}]}
    world.make_type("other", initializer=True, terminator=True)
    world.make_type("own", initializer=True, terminator=True, extend=extend)
    cluster = world.make_workspace("own")["spec"]["cluster"]
    view = world.initializing("own", cluster)
    own, other = world.initializer("own"), world.initializer("other")
    wrong = [
        {"initializers": []},
        {"initializers": [own]},
        {"initializers": [own, other]},
        {"initializers": [other, other]},
        {"initializers": [other, "root:universal"]},
        {"initializers": [other, own, "root:universal"]},
        {"initializers": ["root:universal"]},
        {"terminators": [other]},
        {"terminators": []},
        {"initializers": [other], "terminators": [own]},
    ]
    for lists in wrong:
        status, answer = written(world, view, way, lists)
        assert (status, answer.get("reason")) == (422, "Invalid"), (lists, answer)
        assert f'only removing the "{own}" initializer is supported' in answer["message"]
        assert answer["message"].startswith('LogicalCluster.core.kcp.io "cluster" is invalid: ')
    status, live = world.request("GET", view + LOGICAL_CLUSTER)
    assert (live["status"]["initializers"], live["status"]["terminators"]) == ([other, own], [other, own])
    status, answer = written(world, view, way, {"initializers": [other]})
    assert (status, answer["status"]["initializers"]) == (200, [other]), answer
    status, answer = written(world, world.initializing("other", cluster), way, {"initializers": []})
    assert (status, answer["status"]["phase"]) == (200, "Ready"), answer


@pytest.mark.parametrize("way", ["put", "merge", "json", "apply"])
def test_a_terminator_takes_exactly_its_own_name_off(world, way):
    extend = {"with": [{"name": "other", "path": world.provider.path}]}
    world.make_type("other", initializer=True, terminator=True)
    world.make_type("own", terminator=True, extend=extend)
    made = world.make_workspace("own")
    name, cluster = made["metadata"]["name"], made["spec"]["cluster"]
    own, other = world.initializer("own"), world.initializer("other")
    view = world.terminating("own", cluster)
    # Before its end it is not there; then only what is due at this end may be taken off.
    assert world.request("PATCH", f"{view}{LOGICAL_CLUSTER}/status", {"status": {}}, media=MERGE)[0] == 404
    assert world.provider.request("DELETE", f"{WORKSPACES}/{name}")[0] == 200
    settled = "WorkspaceContentDeleted"  # what the take-down writes would come between reading and writing
    world.wait_for(lambda: settled in str(world.request("GET", view + LOGICAL_CLUSTER)[1]["status"]["conditions"]))
    for lists in (
        {"terminators": []},
        {"terminators": [own]},
        {"terminators": [own, other]},
        {"terminators": [other, other]},
        {"terminators": [other, "root:universal"]},
        {"initializers": []},
        {"terminators": [other], "initializers": [own]},
    ):
        status, answer = written(world, view, way, lists)
        assert (status, answer.get("reason")) == (422, "Invalid"), (lists, answer)
        assert f'only removing the "{own}" terminator is supported' in answer["message"]
    status, answer = written(world, view, way, {"terminators": [other]})
    assert (status, answer["status"]["terminators"], answer["status"]["phase"]) == (200, [other], "Terminating"), answer
    assert world.request("GET", view + LOGICAL_CLUSTER)[0] == 404
    assert world.workspace(name)[1]["status"]["terminators"] == [other]
    status, answer = written(world, world.terminating("other", cluster), way, {"terminators": []})
    assert (status, answer["status"]["phase"]) == (200, "Deleting"), answer
    world.wait_for(lambda: world.workspace(name)[0] == 404)


def test_the_message_is_as_recorded(world):
    world.make_type("ii", initializer=True)
    cluster = world.make_workspace("ii")["spec"]["cluster"]
    body = {"status": {"initializers": [world.initializer("ii"), "root:x1"]}}
    path = f"{world.initializing('ii', cluster)}{LOGICAL_CLUSTER}/status"
    status, answer = world.request("PATCH", path, body, media=MERGE)
    own = world.initializer("ii")
    assert (status, answer["message"]) == (
        422,
        'LogicalCluster.core.kcp.io "cluster" is invalid: status.initializers: Invalid value: '
        f'["{own}","root:x1"]: only removing the "{own}" initializer is supported',
    )


def test_conditions_may_be_told_and_nothing_else_changes(world):
    world.make_type("ii", initializer=True)
    cluster = world.make_workspace("ii")["spec"]["cluster"]
    view = world.initializing("ii", cluster)
    condition = {"type": "Mine", "status": "False", "severity": "Info", "reason": "Busy", "message": "at it"}
    condition["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    status, before = world.request("GET", view + LOGICAL_CLUSTER)
    changed = {**before["status"], "phase": "Ready", "URL": "https://elsewhere/"}
    changed["conditions"] = [*changed["conditions"], condition]
    body = {**before, "status": changed, "spec": {**before["spec"], "directlyDeletable": True}}
    body["metadata"] = {**before["metadata"], "labels": {"x": "y"}, "finalizers": [], "annotations": {}}
    status, after = world.request("PUT", f"{view}{LOGICAL_CLUSTER}/status", body)
    assert status == 200, after
    assert [one["type"] for one in after["status"]["conditions"]] == ["Mine", "WorkspaceInitialized"]
    assert {**after["status"], "conditions": 0} == {**before["status"], "conditions": 0}
    assert after["spec"] == before["spec"]
    for name in ("labels", "finalizers", "annotations"):
        assert after["metadata"][name] == before["metadata"][name]
