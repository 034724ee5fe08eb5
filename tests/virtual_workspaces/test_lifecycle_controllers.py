"""Workspaces whose beginning or end waits for a controller outside the server, which may come late, and crashes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lifecycle_world import LOGICAL_CLUSTER, LOGICAL_CLUSTERS, WORKSPACES, World
from support.server import Workspace, start_server

PROGRAM = Path(__file__).with_name("lifecycle_controller.py")
MERGE = "application/merge-patch+json"


@pytest.fixture
def controllers(tmp_path):
    """Starts controllers: (server, user, view, field) to the process, ended after the test."""
    running = []

    def start(server, user, view, field):
        command = [sys.executable, str(PROGRAM), str(server.kubeconfig), user, view, field]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate(timeout=10)


@pytest.fixture
def crashing(tmp_path):
    """A server of its own that can be killed: `crash()` kills it and gives its successor."""
    servers = [start_server(tmp_path / "server")]

    def crash(wait=0.0):
        time.sleep(wait)
        servers[-1].stop(signal.SIGKILL)
        servers.append(start_server(tmp_path / "server"))
        return servers[-1]

    yield servers[0], crash
    assert servers[-1].stop() == 0


def world_of(server, provider):
    return World(server, Workspace(server, provider.name, provider.path, provider.cluster, provider.kubeconfig))


def phase_of(world, made):
    """The phases of a workspace and of its logical cluster."""
    status, workspace = world.workspace(made["metadata"]["name"])
    assert status == 200, workspace
    status, logical = world.request("GET", f"/clusters/{made['spec']['cluster']}{LOGICAL_CLUSTER}")
    assert status == 200, logical
    return workspace["status"]["phase"], logical["status"]["phase"]


def test_a_foreign_controller_makes_workspaces_ready(world, controllers):
    """Ready is in the very commit that takes the last name off, for both objects."""
    world.make_type("seeded", initializer=True)
    world.allow(world.provider.path, "bob", ["initialize"], "tenancy.kcp.io", ["workspacetypes"], ["seeded"])
    early = world.make_workspace("seeded")
    assert phase_of(world, early) == ("Initializing", "Initializing")
    watch = world.watch(f"/clusters/{world.provider.path}{WORKSPACES}?watch=1")
    assert watch.next()[2]["status"]["phase"] == "Initializing"
    view = world.initializing("seeded").removesuffix("/clusters/*")
    controller = controllers(world.server, "bob", view, "initializers")
    late = world.make_workspace("seeded")
    phases = [(obj["metadata"]["name"], obj["status"]["phase"]) for _, _, obj in (watch.next() for _ in range(3))]
    assert sorted(phases) == sorted(
        [
            (early["metadata"]["name"], "Ready"),
            (late["metadata"]["name"], "Initializing"),
            (late["metadata"]["name"], "Ready"),
        ]
    )
    watch.close()
    for made in (early, late):
        assert phase_of(world, made) == ("Ready", "Ready")
        status, workspace = world.workspace(made["metadata"]["name"])
        assert "initializers" not in workspace["status"]
        assert [one["status"] for one in workspace["status"]["conditions"]] == ["True", "True"]
        seed = f"/clusters/{made['spec']['cluster']}/api/v1/namespaces/default/configmaps/seed"
        status, seeded = world.request("GET", seed)
        assert status == 200, seeded
    told = {controller.stdout.readline() for _ in (early, late)}
    assert told == {f"{made['spec']['cluster']} 200\n" for made in (early, late)}
    assert world.seen(world.initializing("seeded")) == []


def test_initialization_survives_a_crash(crashing, controllers, tmp_path):
    server, crash = crashing
    world = World(server, server.create_workspace(directory=tmp_path))
    world.make_type("seeded", initializer=True)
    made = [world.make_workspace("seeded") for _ in range(3)]
    server = crash()
    world = world_of(server, world.provider)
    assert all(phase_of(world, one) == ("Initializing", "Initializing") for one in made)
    assert len(world.seen(world.initializing("seeded"))) == 3
    view = world.initializing("seeded").removesuffix("/clusters/*")
    controller = controllers(server, "kcp-admin", view, "initializers")
    assert controller.stdout.readline().endswith(" 200\n")
    # A crash while the controller is at work: what was answered is there, and the rest goes on.
    server = crash()
    world = world_of(server, world.provider)
    controllers(server, "kcp-admin", view, "initializers")
    world.wait_for(lambda: all(phase_of(world, one) == ("Ready", "Ready") for one in made))


def test_a_terminator_holds_a_workspace_to_the_end_of_its_work(world, controllers):
    world.make_type("billed", terminator=True)
    world.allow(world.provider.path, "bob", ["terminate"], "tenancy.kcp.io", ["workspacetypes"], ["billed"])
    made = world.make_workspace("billed")
    name, cluster = made["metadata"]["name"], made["spec"]["cluster"]
    assert made["status"]["phase"] == "Ready"
    assert world.seen(world.terminating("billed")) == []
    watch = world.watch(world.terminating("billed") + LOGICAL_CLUSTERS + "?watch=1", user="bob")
    status, answer = world.provider.request("DELETE", f"{WORKSPACES}/{name}")
    assert (status, answer["status"]["phase"]) == (200, "Terminating")
    assert watch.next()[:2] == ("ADDED", cluster)
    assert world.seen(world.terminating("billed")) == [cluster]
    assert phase_of(world, made) == ("Terminating", "Terminating")

    view = world.terminating("billed", cluster)
    status, answer = world.request("GET", view + "/api/v1/namespaces", user="bob")
    assert status == 200, answer
    status, answer = world.request("GET", world.initializing("billed", cluster) + "/api/v1/namespaces")
    assert (status, answer["message"]) == (
        403,
        f'initializer "{world.initializer("billed")}" cannot access this workspace',
    )
    own = world.initializer("billed")
    body = {"status": {"terminators": [own, "root:other"]}}
    status, answer = world.request("PATCH", f"{view}{LOGICAL_CLUSTER}/status", body, user="bob", media=MERGE)
    assert status == 422
    assert f'only removing the "{own}" terminator is supported' in answer["message"]

    view = world.terminating("billed").removesuffix("/clusters/*")
    controller = controllers(world.server, "bob", view, "terminators")
    assert controller.stdout.readline() == f"{cluster} 200\n"
    while (event := watch.next())[0] == "MODIFIED":
        pass
    assert event[:2] == ("DELETED", cluster)
    watch.close()
    world.wait_for(lambda: world.workspace(name)[0] == 404)
    world.wait_for(lambda: world.request("GET", f"/clusters/{cluster}{LOGICAL_CLUSTER}", user="shard-admin")[0] == 404)


def test_termination_survives_a_crash(crashing, controllers, tmp_path):
    server, crash = crashing
    world = World(server, server.create_workspace(directory=tmp_path))
    world.make_type("billed", terminator=True)
    made = world.make_workspace("billed")
    name = made["metadata"]["name"]
    assert world.provider.request("DELETE", f"{WORKSPACES}/{name}")[0] == 200
    server = crash(0.2)
    world = world_of(server, world.provider)
    assert phase_of(world, made) == ("Terminating", "Terminating")
    assert world.seen(world.terminating("billed")) == [made["spec"]["cluster"]]
    view = world.terminating("billed").removesuffix("/clusters/*")
    controller = controllers(server, "kcp-admin", view, "terminators")
    assert controller.stdout.readline().endswith(" 200\n")
    server = crash()
    world = world_of(server, world.provider)
    world.wait_for(lambda: world.workspace(name)[0] == 404)


def test_a_workspace_that_goes_while_it_begins(world):
    """Its initializer loses sight of it at once; its terminator then sees it."""
    world.make_type("both", initializer=True, terminator=True)
    made = world.make_workspace("both")
    name, cluster = made["metadata"]["name"], made["spec"]["cluster"]
    assert world.provider.request("DELETE", f"{WORKSPACES}/{name}")[0] == 200
    assert world.seen(world.initializing("both")) == []
    assert world.seen(world.terminating("both")) == [cluster]
    path = f"{world.terminating('both', cluster)}{LOGICAL_CLUSTER}/status"
    status, answer = world.request("PATCH", path, {"status": {"terminators": []}}, media=MERGE)
    assert status == 200, answer
    world.wait_for(lambda: world.workspace(name)[0] == 404)


def test_a_service_account_of_the_provider_is_a_controller(world):
    """It is nobody in the workspaces it works in, and is let in by its work alone."""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}]
    world.make_type("seeded", initializer=True, initializerPermissions=rules)
    user = "system:serviceaccount:default:default"
    world.allow(world.provider.path, user, ["initialize"], "tenancy.kcp.io", ["workspacetypes"], ["seeded"])
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    status, made = world.provider.request("POST", path, body)
    assert status == 201, made
    cluster = world.make_workspace("seeded")["spec"]["cluster"]
    headers = {"Authorization": f"Bearer {made['status']['token']}"}
    view = world.initializing("seeded", cluster)
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seed"}}

    def send(path):
        return world.server.request("POST", path, config_map, user="", headers=headers)

    status, answer = send(f"{view}/api/v1/namespaces/default/configmaps")
    assert status == 201, answer
    status, answer = send(f"/clusters/{cluster}/api/v1/namespaces/default/configmaps")
    assert status == 403, answer
