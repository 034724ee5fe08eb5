"""Workspaces of which types may I create here: what the answer names can be created, and nothing else can."""

import pytest
from reach_world import ENTER, TENANCY, TYPES, binding, invite, pages, post, role, token_of, types_in

WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
USE = {"apiGroups": [TENANCY], "resources": ["workspacetypes"], "verbs": ["use"]}
MAKE = {"apiGroups": [TENANCY], "resources": ["workspaces"], "verbs": ["create"]}
UNIVERSAL = {"name": "universal", "path": "root"}


def usable(server, parent, limit=0, **who):
    """The types somebody may create somewhere, as (path, name), and the one that is the default."""
    items = [one["spec"] for page in pages(server, types_in(parent), limit, **who) for one in page]
    default = [(one["path"], one["name"]) for one in items if one.get("default")]
    return sorted((one["path"], one["name"]) for one in items), default


def make_type(workspace, name, **spec):
    body = {"apiVersion": f"{TENANCY}/v1alpha1", "kind": "WorkspaceType", "metadata": {"name": name}}
    status, made = workspace.request("POST", TYPES, {**body, "spec": spec})
    assert status == 201, made


def create(server, parent, kind, **who):
    """Try to create a workspace without leaving one; whether it would be."""
    body = {"apiVersion": f"{TENANCY}/v1alpha1", "kind": "Workspace", "metadata": {"name": "tried"}}
    body["spec"] = {"type": {"path": kind[0], "name": kind[1]}}
    status, answer = server.request("POST", f"/clusters/{parent}{WORKSPACES}?dryRun=All", body, **who)
    assert status in (201, 403), answer
    return status == 201


def let_create(workspace, user):
    """Let somebody enter a workspace and create others in it."""
    post(workspace, "clusterroles", role("maker", ENTER, MAKE))
    post(workspace, "clusterrolebindings", binding("maker", "maker", user))


def test_types_of_anywhere_that_may_be_used(workspace):
    """In a workspace of other people: use is granted there, deep, and entering it is not needed."""
    server = workspace.server
    provider = server.create_workspace("provider", parent=workspace.path, directory=workspace.directory)
    place = server.create_workspace("place", parent=workspace.path, directory=workspace.directory)
    let_create(place, "alice")
    make_type(provider, "plain", extend={"with": [UNIVERSAL]})
    make_type(provider, "other", extend={"with": [UNIVERSAL]})
    make_type(provider, "topmost", extend={"with": [UNIVERSAL]}, limitAllowedParents={"none": True})
    make_type(provider, "private", extend={"with": [UNIVERSAL]})
    make_type(provider, "derived", extend={"with": [{"name": "private", "path": provider.path}]})
    make_type(provider, "circle", extend={"with": [{"name": "circle", "path": provider.path}]})
    everything = [(provider.path, name) for name in ("circle", "derived", "other", "plain", "private", "topmost")]

    found, default = usable(server, place.path, user="alice")
    assert default == [("root", "universal")]
    assert [one for one in found if one in everything] == []
    names = ["plain", "topmost", "derived", "circle"]
    post(provider, "clusterroles", role("user", {**USE, "resourceNames": names}))
    post(provider, "clusterrolebindings", binding("user", "user", "Group team-a"))
    found, _ = usable(server, place.path, user="alice")
    assert [one for one in found if one in everything] == [(provider.path, "plain")]
    assert usable(server, place.path, limit=1, user="alice")[0] == found
    assert usable(server, place.cluster, user="alice")[0] == found
    for kind in {*everything, *found, ("root", "root"), ("root", "home"), ("root", "organization")}:
        assert create(server, place.path, kind, user="alice") == (kind in found), kind

    post(provider, "clusterroles", role("all", USE))
    post(provider, "clusterrolebindings", binding("all", "all", "alice"))
    found, _ = usable(server, place.path, user="alice")
    assert [one[1] for one in found if one in everything] == ["derived", "other", "plain", "private"]
    provider.request("DELETE", f"{TYPES}/private")
    assert ("derived" in [one[1] for one in usable(server, place.path, user="alice")[0]]) is False


def test_administrators_use_types_of_everywhere(workspace):
    server = workspace.server
    inner = server.create_workspace("inner", parent=workspace.path, directory=workspace.directory)
    for number in range(5):
        make_type(inner, f"t{number}", extend={"with": [UNIVERSAL]})
    for user in ("kcp-admin", "master"):
        found, _ = usable(server, workspace.path, user=user)
        assert {(inner.path, f"t{number}") for number in range(5)} < set(found)
        assert usable(server, workspace.path, limit=2, user=user)[0] == found


def test_limits_of_the_parent_count(workspace):
    """An organization takes universal workspaces and what extends them, and it is not its own child."""
    organization = workspace.server.create_workspace(type="organization", directory=workspace.directory)
    found, default = usable(workspace.server, organization.path)
    assert ("root", "universal") in found
    assert ("root", "organization") not in found
    assert default == [("root", "universal")]
    organization.delete()


def test_who_may_create_nothing_is_refused_as_that_creation_is(workspace):
    server = workspace.server
    who = {"user": "alice"}
    refusals = []
    for parent in (workspace.path, f"{workspace.path}:absent", "absent", workspace.cluster):
        status, answer = server.request("GET", types_in(parent), **who)
        refusals.append((status, answer["message"]))
    assert set(refusals) == {
        (
            403,
            'workspaces.tenancy.kcp.io is forbidden: User "alice" cannot create resource "workspaces" in API group '
            '"tenancy.kcp.io" at the cluster scope: access denied',
        )
    }
    invite(workspace, "alice")
    assert server.request("GET", types_in(workspace.path), **who)[0] == 403
    let_create(workspace, "alice")
    assert server.request("GET", types_in(workspace.path), **who)[0] == 200


def test_a_service_account_that_makes_workspaces(workspace):
    who = token_of(workspace, "robot")
    let_create(workspace, "ServiceAccount default/robot")
    found, _ = usable(workspace.server, workspace.path, **who)
    assert ("root", "universal") in found
    assert create(workspace.server, workspace.path, ("root", "universal"), **who)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/apis/access.manifold/v1alpha1/usableworkspacetypes?watch=1", 405),
        ("GET", "/apis/access.manifold/v1alpha1/usableworkspacetypes/a", 405),
        ("GET", "/apis/access.manifold/v1alpha1/accessibleworkspaces", 404),
        ("GET", "/apis/access.manifold/v1alpha1/usableworkspacetypes?continue=zzzz", 400),
        ("POST", "/apis/access.manifold/v1alpha1/usableworkspacetypes", 405),
        ("GET", "/apis", 200),
        ("GET", "/api/v1/namespaces", 404),
    ],
)
def test_the_wrong_questions(workspace, method, path, status):
    found, answer = workspace.server.request(method, f"/services/access/self/clusters/{workspace.path}{path}")
    assert found == status, answer


@pytest.mark.parametrize("parent", ["*:a", "Root", "a%00b", "", "system:admin"])
def test_what_is_no_parent(server, parent):
    status, answer = server.request("GET", types_in(parent))
    assert status == 403, answer


def test_a_parent_whose_type_is_gone_takes_no_children(workspace):
    """As its limits cannot be known: the answer is what the creation would meet."""
    server = workspace.server
    make_type(workspace, "vanishing", extend={"with": [UNIVERSAL]})
    body = {"apiVersion": f"{TENANCY}/v1alpha1", "kind": "Workspace", "metadata": {"name": "place"}}
    body["spec"] = {"type": {"path": workspace.path, "name": "vanishing"}}
    status, made = workspace.request("POST", WORKSPACES, body)
    assert status == 201, made
    place = f"{workspace.path}:place"
    assert ("root", "universal") in usable(server, place)[0]
    assert workspace.request("DELETE", f"{TYPES}/vanishing")[0] == 200
    assert usable(server, place) == ([], [])
    assert not create(server, place, ("root", "universal"))
