"""The views of initializers and terminators over the wire: who passes, and what is seen."""

import pytest
from lifecycle_world import LOGICAL_CLUSTER, LOGICAL_CLUSTERS, RBAC, WORKSPACES

MERGE = "application/merge-patch+json"
NOT_RESOLVED = "Path not resolved to a valid virtual workspace"


def config_map(name="m"):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}}


def test_discovery_is_of_logical_clusters_alone(world):
    world.make_type("ii", initializer=True)
    view = world.initializing("ii")
    status, groups = world.request("GET", view + "/apis")
    assert (status, [one["name"] for one in groups["groups"]]) == (200, ["core.kcp.io"])
    status, resources = world.request("GET", view + "/apis/core.kcp.io/v1alpha1")
    assert status == 200
    assert [(one["name"], one["verbs"]) for one in resources["resources"]] == [
        ("logicalclusters", ["get", "list", "watch"]),
        ("logicalclusters/status", None),
    ]
    accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    status, aggregated = world.server.request("GET", view + "/apis", headers=accept)
    assert (status, [one["metadata"]["name"] for one in aggregated["items"]]) == (200, ["core.kcp.io"])
    status, index = world.request("GET", view + "/openapi/v3")
    assert status == 200
    assert [path for path in index["paths"] if path.startswith("apis/")] == ["apis/core.kcp.io/v1alpha1"]
    url = index["paths"]["apis/core.kcp.io/v1alpha1"]["serverRelativeURL"]
    assert world.request("GET", view + url)[0] == 200
    for path in ("/apis/apps/v1", "/api/v1", "/metrics", "/apis/core.kcp.io/v1", "/apis/tenancy.kcp.io"):
        assert world.request("GET", view + path)[0] == 404, path


def test_only_what_waits_is_seen_and_only_while_it_does(world):
    world.make_type("ii", initializer=True)
    world.make_type("jj", initializer=True)
    first, second = world.make_workspace("ii"), world.make_workspace("ii")
    other = world.make_workspace("jj")
    cluster = first["spec"]["cluster"]
    assert first["status"]["phase"] == "Initializing"
    assert world.seen(world.initializing("ii")) == sorted([cluster, second["spec"]["cluster"]])
    assert world.seen(world.initializing("jj")) == [other["spec"]["cluster"]]
    assert world.seen(world.initializing("ii", cluster)) == [cluster]
    assert world.seen(world.initializing("ii", other["spec"]["cluster"])) == []
    assert world.seen(world.initializing("ii", "root")) == []
    status, table = world.server.request(
        "GET",
        world.initializing("ii") + LOGICAL_CLUSTERS,
        headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"},
    )
    assert (status, [row["cells"][1] for row in table["rows"]]) == (200, ["Initializing"] * 2)
    status, page = world.request("GET", world.initializing("ii") + LOGICAL_CLUSTERS + "?limit=1")
    assert (status, len(page["items"])) == (200, 1)
    status, rest = world.request(
        "GET", f"{world.initializing('ii')}{LOGICAL_CLUSTERS}?limit=1&continue={page['metadata']['continue']}"
    )
    seen = [one["metadata"]["annotations"]["kcp.io/cluster"] for one in page["items"] + rest["items"]]
    assert sorted(seen) == sorted([cluster, second["spec"]["cluster"]])
    assert world.request("GET", world.initializing("ii", cluster) + LOGICAL_CLUSTER)[0] == 200
    for view in (world.initializing("jj", cluster), world.terminating("ii", cluster), world.initializing("ii", "root")):
        for path in (LOGICAL_CLUSTER, f"{LOGICAL_CLUSTER}/status"):
            status, answer = world.request("GET", view + path)
            assert (status, answer["message"]) == (404, 'logicalclusters.core.kcp.io "cluster" not found')


def test_watches_tell_of_coming_and_going(world):
    world.make_type("ii", initializer=True)
    world.make_type("both", initializer=True, extend={"with": [{"name": "ii", "path": world.provider.path}]})
    there = world.make_workspace("ii")["spec"]["cluster"]
    watch = world.watch(world.initializing("ii") + LOGICAL_CLUSTERS + "?watch=1")
    assert watch.next()[:2] == ("ADDED", there)
    later = world.make_workspace("both")["spec"]["cluster"]
    assert watch.next()[:2] == ("ADDED", later)

    # While two are at work, what one leaves is a change for the other.
    left = {"status": {"initializers": [world.initializer("ii")]}}
    path = f"{LOGICAL_CLUSTER}/status"
    assert world.request("PATCH", world.initializing("both", later) + path, left, media=MERGE)[0] == 200
    kind, cluster, obj = watch.next()
    assert (kind, cluster, obj["status"]["initializers"]) == ("MODIFIED", later, [world.initializer("ii")])

    for one in (there, later):
        view = world.initializing("ii", one)
        status, answer = world.request("PATCH", view + path, {"status": {"initializers": []}}, media=MERGE)
        assert (status, answer["status"]["phase"]) == (200, "Ready")
        kind, cluster, obj = watch.next()
        assert (kind, cluster, obj["status"]["phase"]) == ("DELETED", one, "Initializing")
        assert obj["metadata"]["resourceVersion"] == answer["metadata"]["resourceVersion"]
    watch.close()


def test_a_watch_from_a_revision_has_the_same_crossings(world):
    world.make_type("ii", initializer=True)
    _, before = world.request("GET", world.initializing("ii") + LOGICAL_CLUSTERS)
    cluster = world.make_workspace("ii")["spec"]["cluster"]
    view = world.initializing("ii", cluster)
    world.request("PATCH", f"{view}{LOGICAL_CLUSTER}/status", {"status": {"initializers": []}}, media=MERGE)
    revision = before["metadata"]["resourceVersion"]
    watch = world.watch(f"{world.initializing('ii')}{LOGICAL_CLUSTERS}?watch=1&resourceVersion={revision}")
    assert [watch.next()[:2] for _ in range(2)] == [("ADDED", cluster), ("DELETED", cluster)]
    watch.close()


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("PATCH", LOGICAL_CLUSTER, 405),
        ("PUT", LOGICAL_CLUSTER, 405),
        ("DELETE", LOGICAL_CLUSTER, 405),
        ("DELETE", LOGICAL_CLUSTERS, 405),
        ("POST", LOGICAL_CLUSTERS, 405),
        ("DELETE", f"{LOGICAL_CLUSTER}/status", 405),
        ("POST", f"{LOGICAL_CLUSTER}/status", 405),
        ("GET", f"{LOGICAL_CLUSTER}/scale", 404),
        ("GET", f"{LOGICAL_CLUSTERS}:abc/cluster", 404),
        ("GET", f"{LOGICAL_CLUSTERS}:abc", 404),
    ],
)
def test_other_verbs_are_not_there(world, method, path, code):
    world.make_type("ii", initializer=True)
    cluster = world.make_workspace("ii")["spec"]["cluster"]
    body = {"metadata": {"labels": {"a": "b"}}}
    status, answer = world.request(method, world.initializing("ii", cluster) + path, body, media=MERGE)
    assert status == code, answer
    if code == 405:
        verb = {"PUT": "update", "POST": "create", "GET": "get"}.get(method, method.lower())
        verb = "deletecollection" if (method, path) == ("DELETE", LOGICAL_CLUSTERS) else verb
        assert answer["message"] == f'{verb} is not supported on resources of kind "logicalclusters.core.kcp.io"'


def test_the_wildcard_shows_no_content(world):
    world.make_type("ii", initializer=True)
    world.make_workspace("ii")
    view = world.initializing("ii")
    assert world.request("GET", view + "/api/v1/namespaces")[0] == 404
    assert world.request("GET", view + "/apis/tenancy.kcp.io/v1alpha1/workspaces")[0] == 404
    status, export = world.request("GET", "/clusters/root/apis/apis.kcp.io/v1alpha2/apiexports/tenancy.kcp.io")
    identity = export["status"]["identityHash"]
    assert world.request("GET", f"{view}/apis/tenancy.kcp.io/v1alpha1/workspaces:{identity}")[0] == 404
    status, answer = world.request("GET", view + LOGICAL_CLUSTER)
    assert (status, answer["reason"]) == (405, "MethodNotAllowed")


def test_content_is_reached_as_the_owner(world):
    world.make_type("ii", initializer=True)
    world.allow(world.provider.path, "bob", ["initialize"], "tenancy.kcp.io", ["workspacetypes"], ["ii"])
    cluster = world.make_workspace("ii")["spec"]["cluster"]
    view = world.initializing("ii", cluster)
    path = "/api/v1/namespaces/default/configmaps"
    assert world.request("GET", f"/clusters/{cluster}{path}", user="bob")[0] == 403
    status, made = world.request("POST", view + path, config_map(), user="bob")
    assert status == 201, made
    assert made["metadata"]["annotations"]["kcp.io/cluster"] == cluster
    assert world.request("GET", f"/clusters/{cluster}{path}/m")[0] == 200
    review = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    status, answer = world.request("POST", view + review, body, user="bob")
    assert (status, answer["status"]["userInfo"]["username"]) == (201, "kcp-admin")
    assert f"cluster:{cluster}" in answer["status"]["userInfo"]["extra"]["authentication.kcp.io/scopes"]
    assert world.request("GET", view + "/apis", user="bob")[0] == 200
    assert world.request("GET", view + "/metrics", user="bob")[0] == 404

    # With the initializer goes the right.
    watch = world.watch(view + path + "?watch=1", user="bob")
    assert {watch.next()[2]["metadata"]["name"] for _ in range(2)} == {"kube-root-ca.crt", "m"}
    status, _ = world.request(
        "PATCH", f"{view}{LOGICAL_CLUSTER}/status", {"status": {"initializers": []}}, user="bob", media=MERGE
    )
    assert status == 200
    assert watch.next() is None
    status, answer = world.request("GET", view + path, user="bob")
    assert (status, answer["message"]) == (
        403,
        f'initializer "{world.initializer("ii")}" cannot access this workspace',
    )


def test_content_is_reached_as_an_owner_who_was_impersonated(world):
    """Impersonation is confined to the workspace it happens in. What it made there is the owner's all the same."""
    world.make_type("ii", initializer=True)
    world.allow(world.provider.path, "alice", ["use", "create"], "tenancy.kcp.io", ["workspacetypes", "workspaces"])
    enter = ("--clusterrole=system:kcp:workspace:access", "--user=alice")
    world.provider.kubectl("create", "clusterrolebinding", "alice-enters", *enter)
    body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "hers"}}
    body["spec"] = {"type": {"name": "ii", "path": world.provider.path}}
    headers = {"Impersonate-User": "alice"}
    status, made = world.server.request("POST", f"/clusters/{world.provider.path}{WORKSPACES}", body, headers=headers)
    assert status == 201, made
    view = world.initializing("ii", made["spec"]["cluster"])
    path = "/api/v1/namespaces/default/configmaps"
    assert world.request("POST", view + path, config_map())[0] == 201
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    _, answer = world.request("POST", view + "/apis/authentication.k8s.io/v1/selfsubjectreviews", body)
    told = answer["status"]["userInfo"]
    scopes = [f"cluster:{made['spec']['cluster']}"]
    assert (told["username"], told["extra"]["authentication.kcp.io/scopes"]) == ("alice", scopes)


def test_an_owner_of_system_masters_is_not_that_inside(world):
    """Who may initialize what an administrator made has the rights of its owner there, not those of the group."""
    world.make_type("ii", initializer=True)
    cluster = world.make_workspace("ii", user="shard-admin")["spec"]["cluster"]
    view = world.initializing("ii", cluster)
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    status, answer = world.request("POST", view + "/apis/authentication.k8s.io/v1/selfsubjectreviews", body)
    assert status == 201, answer
    assert answer["status"]["userInfo"]["username"] == "shard-admin"
    assert "system:masters" not in answer["status"]["userInfo"]["groups"]
    assert world.request("GET", view + "/api/v1/namespaces")[0] == 200


def test_content_is_bounded_by_permissions(world):
    rules = [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "create", "watch"]},
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["create"]},
    ]
    world.make_type("ii", initializer=True, initializerPermissions=rules)
    world.allow(world.provider.path, "bob", ["initialize"], "tenancy.kcp.io", ["workspacetypes"], ["ii"])
    cluster = world.make_workspace("ii")["spec"]["cluster"]
    view = world.initializing("ii", cluster)
    path = "/api/v1/namespaces/default/configmaps"
    status, made = world.request("POST", view + path, config_map(), user="bob")
    assert status == 201, made
    for method, where, wanted in [
        ("GET", "/api/v1/secrets", "list on core/secrets"),
        ("DELETE", f"{path}/m", "delete on core/configmaps"),
        ("GET", "/apis/apps/v1/deployments", "list on apps/deployments"),
        ("PATCH", "/api/v1/namespaces/default/status", "patch on core/namespaces/status"),
        ("GET", "/apis", "get on /apis"),
    ]:
        status, answer = world.request(method, view + where, user="bob")
        assert (status, answer["message"]) == (
            403,
            f'initializer "{world.initializer("ii")}" denied by initializerPermissions: no rule allows {wanted}',
        )
    # Being at work is no way to rights that outlast it.
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "all"}}
    role["rules"] = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    assert world.request("POST", f"{view}{RBAC}/clusterroles", role, user="bob")[0] == 403

    # A watch ends with the permission it rests on.
    watch = world.watch(view + path + "?watch=1", user="bob")
    assert {watch.next()[2]["metadata"]["name"] for _ in range(2)} == {"kube-root-ca.crt", "m"}
    types = "/apis/tenancy.kcp.io/v1alpha1/workspacetypes/ii"
    left = {"spec": {"initializerPermissions": rules[1:]}}
    assert world.request("PATCH", f"/clusters/{world.provider.path}{types}", left, media=MERGE)[0] == 200
    assert watch.next() is None


def test_without_its_type_nobody_is_let_in(world):
    world.make_type("ii", initializer=True)
    cluster = world.make_workspace("ii")["spec"]["cluster"]
    types = f"/clusters/{world.provider.path}/apis/tenancy.kcp.io/v1alpha1/workspacetypes/ii"
    assert world.request("DELETE", types)[0] == 200
    status, answer = world.request("GET", world.initializing("ii", cluster) + "/api/v1/namespaces")
    assert status == 503
    assert "WorkspaceType not found in local or cached indexer; refusing to fall back" in answer["message"]
    assert world.seen(world.initializing("ii")) == [cluster]


def test_a_watch_ends_with_the_right_to_initialize(world):
    world.make_type("ii", initializer=True)
    role = world.allow(world.provider.path, "bob", ["initialize"], "tenancy.kcp.io", ["workspacetypes"], ["ii"])
    cluster = world.make_workspace("ii")["spec"]["cluster"]
    watch = world.watch(world.initializing("ii") + LOGICAL_CLUSTERS + "?watch=1", user="bob")
    assert watch.next()[:2] == ("ADDED", cluster)
    binding = f"/clusters/{world.provider.path}{RBAC}/clusterrolebindings/{role}"
    assert world.request("DELETE", binding)[0] == 200
    assert watch.next() is None
    assert world.request("GET", world.initializing("ii") + LOGICAL_CLUSTERS, user="bob")[0] == 403


def test_who_sees_what(world):
    """Default deny: nothing but the right on the very type lets anybody through any of its doors."""
    world.make_type("ii", initializer=True, terminator=True)
    world.make_type("jj", initializer=True, terminator=True)
    grant = world.allow
    grant(world.provider.path, "bob", ["initialize"], "tenancy.kcp.io", ["workspacetypes"], ["ii"])
    grant(world.provider.path, "alice", ["get", "list", "watch", "use"], "tenancy.kcp.io", ["workspacetypes"])
    made = world.make_workspace("ii")
    cluster, parent = made["spec"]["cluster"], world.provider.path
    # An administrator of the workspace itself has no right on its type.
    grant(cluster, "alice", ["*"], "*", ["*"])
    gone = world.make_workspace("ii")
    view = world.initializing("ii", gone["spec"]["cluster"])
    body = {"status": {"initializers": []}}
    assert world.request("PATCH", f"{view}{LOGICAL_CLUSTER}/status", body, media=MERGE)[0] == 200
    name = gone["metadata"]["name"]
    status, _ = world.request("DELETE", f"/clusters/{parent}/apis/tenancy.kcp.io/v1alpha1/workspaces/{name}")
    assert status == 200
    ending = gone["spec"]["cluster"]
    doors = {
        "initializing": world.initializing("ii") + LOGICAL_CLUSTERS,
        "its groups": world.initializing("ii") + "/apis",
        "one": world.initializing("ii", cluster) + LOGICAL_CLUSTER,
        "its status": f"{world.initializing('ii', cluster)}{LOGICAL_CLUSTER}/status",
        "content": world.initializing("ii", cluster) + "/api/v1/namespaces",
        "other type": world.initializing("jj") + LOGICAL_CLUSTERS,
        "terminating": world.terminating("ii") + LOGICAL_CLUSTERS,
        "ending one": world.terminating("ii", ending) + LOGICAL_CLUSTER,
        "ending content": world.terminating("ii", ending) + "/api/v1/namespaces",
        "by path": f"/services/initializingworkspaces/{parent}:ii/clusters/*{LOGICAL_CLUSTERS}",
        "universal": f"/services/initializingworkspaces/root:universal/clusters/*{LOGICAL_CLUSTERS}",
        "system": f"/services/initializingworkspaces/system:apibindings/clusters/*{LOGICAL_CLUSTERS}",
    }
    everything = set(doors)
    theirs = {"initializing", "its groups", "one", "its status", "content"}
    table = {
        "": set(),
        "user": set(),
        "alice": set(),
        "bob": theirs,
        "kcp-admin": everything,
        "shard-admin": everything,
    }
    for user, open_to in table.items():
        for door, path in doors.items():
            status, answer = world.request("GET", path, user=user)
            assert status == (200 if door in open_to else 403), (user, door, answer)
            if status == 403:
                assert answer["message"].endswith(": access denied")
                for text in (cluster, ending, world.provider.cluster, parent):
                    assert text not in answer["message"]
    assert world.seen(doors["by path"].removesuffix(LOGICAL_CLUSTERS)) == []
    status, answer = world.request("GET", doors["initializing"], user="alice")
    assert answer["message"] == (
        'logicalclusters.core.kcp.io is forbidden: User "alice" cannot list resource "logicalclusters" '
        'in API group "core.kcp.io" at the cluster scope: access denied'
    )


@pytest.mark.parametrize(
    "path",
    [
        "/services/",
        "/services/nope/x/clusters/*/apis",
        "/services/initializingworkspaces",
        "/services/initializingworkspaces/",
        "/services/initializingworkspaces/root:universal",
        "/services/initializingworkspaces/root:universal/clusters",
        "/services/initializingworkspaces//clusters/*/apis",
        "/services/initializingworkspaces/universal/clusters/*/apis",
        "/services/initializingworkspaces/root:Universal/clusters/*/apis",
        "/services/initializingworkspaces/root:universal%00/clusters/*/apis",
        "/services/initializingworkspaces/root:universal/more/clusters/*/apis",
        "/services/initializingworkspaces/root:universal/clusters/root:org/apis",
        "/services/initializingworkspaces/root:universal/clusters/system:admin/apis",
        "/services/initializingworkspaces/root:universal/clusters/Root/apis",
        "/services/initializingworkspaces/root:universal/clusters//apis",
        "/services/initializingworkspaces/root:universal/clusters/ro%00ot/apis",
        "/clusters/root/services/initializingworkspaces/root:universal/clusters/*/apis",
    ],
)
def test_what_leads_nowhere_is_refused_to_all_alike(server, path):
    for user, name in (("", "system:anonymous"), ("user", "user"), ("kcp-admin", "kcp-admin")):
        status, answer = server.request("GET", path, user=user)
        assert (status, answer["message"].rpartition(": ")[2]) == (403, NOT_RESOLVED), answer
        assert f'User "{name}" cannot get path' in answer["message"]
    assert server.request("GET", path, user="shard-admin")[0] == 404


def test_the_index_is_below_a_slash(server):
    status, _ = server.request("GET", "/services", user="")
    assert status == 307


def test_nobody_takes_the_groups_of_those_at_work(world):
    """The groups that let an initializer in are given by its view, and cannot be asked for."""
    world.make_type("ii", initializer=True)
    cluster = world.make_workspace("ii")["spec"]["cluster"]
    headers = {"Impersonate-User": "x", "Impersonate-Group": f"system:kcp:initializer:{world.initializer('ii')}"}
    status, _ = world.server.request("GET", f"/clusters/{cluster}/api/v1/namespaces", headers=headers)
    assert status == 403


def test_who_made_a_logical_cluster_stays_said(world):
    """The owner's right is what content is reached by: its administrator cannot make somebody else the owner."""
    world.make_type("ii", initializer=True, terminator=True)
    made = world.make_workspace("ii")
    path = f"/clusters/{made['spec']['cluster']}{LOGICAL_CLUSTER}"
    for spec in (
        {"createdBy": {"username": "victim", "groups": ["system:kcp:admin"]}},
        {"owner": {"name": "other"}},
        {"terminators": None},
        {"initializers": []},
    ):
        status, answer = world.request("PATCH", path, {"spec": spec}, media=MERGE)
        (name,) = spec
        assert (status, answer["message"]) == (
            403,
            f'logicalclusters.core.kcp.io "cluster" is forbidden: spec.{name} is immutable',
        )
    body = {"status": {"terminators": [world.initializer("ii"), "root:other"]}}
    status, answer = world.request("PATCH", f"{path}/status", body, media=MERGE)
    assert (status, answer["message"].rpartition(": ")[2]) == (403, "status.terminators must not grow")
