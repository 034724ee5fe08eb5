"""Who may enter which workspace, what a stranger is told, and that workspaces know nothing of each other."""

import pytest
from workspace_manifests import ENTER, MAPS, READ_MAPS, WORKSPACES, grant_manifest, workspace_manifest

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}}


@pytest.fixture(scope="module")
def place(server, tmp_path_factory):
    """Two levels: `outer` with `outer:inner`. Alice may enter and read the inner one; Bob may enter the outer one."""
    outer = server.create_workspace(directory=tmp_path_factory.mktemp("place"))
    inner = server.create_workspace("inner", parent=outer.path, directory=outer.directory)
    inner.kubectl("create", "-f", "-", input=grant_manifest("alice", "alice", ENTER, READ_MAPS))
    outer.kubectl("create", "-f", "-", input=grant_manifest("bob", "bob", ENTER))
    inner.kubectl("create", "-f", "-", input=grant_manifest("bob-reads", "bob", READ_MAPS))
    yield outer, inner
    outer.delete()


@pytest.mark.parametrize(
    ("user", "where", "method", "path", "status"),
    [
        ("alice", "inner", "GET", MAPS, 200),
        ("alice", "inner", "GET", "/api", 200),
        ("alice", "inner", "GET", "/apis", 200),
        ("alice", "inner", "GET", "/version", 200),
        ("alice", "inner", "POST", MAPS, 403),
        ("alice", "inner", "GET", "/api/v1/namespaces/default/secrets", 403),
        ("alice", "inner", "GET", WORKSPACES, 403),
        ("alice", "inner", "GET", "/api/v1/pods", 403),
        ("alice", "outer", "GET", MAPS, 403),
        ("alice", "outer", "GET", "/api", 403),
        ("bob", "outer", "GET", "/api", 200),
        ("bob", "outer", "GET", MAPS, 403),
        ("bob", "inner", "GET", "/api", 403),
        ("bob", "inner", "GET", MAPS, 403),
        ("user", "inner", "GET", "/api", 403),
        ("user", "inner", "GET", MAPS, 403),
        ("", "inner", "GET", MAPS, 403),
        ("", "inner", "GET", "/api", 403),
        ("", "inner", "GET", "/healthz", 200),
        ("kcp-admin", "inner", "POST", MAPS, 201),
        ("master", "outer", "POST", MAPS, 201),
        ("shard-admin", "inner", "GET", "/api/v1/pods", 404),
    ],
)
def test_access(place, user, where, method, path, status):
    workspace = place[where == "inner"]
    body = CONFIG_MAP if method == "POST" else None
    for cluster in (workspace.path, workspace.cluster):
        found, answer = workspace.server.request(method, f"/clusters/{cluster}{path}", body, user=user)
        assert found == status, answer
        if status == 403:
            assert answer["reason"] == "Forbidden"
            assert answer["message"].endswith(": access denied")
        if method == "POST" and status == 201:
            assert workspace.request("DELETE", f"{MAPS}/made")[0] == 200


def test_a_deep_workspace_is_entered_by_its_url(place):
    _, inner = place
    seen = inner.kubectl("get", "configmaps", "-o", "name", context="alice").stdout
    assert "configmap/kube-root-ca.crt" in seen
    refused = inner.kubectl("create", "configmap", "no", context="alice", check=False)
    assert (
        'User "alice" cannot create resource "configmaps" in API group "" in the namespace "default"' in refused.stderr
    )


def test_a_grant_taken_back_is_gone_at_once(server, tmp_path):
    workspace = server.create_workspace(directory=tmp_path)
    manifest = grant_manifest("alice", "alice", ENTER, READ_MAPS)
    for _ in range(3):
        workspace.kubectl("apply", "-f", "-", input=manifest)
        assert workspace.request("GET", MAPS, user="alice")[0] == 200
        workspace.kubectl("delete", "clusterrolebinding", "alice")
        assert workspace.request("GET", MAPS, user="alice")[0] == 403
    workspace.delete()


def test_the_creator_is_admin(workspace, server):
    outer = workspace
    create = {
        "apiGroups": ["tenancy.kcp.io"],
        "resources": ["workspaces"],
        "verbs": ["create", "get", "list", "delete"],
    }
    outer.kubectl("create", "-f", "-", input=grant_manifest("alice-creates", "alice", ENTER, create))
    outer.kubectl("create", "-f", "-", input=workspace_manifest("hers"), context="alice")
    hers = f"/clusters/{outer.path}:hers"
    assert server.request("POST", hers + MAPS, CONFIG_MAP, user="alice")[0] == 201
    assert server.request("GET", hers + MAPS, user="bob")[0] == 403
    binding = server.request(
        "GET", f"{hers}/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/workspace-admin", user="alice"
    )[1]
    assert binding["subjects"] == [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}]
    assert binding["roleRef"]["name"] == "cluster-admin"
    assert server.request("DELETE", f"/clusters/{outer.path}{WORKSPACES}/hers", user="alice")[0] == 200
    assert server.request("GET", hers + MAPS, user="alice")[0] in (403, 404)


def token_of(workspace, name):
    """A service account of a workspace, and its token as a header."""
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    assert workspace.request("POST", accounts, {"metadata": {"name": name}})[0] == 201
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    status, made = workspace.request("POST", f"{accounts}/{name}/token", body)
    assert status == 201, made
    return {"Authorization": f"Bearer {made['status']['token']}"}


def test_a_service_account_is_admin_of_what_it_creates_and_no_namesake_is(workspace, server):
    account = "system:serviceaccount:default:bot"
    workspace.kubectl("create", "clusterrolebinding", "bot", "--clusterrole=cluster-admin", f"--user={account}")
    bot = token_of(workspace, "bot")
    body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "its"}, "spec": {}}
    status, made = server.request("POST", f"/clusters/{workspace.path}{WORKSPACES}", body, user="", headers=bot)
    assert status == 201, made
    its = f"/clusters/{made['spec']['cluster']}"
    binding = server.request("GET", f"{its}/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/workspace-admin")[1]
    name = f"system:kcp:serviceaccount:{workspace.cluster}:default:bot"
    assert binding["subjects"] == [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}]
    assert server.request("POST", its + MAPS, CONFIG_MAP, user="", headers=bot)[0] == 201
    inside = server.create_workspace("inside", parent=workspace.path, directory=workspace.directory)
    assert inside.request("GET", MAPS, user="", headers=bot)[0] == 403
    accounts = f"{its}/api/v1/namespaces/default/serviceaccounts"
    assert server.request("POST", accounts, {"metadata": {"name": "bot"}})[0] == 201
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    namesake = server.request("POST", f"{accounts}/bot/token", body)[1]["status"]["token"]
    assert server.request("GET", its + MAPS, user="", headers={"Authorization": f"Bearer {namesake}"})[0] == 403


ANYONE = ("", "user", "alice", "kcp-admin", "shard-admin")
UNKNOWN = [
    # path of the cluster, then the status for each of ANYONE, of whom alice may enter nothing here
    ("{outer}:nothing", (403, 403, 403, 404, 404)),
    ("{outer}:nothing:deeper", (403, 403, 403, 404, 404)),
    ("root:nothing", (403, 404, 404, 404, 404)),
    ("nothing", (403, 403, 403, 403, 200)),
    ("nothing:deeper", (403, 403, 403, 403, 404)),
    ("system:admin", (403, 403, 403, 403, 200)),
    ("UPPER", (400, 400, 400, 400, 400)),
    ("a..b", (400, 400, 400, 400, 400)),
    ("a::b", (400, 400, 400, 400, 400)),
    ("*", (403, 403, 403, 403, 200)),
]


@pytest.mark.parametrize(("path", "expected"), UNKNOWN, ids=[row[0] for row in UNKNOWN])
def test_what_is_not_there(place, server, path, expected):
    cluster = path.replace("{outer}", place[0].path)
    found = tuple(server.request("GET", f"/clusters/{cluster}/api/v1/namespaces", user=user)[0] for user in ANYONE)
    assert found == expected


def test_nothing_is_written_where_there_is_no_workspace(server):
    for user in ("kcp-admin", "shard-admin"):
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}
        status, answer = server.request("POST", "/clusters/nothing/api/v1/namespaces", body, user=user)
        assert (status, answer["reason"]) == (403, "Forbidden")


def test_two_workspaces_with_the_same_names(server, tmp_path):
    """Everything is called the same in both, and nothing of one is seen, counted, changed or deleted in the other."""
    pair = [server.create_workspace(directory=tmp_path) for _ in range(2)]
    kinds = ("configmaps", "secrets", "serviceaccounts", "roles", "namespaces", "clusterroles", "workspaces")
    for number, one in enumerate(pair):
        one.kubectl("create", "configmap", "same", f"--from-literal=of={number}")
        one.kubectl("create", "secret", "generic", "same", f"--from-literal=of={number}")
        one.kubectl("create", "serviceaccount", "same")
        one.kubectl("create", "namespace", "same")
        one.kubectl("create", "role", "same", "--verb=get", "--resource=configmaps")
        one.kubectl("create", "clusterrole", "same", "--verb=get", "--resource=configmaps")
        one.kubectl("create", "-f", "-", input=workspace_manifest("same"))
    first, second = pair
    for kind in kinds:
        uids = [one.kubectl("get", kind, "same", "-o", "jsonpath={.metadata.uid}").stdout for one in pair]
        assert len(set(uids)) == 2, kind
        assert second.kubectl("get", kind, "-o", "name", "-A").stdout.count("/same\n") >= 1
    first.kubectl("patch", "configmap", "same", "-p", '{"data": {"of": "changed"}}')
    assert second.kubectl("get", "configmap", "same", "-o", "jsonpath={.data.of}").stdout == "1"
    first.kubectl("create", "rolebinding", "same", "--role=same", "--user=alice")
    first.kubectl("create", "-f", "-", input=grant_manifest("enter", "alice", ENTER))
    assert first.request("GET", f"{MAPS}/same", user="alice")[0] == 200
    assert second.request("GET", f"{MAPS}/same", user="alice")[0] == 403
    token = first.kubectl("create", "token", "same").stdout.strip()
    first.kubectl(
        "create", "clusterrolebinding", "robot", "--clusterrole=cluster-admin", "--serviceaccount=default:same"
    )
    second.kubectl(
        "create", "clusterrolebinding", "robot", "--clusterrole=cluster-admin", "--serviceaccount=default:same"
    )
    robot = {"user": "", "headers": {"Authorization": f"Bearer {token}"}}
    assert first.request("GET", MAPS, **robot)[0] == 200
    assert second.request("GET", MAPS, **robot)[0] == 403, "the same account of another workspace"
    for kind in kinds:
        first.kubectl("delete", kind, "same", "--timeout=30s")
    for kind in kinds:
        assert second.kubectl("get", kind, "same", "-o", "name").stdout
    first.delete()
    assert second.request("GET", f"{MAPS}/same")[0] == 200
    second.delete()
