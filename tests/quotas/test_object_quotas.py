"""ResourceQuotas over numbers of objects: exact, in Kubernetes' words, through every verb."""

import random
from dataclasses import replace

import pytest
from limited import CLUSTER_SCOPED, Limited, at_once, until
from support.server import running_server


@pytest.fixture
def limited(workspace):
    return Limited(workspace)


def test_what_is_there_counts_and_the_next_one_too_many_is_refused(limited):
    limited.create("before")
    limited.quota(configmaps=3, secrets=0, count__leases_coordination_k8s_io=1, pods=5, requests_cpu=1)
    assert limited.used() == {"configmaps": "2", "secrets": "0", "count/leases.coordination.k8s.io": "0"}
    assert limited.create("fits")[0] == 201
    assert limited.used()["configmaps"] == "3"
    status, found = limited.create("over")
    assert (status, found["reason"], found["details"]) == (403, "Forbidden", {"name": "over", "kind": "configmaps"})
    assert found["message"] == (
        'configmaps "over" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=3, limited: '
        "configmaps=3"
    )
    status, found = limited.create("s", "secrets")
    assert found["message"] == (
        'secrets "s" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=0, limited: secrets=0'
    )
    assert limited.create("l", "leases", "coordination.k8s.io")[0] == 201
    status, found = limited.create("m", "leases", "coordination.k8s.io")
    assert found["message"].startswith('leases.coordination.k8s.io "m" is forbidden: exceeded quota: q, requested: ')
    limited.delete("before")
    assert limited.used()["configmaps"] == "2"
    assert limited.create("over")[0] == 201


@pytest.mark.parametrize("way", ["apply", "dry-run", "generateName"])
def test_every_way_of_creating_is_counted(limited, way):
    limited.quota(count__configmaps=2)
    workspace = limited.workspace

    def create(name):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        if way == "apply":
            headers = {"Content-Type": "application/apply-patch+yaml"}
            path = limited.path(name=name) + "?fieldManager=test"
            return workspace.request("PATCH", path, body, headers=headers)
        if way == "generateName":
            body["metadata"] = {"generateName": name}
        return workspace.request("POST", limited.path() + ("?dryRun=All" if way == "dry-run" else ""), body)

    assert create("one")[0] == 201
    if way == "dry-run":
        assert limited.used() == {"count/configmaps": "1"}
        assert limited.create("one")[0] == 201
    status, found = create("two")
    assert (status, "exceeded quota: q, requested: count/configmaps=1" in found["message"]) == (403, True), found
    assert limited.used() == {"count/configmaps": "2"}


def test_finalizers_count_until_they_are_gone(limited):
    limited.quota(configmaps=2)
    assert limited.create("held", metadata={"name": "held", "finalizers": ["example.dev/hold"]})[0] == 201
    limited.delete("held")
    assert limited.used() == {"configmaps": "2"}
    assert limited.create("next")[0] == 403
    assert limited.change("held", {"metadata": {"finalizers": None}}, resource="configmaps")[0] == 200
    assert limited.used() == {"configmaps": "1"}
    assert limited.create("next")[0] == 201


def test_collections_and_owners_are_counted_down(limited):
    limited.quota(configmaps=30)
    for number in range(5):
        assert limited.create(f"map-{number}")[0] == 201
    owner = limited.workspace.request("GET", limited.path(name="map-0"))[1]["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "map-0", "uid": owner}
    assert limited.create("owned", metadata={"name": "owned", "ownerReferences": [reference]})[0] == 201
    assert limited.used() == {"configmaps": "7"}
    limited.delete("map-0")
    until(lambda: limited.used() == {"configmaps": "5"})
    assert limited.workspace.request("DELETE", limited.path())[0] == 200
    until(lambda: limited.names() == ["kube-root-ca.crt"])  # which comes back
    assert limited.used() == {"configmaps": "1"}


def test_a_changed_quota_is_counted_again(limited):
    limited.create("one")
    limited.quota(configmaps=9)
    body = {"spec": {"hard": {"configmaps": "2", "secrets": "1"}}}
    assert limited.change("q", body)[0] == 200
    limited.until_counted()
    assert limited.used() == {"configmaps": "2", "secrets": "0"}
    assert limited.create("over")[0] == 403
    assert limited.change("q", {"spec": {"hard": {"configmaps": "3"}}})[0] == 200
    assert limited.create("fits")[0] == 201  # whoever comes first counts
    assert limited.used() == {"configmaps": "3", "secrets": "0"}


def test_what_is_used_is_the_servers_word(limited):
    limited.quota(configmaps=2)
    status, found = limited.change(
        "q", {"status": {"used": {"configmaps": "0"}, "hard": {"configmaps": "9"}}}, "/status"
    )
    assert (status, found["status"]) == (200, {"hard": {"configmaps": "2"}, "used": {"configmaps": "1"}})
    assert limited.create("one")[0] == 201
    assert limited.create("two")[0] == 403


def test_quotas_count_themselves_and_each_other(limited):
    limited.quota("a", resourcequotas=2)
    limited.quota("b", configmaps=1)
    status, found = limited.create("c", "resourcequotas")
    assert (status, "exceeded quota: a, requested: resourcequotas=1, used: resourcequotas=2" in found["message"]) == (
        403,
        True,
    )
    limited.delete("b", "resourcequotas")
    assert limited.used("a") == {"resourcequotas": "1"}
    assert limited.create("one")[0] == 201
    limited.delete("a", "resourcequotas")
    assert limited.create("c", "resourcequotas")[0] == 201


def test_all_quotas_must_allow_an_object(limited):
    limited.quota("wide", configmaps=9)
    limited.quota("narrow", count__configmaps=1)
    assert "exceeded quota: narrow" in limited.create("one")[1]["message"]
    assert limited.used("wide") == {"configmaps": "1"}


def test_a_quota_of_the_whole_workspace(limited):
    workspace = limited.workspace
    for name in ("admin", "other"):
        assert workspace.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})[0] == 201
    admin = Limited(workspace, "admin")
    admin.quota(
        "all", CLUSTER_SCOPED, count__configmaps=6, count__namespaces=5, count__clusterroles_rbac_authorization_k8s_io=1
    )
    used = {"count/configmaps": "4", "count/namespaces": "4", "count/clusterroles.rbac.authorization.k8s.io": "0"}
    assert admin.used("all") == used
    assert limited.create("one")[0] == 201
    role = {"metadata": {"name": "role"}, "rules": []}
    roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    assert workspace.request("POST", roles, role)[0] == 201
    assert workspace.request("POST", roles, {**role, "metadata": {"name": "other"}})[0] == 403
    assert workspace.request("POST", "/api/v1/namespaces", {"metadata": {"name": "fits"}})[0] == 201
    assert admin.used("all") == {
        "count/configmaps": "6",
        "count/namespaces": "5",
        "count/clusterroles.rbac.authorization.k8s.io": "1",
    }
    status, found = workspace.request("POST", "/api/v1/namespaces", {"metadata": {"name": "over"}})
    assert status == 403
    assert (
        "requested: count/configmaps=1,count/namespaces=1, used: count/configmaps=6,count/namespaces=5"
        in found["message"]
    )
    assert workspace.request("DELETE", "/api/v1/namespaces/fits")[0] == 200
    until(lambda: admin.used("all")["count/configmaps"] == "5")
    until(lambda: admin.used("all")["count/namespaces"] == "4")
    assert admin.change("all", {"metadata": {"annotations": None}})[0] == 200
    admin.until_counted("all")
    assert admin.used("all")["count/configmaps"] == "1"
    assert limited.create("free")[0] == 201


def workspace_of(name):
    return {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}}


def test_custom_resources_and_bound_ones_are_counted(limited):
    workspace = limited.workspace
    assert workspace.request("POST", "/api/v1/namespaces", {"metadata": {"name": "admin"}})[0] == 201
    admin = Limited(workspace, "admin")
    admin.quota("all", CLUSTER_SCOPED, count__workspaces_tenancy_kcp_io=1, count__widgets_example_dev=1)
    workspaces = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
    assert workspace.request("POST", workspaces, workspace_of("one"))[0] == 201
    status, found = workspace.request("POST", workspaces, workspace_of("two"))
    assert (status, "exceeded quota: all" in found["message"]) == (403, True)
    assert workspace.request("DELETE", f"{workspaces}/one")[0] == 200
    assert admin.used("all")["count/workspaces.tenancy.kcp.io"] == "0"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.dev"},
        "spec": {
            "group": "example.dev",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    }
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert workspace.request("POST", definitions, definition)[0] == 201
    widget = {"apiVersion": "example.dev/v1", "kind": "Widget"}
    assert limited.create("one", "widgets", "example.dev", **widget)[0] == 201
    assert limited.create("two", "widgets", "example.dev", **widget)[0] == 403
    assert workspace.request("DELETE", f"{definitions}/widgets.example.dev")[0] == 200
    until(lambda: admin.used("all")["count/widgets.example.dev"] == "0")


def test_many_writers_meet_a_quota_exactly(limited):
    limited.quota(configmaps=41)
    answers = at_once(lambda number: limited.create(f"map-{number}")[0], range(100), 16)
    assert (answers.count(201), answers.count(403)) == (40, 60)
    assert limited.used() == {"configmaps": "41"}
    assert len(limited.names()) == 41


def test_used_is_exact_while_everybody_writes(limited):
    """Creates, deletions and changes of the quota at once: at the end, the count is what there is."""
    limited.quota(configmaps=25)

    def act(seed):
        chance = random.Random(seed)
        for _ in range(12):
            name = f"map-{chance.randrange(40)}"
            kind = chance.randrange(5)
            if kind < 3:
                assert limited.create(name)[0] in (201, 403, 409)
            elif kind == 3:
                status, _ = limited.workspace.request("DELETE", limited.path(name=name))
                assert status in (200, 404)
            else:
                body = {"spec": {"hard": {"configmaps": str(chance.randrange(10, 30))}}}
                assert limited.change("q", body)[0] == 200

    at_once(act, range(10), 10)
    limited.until_counted()
    assert limited.used() == {"configmaps": str(len(limited.names()))}


def test_a_quota_that_comes_among_writers_is_exact(limited):
    def act(number):
        if number == 30:
            limited.quota(configmaps=60)
        return limited.create(f"map-{number}")[0]

    answers = at_once(act, range(90), 12)
    assert set(answers) <= {201, 403}
    assert limited.used() == {"configmaps": str(len(limited.names()))}
    assert len(limited.names()) <= 60


def test_large_objects_are_counted(limited):
    limited.quota(count__secrets=1)
    assert limited.create("large", "secrets", stringData={"a": "x" * 1_040_000})[0] == 201
    assert limited.create("more", "secrets")[0] == 403
    assert limited.used() == {"count/secrets": "1"}
    limited.delete("large", "secrets")
    until(lambda: limited.used() == {"count/secrets": "0"})


def test_counts_are_right_after_a_kill(tmp_path):
    with running_server(tmp_path / "server") as server:
        limited = Limited(server.create_workspace(directory=tmp_path))
        limited.quota(configmaps=1000)

        def act(number):
            if number == 60:
                server.process.kill()
            try:
                return limited.create(f"map-{number}")[0]
            except OSError:
                return 0

        assert 201 in at_once(act, range(120))
    with running_server(tmp_path / "server") as again:
        found = Limited(replace(limited.workspace, server=again))
        assert found.used() == {"configmaps": str(len(found.names()))}
