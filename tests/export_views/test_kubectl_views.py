"""kubectl through the view of an export, as a provider at a terminal uses it."""

import json

import pytest
from provider_world import APIS, accepted, claim, config_map, wait_for, widget

HERE = "/apis/example.io/v1/namespaces/default/widgets"


@pytest.fixture
def view(world):
    """The URL that the endpoint slice tells, and a consumer."""
    wanted = claim()
    world.export(claims=[wanted])
    world.let_in()
    consumer = world.consumer()
    world.bind(consumer, claims=[accepted(wanted)])
    path = f"{APIS.replace('v1alpha2', 'v1alpha1')}/apiexportendpointslices/ex"

    def url():
        endpoints = world.provider.request("GET", path)[1].get("status", {}).get("endpoints") or [{}]
        return endpoints[0].get("url")

    return wait_for(url), consumer


def test_kubectl_reads_writes_explains_and_applies(world, view, tmp_path):
    url, consumer = view
    world.make(consumer, widget("one"), HERE)
    world.make(consumer, config_map("settings"))

    def kubectl(cluster, *arguments, **options):
        return world.server.kubectl(*arguments, "--server", f"{url}/clusters/{cluster}", context="bob", **options)

    shown = kubectl("*", "get", "widgets,apibindings,configmaps", "-A").stdout
    assert "widget.example.io/one" in shown
    assert "apibinding.apis.kcp.io/b" in shown
    assert "configmap/settings" in shown
    assert "integer" in kubectl("*", "explain", "widgets.spec.size").stdout
    applied = json.dumps(widget("two", 2, namespace="default"))
    said = kubectl(consumer.cluster, "apply", "--server-side", "-f", "-", input=applied).stdout
    assert said == "widget.example.io/two serverside-applied\n"
    said = kubectl(
        consumer.cluster, "apply", "-f", "-", input=json.dumps(widget("three", 3, namespace="default"))
    ).stdout
    assert said == "widget.example.io/three created\n"
    found = json.loads(kubectl("*", "get", "widgets", "-A", "-o", "json").stdout)
    assert [one["metadata"]["name"] for one in found["items"]] == ["one", "three", "two"]
    said = kubectl(consumer.cluster, "delete", "widgets", "--all", "-n", "default").stdout
    assert said.count("deleted") == 3
    refused = kubectl(consumer.cluster, "get", "secrets", "-n", "default", check=False)
    assert refused.returncode == 1
