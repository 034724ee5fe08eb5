"""APIBindings to the exports that come with the server: bound in the answer, in conflict, refused, gone."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

BINDINGS = "/apis/apis.kcp.io/v1alpha2/apibindings"
OLDER = "/apis/apis.kcp.io/v1alpha1/apibindings"
LOGICAL_CLUSTER = "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
PARTITIONS = "/apis/topology.kcp.io/v1alpha1/partitions"
LOCKS = "internal.apis.kcp.io/resource-bindings"
FINALIZER = "apis.kcp.io/apibinding-finalizer"
BINDER = "/clusters/root/apis/rbac.authorization.k8s.io/v1"


def binding(name, export="cache.kcp.io", path="root", version="v1alpha2", claims=None):
    spec = {"reference": {"export": {"name": export, **({"path": path} if path else {})}}}
    if claims:
        spec["permissionClaims"] = claims
    return {"apiVersion": f"apis.kcp.io/{version}", "kind": "APIBinding", "metadata": {"name": name}, "spec": spec}


def conditions(obj):
    return {one["type"]: one for one in obj["status"].get("conditions") or ()}


def locks(workspace):
    status, found = workspace.request("GET", LOGICAL_CLUSTER)
    assert status == 200, found
    return json.loads(found["metadata"]["annotations"][LOCKS])


def default_binding(workspace, export):
    status, found = workspace.request("GET", BINDINGS)
    assert status == 200, found
    return next(one for one in found["items"] if one["spec"]["reference"]["export"]["name"] == export)


def merge(workspace, path, body, **options):
    headers = {"Content-Type": "application/merge-patch+json"}
    return workspace.request("PATCH", path, json.dumps(body), headers=headers, **options)


def wait_until(question):
    deadline = time.monotonic() + 20
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("path", "version"), [(BINDINGS, "v1alpha2"), (OLDER, "v1alpha1")])
def test_binding_is_bound_in_the_answer(workspace, path, version):
    status, made = workspace.request("POST", path, binding("mine", "migration.kcp.io", version=version))
    assert status == 201, made
    assert made["status"]["phase"] == "Bound"
    assert made["status"]["apiExportClusterName"] == "root"
    order = [one["type"] for one in made["status"]["conditions"]]
    assert order == [
        "Ready",
        "APIExportValid",
        "BindingUpToDate",
        "InitialBindingCompleted",
        "PermissionClaimsApplied",
        "PermissionClaimsValid",
    ]
    assert all(one["status"] == "True" for one in made["status"]["conditions"])
    assert made["metadata"]["finalizers"] == [FINALIZER]
    assert made["metadata"]["annotations"]["kcp.io/path"] == workspace.path
    label = made["metadata"]["labels"]["internal.apis.kcp.io/export"]
    assert made["metadata"]["labels"][f"claimed.internal.apis.kcp.io/{label}"] == "LstvmbbzVDDOn90ZbhzSQO5U3DMCf88h1pZ"
    bound = {one["resource"]: one for one in made["status"]["boundResources"]}
    assert set(bound) == {"logicalclustermigrations", "logicalclusterdumps"}
    assert all(len(one["schema"]["identityHash"]) == 64 and one["schema"]["UID"] for one in bound.values())
    assert locks(workspace)["logicalclusterdumps.migration.kcp.io"] == {"n": "mine"}
    status, found = workspace.request("GET", "/apis/migration.kcp.io/v1alpha1/logicalclustermigrations")
    assert (status, found.get("items")) == (200, []), found


def test_labels_are_those_of_the_recorded_hashes(workspace):
    found = default_binding(workspace, "tenancy.kcp.io")
    assert found["metadata"]["labels"]["internal.apis.kcp.io/export"] == "bmCdly9xXiUpEHe3ypvDwvXMTfoVZUE92mqAQf"


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        (("nope", "root:nowhere"), "root:nowhere:nope"),
        (("ex.io", "Root::x"), "Root::x:ex.io"),
    ],
)
def test_reference_that_leads_nowhere_is_refused_as_if_forbidden(workspace, reference, text):
    status, found = workspace.request("POST", BINDINGS, binding("b", *reference))
    assert status == 403
    assert found["message"] == (
        f'apibindings.apis.kcp.io "b" is forbidden: unable to create APIBinding: no permission to bind to export {text}'
    )
    assert workspace.request("GET", f"{BINDINGS}/b")[0] == 404


def test_binding_needs_the_verb_bind_in_the_exports_cluster(server, workspace):
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "alice"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}],
    }
    status, found = workspace.request("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", body)
    assert status == 201, found
    wanted = binding("b", "migration.kcp.io")
    status, found = workspace.request("POST", BINDINGS, wanted, user="alice")
    assert status == 403
    assert found["message"].endswith(
        "unable to create APIBinding: no permission to bind to export root:migration.kcp.io"
    )
    status, found = workspace.request("POST", BINDINGS, binding("b", "topology.kcp.io"), user="alice")
    assert status == 201, found  # everyone may bind topology
    slice_of = {
        "apiVersion": "apis.kcp.io/v1alpha1",
        "kind": "APIExportEndpointSlice",
        "metadata": {"name": "s"},
        "spec": {"export": {"path": "root", "name": "migration.kcp.io"}},
    }
    status, found = workspace.request(
        "POST", "/apis/apis.kcp.io/v1alpha1/apiexportendpointslices", slice_of, user="alice"
    )
    assert status == 403
    assert found["message"].endswith(
        "unable to create APIExportEndpointSlice: no permission to bind to export root:migration.kcp.io"
    )


@pytest.mark.parametrize("path", ["root", ""])
def test_binding_to_an_export_that_does_not_exist_says_so(workspace, path):
    status, made = workspace.request("POST", BINDINGS, binding("b", "nope", path))
    assert status == 201, made
    told = conditions(made)
    assert made["status"]["phase"] == "Binding"
    assert told["APIExportValid"]["reason"] == "APIExportNotFound"
    assert told["APIExportValid"]["message"] == f"APIExport {path or workspace.cluster}|nope not found"
    assert told["Ready"]["status"] == told["InitialBindingCompleted"]["status"] == "False"
    assert told["InitialBindingCompleted"]["reason"] == "WaitingForEstablished"
    status, _ = workspace.request("DELETE", f"{BINDINGS}/b")
    assert status == 200
    assert workspace.request("GET", f"{BINDINGS}/b")[0] == 404


def test_second_binding_of_an_export_is_in_conflict_and_takes_over(workspace):
    first = default_binding(workspace, "topology.kcp.io")["metadata"]["name"]
    partition = {
        "apiVersion": "topology.kcp.io/v1alpha1",
        "kind": "Partition",
        "metadata": {"name": "p"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}},
    }
    assert workspace.request("POST", PARTITIONS, partition)[0] == 201
    status, made = workspace.request("POST", BINDINGS, binding("again", "topology.kcp.io"))
    assert status == 201, made
    assert made["status"]["phase"] == "Binding"
    told = conditions(made)
    expected = (
        "Unable to bind APIs because they are bound by other APIBindings or CRDs: "
        f"map[partitions.topology.kcp.io:{{{first} false}} partitionsets.topology.kcp.io:{{{first} false}}]"
    )
    for kind in ("Ready", "BindingUpToDate", "InitialBindingCompleted"):
        assert (told[kind]["reason"], told[kind]["severity"]) == ("NamingConflicts", "Error")
        assert told[kind]["message"] == expected
    assert told["APIExportValid"]["status"] == "True"
    status, _ = workspace.request("DELETE", f"{BINDINGS}/{first}")
    assert status == 200
    assert workspace.request("GET", f"{BINDINGS}/{first}")[0] == 404
    status, found = workspace.request("GET", f"{BINDINGS}/again")
    assert found["status"]["phase"] == "Bound"
    assert locks(workspace)["partitions.topology.kcp.io"] == {"n": "again"}
    assert workspace.request("GET", f"{PARTITIONS}/p")[0] == 200  # kept and handed over


def test_accepted_claims_that_the_export_does_not_make_are_told(workspace):
    claims = [
        {"resource": "configmaps", "verbs": ["get"], "selector": {"matchAll": True}, "state": "Accepted"},
        {"resource": "secrets", "verbs": ["get"], "selector": {"matchAll": True}, "state": "Rejected"},
    ]
    status, made = workspace.request("POST", BINDINGS, binding("m", "migration.kcp.io", claims=claims))
    assert status == 201, made
    told = conditions(made)["PermissionClaimsValid"]
    assert (told["status"], told["reason"], told["severity"]) == ("False", "InvalidPermissionClaims", "Error")
    assert told["message"] == (
        "1 unexpected and/or invalid permission claims (showing first 1): "
        'unexpected/invalid claim for configmaps. (identity "")'
    )
    assert made["status"]["phase"] == "Bound"
    status, found = merge(workspace, f"{BINDINGS}/m", {"spec": {"permissionClaims": None}})
    assert status == 200, found
    assert conditions(found)["PermissionClaimsValid"]["status"] == "True"


def test_what_is_the_servers_on_a_binding_stays(workspace):
    name = default_binding(workspace, "topology.kcp.io")["metadata"]["name"]
    path = f"{BINDINGS}/{name}"
    status, found = merge(workspace, path, {"metadata": {"finalizers": None}})
    assert (status, found["metadata"]["finalizers"]) == (200, [FINALIZER])
    status, found = merge(workspace, path, {"metadata": {"labels": {"internal.apis.kcp.io/export": "x"}}})
    assert status == 200
    assert found["metadata"]["labels"]["internal.apis.kcp.io/export"] != "x"
    status, found = merge(workspace, path, {"spec": {"reference": {"export": {"name": "migration.kcp.io"}}}})
    assert (status, found["reason"]) == (422, "Invalid")
    assert "APIExport reference must not be changed" in found["message"]
    status, found = merge(workspace, path, {"spec": {"reference": {"export": {"name": "nope", "path": "root:no"}}}})
    assert status == 403
    assert "unable to update APIBinding: no permission to bind to export root:no:nope" in found["message"]
    status, found = merge(workspace, LOGICAL_CLUSTER, {"metadata": {"annotations": {LOCKS: "{}"}}})
    assert status == 200
    assert locks(workspace)["partitions.topology.kcp.io"] == {"n": name}


def test_empty_binding_is_gone_at_once_and_its_types_with_it(workspace):
    name = default_binding(workspace, "topology.kcp.io")["metadata"]["name"]
    assert workspace.request("DELETE", f"{BINDINGS}/{name}")[0] == 200
    assert workspace.request("GET", f"{BINDINGS}/{name}")[0] == 404
    assert workspace.request("GET", PARTITIONS)[0] == 404
    assert not [lock for lock in locks(workspace) if lock.endswith("topology.kcp.io")]
    _status, found = workspace.request("GET", "/apis")
    assert "topology.kcp.io" not in [one["name"] for one in found["groups"]]
    assert workspace.request("POST", BINDINGS, binding("anew", "topology.kcp.io"))[0] == 201
    assert workspace.request("GET", PARTITIONS)[0] == 200


def test_objects_go_before_their_binding_and_finalizers_hold_both(workspace):
    name = default_binding(workspace, "topology.kcp.io")["metadata"]["name"]
    path = f"{BINDINGS}/{name}"
    for number, finalizers in (("held", ["example.com/hold"]), ("free", [])):
        partition = {
            "apiVersion": "topology.kcp.io/v1alpha1",
            "kind": "Partition",
            "metadata": {"name": number, "finalizers": finalizers},
            "spec": {"selector": {"matchLabels": {"a": "b"}}},
        }
        assert workspace.request("POST", PARTITIONS, partition)[0] == 201
    status, found = workspace.request("DELETE", path)
    assert (status, found["kind"]) == (200, "APIBinding")
    assert found["metadata"]["deletionTimestamp"]
    assert found["metadata"]["finalizers"] == [FINALIZER]
    wait_until(lambda: "BindingResourceDeleteSuccess" in conditions(workspace.request("GET", path)[1]))
    told = conditions(workspace.request("GET", path)[1])["BindingResourceDeleteSuccess"]
    assert (told["status"], told["reason"], told["severity"]) == ("False", "SomeFinalizersRemain", "Error")
    assert told["message"] == (
        "Some content in the workspace has finalizers remaining: example.com/hold in 1 resource instances"
    )
    status, found = workspace.request("GET", PARTITIONS)
    assert [one["metadata"]["name"] for one in found["items"]] == ["held"]
    late = {**partition, "metadata": {"name": "late"}}
    status, found = workspace.request("POST", PARTITIONS, late)
    assert status == 403
    assert found["message"] == (
        'partitions.topology.kcp.io "late" is forbidden: '
        "create not allowed while custom resource definition is terminating"
    )
    status, found = merge(workspace, path, {"metadata": {"finalizers": None}})
    assert status == 403
    assert found["message"].endswith(f"removing the finalizer {FINALIZER} is forbidden")
    assert merge(workspace, f"{PARTITIONS}/held", {"metadata": {"finalizers": None}})[0] == 200
    wait_until(lambda: workspace.request("GET", path)[0] == 404)
    assert workspace.request("GET", PARTITIONS)[0] == 404


def test_workspaces_inside_go_with_the_binding_of_tenancy(server, workspace, tmp_path):
    child = server.create_workspace("child", parent=workspace.path, directory=tmp_path)
    held = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    assert child.request("POST", "/api/v1/namespaces/default/configmaps", held)[0] == 201
    path = f"{BINDINGS}/{default_binding(workspace, 'tenancy.kcp.io')['metadata']['name']}"
    status, found = workspace.request("DELETE", path)
    assert found["kind"] == "APIBinding"
    workspaces = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
    wait_until(lambda: "deletionTimestamp" in workspace.request("GET", f"{workspaces}/child")[1]["metadata"])
    assert workspace.request("GET", path)[0] == 200
    configmap = "/api/v1/namespaces/default/configmaps/held"
    assert merge(child, configmap, {"metadata": {"finalizers": None}})[0] == 200
    wait_until(lambda: workspace.request("GET", path)[0] == 404)
    assert workspace.request("GET", workspaces)[0] == 404
    status, found = workspace.request("GET", "/api/v1/namespaces/default")
    assert status == 200, found


def test_system_types_win_over_bound_ones(workspace):
    objects = "/apis/cache.kcp.io/v1alpha1/clustercachedresources"
    status, before = workspace.request("GET", objects)
    assert status == 200, before
    status, made = workspace.request("POST", BINDINGS, binding("cache"))
    assert (status, made["status"]["phase"]) == (201, "Bound")
    assert workspace.request("GET", objects)[0] == 200
    assert workspace.request("DELETE", f"{BINDINGS}/cache")[0] == 200
    assert workspace.request("GET", objects)[0] == 200


def test_of_concurrent_bindings_of_one_export_one_is_bound(workspace):
    def make(number):
        return workspace.request("POST", BINDINGS, binding(f"b{number}", "migration.kcp.io"))

    with ThreadPoolExecutor(6) as threads:
        made = list(threads.map(make, range(6)))
    assert [status for status, _ in made] == [201] * 6
    found = workspace.request("GET", BINDINGS)[1]["items"]
    bound = [
        one["metadata"]["name"]
        for one in found
        if one["spec"]["reference"]["export"]["name"] == "migration.kcp.io" and one["status"]["phase"] == "Bound"
    ]
    assert len(bound) == 1
    assert locks(workspace)["logicalclusterdumps.migration.kcp.io"] == {"n": bound[0]}


def test_creation_and_unbinding_at_once_leave_no_object_behind(server, workspace):
    name = default_binding(workspace, "topology.kcp.io")["metadata"]["name"]

    def make(number):
        body = {
            "apiVersion": "topology.kcp.io/v1alpha1",
            "kind": "Partition",
            "metadata": {"name": f"p{number}"},
            "spec": {"selector": {"matchLabels": {"a": "b"}}},
        }
        return workspace.request("POST", PARTITIONS, body)[0]

    with ThreadPoolExecutor(8) as threads:
        created = [threads.submit(make, number) for number in range(12)]
        gone = threads.submit(workspace.request, "DELETE", f"{BINDINGS}/{name}")
        created += [threads.submit(make, number) for number in range(12, 24)]
        assert {one.result() for one in created} <= {201, 403, 404}
        assert gone.result()[0] == 200
    wait_until(lambda: workspace.request("GET", f"{BINDINGS}/{name}")[0] == 404)
    assert workspace.request("POST", BINDINGS, binding("anew", "topology.kcp.io"))[0] == 201
    status, found = workspace.request("GET", PARTITIONS)
    assert (status, found["items"]) == (200, [])
