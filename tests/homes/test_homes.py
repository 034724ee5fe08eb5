"""Home workspaces: who gets one, what it is, how it is addressed, and that everyone who asks at once gets the same."""

import json
import threading

import pytest
from support.server import running_server

from manifold.base import clusters

HOME = "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces/~"
LOGICAL_CLUSTER = "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"


@pytest.fixture(scope="module")
def home_server(tmp_path_factory):
    """A server of its own: homes stay, and are not to be seen by other tests."""
    directory = tmp_path_factory.mktemp("homes")
    tokens = directory / "more.csv"
    names = {"mail": "Alice@Example.com", "carol": "carol", "dave": "dave", "bob": "bob", "erin": "erin"}
    lines = [f"{token},{name},uid-{token},team" for token, name in names.items()]
    tokens.write_text("\n".join(lines) + "\n")
    with running_server(directory, "--token-auth-file", str(tokens)) as running:
        yield running


def as_token(server, token, method, path, body=None):
    return server.request(method, path, body, user="", headers={"Authorization": f"Bearer {token}"})


def test_a_home_is_ready_in_the_answer(home_server):
    status, home = as_token(home_server, "carol", "GET", HOME)
    assert status == 200, home
    cluster = clusters.home_name("carol")
    assert home["kind"], home["apiVersion"] == ("Workspace", "tenancy.kcp.io/v1alpha1")
    assert home["metadata"].keys() == {"name", "creationTimestamp"}
    assert home["metadata"]["name"] == "cluster"
    assert home["spec"] == {"cluster": cluster, "URL": f"{home_server.url}/clusters/{cluster}"}
    assert home["status"]["phase"] == "Ready"
    assert [one["type"] for one in home["status"]["conditions"]] == ["APIBindingsReconciled", "WorkspaceInitialized"]
    assert as_token(home_server, "carol", "GET", HOME) == (200, home)

    for address in (cluster, "user:carol"):
        status, found = as_token(home_server, "carol", "GET", f"/clusters/{address}{LOGICAL_CLUSTER}")
        assert status == 200, found
        annotations = found["metadata"]["annotations"]
        assert annotations["kcp.io/path"] == "user:carol"
        assert annotations["internal.tenancy.kcp.io/type"] == "root:home"
        assert annotations["experimental.tenancy.kcp.io/owner"] == '{"username":"carol"}'
        assert found["spec"]["createdBy"]["username"] == "carol"
        assert found["spec"]["initializers"] == ["root:universal", "system:apibindings"]
        assert "owner" not in found["spec"]
        status, namespaces = as_token(home_server, "carol", "GET", f"/clusters/{address}/api/v1/namespaces")
        assert (status, len(namespaces["items"])) == (200, 2)
    status, roles = as_token(
        home_server, "carol", "GET", "/clusters/user:carol/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    )
    assert [(one["metadata"]["name"], one["subjects"][0]["name"]) for one in roles["items"]] == [
        ("workspace-admin", "carol")
    ]


def test_bindings_that_the_type_brings_are_there_in_the_answer(home_server, tmp_path):
    """What a home may bring is what anybody may: exports of users too."""
    provider = home_server.create_workspace(directory=tmp_path)
    apis = "/apis/apis.kcp.io/v1alpha2"
    claim = {"group": "", "resource": "configmaps", "verbs": ["*"]}
    export = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": "e"}}
    assert provider.request("POST", f"{apis}/apiexports", {**export, "spec": {"permissionClaims": [claim]}})[0] == 201
    home_type = "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspacetypes/home"
    merge = {"Content-Type": "application/merge-patch+json"}
    brought = json.dumps({"spec": {"defaultAPIBindings": [{"path": provider.path, "export": "e"}]}})
    changed = home_server.request("PATCH", home_type, brought, user="shard-admin", headers=merge)
    assert changed[0] == 200, changed
    try:
        status, home = as_token(home_server, "erin", "GET", HOME)
        assert (status, home["status"]["phase"]) == (200, "Ready"), home
        status, found = as_token(home_server, "erin", "GET", f"/clusters/user:erin{apis}/apibindings")
        assert status == 200, found
        bound = {one["spec"]["reference"]["export"]["name"]: one["status"]["phase"] for one in found["items"]}
        assert bound == {"e": "Bound", "tenancy.kcp.io": "Bound", "topology.kcp.io": "Bound"}
        view = f"/services/apiexport/{provider.cluster}/e/clusters/*/api/v1/configmaps"
        status, seen = home_server.request("GET", view)
        assert (status, len(seen["items"])) == (200, 2), seen
    finally:
        taken = json.dumps({"spec": {"defaultAPIBindings": None}})
        assert home_server.request("PATCH", home_type, taken, user="shard-admin", headers=merge)[0] == 200


def test_children_are_below_the_path_of_the_home(home_server):
    assert as_token(home_server, "dave", "GET", HOME)[0] == 200
    body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "child"}}
    status, child = as_token(home_server, "dave", "POST", f"/clusters/user:dave{WORKSPACES}", body)
    assert (status, child["status"]["phase"]) == (201, "Ready"), child
    assert child["spec"]["URL"] == f"{home_server.url}/clusters/user:dave:child"
    assert child["spec"]["type"] == {"name": "universal", "path": "root"}
    for address in ("user:dave:child", f"{clusters.home_name('dave')}:child", child["spec"]["cluster"]):
        status, found = as_token(home_server, "dave", "GET", f"/clusters/{address}{LOGICAL_CLUSTER}")
        assert (status, found["metadata"]["annotations"]["kcp.io/path"]) == (200, "user:dave:child")
    assert as_token(home_server, "dave", "GET", "/clusters/user:dave:none/api")[0] == 404
    assert as_token(home_server, "carol", "GET", "/clusters/user:dave:none/api")[0] == 403
    assert as_token(home_server, "carol", "GET", "/clusters/user:dave:child/api")[0] == 403
    assert as_token(home_server, "carol", "GET", "/clusters/user:dave/api")[0] == 403


def test_a_name_that_is_no_path_is_addressed_by_its_hash(home_server):
    status, home = as_token(home_server, "mail", "GET", HOME)
    cluster = clusters.home_name("Alice@Example.com")
    assert (status, home["spec"]["cluster"]) == (200, cluster)
    status, found = as_token(home_server, "mail", "GET", f"/clusters/{cluster}{LOGICAL_CLUSTER}")
    assert found["metadata"]["annotations"]["kcp.io/path"] == cluster
    body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "child"}}
    status, child = as_token(home_server, "mail", "POST", f"/clusters/{cluster}{WORKSPACES}", body)
    assert status == 201, child
    path = child["spec"]["URL"].partition("/clusters/")[2]
    assert path == f"{cluster}:child"
    assert as_token(home_server, "mail", "GET", f"/clusters/{path}/api")[0] == 200
    assert as_token(home_server, "mail", "GET", "/clusters/user:Alice@Example.com/api")[0] == 400


def test_everyone_who_asks_at_once_gets_the_same(home_server):
    answers = []

    def ask():
        answers.append(as_token(home_server, "bob", "GET", HOME))

    askers = [threading.Thread(target=ask) for _ in range(12)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(answers) == 12
    assert {status for status, _ in answers} == {200}
    assert all(home == answers[0][1] for _, home in answers)


@pytest.mark.parametrize("user", ["", "alice"])
def test_no_home_without_the_right_to_create_it(tmp_path_factory, user):
    directory = tmp_path_factory.mktemp("few-homes")
    with running_server(directory, "--home-workspaces-home-creator-groups", "team-b") as running:
        status, answer = running.request("GET", HOME, user=user)
        name = user or "system:anonymous"
        assert (status, answer["message"]) == (
            403,
            f'workspaces.tenancy.kcp.io "~" is forbidden: User "{name}" cannot create resource "workspaces" '
            'in API group "tenancy.kcp.io" at the cluster scope: workspace access not permitted',
        )
        assert running.request("GET", HOME, user="bob")[0] == 200


def test_a_service_account_has_no_home(home_server):
    assert as_token(home_server, "carol", "GET", HOME)[0] == 200
    path = "/clusters/user:carol/api/v1/namespaces/default/serviceaccounts/default/token"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    status, token = as_token(home_server, "carol", "POST", path, body)
    assert status == 201, token
    status, answer = as_token(home_server, token["status"]["token"], "GET", HOME)
    assert (status, answer["message"].rpartition(": ")[2]) == (403, "workspace access not permitted")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", HOME),
        ("GET", f"{HOME}/status"),
        ("GET", HOME.replace("/root/", "/user:carol/")),
        ("GET", HOME.replace("v1alpha1", "v1")),
        ("GET", HOME.replace("workspaces", "workspacetypes")),
    ],
)
def test_nothing_else_is_the_home(home_server, method, path):
    assert as_token(home_server, "carol", "GET", HOME)[0] == 200
    status, _ = as_token(home_server, "carol", method, path)
    assert status in (403, 404, 405)


def test_tables_and_yaml(home_server):
    status, table = home_server.request(
        "GET", HOME, user="bob", headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    )
    assert (status, table["kind"]) == (200, "Table"), table
    assert "Ready" in table["rows"][0]["cells"]
    status, text = home_server.request("GET", HOME, user="bob", headers={"Accept": "application/yaml"})
    assert status == 200
    assert "kind: Workspace" in text


def test_homes_survive_a_restart_and_are_not_made_where_there_are_none(tmp_path):
    with running_server(tmp_path) as running:
        status, home = running.request("GET", HOME, user="bob")
        assert status == 200
    with running_server(tmp_path) as running:
        status, again = running.request("GET", HOME, user="bob")
        assert (status, again["metadata"]) == (200, home["metadata"])
    with running_server(tmp_path, "--enable-home-workspaces=false") as running:
        assert running.request("GET", HOME, user="bob")[0] in (403, 404)
        assert running.request("GET", "/clusters/user:bob/api", user="bob")[0] == 200


def test_a_home_that_was_deleted_is_made_anew(home_server):
    """What the former one contained must not be swept out of the new one."""
    cluster = clusters.home_name("dave")
    assert as_token(home_server, "dave", "GET", HOME)[0] == 200
    status, answer = home_server.request("DELETE", f"/clusters/{cluster}{LOGICAL_CLUSTER}", user="shard-admin")
    assert status == 200, answer
    for _ in range(200):
        status, home = as_token(home_server, "dave", "GET", HOME)
        if status == 200 and home["status"]["phase"] == "Ready":
            break
        assert status in (200, 429), home
    else:
        pytest.fail(f"the home did not come back: {home}")
    status, namespaces = as_token(home_server, "dave", "GET", f"/clusters/{cluster}/api/v1/namespaces")
    assert (status, len(namespaces["items"])) == (200, 2)
    assert as_token(home_server, "dave", "GET", "/clusters/user:dave:child/api")[0] == 404


def test_kubectl_ws_goes_home_and_works_there(home_server):
    """Without an argument, and with ~, one is in the home; ~:child is below it."""
    home = clusters.home_name("bob")
    assert home_server.kubectl("config", "use-context", "bob")
    for arguments in (["ws"], ["ws", "~"]):
        done = home_server.kubectl(*arguments)
        assert done.stdout == f"Current workspace is '{home}'.\n", done.stderr
    assert home_server.kubectl("create", "configmap", "mine").returncode == 0
    done = home_server.kubectl("create", "workspace", "kube-child", "--enter")
    assert f"Current workspace is '{home}:kube-child' (type root:universal).\n" in done.stdout
    assert home_server.kubectl("ws", "~:kube-child").stdout == (
        f"Current workspace is '{home}:kube-child' (type root:universal).\n"
    )
    assert home_server.kubectl("ws", ":user:bob:kube-child").stdout == (
        "Current workspace is 'user:bob:kube-child' (type root:universal).\n"
    )
    assert "default" in home_server.kubectl("get", "namespaces").stdout
