"""A service cluster's API is published and its objects are carried: by the requests of kcp's api-syncagent.

The program is written with the libraries that the agent is written with, kcp's types (in v1alpha1, as the agent uses
them) and its provider for multicluster-runtime. The service cluster is a workspace, too, and the test is its operator.
"""

import copy
import re

import pytest
import yaml
from multicluster_world import MERGE, heard
from walk_world import eventually

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
STATIONS = "/apis/example.org/v1/namespaces/{}/stations"
EXPORTS = "/apis/apis.kcp.io/{}/apiexports"
EMPTY = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": "published"}}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "stations.example.org"},
    "spec": {
        "group": "example.org",
        "scope": "Namespaced",
        "names": {"plural": "stations", "singular": "station", "kind": "Station", "listKind": "StationList"},
        "versions": [
            {
                "name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": {"line": {"type": "string", "default": "blue"}}},
                    "status": {"type": "object", "properties": {"trains": {"type": "integer"}}},
                }}},
            }
        ],
    },
}  # fmt: skip


@pytest.fixture
def service(server, tmp_path):
    """The service cluster: a workspace with the type, which the provider knows as a context of its kubeconfig."""
    made = server.create_workspace(directory=tmp_path)
    sent(made, "POST", DEFINITIONS, DEFINITION)
    yield made
    made.delete()


def sent(workspace, method, path, body=None, **options):
    status, found = workspace.request(method, path, body, **options)
    assert status in (200, 201), found
    return found


def leads_to(service, workspace):
    """Give the kubeconfig of a workspace the context "service"."""
    document = yaml.safe_load(workspace.kubeconfig.read_text())
    contexts = {one["name"]: one["context"] for one in document["contexts"]}
    clusters = {one["name"]: one["cluster"] for one in document["clusters"]}
    current = contexts[document["current-context"]]
    document["clusters"].append({"name": "service", "cluster": {**clusters[current["cluster"]], "server": service.url}})
    document["contexts"].append({"name": "service", "context": {**current, "cluster": "service"}})
    workspace.kubeconfig.write_text(yaml.safe_dump(document))


def bind(consumer, workspace):
    reference = f"{workspace.path}:published"
    consumer.kubectl("kcp", "bind", "apiexport", reference, "--accept-all-permission-claims")


def station(name, **spec):
    return {"apiVersion": "example.org/v1", "kind": "Station", "metadata": {"name": name}, "spec": spec}


def test_an_api_of_a_service_cluster_is_published_and_its_objects_are_carried(
    workspace, service, consume, multicluster
):
    leads_to(service, workspace)
    sent(workspace, "POST", EXPORTS.format("v1alpha2"), EMPTY)
    agent = multicluster(workspace.kubeconfig, "publish")
    located = agent.until(event="located")[-1]
    assert (located["cluster"], located["path"]) == (workspace.cluster, workspace.path)
    assert located["export"] == workspace.path
    schema = agent.until(event="published")[-1]["schema"]
    assert re.fullmatch(r"v[0-9a-f]{8}\.stations\.example\.org", schema)
    agent.until(event="served")

    # What it wrote in the older version of the export is the same in the newer one.
    export = sent(workspace, "GET", f"{EXPORTS.format('v1alpha2')}/published")
    assert [(one["group"], one["name"], one["schema"]) for one in export["spec"]["resources"]] == [
        ("example.org", "stations", schema)
    ]
    claims = [(one["group"], one["resource"], one["verbs"]) for one in export["spec"]["permissionClaims"]]
    assert claims == [
        ("", "events", ["*"]),
        ("", "namespaces", ["*"]),
        ("", "secrets", ["*"]),
        ("core.kcp.io", "logicalclusters", ["*"]),
    ]
    older = sent(workspace, "GET", f"{EXPORTS.format('v1alpha1')}/published")
    assert older["spec"]["latestResourceSchemas"] == [schema]

    def said_of_the_export():
        found = sent(workspace, "GET", "/api/v1/namespaces/default/events")["items"]
        return [one["message"] for one in found if one["involvedObject"]["kind"] == "APIExport"]

    eventually(said_of_the_export, [f"added {schema}"])

    first, second = (consumer.workspace for consumer in consume(2))
    for consumer in (first, second):
        bind(consumer, workspace)
        sent(consumer, "POST", STATIONS.format("default"), station("main"))
    heard(agent, ("taken", first.cluster), ("taken", second.cluster))
    for consumer in (first, second):
        carried = sent(service, "GET", f"{STATIONS.format(consumer.cluster)}/default-main")
        assert carried["spec"] == {"line": "blue"}
        assert carried["metadata"]["annotations"]["agents.example.com/path"] == consumer.path

    # The operator of the service cluster makes a secret and a status; both come to the consumer.
    here = STATIONS.format(first.cluster)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "default-main"}, "stringData": {"key": "k"}}
    sent(service, "POST", f"/api/v1/namespaces/{first.cluster}/secrets", secret)
    sent(service, "PATCH", f"{here}/default-main/status", {"status": {"trains": 2}}, headers=MERGE)
    agent.until(event="told", cluster=first.cluster)
    assert sent(first, "GET", f"{STATIONS.format('default')}/main")["status"] == {"trains": 2}
    assert sent(first, "GET", "/api/v1/namespaces/keys/secrets/main")["data"] == {"key": "aw=="}
    assert "status" not in sent(second, "GET", f"{STATIONS.format('default')}/main")

    def said_of_the_object():
        found = sent(first, "GET", "/api/v1/namespaces/default/events")["items"]
        return [one["involvedObject"]["name"] for one in found if one["reason"] == "StatusReturned"]

    eventually(said_of_the_object, ["main"])

    # A change goes there, and so does the end.
    sent(first, "PATCH", f"{STATIONS.format('default')}/main", {"spec": {"line": "red"}}, headers=MERGE)
    eventually(lambda: sent(service, "GET", f"{here}/default-main")["spec"], {"line": "red"})
    first.kubectl("delete", "station", "main")
    agent.until(event="returned", cluster=first.cluster)
    assert sent(service, "GET", here)["items"] == []
    assert len(sent(service, "GET", STATIONS.format(second.cluster))["items"]) == 1
    agent.finish()

    # It comes back to an unchanged definition, which changes nothing, and to a changed one, which is a new schema.
    again = multicluster(workspace.kubeconfig, "publish")
    assert again.until(event="published")[-1]["schema"] == schema
    again.until(event="engaged", cluster=second.cluster)
    assert sent(workspace, "GET", f"{EXPORTS.format('v1alpha2')}/published")["spec"] == export["spec"]
    again.finish()
    version = copy.deepcopy(DEFINITION["spec"]["versions"][0])
    version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["gates"] = {
        "type": "integer",
        "default": 2,
    }
    sent(service, "PATCH", f"{DEFINITIONS}/stations.example.org", {"spec": {"versions": [version]}}, headers=MERGE)
    newer = multicluster(workspace.kubeconfig, "publish")
    renewed = newer.until(event="published")[-1]["schema"]
    assert renewed != schema
    older = sent(workspace, "GET", f"{EXPORTS.format('v1alpha1')}/published")
    assert older["spec"]["latestResourceSchemas"] == [renewed]
    eventually(lambda: sent(second, "GET", f"{STATIONS.format('default')}/main")["spec"], {"line": "blue", "gates": 2})
    newer.until(event="engaged", cluster=second.cluster)
    second.kubectl("delete", "apibinding", "published")
    heard(newer, ("returned", second.cluster), ("gone", second.cluster))
    assert sent(service, "GET", "/apis/example.org/v1/stations")["items"] == []
    newer.finish()


def test_the_endpoint_slice_may_be_elsewhere(server, workspace, service, consume, multicluster, tmp_path):
    elsewhere = server.create_workspace(directory=tmp_path)
    leads_to(service, elsewhere)
    sent(workspace, "POST", EXPORTS.format("v1alpha2"), EMPTY)
    slice_ = {
        "apiVersion": "apis.kcp.io/v1alpha1", "kind": "APIExportEndpointSlice", "metadata": {"name": "published"},
        "spec": {"export": {"path": workspace.path, "name": "published"}},
    }  # fmt: skip
    sent(elsewhere, "POST", "/apis/apis.kcp.io/v1alpha1/apiexportendpointslices", slice_)
    agent = multicluster(elsewhere.kubeconfig, "publish")
    located = agent.until(event="located")[-1]
    assert (located["path"], located["export"]) == (elsewhere.path, workspace.path)
    agent.until(event="served")
    [consumer] = (one.workspace for one in consume(1))
    bind(consumer, workspace)
    heard(agent, ("engaged", consumer.cluster))
    sent(consumer, "POST", STATIONS.format("default"), station("main", line="green"))
    agent.until(event="taken", cluster=consumer.cluster)
    carried = sent(service, "GET", f"{STATIONS.format(consumer.cluster)}/default-main")
    assert carried["spec"] == {"line": "green"}
    agent.finish()
    elsewhere.delete()
