"""The limit on all objects that logical clusters have by default: --logical-cluster-total-object-limit."""

import json
from dataclasses import replace

import pytest
from limited import LOGICAL_CLUSTER, MERGE, Limited, at_once, counted_objects, until
from support.server import running_server

LIMIT = 40
MOST = "core.kcp.io/max-total-objects"
FLAG = "--logical-cluster-total-object-limit"
NAMESPACES = "/api/v1/namespaces"


@pytest.fixture(scope="module")
def bounded(tmp_path_factory):
    """A server with a limit for all."""
    with running_server(tmp_path_factory.mktemp("bounded"), FLAG, str(LIMIT)) as server:
        yield server


@pytest.fixture
def limited(bounded, tmp_path):
    workspace = bounded.create_workspace(directory=tmp_path)
    yield Limited(workspace)
    workspace.delete()


def annotate(workspace, value):
    body = {"metadata": {"annotations": {MOST: value}}}
    status, found = workspace.request("PATCH", LOGICAL_CLUSTER, json.dumps(body), headers=MERGE, user="shard-admin")
    assert status == 200, found


def told(limited, name="over") -> tuple[int, int]:
    """What a refusal says there is, and what it says is the most."""
    status, found = limited.create(name)
    assert (status, found["reason"]) == (403, "Forbidden"), found
    words = f'configmaps "{name}" is forbidden: logical cluster "{limited.workspace.cluster}" has reached its total '
    opening, _, rest = found["message"].partition("object count limit (")
    assert opening == words
    numbers, _, end = rest.partition(" objects)")
    assert end == "; delete objects to free up capacity"
    count, _, most = numbers.partition("/")
    return int(count), int(most)


def fill(limited, prefix="map", number=LIMIT):
    """Create from eight clients at once; how many were created."""
    answers = at_once(lambda one: limited.create(f"{prefix}-{one}")[0], range(number))
    assert set(answers) <= {201, 403}
    return answers.count(201)


def test_whoever_creates_at_once_ends_at_exactly_the_limit(limited):
    there = counted_objects(limited.workspace)
    assert fill(limited) == LIMIT - there
    assert told(limited) == (LIMIT, LIMIT)
    assert counted_objects(limited.workspace) == LIMIT
    limited.delete("map-0" if "map-0" in limited.names() else limited.names()[-1])
    assert limited.create("fits")[0] == 201
    assert limited.change("fits", {"data": {"a": "b"}}, resource="configmaps")[0] == 200
    assert told(limited) == (LIMIT, LIMIT)


def test_what_a_namespace_brings_counts_with_it(limited):
    workspace = limited.workspace
    there = counted_objects(workspace)
    for number in range(LIMIT - there - 2):
        assert limited.create(f"map-{number}")[0] == 201
    status, found = workspace.request("POST", NAMESPACES, {"metadata": {"name": "more"}})
    assert (status, f"({LIMIT - 2}/{LIMIT} objects)" in found["message"]) == (403, True), found
    limited.delete("map-0")
    assert workspace.request("POST", NAMESPACES, {"metadata": {"name": "more"}})[0] == 201
    assert told(limited) == (LIMIT, LIMIT)
    assert workspace.request("DELETE", f"{NAMESPACES}/more")[0] == 200
    until(lambda: counted_objects(workspace) == LIMIT - 3)
    assert fill(limited, "again", 6) == 3


@pytest.mark.parametrize("way", ["larger", "smaller"])
def test_the_annotation_overrides_it(limited, way):
    workspace = limited.workspace
    there = counted_objects(workspace)
    most = {"larger": LIMIT + 10, "smaller": there + 3}[way]
    annotate(workspace, str(most))
    assert fill(limited, number=LIMIT + 20) == most - there
    assert told(limited) == (most, most)
    annotate(workspace, None)
    if way == "larger":  # what is there stays
        assert told(limited) == (most, LIMIT)
        assert len(limited.names()) == most - there + 1
    else:
        assert fill(limited, "more") == LIMIT - most
        assert told(limited) == (LIMIT, LIMIT)


@pytest.mark.parametrize(("value", "limits"), [("0", False), ("-1", False), ("many", True), ("", True)])
def test_an_annotation_that_is_no_limit(limited, value, limits):
    there = counted_objects(limited.workspace)
    annotate(limited.workspace, value)
    assert fill(limited, number=LIMIT) == (LIMIT - there if limits else LIMIT)
    annotate(limited.workspace, None)
    count = LIMIT if limits else LIMIT + there
    assert told(limited) == (count, LIMIT)


def test_events_are_told_of_a_full_workspace_and_count_nowhere(limited):
    fill(limited)
    body = {
        "metadata": {"name": "full"},
        "involvedObject": {"kind": "Namespace", "name": "default", "namespace": "default"},
        "reason": "Full",
        "message": "it is",
    }
    status, found = limited.workspace.request("POST", limited.path("events"), body)
    assert status == 201, found
    assert told(limited) == (LIMIT, LIMIT)
    limited.delete("full", "events")
    assert told(limited) == (LIMIT, LIMIT)


def test_what_every_namespace_has_comes_back_when_there_is_room(limited):
    annotate(limited.workspace, "1")
    limited.delete("kube-root-ca.crt")
    count, most = told(limited)
    assert (count, most) == (counted_objects(limited.workspace), 1)
    assert "kube-root-ca.crt" not in limited.names()
    annotate(limited.workspace, None)
    until(lambda: "kube-root-ca.crt" in limited.names(), 70)
    fill(limited)
    assert told(limited) == (counted_objects(limited.workspace), LIMIT)


def test_a_limit_below_what_a_new_workspace_holds_does_no_harm_to_its_creation(tmp_path):
    """Root and the system's own have no limit by default, and none holds before a logical cluster is Ready."""
    with running_server(tmp_path / "server", FLAG, "3") as server:
        workspace = server.create_workspace(directory=tmp_path)
        full = Limited(workspace)
        assert told(full) == (counted_objects(workspace), 3)
        root = replace(workspace, path="root", cluster="root")
        assert Limited(root).create("free")[0] == 201
        kind = {
            "apiVersion": "tenancy.kcp.io/v1alpha1",
            "kind": "WorkspaceType",
            "metadata": {"name": "begun"},
            "spec": {"initializer": True, "extend": {"with": [{"name": "universal", "path": "root"}]}},
        }
        types = "/apis/tenancy.kcp.io/v1alpha1/workspacetypes"
        assert root.request("POST", types, kind)[0] == 201
        made = {
            "apiVersion": "tenancy.kcp.io/v1alpha1",
            "kind": "Workspace",
            "metadata": {"name": "young"},
            "spec": {"type": {"name": "begun", "path": "root"}},
        }
        status, found = root.request("POST", "/apis/tenancy.kcp.io/v1alpha1/workspaces", made)
        assert (status, found["status"]["phase"]) == (201, "Initializing")
        young = replace(workspace, path="root:young", cluster=found["spec"]["cluster"])
        seed = {"metadata": {"name": "seed"}}
        seeds = "/api/v1/namespaces/default/configmaps"
        status, found = young.request("POST", seeds, seed, user="shard-admin")
        assert status == 201, found
        done = json.dumps({"status": {"initializers": []}})
        status, found = young.request("PATCH", f"{LOGICAL_CLUSTER}/status", done, headers=MERGE, user="shard-admin")
        assert (status, found["status"]["phase"]) == (200, "Ready")
        assert told(Limited(young)) == (counted_objects(young), 3)
        home = server.request("GET", "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces/~", user="alice")
        assert (home[0], home[1]["status"]["phase"]) == (200, "Ready")
        workspace.delete()


def test_it_is_right_after_restarts_with_and_without_it(tmp_path):
    directory = tmp_path / "server"
    with running_server(directory) as server:
        before = Limited(server.create_workspace(directory=tmp_path))  # never counted anything
        own = Limited(server.create_workspace(directory=tmp_path))
        annotate(own.workspace, "1000")
        assert fill(before, number=20) == fill(own, number=20) == 20

    def again(limited, server):
        return replace(limited, workspace=replace(limited.workspace, server=server))

    with running_server(directory, FLAG, "30") as server:
        old, mine = again(before, server), again(own, server)
        there = counted_objects(old.workspace)
        assert told(old) == (there, 30)
        assert fill(mine, "more", 10) == 10
        fresh = Limited(server.create_workspace(directory=tmp_path))
        fill(fresh)
        assert told(fresh) == (30, 30)
    with running_server(directory) as server:  # nobody counts, but where an annotation is
        old, mine, new = (again(one, server) for one in (before, own, fresh))
        assert fill(old, "uncounted", 5) == 5
        assert fill(new, "uncounted", 5) == 5
        mine.delete("map-0")
        mine.delete("map-1")
    with running_server(directory, FLAG, "50") as server:
        old, mine, new = (again(one, server) for one in (before, own, fresh))
        fill(new, "last", 30)
        assert told(new) == (counted_objects(new.workspace), 50) == (50, 50)
        fill(old, "last", 30)
        assert told(old) == (counted_objects(old.workspace), 50) == (50, 50)
        count = counted_objects(mine.workspace)
        annotate(mine.workspace, "1")
        assert told(mine) == (count, 1)
    with running_server(directory, FLAG, "20") as server:  # the same count under a lower limit
        old, new = again(before, server), again(fresh, server)
        assert told(old) == told(new) == (50, 20)
        for name in [one for one in old.names() if one.startswith("map-")][:2]:
            old.delete(name)
        assert told(old) == (48, 20)


def test_what_a_start_brings_is_counted_where_root_is_limited(tmp_path):
    directory = tmp_path / "server"
    with running_server(directory) as server:
        root = Limited(replace(server.create_workspace(directory=tmp_path), path="root", cluster="root"))
        annotate(root.workspace, "5")
        count = counted_objects(root.workspace)
        assert told(root) == (count, 5)
    with running_server(directory, "--batteries-included", "+metrics-viewer,+user") as server:
        root = replace(root, workspace=replace(root.workspace, server=server))
        grown = counted_objects(root.workspace)
        assert grown > count
        assert told(root) == (grown, 5)
