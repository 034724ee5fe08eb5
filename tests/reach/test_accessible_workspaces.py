"""Which workspaces may I enter: answered for everybody, of everything that can grant it, and of nothing else."""

import pytest
from reach_world import ENTER, MINE, RBAC, SELF, binding, invite, mine, pages, post, role, token_of, told

LOGICAL_CLUSTER = "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
MERGE = {"Content-Type": "application/merge-patch+json"}


def child(workspace, name, **options):
    return workspace.server.create_workspace(name, parent=workspace.path, directory=workspace.directory, **options)


@pytest.fixture
def deep(workspace):
    """A workspace three levels below the one of the test."""
    return child(child(child(workspace, "a"), "b"), "c")


def test_who_is_invited_to_a_deep_workspace_finds_it(workspace, deep):
    """Without any right in its parents."""
    server = workspace.server
    assert mine(server, workspace.path, user="alice") == []
    invite(deep, "alice")
    assert server.request("GET", f"/clusters/{deep.path}/api", user="alice")[0] == 200
    for above in (workspace.path, f"{workspace.path}:a", f"{workspace.path}:a:b"):
        assert server.request("GET", f"/clusters/{above}/api", user="alice")[0] == 403
    (found,) = [one for page in pages(server, MINE, user="alice") for one in page if one["spec"]["path"] == deep.path]
    created = found["metadata"].pop("creationTimestamp")
    assert created.endswith("Z")
    assert found == {
        "apiVersion": "access.manifold/v1alpha1",
        "kind": "AccessibleWorkspace",
        "metadata": {"name": deep.cluster},
        "spec": {
            "path": deep.path,
            "cluster": deep.cluster,
            "type": {"path": "root", "name": "universal"},
            "URL": f"{server.url}/clusters/{deep.path}",
        },
        "status": {"phase": "Ready"},
    }
    assert mine(server, workspace.path, user="bob") == []


def test_a_binding_gives_and_takes(workspace):
    """What holds is the binding as it is now: created, changed, deleted, applied; and the role as it is now."""
    server, path = workspace.server, workspace.path
    invite(workspace, "alice")
    assert mine(server, path, user="alice") == [path]
    url = f"{RBAC}/clusterrolebindings/guests"
    for subjects in (["bob"], ["alice", "bob"], ["bob", "Group team-a"], []):
        status, answer = workspace.request("PUT", url, binding("guests", "guests", *subjects))
        assert status == 200, answer
        assert bool(mine(server, path, user="alice")) == ("alice" in subjects or "Group team-a" in subjects)
        assert bool(mine(server, path, user="bob")) == ("bob" in subjects)
    workspace.request("PUT", url, binding("guests", "guests", "alice"))
    roles = f"{RBAC}/clusterroles/guests"
    for rules, reached in (([], False), ([{**ENTER, "verbs": ["*"]}], True), ([{**ENTER, "verbs": ["get"]}], False)):
        assert workspace.request("PUT", roles, role("guests", *rules))[0] == 200
        assert mine(server, path, user="alice") == [path] * reached
    assert workspace.request("DELETE", roles)[0] == 200
    assert mine(server, path, user="alice") == []
    post(workspace, "clusterroles", role("guests", ENTER))
    assert mine(server, path, user="alice") == [path]
    post(workspace, "clusterrolebindings", binding("again", "guests", "alice", "Group team-a"))
    assert mine(server, path, user="alice") == [path]
    assert workspace.request("DELETE", url)[0] == 200
    assert mine(server, path, user="alice") == [path]
    assert workspace.request("DELETE", f"{RBAC}/clusterrolebindings/again")[0] == 200
    assert mine(server, path, user="alice") == []


def test_other_grants_let_nobody_in(workspace):
    """A right in a workspace is not the right to enter it, nor is a RoleBinding."""
    post(workspace, "clusterroles", role("reader", {"apiGroups": [""], "resources": ["*"], "verbs": ["*"]}))
    post(workspace, "clusterrolebindings", binding("reader", "reader", "alice"))
    post(workspace, "clusterroles", role("guests", ENTER))
    local = {**binding("guests", "guests", "alice"), "kind": "RoleBinding"}
    status, answer = workspace.request("POST", f"{RBAC}/namespaces/default/rolebindings", local)
    assert status == 201, answer
    assert mine(workspace.server, workspace.path, user="alice") == []


def test_phases_and_required_groups_count(workspace):
    server = workspace.server
    inside = child(workspace, "inside")
    invite(inside, "alice")
    assert mine(server, workspace.path, user="alice") == [inside.path]
    body = '{"metadata":{"annotations":{"authorization.kcp.io/required-groups":"team-b"}}}'
    status, answer = inside.request("PATCH", LOGICAL_CLUSTER, body, user="shard-admin", headers=MERGE)
    assert status == 200, answer
    assert mine(server, workspace.path, user="alice") == []
    body = body.replace("team-b", "team-a")
    assert inside.request("PATCH", LOGICAL_CLUSTER, body, user="shard-admin", headers=MERGE)[0] == 200
    assert mine(server, workspace.path, user="alice") == [inside.path]
    inside.delete()
    assert mine(server, workspace.path, user="alice") == []


def test_service_accounts_have_their_own_workspace_and_those_that_name_them(workspace):
    server = workspace.server
    other, third = child(workspace, "other"), child(workspace, "third")
    who = token_of(workspace, "robot")
    assert mine(server, workspace.path, **who) == [workspace.path]
    same = token_of(third, "robot")
    invite(other, f"system:kcp:serviceaccount:{workspace.cluster}:default:robot")
    assert mine(server, workspace.path, **who) == sorted([workspace.path, other.path])
    # One of the same name from elsewhere is somebody else, and so is one that is named by its local name.
    post(other, "clusterrolebindings", binding("local", "guests", "ServiceAccount default/robot"))
    assert mine(server, workspace.path, **same) == [third.path]
    invite(third, f"Group system:cluster:{workspace.cluster}")
    assert mine(server, workspace.path, **who) == sorted([workspace.path, other.path, third.path])


def test_administrators_see_everything_in_pages(workspace):
    server = workspace.server
    paths = sorted([workspace.path, *(child(workspace, f"w{number}").path for number in range(7))])
    for user in ("shard-admin", "master", "kcp-admin"):
        assert mine(server, workspace.path, user=user) == paths
        assert mine(server, workspace.path, limit=2, user=user) == paths
        everything = pages(server, MINE, limit=3, user=user)
        assert {len(page) for page in everything[:-1]} == {3}
        assert len(everything[-1]) <= 3
        assert "root" in {one["spec"]["path"] for page in everything for one in page}
        assert not [one for page in everything for one in page if one["spec"]["cluster"].startswith("system:")]


def test_wide_groups_are_answered_in_pages(workspace):
    server = workspace.server
    paths = []
    for number in range(6):
        made = child(workspace, f"w{number}")
        # Every other one is open to all; the others name everybody and let nobody in.
        post(made, "clusterroles", role("guests", *([ENTER] * (number % 2))))
        post(made, "clusterrolebindings", binding("guests", "guests", "Group system:authenticated"))
        paths += [made.path] * (number % 2)
    for limit in (0, 1, 2):
        assert mine(server, workspace.path, limit=limit, user="alice") == paths


def test_a_binding_of_a_crowd_is_found_by_everyone_in_it(workspace):
    """More subjects than rows are written for, in and out of it again."""
    server, path = workspace.server, workspace.path
    crowd = [f"member-{number}" for number in range(300)]
    invite(workspace, "alice", *crowd)
    assert mine(server, path, user="alice") == [path]
    assert mine(server, path, user="bob") == []
    url = f"{RBAC}/clusterrolebindings/guests"
    for subjects in (["bob"], ["bob", *crowd], ["alice", "bob"], [*crowd, "Group team-a"]):
        status, answer = workspace.request("PUT", url, binding("guests", "guests", *subjects))
        assert status == 200, answer
        assert bool(mine(server, path, user="alice")) == ("alice" in subjects or "Group team-a" in subjects)
        assert bool(mine(server, path, user="bob")) == ("bob" in subjects)
    assert workspace.request("DELETE", url)[0] == 200
    assert mine(server, path, user="alice") == []


@pytest.mark.parametrize("name", ["x" * 5000, "a\u0000b", "ü:/ \n", "member\u0001"])
def test_names_of_any_kind_are_named(workspace, name):
    post(workspace, "clusterroles", role("guests", ENTER))
    body = binding("guests", "guests", "alice")
    body["subjects"].append({"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"})
    post(workspace, "clusterrolebindings", body)
    assert mine(workspace.server, workspace.path, user="alice") == [workspace.path]
    assert workspace.request("DELETE", f"{RBAC}/clusterrolebindings/guests")[0] == 200


def test_an_answer_tells_nothing_of_others(workspace):
    """Neither items nor tokens: what was looked at and may not be entered stays unnamed."""
    hidden = child(workspace, "hidden")
    post(hidden, "clusterroles", role("nothing"))
    post(hidden, "clusterrolebindings", binding("nothing", "nothing", "alice"))
    invite(child(workspace, "open1"), "alice")
    invite(child(workspace, "open2"), "alice")
    token = ""
    while True:
        status, answer = workspace.server.request("GET", f"{MINE}?limit=1&continue={token}", user="alice")
        assert status == 200
        assert hidden.cluster not in told(answer)
        assert "hidden" not in told(answer)
        token = answer["metadata"].get("continue", "")
        if not token:
            break


@pytest.mark.parametrize(
    ("method", "path", "user", "status"),
    [
        ("GET", MINE, "", 403),
        ("GET", MINE, "alice", 200),
        ("GET", f"{MINE}?limit=0", "alice", 200),
        ("GET", f"{MINE}?limit=x", "alice", 400),
        ("GET", f"{MINE}?watch=1", "alice", 405),
        ("GET", f"{MINE}?labelSelector=a", "alice", 400),
        ("GET", f"{MINE}?fieldSelector=spec.path%3Droot", "alice", 400),
        ("GET", f"{MINE}?continue=!", "alice", 400),
        ("GET", f"{MINE}?continue=YWJj", "alice", 400),
        ("GET", f"{MINE}?continue={'A' * 80}", "alice", 410),
        ("GET", f"{MINE}/root", "alice", 405),
        ("GET", f"{MINE}/root/status", "alice", 404),
        ("POST", MINE, "alice", 405),
        ("PUT", f"{MINE}/root", "alice", 405),
        ("PATCH", f"{MINE}/root", "alice", 405),
        ("DELETE", MINE, "alice", 405),
        ("DELETE", f"{MINE}/root", "alice", 405),
        ("GET", MINE.replace("self", "alice"), "alice", 403),
        ("GET", MINE.replace("self", "alice"), "shard-admin", 404),
        ("GET", f"{SELF}/*/api", "alice", 200),
        ("GET", f"{SELF}/*/apis", "alice", 200),
        ("GET", f"{SELF}/*/apis", "", 403),
        ("GET", f"{SELF}/*/apis/access.manifold/v1alpha1", "alice", 200),
        ("GET", f"{SELF}/*/openapi/v2", "alice", 200),
        ("GET", f"{SELF}/*/openapi/v3", "alice", 200),
        ("GET", f"{SELF}/*/api/v1/namespaces", "alice", 404),
        ("GET", f"{SELF}/*/apis/tenancy.kcp.io/v1alpha1/workspaces", "alice", 404),
        ("GET", "/clusters/root/apis/access.manifold/v1alpha1/accessibleworkspaces", "kcp-admin", 404),
        ("GET", "/clusters/*/apis/access.manifold/v1alpha1/accessibleworkspaces", "shard-admin", 404),
    ],
)
def test_the_wrong_questions(server, method, path, user, status):
    headers = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
    found, answer = server.request(method, path, "{}" if method in ("POST", "PUT", "PATCH") else None, user, headers)
    assert found == status, answer
    if status >= 400:
        assert (answer["kind"], answer["code"]) == ("Status", status)


def test_bad_credentials_are_refused_first(server):
    status, answer = server.request("GET", MINE, user="", headers={"Authorization": "Bearer wrong"})
    assert (status, answer["reason"]) == (401, "Unauthorized")


def test_no_workspace_has_the_group(workspace):
    """A client of kcp that discovers what there is never meets it."""
    status, answer = workspace.request("GET", "/apis")
    assert status == 200
    assert "manifold" not in told(answer)


@pytest.mark.parametrize(
    ("accept", "status", "kind"),
    [
        ("application/json", 200, "AccessibleWorkspaceList"),
        ("application/json;as=Table;g=meta.k8s.io;v=v1", 200, "Table"),
        ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", 200, "PartialObjectMetadataList"),
        ("application/vnd.kubernetes.protobuf,application/json", 200, "AccessibleWorkspaceList"),
        ("text/html", 406, "Status"),
    ],
)
def test_forms_of_the_answer(server, accept, status, kind):
    found, answer = server.request("GET", MINE, user="alice", headers={"Accept": accept})
    if isinstance(answer, dict):
        assert (found, answer["kind"]) == (status, kind)
    else:
        assert found == status


def test_kubectl_reads_it(workspace):
    invite(workspace, "alice")
    server = f"{workspace.server.url}{SELF}/*"
    listed = workspace.kubectl("get", "accessibleworkspaces", "--server", server, context="alice").stdout
    lines = [line.split() for line in listed.splitlines()]
    assert lines[0] == ["PATH", "TYPE", "PHASE", "URL", "AGE"]
    assert [workspace.path, "universal", "Ready", workspace.url] in [line[:4] for line in lines]
    names = workspace.kubectl("get", "aws", "-o", "name", "--server", server, context="alice").stdout.split()
    assert f"accessibleworkspace.access.manifold/{workspace.cluster}" in names
    chunked = workspace.kubectl("get", "aws", "-o", "name", "--chunk-size=1", "--server", server, context="alice")
    assert chunked.stdout.split() == names
