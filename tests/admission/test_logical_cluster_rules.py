"""The rules of logical clusters at every door, the views of initializers and terminators among them."""

import pytest
from doors import Object, Verdict

RESOURCE = "/apis/core.kcp.io/v1alpha1/logicalclusters"
KIND = ("core.kcp.io/v1alpha1", "LogicalCluster")
TYPES = "/apis/tenancy.kcp.io/v1alpha1/workspacetypes"
WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"


@pytest.fixture
def waiting(workspace):
    """A logical cluster that waits for two initializers, and has terminators; and their names."""
    for name in ("one", "two"):
        spec = {"initializer": True, "terminator": True, "extend": {"with": [{"name": "universal", "path": "root"}]}}
        if name == "two":
            spec["extend"]["with"].append({"name": "one", "path": workspace.path})
        body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "WorkspaceType", "metadata": {"name": name}}
        status, made = workspace.request("POST", TYPES, {**body, "spec": spec})
        assert status == 201, made
    body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "w"}}
    spec = {"type": {"name": "two", "path": workspace.path}}
    status, made = workspace.request("POST", WORKSPACES, {**body, "spec": spec})
    assert status == 201, made
    cluster = made["spec"]["cluster"]
    places = {"path": f"/clusters/{workspace.path}:w", "name": f"/clusters/{cluster}"}
    names = [f"{workspace.cluster}:one", f"{workspace.cluster}:two"]
    return Object(workspace.server, places, RESOURCE, KIND, "cluster"), names, cluster


def refused(text):
    return Verdict(403, text)


def all_are(found, wanted):
    assert found == dict.fromkeys(found, wanted)


SPEC = {
    "initializers": ({"initializers": ["root:other"]}, "spec.initializers is immutable"),
    "no initializers": ({"initializers": None}, "spec.initializers is immutable"),
    "terminators": ({"terminators": ["root:other"]}, "spec.terminators is immutable"),
    "no terminators": ({"terminators": None}, "spec.terminators is immutable"),
    "creator": ({"createdBy": {"username": "mallory"}}, "spec.createdBy is immutable"),
    "owner": ({"owner": {"name": "other"}}, "spec.owner is immutable"),
    "no owner": ({"owner": None}, "spec.owner is immutable"),
}


def test_what_cannot_be_changed(waiting):
    thing, _names, _cluster = waiting
    for rule, (spec, text) in SPEC.items():
        found = thing.updates({"spec": spec})
        assert found == dict.fromkeys(found, refused(text)), rule


def test_what_cannot_be_said_of_the_status(waiting):
    thing, (one, two), _cluster = waiting
    grown = {"status": {"initializers": [one, two, "root:third"]}}
    all_are(thing.updates(grown, "/status"), refused("status.initializers must not grow"))
    early = {"status": {"phase": "Ready"}}
    all_are(thing.updates(early, "/status"), refused("status.initializers is not empty"))
    more = {"status": {"terminators": [one, two, "root:third"]}}
    all_are(thing.updates(more, "/status"), refused("status.terminators must not grow"))
    for change in (grown, early, more):  # what belongs to the status is not heard anywhere else
        all_are(thing.updates(change), Verdict(200))
    assert thing.live(thing.places["path"])["status"]["initializers"] == [one, two]


def test_what_is_over_when_it_is_ready(workspace):
    places = {"path": f"/clusters/{workspace.path}", "name": f"/clusters/{workspace.cluster}"}
    thing = Object(workspace.server, places, RESOURCE, KIND, "cluster")
    late = {"status": {"initializers": ["root:other"]}}
    all_are(thing.updates(late, "/status"), refused("status.initializers is immutable after initialization"))
    for phase in ("Initializing", "Scheduling"):
        found = thing.updates({"status": {"phase": phase}}, "/status")
        assert len(set(found.values())) == 1, found


def test_inactive_only_when_ready(waiting):
    thing, _names, _cluster = waiting
    text = 'LogicalCluster can only be marked inactive in phase "Ready", but is in phase "Initializing"'
    for name in ("core.kcp.io/inactive", "internal.kcp.io/inactive"):
        change = {"metadata": {"annotations": {name: "true"}}}
        all_are(thing.updates(change), refused(text))
        all_are(thing.updates(change, "/status"), Verdict(200))  # metadata is not heard there
        assert name not in thing.live(thing.places["path"])["metadata"]["annotations"]


def test_made_and_deleted_by_the_system(waiting, workspace):
    thing, _names, _cluster = waiting
    for place in thing.places.values():
        status, found = thing.request("DELETE", f"{place}{RESOURCE}/cluster")
        assert (status, found["message"].partition("forbidden: ")[2]) == (403, "LogicalCluster cannot be deleted")
    for user in ("kcp-admin", "user"):
        body = {**thing.identity, "spec": {}}
        status, found = workspace.request("POST", RESOURCE, body, user=user)
        assert status == 403, found


def test_views_take_off_their_own_name_and_nothing_else(waiting):
    thing, (one, two), cluster = waiting
    base = f"/services/initializingworkspaces/{one}/clusters/{cluster}"
    view = Object(thing.server, {"view": base}, RESOURCE, KIND, "cluster")
    for left in ([one, two, "root:third"], [one], [two, one], [two, two], [], ["root:third", two]):
        found = view.updates({"status": {"initializers": left}}, "/status")
        assert {verdict.code for verdict in found.values()} == {422}, (left, found)
        wanted = f'only removing the "{one}" initializer is supported'
        assert all(verdict.text.endswith(wanted) for verdict in found.values()), (left, found)
    found = view.updates({"status": {"terminators": [one]}}, "/status")
    assert {verdict.code for verdict in found.values()} == {422}, found
    for change in ({"status": {"phase": "Ready"}}, {"status": {"URL": "https://x"}}, {"spec": {"initializers": []}}):
        all_are(view.updates(change, "/status"), Verdict(200))  # not heard
    live = thing.live(thing.places["path"])
    assert (live["status"]["phase"], live["status"]["initializers"]) == ("Initializing", [one, two])
    assert live["spec"]["initializers"]
    for verb in ("PUT", "PATCH", "DELETE"):
        status, found = view.request(verb, f"{base}{RESOURCE}/cluster", {}, "application/merge-patch+json")
        assert status == 405, (verb, found)
