"""Nothing in the store tells of a workspace that has been deleted, whatever was in it and whoever referred to it."""

import json
import time

import pytest
from support.server import running_server
from support.traces import at_rest, keys_with
from workspace_manifests import MAPS

CORE = "/api/v1/namespaces/default"
APIS = "/apis/apis.kcp.io/v1alpha2"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
NAMES = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
VERSION = {"name": "v1", "served": True, "storage": True, "schema": {"type": "object"}}


KINDS = {
    "apiexports": "APIExport",
    "apibindings": "APIBinding",
    "apiresourceschemas": "APIResourceSchema",
    "customresourcedefinitions": "CustomResourceDefinition",
    "widgets": "Widget",
    "workspaces": "Workspace",
    "workspacetypes": "WorkspaceType",
    "apiexportendpointslices": "APIExportEndpointSlice",
    "partitions": "Partition",
}


def create(workspace, path, body):
    _, _, group, version, *_, resource = path.split("/")
    kind = {"apiVersion": f"{group}/{version}", "kind": KINDS[resource]} if resource in KINDS else {}
    status, made = workspace.request("POST", path, {**kind, **body})
    assert status == 201, made
    return made


def named(name, **more):
    return {"metadata": {"name": name}, **more}


def reference(name, path):
    return named(name, spec={"reference": {"export": {"name": "widgets", "path": path}}})


def events(workspace, provider):
    involved = {"kind": "ConfigMap", "namespace": "default", "name": "one"}
    create(workspace, f"{CORE}/events", named("one", involvedObject=involved))
    told = {"eventTime": "2026-11-21T10:00:00.000000Z", "action": "Told", "reason": "Told", "type": "Normal"}
    reporter = {"reportingController": "example.com/test", "reportingInstance": "one"}
    path = "/apis/events.k8s.io/v1/namespaces/default/events"
    create(workspace, path, {**named("two"), **told, **reporter, "regarding": involved})


def owned(workspace, provider):
    owner = create(workspace, MAPS, named("owner"))["metadata"]
    told = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["uid"]}
    for number in range(3):
        create(workspace, MAPS, {"metadata": {"name": f"owned{number}", "ownerReferences": [told]}})


def limited(workspace, provider):
    create(workspace, f"{CORE}/resourcequotas", named("most", spec={"hard": {"count/configmaps": "20"}}))
    create(workspace, MAPS, named("counted"))


def invited(workspace, provider):
    create(workspace, f"{RBAC}/clusterroles", named("enter", rules=[{"nonResourceURLs": ["/"], "verbs": ["access"]}]))
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "enter"}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "somebody"}
    create(workspace, f"{RBAC}/clusterrolebindings", named("enter", roleRef=role, subjects=[subject]))


def defining(workspace, provider):
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    spec = {"group": "example.dev", "scope": "Namespaced", "names": NAMES, "versions": [{**VERSION, "schema": schema}]}
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    create(workspace, path, named("widgets.example.dev", spec=spec))
    create(workspace, "/apis/example.dev/v1/namespaces/default/widgets", named("one"))


def exporting(workspace, provider):
    spec = {"group": "example.io", "scope": "Namespaced", "names": NAMES, "versions": [VERSION]}
    create(workspace, "/apis/apis.kcp.io/v1alpha1/apiresourceschemas", named("v1.widgets.example.io", spec=spec))
    resources = [{"group": "example.io", "name": "widgets", "schema": "v1.widgets.example.io"}]
    claims = [{"group": "", "resource": "configmaps", "verbs": ["*"]}]
    export = named("widgets", spec={"resources": resources, "permissionClaims": claims})
    create(workspace, f"{APIS}/apiexports", export)


def binding(workspace, provider):
    exporting(provider, None)
    body = reference("widgets", provider.path)
    claim = {"group": "", "resource": "configmaps", "verbs": ["*"], "state": "Accepted", "selector": {"matchAll": True}}
    body["spec"]["permissionClaims"] = [claim]
    create(workspace, f"{APIS}/apibindings", body)
    create(workspace, "/apis/example.io/v1/namespaces/default/widgets", named("one"))


def left_by_force(workspace, provider):
    """Objects of a binding whose finalizer was taken off while one of them was held."""
    binding(workspace, provider)
    widgets = "/apis/example.io/v1/namespaces/default/widgets"
    create(workspace, widgets, {"metadata": {"name": "held", "finalizers": ["a.example/held"]}})
    one = f"{APIS}/apibindings/widgets"
    assert workspace.request("DELETE", one)[0] == 200
    body = json.dumps({"metadata": {"finalizers": None}})
    headers = {"Content-Type": "application/merge-patch+json"}
    status, found = workspace.request("PATCH", one, body, headers=headers, user="master")
    assert status == 200, found
    assert workspace.request("GET", one)[0] == 404


def bound_by_others(workspace, provider):
    exporting(workspace, None)
    create(provider, f"{APIS}/apibindings", reference("widgets", workspace.path))


def beginning_with_bindings(workspace, provider):
    """A workspace below, whose type brings a binding to an export of the provider, with an object of it."""
    exporting(provider, None)
    extended = {"with": [{"name": "universal", "path": "root"}]}
    spec = {"extend": extended, "defaultAPIBindings": [{"path": provider.path, "export": "widgets"}]}
    types = "/apis/tenancy.kcp.io/v1alpha1/workspacetypes"
    create(provider, types, named("t", spec={**spec, "defaultAPIBindingLifecycle": "Maintain"}))
    child = named("child", spec={"type": {"name": "t", "path": provider.path}})
    made = create(workspace, "/apis/tenancy.kcp.io/v1alpha1/workspaces", child)
    assert made["status"]["phase"] == "Ready"
    cluster = made["spec"]["cluster"]
    path = f"/clusters/{cluster}/apis/example.io/v1/namespaces/default/widgets"
    widget = {"apiVersion": "example.io/v1", "kind": "Widget", "metadata": {"name": "one"}}
    status, found = workspace.server.request("POST", path, widget)
    assert status == 201, found
    return [cluster]


def waiting_for_a_shard(workspace, provider):
    nowhere = {"selector": {"matchLabels": {"name": "nowhere"}}}
    child = named("child", spec={"location": nowhere})
    made = create(workspace, "/apis/tenancy.kcp.io/v1alpha1/workspaces", child)
    assert made["status"]["phase"] == "Unavailable"


def slicing(workspace, provider):
    partition = named("p", spec={"selector": {"matchLabels": {"name": "root"}}})
    create(workspace, "/apis/topology.kcp.io/v1alpha1/partitions", partition)
    slices = "/apis/apis.kcp.io/v1alpha1/apiexportendpointslices"
    create(workspace, slices, named("s", spec={"export": {"name": "later"}, "partition": "p"}))


CONTENT = [
    events,
    owned,
    limited,
    invited,
    defining,
    exporting,
    binding,
    left_by_force,
    bound_by_others,
    beginning_with_bindings,
    waiting_for_a_shard,
    slicing,
]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """A server on which nothing else happens."""
    with running_server(tmp_path_factory.mktemp("quiet")) as server:
        yield server
        assert not server.mistakes(), server.mistakes()


def test_nothing_is_left(quiet, tmp_path):
    """The store can only be read when the server has stopped, so all contents share one."""
    gone = {}
    for content in CONTENT:
        workspace, provider = (quiet.create_workspace(directory=tmp_path) for _ in range(2))
        below = content(workspace, provider) or ()
        for one in (workspace, provider):
            one.delete()
            gone[content.__name__, one is provider] = one.cluster
        gone.update(((content.__name__, place), cluster) for place, cluster in enumerate(below, 2))
    deadline = time.monotonic() + 30
    while not at_rest(quiet):
        assert time.monotonic() < deadline, quiet.log_text()[-3000:]
        time.sleep(0.1)
    assert quiet.stop() == 0
    left = {name: keys_with(quiet.root, cluster) for name, cluster in gone.items()}
    assert left == {name: [] for name in left}
