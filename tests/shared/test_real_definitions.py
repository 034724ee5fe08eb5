"""Definitions and objects of other projects: they are established, discovered, described, and their objects apply."""

import json
import os
from pathlib import Path

import pytest
import yaml

SHARED = os.environ.get("MANIFOLD_SHARED")
pytestmark = pytest.mark.skipif(not SHARED, reason="MANIFOLD_SHARED is not set")
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PROJECTS = ("cert-manager", "gateway-api", "gateway-api-experimental", "prometheus-operator")


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: `=` is text."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: node.value)


def documents(folder, kind=""):
    found = []
    for path in sorted(Path(SHARED or "", "data", folder).rglob("*.yaml")):
        found += [one for one in yaml.load_all(path.read_text(), _Loader) if one]
    return [one for one in found if not kind or one["kind"] == kind]


@pytest.mark.parametrize("project", PROJECTS)
def test_definitions_of_a_project_are_served(workspace, project):
    crds = documents(f"crds/{project}", "CustomResourceDefinition")
    assert crds
    for crd in crds:
        body = json.dumps(crd, default=str)
        headers = {"Content-Type": "application/json"}
        status, found = workspace.request("POST", DEFINITIONS, body, headers=headers)
        assert status == 201, found
        conditions = {one["type"]: one["status"] for one in found["status"]["conditions"]}
        assert conditions["Established"] == "True", found["status"]
        spec = crd["spec"]
        for version in spec["versions"]:
            if version["served"]:
                path = f"/apis/{spec['group']}/{version['name']}"
                status, listed = workspace.request("GET", f"{path}/{spec['names']['plural']}")
                assert (status, listed["items"]) == (200, [])
    for group in {crd["spec"]["group"] for crd in crds}:
        for version in workspace.request("GET", f"/apis/{group}")[1]["versions"]:
            document = workspace.request("GET", f"/openapi/v3/apis/{version['groupVersion']}")[1]
            kinds = [crd["spec"]["names"]["kind"] for crd in crds if crd["spec"]["group"] == group]
            assert any(name.endswith(tuple(f".{kind}" for kind in kinds)) for name in document["components"]["schemas"])
    assert workspace.request("GET", "/openapi/v2")[0] == 200


def test_objects_of_the_gateway_api_apply(workspace):
    for crd in documents("crds/gateway-api-experimental", "CustomResourceDefinition"):
        assert (
            workspace.request(
                "POST", DEFINITIONS, json.dumps(crd, default=str), headers={"Content-Type": "application/json"}
            )[0]
            == 201
        )
    served = {one["name"] for one in workspace.request("GET", "/apis")[1]["groups"]}
    applied = 0
    for obj in documents("objects"):
        group = obj["apiVersion"].rpartition("/")[0]
        if group not in served or not group.endswith("gateway.networking.k8s.io"):
            continue
        namespace = obj["metadata"].get("namespace")
        if namespace:
            workspace.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        done = workspace.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(obj, default=str), check=False)
        told = done.stdout + done.stderr
        assert done.returncode == 0 or "no matches for kind" in told, told
        applied += done.returncode == 0
    assert applied
