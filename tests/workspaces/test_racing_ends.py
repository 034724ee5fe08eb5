"""Workspaces that end in the moment in which something comes to be in them."""

from functools import partial

import pytest
from support.racing import racers, together
from workspace_manifests import WORKSPACES

LOGICAL_CLUSTER = "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
ROUNDS = 15


def body(name):
    kind = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}}
    return {**kind, "spec": {"type": {"name": "universal", "path": "root"}}}


@pytest.mark.parametrize("user", ["kcp-admin", "shard-admin"])
def test_a_child_comes_while_its_parent_goes(server, workspace, user):
    """It is refused, or goes with its parent: there is no workspace without one."""
    with racers(server, 3, user) as (leaver, *makers):
        here = f"/clusters/{workspace.path}{WORKSPACES}"
        born = []
        for _ in range(ROUNDS):
            status, parent = leaver.ask("POST", here, body("parent"))
            assert status == 201, parent
            inside = f"/clusters/{parent['spec']['cluster']}{WORKSPACES}"
            left, *made = together(
                lambda: leaver.ask("DELETE", f"{here}/parent"),
                *(partial(one.ask, "POST", inside, body(f"child{id(one)}")) for one in makers),
            )
            assert left[0] in (200, 202), left
            assert {status for status, _ in made} <= {201, 403, 404}, made
            born += [child["spec"]["cluster"] for status, child in made if status == 201]
            workspace.kubectl("wait", "ws/parent", "--for=delete", "--timeout=30s")
        for cluster in born:
            status, found = server.request("GET", f"/clusters/{cluster}{LOGICAL_CLUSTER}", user="shard-admin")
            assert status == 404, found
