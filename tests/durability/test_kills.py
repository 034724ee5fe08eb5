"""kill -9 at any moment: what was acknowledged is there afterwards, and nothing is half there."""

import random
import signal

import yaml
from support.server import Server, start_server
from writers import MAPS, WORKSPACES, Writers

ROUNDS = 20
REACHED_AT = ("--shard-external-url", "https://manifold.example:6443")
"""Not the address, which is another one after each start: the URLs in what is stored follow it."""
CONTENT = (
    "/api/v1/namespaces/default",
    "/api/v1/namespaces/kube-system",
    "/api/v1/namespaces/default/serviceaccounts/default",
    f"{MAPS}/kube-root-ca.crt",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/workspace-admin",
    "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster",
)
"""Some of what every universal workspace begins with."""


def check_acknowledged(server: Server, writers: Writers) -> None:
    """What the server says now against what it said before it was killed."""
    for place, acknowledged in writers.acknowledged.items():
        status, found = server.request("GET", place)
        if place in writers.doubtful:  # the last request was not answered: as it was, or as it was to be
            assert status in (200, 404), found
        elif acknowledged is None:
            assert status == 404 or "deletionTimestamp" in found["metadata"], f"{place} is back"
        else:
            assert (status, found) == (200, acknowledged), place


def check_whole(server: Server, cluster: str, mark: str) -> None:
    """The workspaces of a round are Ready with their content, also those whose creation was not answered."""
    status, listed = server.request("GET", WORKSPACES.format(cluster))
    assert status == 200
    for one in listed["items"]:
        if not one["metadata"]["name"].startswith(mark) or "deletionTimestamp" in one["metadata"]:
            continue
        assert one["status"]["phase"] == "Ready", one
        for path in CONTENT:
            assert server.request("GET", f"/clusters/{one['spec']['cluster']}{path}")[0] == 200, (one, path)


def revisions(writers: Writers) -> list[int]:
    objects = [one for one in writers.acknowledged.values() if one is not None]
    return [int(one["metadata"]["resourceVersion"]) for one in objects]


def credentials(server: Server) -> dict:
    """The users of the admin kubeconfig and the authority it trusts: all but the port, which differs at each start."""
    document = yaml.safe_load((server.root / "admin.kubeconfig").read_bytes())
    trusted = [one["cluster"]["certificate-authority-data"] for one in document["clusters"]]
    return {"users": document["users"], "trusted": trusted, "current": document["current-context"]}


def test_everything_acknowledged_survives(tmp_path):
    server = start_server(tmp_path / "server", *REACHED_AT)
    try:
        workspace = server.create_workspace(directory=tmp_path)
        workspace.kubectl("create", "rolebinding", "robot", "--clusterrole=view", "--serviceaccount=default:default")
        robot = workspace.kubectl("create", "token", "default").stdout.strip()
        known, reached, choose = credentials(server), 0, random.Random(20)
        for number in range(ROUNDS):
            mark = f"r{number}"
            writers = Writers(server, workspace.cluster, mark)
            writers.start(choose.randint(4, 60))
            server.process.kill()
            writers.join()
            server.stop(signal.SIGKILL)
            server = start_server(tmp_path / "server", *REACHED_AT)
            check_acknowledged(server, writers)
            check_whole(server, workspace.cluster, mark)
            status, listed = server.request("GET", f"/clusters/{workspace.cluster}{MAPS}")
            assert status == 200
            now = int(listed["metadata"]["resourceVersion"])
            assert now >= max([reached, *revisions(writers)]), "revisions went back"
            reached = now
            assert credentials(server) == known
        own = {"Authorization": f"Bearer {robot}"}
        path = f"/clusters/{workspace.cluster}/api/v1/namespaces/default/configmaps"
        assert server.request("GET", path, user="", headers=own)[0] == 200, "a service account's token did not survive"
    finally:
        server.stop(signal.SIGKILL)


def test_deletions_begun_are_finished_after_a_kill(tmp_path):
    """A namespace and a workspace with content, deleted just before: gone soon after the start, with all in them."""
    server = start_server(tmp_path / "server")
    try:
        workspace = server.create_workspace(directory=tmp_path)
        child = server.create_workspace("child", parent=workspace.path, directory=tmp_path)
        server.create_workspace("grandchild", parent=child.path, directory=tmp_path)
        workspace.kubectl("create", "namespace", "team")
        for number in range(20):
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"n{number}"}}
            assert workspace.request("POST", "/api/v1/namespaces/team/configmaps", body)[0] == 201
        assert workspace.request("DELETE", "/api/v1/namespaces/team")[0] in (200, 202)
        place = f"{WORKSPACES.format(workspace.cluster)}/child"
        assert server.request("DELETE", place)[0] in (200, 202)
        server.stop(signal.SIGKILL)
        server = start_server(tmp_path / "server")
        waiting = {place, f"/clusters/{workspace.cluster}/api/v1/namespaces/team"}
        for path in waiting:
            server.kubectl(
                "--server", server.url + path.split("/api")[0], "wait", "--for=delete", "--timeout=30s",
                "namespace/team" if path.endswith("team") else "workspace/child",
            )  # fmt: skip
            assert server.request("GET", path)[0] == 404
        assert (
            server.request("GET", f"/clusters/{workspace.cluster}/api/v1/namespaces/team/configmaps")[1]["items"] == []
        )
        assert server.request("GET", f"/clusters/{child.cluster}/api/v1/namespaces")[0] == 403
    finally:
        server.stop(signal.SIGKILL)
