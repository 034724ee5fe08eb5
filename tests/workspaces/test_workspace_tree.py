"""A tree of workspaces grown with plain manifests: each is Ready and furnished when its creation is answered."""

import json

import pytest
from support.server import Workspace, write_kubeconfig
from workspace_manifests import MAPS, WORKSPACES, type_manifest, workspace_manifest


def made(workspace, manifest: str, **options) -> dict:
    """What the answer to the creation says."""
    return json.loads(workspace.kubectl("create", "-f", "-", "-o", "json", input=manifest, **options).stdout)


def entered(workspace: Workspace, child: dict) -> Workspace:
    """The workspace a Workspace object stands for, by its path."""
    name = child["metadata"]["name"]
    path = f"{workspace.path}:{name}"
    kubeconfig = workspace.directory / f"in-{name}.kubeconfig"
    write_kubeconfig(workspace.server, kubeconfig, path)
    return Workspace(workspace.server, name, path, child["spec"]["cluster"], kubeconfig)


def test_a_workspace_is_ready_in_the_answer(workspace):
    child = made(workspace, workspace_manifest("child", type={"name": "universal"}))
    assert child["status"]["phase"] == "Ready"
    assert child["metadata"]["labels"]["tenancy.kcp.io/phase"] == "Ready"
    assert {(one["type"], one["status"]) for one in child["status"]["conditions"]} == {
        ("WorkspaceScheduled", "True"),
        ("WorkspaceInitialized", "True"),
    }
    assert child["spec"]["type"] == {"name": "universal", "path": "root"}
    assert child["spec"]["URL"] == f"{workspace.server.url}/clusters/{workspace.path}:child"
    assert json.loads(child["metadata"]["annotations"]["experimental.tenancy.kcp.io/owner"]) == {
        "username": "kcp-admin"
    }
    table = workspace.kubectl("get", "ws").stdout.splitlines()
    assert table[0].split() == ["NAME", "TYPE", "REGION", "PHASE", "URL", "AGE"]
    assert table[1].split()[:3] == ["child", "universal", "Ready"]
    found = workspace.kubectl("get", "ws", "child", "-o", "json").stdout
    assert json.loads(found) == child


def test_a_workspace_is_furnished(workspace):
    inside = entered(workspace, made(workspace, workspace_manifest("child")))

    def names(resource: str, *arguments: str) -> list[str]:
        return inside.kubectl("get", resource, "-o", "name", *arguments).stdout.split()

    assert names("namespaces") == ["namespace/default", "namespace/kube-system"]
    accounts = inside.kubectl("get", "sa", "-A", "--no-headers").stdout.splitlines()
    assert [line.split()[:2] for line in accounts] == [["default", "default"], ["kube-system", "default"]]
    maps = inside.kubectl("get", "cm", "-A", "--no-headers").stdout.splitlines()
    assert [line.split()[:2] for line in maps] == [
        ["default", "kube-root-ca.crt"], ["kube-system", "kube-root-ca.crt"]
    ]  # fmt: skip
    assert names("clusterroles") == []
    assert names("clusterrolebindings") == ["clusterrolebinding.rbac.authorization.k8s.io/workspace-admin"]
    bindings = [name.rpartition("/")[2].rpartition("-")[0] for name in names("apibindings")]
    assert bindings == ["tenancy.kcp.io", "topology.kcp.io"]
    assert names("secrets", "-A") == names("events", "-A") == names("workspaces") == []
    own = json.loads(inside.kubectl("get", "logicalcluster", "cluster", "-o", "json").stdout)
    assert own["metadata"]["annotations"]["kcp.io/path"] == inside.path
    assert own["metadata"]["annotations"]["internal.tenancy.kcp.io/type"] == "root:universal"
    assert own["spec"]["owner"]["cluster"] == workspace.cluster
    assert own["spec"]["owner"]["name"] == "child"
    assert own["status"]["phase"] == "Ready"
    assert own["status"]["URL"] == f"{workspace.server.url}/clusters/{inside.cluster}"


def test_a_workspace_has_a_path_and_a_name(workspace):
    child = entered(workspace, made(workspace, workspace_manifest("child")))
    grandchild = entered(child, made(child, workspace_manifest("grandchild")))
    grandchild.kubectl("create", "configmap", "here")
    for url in (
        f"/clusters/{workspace.path}:child:grandchild",
        f"/clusters/{workspace.cluster}:child:grandchild",
        f"/clusters/{child.cluster}:grandchild",
        f"/clusters/{grandchild.cluster}",
    ):
        status, found = workspace.server.request("GET", f"{url}{MAPS}/here")
        assert status == 200, url
        assert found["metadata"]["annotations"]["kcp.io/cluster"] == grandchild.cluster


@pytest.mark.parametrize(
    ("type", "children"), [("universal", "universal"), ("organization", "universal"), ("team", "universal")]
)
def test_default_types_of_children(server, tmp_path, type, children):
    parent = server.create_workspace(type="organization", directory=tmp_path)
    inside = parent
    if type != "organization":
        inside = entered(parent, made(parent, workspace_manifest("inside", type={"name": type, "path": "root"})))
    child = made(inside, workspace_manifest("child"))
    assert child["spec"]["type"] == {"name": children, "path": "root"}
    assert child["status"]["phase"] == "Ready"
    parent.delete()


def test_a_type_of_ones_own(workspace):
    workspace.kubectl(
        "create", "-f", "-", input=type_manifest(
            "mine", extend={"with": [{"name": "universal", "path": "root"}]},
            defaultChildWorkspaceType={"name": "mine", "path": workspace.path},
            additionalWorkspaceLabels={"example.com/made-by": "mine"},
        ),
    )  # fmt: skip
    child = made(workspace, workspace_manifest("child", type={"name": "mine"}))
    assert child["status"]["phase"] == "Ready"
    assert child["spec"]["type"] == {"name": "mine", "path": workspace.path}
    assert child["metadata"]["labels"]["example.com/made-by"] == "mine"
    below = entered(workspace, child)
    assert made(below, workspace_manifest("child"))["spec"]["type"] == {"name": "mine", "path": workspace.path}
    assert below.kubectl("get", "ns", "-o", "name").stdout.split() == ["namespace/default", "namespace/kube-system"]


def test_an_initializer_of_somebody_else_keeps_it_waiting(workspace):
    workspace.kubectl("create", "-f", "-", input=type_manifest("slow", initializer=True))
    child = made(workspace, workspace_manifest("child", type={"name": "slow"}))
    initializer = f"{workspace.cluster}:slow"
    assert (child["status"]["phase"], child["status"]["initializers"]) == ("Initializing", [initializer])
    waiting = {one["type"]: one for one in child["status"]["conditions"]}["WorkspaceInitialized"]
    assert (waiting["status"], waiting["reason"]) == ("False", "InitializerExists")


REFUSALS = [
    ({"type": {"name": "nothing"}}, 'workspace type "nothing" cannot be resolved'),
    ({"type": {"name": "leaf-only", "path": "{here}"}}, None),
    ({"type": {"name": "no-parent", "path": "{here}"}}, "cannot have any parent"),
    ({"type": {"name": "elsewhere", "path": "{here}"}}, "only allows [root:organization] parent workspaces, but "),
    ({"type": {"name": "circle", "path": "{here}"}}, "circular dependency detected in workspace type"),
    ({"type": {"name": "baseless", "path": "{here}"}}, "unable to find inherited workspace type"),
    ({"cluster": "mine"}, "spec.Cluster can only be set by system privileged users"),
    ({"type": {"name": "Bad Name"}}, 'workspace type "Bad Name" cannot be resolved'),
    (
        {"mount": {"ref": {"apiVersion": "v1", "kind": "X", "name": "x"}}, "type": {"name": "universal"}},
        "spec.type cannot be set for mounted workspaces",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def ruled(server, tmp_path_factory):
    """A workspace with types that may not be used everywhere."""
    workspace = server.create_workspace(directory=tmp_path_factory.mktemp("ruled"))
    here = workspace.path
    for manifest in (
        type_manifest("leaf-only", limitAllowedChildren={"none": True}),
        type_manifest("no-parent", limitAllowedParents={"none": True}),
        type_manifest("elsewhere", limitAllowedParents={"types": [{"name": "organization", "path": "root"}]}),
        type_manifest("circle", extend={"with": [{"name": "circle-back", "path": here}]}),
        type_manifest("circle-back", extend={"with": [{"name": "circle", "path": here}]}),
        type_manifest("baseless", extend={"with": [{"name": "nothing", "path": here}]}),
    ):
        workspace.kubectl("create", "-f", "-", input=manifest)
    yield workspace
    workspace.delete()


@pytest.mark.parametrize(("spec", "text"), REFUSALS, ids=[str(row[0])[:50] for row in REFUSALS])
def test_types_and_fields_that_are_refused(ruled, spec, text):
    body = json.loads(json.dumps(spec).replace("{here}", ruled.path))
    manifest = workspace_manifest("refused", **body)
    done = ruled.kubectl("create", "-f", "-", "--dry-run=server", input=manifest, check=False)
    if text is None:
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 1
        assert text in done.stderr
    assert ruled.request("GET", f"{WORKSPACES}/refused")[0] == 404


def test_a_type_without_children(ruled):
    inside = entered(ruled, made(ruled, workspace_manifest("leaf", type={"name": "leaf-only"})))
    refused = inside.server.kubectl(
        "--server", f"{inside.server.url}/clusters/{inside.path}", "create", "-f", "-", check=False,
        input=workspace_manifest("child", type={"name": "universal", "path": "root"}),
    )  # fmt: skip
    assert refused.returncode == 1


@pytest.mark.parametrize("name", ["UPPER", "a_b", "-a", "a" * 64, "a.b", "a:b"])
def test_names_that_are_refused(workspace, name):
    done = workspace.kubectl("create", "-f", "-", input=workspace_manifest(name), check=False)
    assert done.returncode == 1
    assert f'The Workspace "{name}" is invalid: ' in done.stderr
    assert "metadata.name: " in done.stderr


def test_what_cannot_be_changed(workspace):
    workspace.kubectl("create", "-f", "-", input=workspace_manifest("child"))
    for change, text in (
        ({"spec": {"type": {"name": "team"}}}, "is immutable"),
        ({"spec": {"cluster": "other"}}, "cluster is immutable"),
        ({"spec": {"cluster": None}}, "cluster cannot be unset"),
        ({"spec": {"URL": None}}, "URL cannot be unset"),
    ):
        done = workspace.kubectl("patch", "ws", "child", "--type=merge", "-p", json.dumps(change), check=False)
        assert (done.returncode, text in done.stderr) == (1, True), (change, done.stderr)
