"""A controller of new workspaces written with kcp's library for providers, multicluster-provider."""

from multicluster_world import heard
from walk_world import eventually

LIFE = ("engaged", "furnished", "gone")
"""What is said of each logical cluster."""
TYPES = "/apis/tenancy.kcp.io/v1alpha1/workspacetypes"
WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"


def furnished(workspace, name: str) -> str:
    """A new workspace of the type with the initializer; its logical cluster."""
    body = {
        "apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name},
        "spec": {"type": {"name": "furnished", "path": workspace.path}},
    }  # fmt: skip
    status, made = workspace.request("POST", WORKSPACES, body)
    assert status == 201, made
    assert made["status"]["phase"] == "Initializing"
    return made["spec"]["cluster"]


def test_workspaces_are_ready_when_the_library_has_initialized_them(server, workspace, multicluster):
    body = {
        "apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "WorkspaceType", "metadata": {"name": "furnished"},
        "spec": {"initializer": True, "extend": {"with": [{"name": "universal", "path": "root"}]}},
    }  # fmt: skip
    status, made = workspace.request("POST", TYPES, body)
    assert status == 201, made
    clusters = {"early": furnished(workspace, "early")}
    controller = multicluster(workspace.kubeconfig, "initializer")
    heard(controller, *((event, clusters["early"]) for event in LIFE))
    clusters["later"] = furnished(workspace, "later")
    said = heard(controller, *((event, clusters["later"]) for event in LIFE))
    assert [line["path"] for line in said if line["event"] == "furnished"] == [f"{workspace.path}:later"]

    def phase(name):
        return workspace.request("GET", f"{WORKSPACES}/{name}")[1]["status"]["phase"]

    for name, cluster in clusters.items():
        assert phase(name) == "Ready"
        inside = f"/clusters/{cluster}"
        status, found = server.request("GET", f"{inside}/api/v1/namespaces/default/configmaps/inventory")
        assert (status, found["data"]) == (200, {"path": f"{workspace.path}:{name}"})
        attic = f"{inside}{WORKSPACES}/attic"
        eventually(lambda attic=attic: server.request("GET", attic)[1]["status"]["phase"], "Ready")
    controller.finish()
