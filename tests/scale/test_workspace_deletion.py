"""The end of very many workspaces: in time, in order, and without a trace, also where the process is killed meanwhile.

Takes minutes, so it is run by `make scale`. SCALE_WORKSPACES makes it smaller.
"""

import json
import time

import pytest
from crowds import MANY, all_of, workspace, workspaces
from support.server import Server, running_server, start_server
from support.traces import at_rest, segments

pytestmark = pytest.mark.scale

SECONDS = 60 * MANY / 10_000
MAPS = "/api/v1/namespaces/default/configmaps"
MERGE = {"Content-Type": "application/merge-patch+json"}
PLACE = f"{workspaces('root')}/crowd"


def crowd(server: Server) -> dict[str, str]:
    """A workspace in root with very many in it; the logical clusters, by name."""
    status, made = server.request("POST", workspaces("root"), workspace("crowd"))
    assert status == 201, made
    children = all_of(server, "POST", [f"w{number}" for number in range(MANY)], "root:crowd")
    return {"crowd": made["spec"]["cluster"], **children}


def left(server: Server, clusters: dict[str, str]) -> int:
    """How many workspaces there are in the crowd, whatever has become of the crowd itself."""
    path = f"/clusters/{clusters['crowd']}/apis/tenancy.kcp.io/v1alpha1/workspaces?limit=1000"
    status, found = server.request("GET", path, user="shard-admin")
    if status != 200:
        return 0
    return len(found["items"]) + int(
        found["metadata"].get("remainingItemCount", MANY if found["metadata"].get("continue") else 0)
    )


def gone(server: Server) -> bool:
    return server.request("GET", PLACE)[0] == 404 and at_rest(server)


def until(question, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.2)


def test_one_by_one(tmp_path):
    with running_server(tmp_path / "server", "--log-retention", "5s") as server:
        clusters = crowd(server)
        begun = time.monotonic()
        all_of(server, "DELETE", [name for name in clusters if name != "crowd"], "root:crowd")
        assert server.request("DELETE", PLACE)[0] == 200
        until(lambda: gone(server), 10 * SECONDS)
        taken = time.monotonic() - begun
    assert not segments(tmp_path / "server" / "root") & set(clusters.values())
    print(f"\n{MANY} workspaces deleted one by one in {taken:.1f} s")
    assert taken < SECONDS


def test_with_what_they_are_in(tmp_path):
    with running_server(tmp_path / "server", "--log-retention", "5s") as server:
        clusters = crowd(server)
        begun = time.monotonic()
        assert server.request("DELETE", PLACE)[0] == 200
        until(lambda: gone(server), 10 * SECONDS)
        taken = time.monotonic() - begun
    assert not segments(tmp_path / "server" / "root") & set(clusters.values())
    print(f"\n{MANY} workspaces deleted with what they are in, in {taken:.1f} s")
    assert taken < SECONDS


def test_a_kill_in_the_middle_and_a_finalizer(tmp_path):
    """Whatever is done when the process dies stays done, the rest is done by the next, and who is held stays."""
    server = start_server(tmp_path / "server", "--log-retention", "5s")
    clusters = crowd(server)
    held = {"metadata": {"name": "held", "finalizers": ["example.dev/hold"]}}
    status, found = server.request("POST", f"/clusters/{clusters['w7']}{MAPS}", held)
    assert status == 201, found
    assert server.request("DELETE", PLACE)[0] == 200
    until(lambda: left(server, clusters) < 0.7 * MANY, SECONDS)
    server.process.kill()
    server.process.wait()
    before = segments(tmp_path / "server" / "root") & set(clusters.values())
    assert len(before) > 0.1 * MANY
    with running_server(tmp_path / "server", "--log-retention", "5s") as server:
        until(lambda: left(server, clusters) == 1, 10 * SECONDS)
        status, found = server.request("GET", PLACE)
        assert (status, found["status"]["phase"]) == (200, "Deleting")
        status, found = server.request("GET", f"{workspaces('root:crowd')}/w7")
        assert status == 200
        told = {one["type"]: one for one in found["status"]["conditions"]}["WorkspaceContentDeleted"]
        assert "example.dev/hold in 1 resource instances" in told["message"]
        body = json.dumps({"metadata": {"finalizers": None}})
        path = f"/clusters/{clusters['w7']}{MAPS}/held"
        assert server.request("PATCH", path, body, headers=MERGE)[0] == 200
        until(lambda: gone(server), SECONDS)
    assert not segments(tmp_path / "server" / "root") & set(clusters.values())
