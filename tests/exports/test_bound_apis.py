"""What is bound of users' exports: served in the next request, kept apart by identity, changed, gone."""

import pytest
from provider import (
    BINDINGS,
    EXPORTS,
    SCHEMAS,
    SPEC,
    WIDGETS,
    binding,
    conditions,
    create,
    eventually,
    export,
    merge,
    offer,
    read,
    schema,
    widget,
)

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture
def consumer(server, tmp_path):
    made = server.create_workspace(directory=tmp_path)
    yield made
    made.delete()


@pytest.fixture
def other(server, tmp_path):
    made = server.create_workspace(directory=tmp_path)
    yield made
    made.delete()


def test_a_binding_is_bound_in_the_answer_and_served_in_the_next_request(workspace, consumer):
    exported = offer(workspace, "ex", schema())
    made = create(consumer, BINDINGS, binding("b", workspace.path, "ex"))
    assert made["status"]["phase"] == "Bound"
    assert made["status"]["apiExportClusterName"] == workspace.cluster
    [bound] = made["status"]["boundResources"]
    assert bound["schema"]["name"] == "v1.widgets.example.io"
    assert bound["schema"]["identityHash"] == exported["status"]["identityHash"]
    assert bound["storageVersions"] == ["v1"]
    assert {one["status"] for one in made["status"]["conditions"]} == {"True"}
    create(consumer, WIDGETS, widget(size=3))
    status, refused = consumer.request("POST", WIDGETS, widget("two", size=0))
    assert (status, refused["reason"]) == (422, "Invalid")
    assert [one["field"] for one in refused["details"]["causes"]] == ["spec.size"]
    assert [one["metadata"]["name"] for one in read(consumer, WIDGETS)["items"]] == ["one"]
    assert read(consumer, DEFINITIONS)["items"] == []
    names = [one["name"] for one in read(consumer, "/apis/example.io/v1")["resources"]]
    assert names == ["widgets", "widgets/status"]
    assert "/apis/example.io/v1/widgets" in str(read(consumer, "/openapi/v3/apis/example.io/v1"))
    # The provider does not have it by offering it.
    assert workspace.request("GET", WIDGETS)[0] == 404


def test_kubectl_uses_what_is_bound(workspace, consumer):
    offer(workspace, "ex", schema())
    create(consumer, BINDINGS, binding("b", workspace.path, "ex"))
    made = consumer.kubectl("create", "-f", "-", input="apiVersion: example.io/v1\nkind: Widget\nmetadata: {name: w}\n")
    assert made.stdout == "widget.example.io/w created\n"
    assert consumer.kubectl("get", "widgets", "-o", "name").stdout == "widget.example.io/w\n"
    assert "size" in consumer.kubectl("explain", "widgets.spec").stdout
    assert "READY" in consumer.kubectl("get", "apibindings").stdout


@pytest.mark.parametrize("named", ["group", "core"])
def test_schemas_of_the_core_group(workspace, consumer, named):
    if named == "core":
        offered = schema(group="")
        create(workspace, SCHEMAS, offered)
        create(workspace, EXPORTS, export("ex", offered))
        create(consumer, BINDINGS, binding("b", workspace.path, "ex"))
        body = {**widget(), "apiVersion": "v1"}
        create(consumer, "/api/v1/namespaces/default/widgets", body)
        assert "widgets" in [one["name"] for one in read(consumer, "/api/v1")["resources"]]
    else:
        offer(workspace, "ex", schema())
        create(consumer, BINDINGS, binding("b", workspace.path, "ex"))
        assert consumer.request("GET", "/api/v1/namespaces/default/widgets")[0] == 404


def test_equal_apis_of_two_exports_never_meet(server, workspace, consumer, other):
    offer(workspace, "a", schema())
    create(workspace, EXPORTS, export("b", schema()))
    create(consumer, BINDINGS, binding("api", workspace.path, "a"))
    create(other, BINDINGS, binding("api", workspace.path, "b"))
    create(consumer, WIDGETS, widget("of-a"))
    create(other, WIDGETS, widget("of-b"))
    for name, expected in (("a", "of-a"), ("b", "of-b")):
        identity = read(workspace, f"{EXPORTS}/{name}")["status"]["identityHash"]
        path = f"/clusters/*/apis/example.io/v1/widgets:{identity}"
        status, found = server.request("GET", path, user="shard-admin")
        assert status == 200, found
        assert [one["metadata"]["name"] for one in found["items"]] == [expected]


def test_moving_to_another_provider_and_back(workspace, consumer):
    offer(workspace, "a", schema())
    create(workspace, EXPORTS, export("b", schema()))
    create(consumer, BINDINGS, binding("api", workspace.path, "a"))
    held = widget("one")
    held["metadata"]["finalizers"] = ["example.io/hold"]
    create(consumer, WIDGETS, held)
    late = create(consumer, BINDINGS, binding("late", workspace.path, "b"))
    assert late["status"]["phase"] == "Binding"
    assert conditions(late)["Ready"]["reason"] == "NamingConflicts"
    status, going = consumer.request("DELETE", f"{BINDINGS}/api")
    assert (status, "deletionTimestamp" in going["metadata"]) == (200, True)
    status, refused = consumer.request("POST", WIDGETS, widget("two"))
    assert (status, "terminating" in refused["message"]) == (403, True)
    waiting = eventually(lambda: conditions(read(consumer, f"{BINDINGS}/api")).get("BindingResourceDeleteSuccess"))
    assert waiting["reason"] == "SomeFinalizersRemain"
    merge(consumer, f"{WIDGETS}/one", {"metadata": {"finalizers": None}})
    eventually(lambda: consumer.request("GET", f"{BINDINGS}/api")[0] == 404)
    assert read(consumer, f"{BINDINGS}/late")["status"]["phase"] == "Bound"
    assert read(consumer, WIDGETS)["items"] == []


def test_a_changed_schema_reaches_who_has_bound(workspace, consumer):
    offer(workspace, "ex", schema())
    create(consumer, BINDINGS, binding("b", workspace.path, "ex"))
    create(consumer, WIDGETS, widget(size=1))
    larger = schema(
        "v2", spec={**SPEC, "properties": {**SPEC["properties"], "color": {"default": "red", "type": "string"}}}
    )
    create(workspace, SCHEMAS, larger)
    gadgets = schema(plural="gadgets", kind="Gadget")
    create(workspace, SCHEMAS, gadgets)
    merge(workspace, f"{EXPORTS}/ex", {"spec": export("ex", larger, gadgets)["spec"]})

    def names():
        bound = read(consumer, f"{BINDINGS}/b")["status"]["boundResources"]
        return [one["schema"]["name"] for one in bound] == ["v1.gadgets.example.io", "v2.widgets.example.io"]

    eventually(names)
    assert read(consumer, f"{WIDGETS}/one")["spec"] == {"size": 1, "color": "red"}
    create(consumer, "/apis/example.io/v1/namespaces/default/gadgets", widget(kind="Gadget"))
    # What is offered no longer stays bound.
    merge(workspace, f"{EXPORTS}/ex", {"spec": export("ex", gadgets)["spec"]})
    assert read(consumer, WIDGETS)["items"][0]["metadata"]["name"] == "one"


def test_what_is_bound_outlives_schema_export_and_provider(server, tmp_path, consumer):
    provider = server.create_workspace(directory=tmp_path)
    offer(provider, "ex", schema())
    create(consumer, BINDINGS, binding("b", provider.path, "ex"))
    create(consumer, WIDGETS, widget())
    assert provider.request("DELETE", f"{SCHEMAS}/v1.widgets.example.io")[0] == 200
    told = eventually(lambda: _invalid(consumer))
    assert told["reason"] == "InternalError"
    assert told["message"].endswith('APIResourceSchema "v1.widgets.example.io" not found')
    assert provider.request("DELETE", f"{EXPORTS}/ex")[0] == 200
    eventually(lambda: _invalid(consumer)["reason"] == "APIExportNotFound")
    assert read(consumer, f"{BINDINGS}/b")["status"]["phase"] == "Bound"
    provider.delete()
    create(consumer, WIDGETS, widget("two"))
    assert len(read(consumer, WIDGETS)["items"]) == 2
    assert consumer.request("DELETE", f"{BINDINGS}/b")[0] == 200
    eventually(lambda: consumer.request("GET", f"{BINDINGS}/b")[0] == 404)
    assert consumer.request("GET", WIDGETS)[0] == 404


def _invalid(consumer):
    told = conditions(read(consumer, f"{BINDINGS}/b"))["APIExportValid"]
    return told if told["status"] == "False" else None


def test_the_end_of_a_provider_is_told_to_who_has_bound(server, tmp_path, consumer):
    provider = server.create_workspace(directory=tmp_path)
    offer(provider, "ex", schema())
    create(consumer, BINDINGS, binding("b", provider.path, "ex"))
    provider.delete()
    assert eventually(lambda: _invalid(consumer))["reason"] == "APIExportNotFound"


def test_a_binding_may_wait_for_an_export_of_its_own_workspace(workspace):
    made = create(workspace, BINDINGS, binding("b", "", "later"))
    assert conditions(made)["APIExportValid"]["reason"] == "APIExportNotFound"
    create(workspace, EXPORTS, export("later", schema()))
    eventually(lambda: conditions(read(workspace, f"{BINDINGS}/b"))["APIExportValid"]["reason"] == "InternalError")
    create(workspace, SCHEMAS, schema())
    eventually(lambda: read(workspace, f"{BINDINGS}/b")["status"]["phase"] == "Bound")
    create(workspace, WIDGETS, widget())


def test_both_versions_of_exports_and_bindings_do_the_same(workspace, consumer):
    create(workspace, SCHEMAS, schema())
    older = EXPORTS.replace("v1alpha2", "v1alpha1")
    spec = {
        "latestResourceSchemas": ["v1.widgets.example.io"],
        "permissionClaims": [{"resource": "secrets", "all": True}],
    }
    body = {"apiVersion": "apis.kcp.io/v1alpha1", "kind": "APIExport", "metadata": {"name": "ex"}, "spec": spec}
    made = create(workspace, older, body)
    assert (made["apiVersion"], len(made["status"]["identityHash"])) == ("apis.kcp.io/v1alpha1", 64)
    claim = {"resource": "secrets", "all": True, "state": "Accepted"}
    bound = binding("b", workspace.path, "ex", [claim])
    made = create(consumer, BINDINGS.replace("v1alpha2", "v1alpha1"), {**bound, "apiVersion": "apis.kcp.io/v1alpha1"})
    assert made["status"]["phase"] == "Bound"
    found = read(consumer, f"{BINDINGS}/b")
    assert conditions(found)["PermissionClaimsValid"]["status"] == "True"
    assert found["status"]["exportPermissionClaims"][0]["verbs"] == ["*"]
    [applied] = found["status"]["appliedPermissionClaims"]
    assert (applied["verbs"], applied["selector"]) == (["*"], {"matchAll": True})
    gadgets = schema(plural="gadgets", kind="Gadget")
    create(workspace, SCHEMAS, gadgets)
    merge(
        workspace,
        f"{older}/ex",
        {"spec": {"latestResourceSchemas": [*spec["latestResourceSchemas"], "v1.gadgets.example.io"]}},
    )
    eventually(lambda: len(read(consumer, f"{BINDINGS}/b")["status"]["boundResources"]) == 2)
    status, _ = consumer.request("DELETE", f"{BINDINGS.replace('v1alpha2', 'v1alpha1')}/b")
    assert status == 200
    eventually(lambda: consumer.request("GET", f"{BINDINGS}/b")[0] == 404)


def test_verbs_of_a_claim_survive_a_binding_in_the_older_version(workspace, consumer):
    claim = {"group": "", "resource": "secrets", "verbs": ["get", "list"]}
    offer(workspace, "ex", schema(), permissionClaims=[claim])
    accepted = {"resource": "secrets", "all": True, "state": "Accepted"}
    bound = binding("b", workspace.path, "ex", [accepted])
    create(consumer, BINDINGS.replace("v1alpha2", "v1alpha1"), {**bound, "apiVersion": "apis.kcp.io/v1alpha1"})
    found = read(consumer, f"{BINDINGS}/b")
    assert found["status"]["exportPermissionClaims"][0]["verbs"] == ["get", "list"]


def test_names_are_free_or_not(workspace, consumer):
    offer(workspace, "ex", schema())
    rivals = schema(plural="doodads", kind="Widget")
    offer(workspace, "rival", rivals)
    create(consumer, BINDINGS, binding("first", workspace.path, "ex"))
    second = create(consumer, BINDINGS, binding("second", workspace.path, "rival"))
    assert second["status"]["phase"] == "Binding"
    assert conditions(second)["Ready"]["message"] == (
        f'Unable to bind APIs: naming conflict with APIBinding "first" bound to APIExport {workspace.cluster}:ex: '
        "spec.names.kind=Widget is forbidden"
    )
    assert consumer.request("DELETE", f"{BINDINGS}/first")[0] == 200
    assert read(consumer, f"{BINDINGS}/second")["status"]["phase"] == "Bound"


def test_a_definition_holds_its_names_against_a_binding(workspace, consumer):
    offer(workspace, "ex", schema())
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.io"},
        "spec": {"group": "example.io", "scope": "Namespaced", "names": names, "versions": [version]},
    }
    create(consumer, DEFINITIONS, definition)
    create(consumer, WIDGETS, widget("of-the-definition"))
    made = create(consumer, BINDINGS, binding("b", workspace.path, "ex"))
    assert conditions(made)["BindingUpToDate"]["reason"] == "NamingConflicts"
    assert "boundResources" not in made["status"]
    assert [one["metadata"]["name"] for one in read(consumer, WIDGETS)["items"]] == ["of-the-definition"]
    assert consumer.request("DELETE", f"{DEFINITIONS}/widgets.example.io")[0] == 200
    eventually(lambda: read(consumer, f"{BINDINGS}/b")["status"]["phase"] == "Bound")
    assert read(consumer, WIDGETS)["items"] == []


def test_annotations_of_an_export_that_its_bindings_have_too(workspace, consumer):
    body = export("ex")
    body["metadata"]["annotations"] = {"extra.apis.kcp.io/tier": "gold"}
    create(workspace, EXPORTS, body)
    made = create(consumer, BINDINGS, binding("b", workspace.path, "ex"))
    assert made["metadata"]["annotations"]["extra.apis.kcp.io/tier"] == "gold"
    merge(workspace, f"{EXPORTS}/ex", {"metadata": {"annotations": {"extra.apis.kcp.io/tier": None}}})
    eventually(
        lambda: "extra.apis.kcp.io/tier" not in read(consumer, f"{BINDINGS}/b")["metadata"].get("annotations", {})
    )


def test_a_maximal_permission_policy_bounds_everybody_from_the_next_request(workspace, consumer):
    offer(workspace, "ex", schema())
    create(consumer, BINDINGS, binding("b", workspace.path, "ex"))
    create(consumer, WIDGETS, widget())
    merge(workspace, f"{EXPORTS}/ex", {"spec": {"maximalPermissionPolicy": {"local": {}}}})
    status, found = consumer.request("GET", WIDGETS)
    assert (status, found["reason"]) == (403, "Forbidden")
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    create(
        workspace,
        f"{rbac}/clusterroles",
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "readers"},
            "rules": [{"apiGroups": ["example.io"], "resources": ["widgets"], "verbs": ["list"]}],
        },
    )
    create(
        workspace,
        f"{rbac}/clusterrolebindings",
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "readers"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "readers"},
            "subjects": [
                {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "Group",
                    "name": "apis.kcp.io:binding:system:authenticated",
                }
            ],
        },
    )
    assert len(read(consumer, WIDGETS)["items"]) == 1
    assert consumer.request("POST", WIDGETS, widget("two"))[0] == 403
    assert workspace.request("DELETE", f"{EXPORTS}/ex")[0] == 200
    create(consumer, WIDGETS, widget("two"))
