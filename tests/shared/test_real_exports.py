"""Definitions of other projects as exports: snapshot with the command, exported from one workspace, bound from ten.

Needs the environment variable MANIFOLD_SHARED, which names the folder of definitions.
"""

import json
import os
import re
from pathlib import Path

import pytest
import yaml
from support.server import kubectl

CRDS = Path(os.environ["MANIFOLD_SHARED"]) / "data" / "crds"
OBJECTS = Path(os.environ["MANIFOLD_SHARED"]) / "data" / "objects"
EXPORTS = "/apis/apis.kcp.io/v1alpha2/apiexports"
SCHEMAS = "/apis/apis.kcp.io/v1alpha1/apiresourceschemas"
COMMON = ("cert-manager", "prometheus-operator")
GATEWAYS = ("gateway-api", "gateway-api-experimental")
"""The same names with other schemas: a workspace binds one of them."""
CONSUMERS = 10


def snapshots(project, directory):
    """The schemas of the definitions of a project, by the command."""
    text = "\n---\n".join(file.read_text() for file in sorted((CRDS / project).glob("*.yaml")))
    done = kubectl("kcp", "crd", "snapshot", "-f", "-", "--prefix", project, "-o", "json",
                   kubeconfig=directory / "absent", input=text)  # fmt: skip
    return [json.loads(text) for text in re.split(r"^---$", done.stdout, flags=re.M) if text.strip()]


@pytest.fixture(scope="module")
def provider(server, tmp_path_factory):
    """A workspace with one export per project; (workspace, the schemas of each project)."""
    directory = tmp_path_factory.mktemp("provider")
    created = server.create_workspace(directory=directory)
    schemas = {}
    for project in (*COMMON, *GATEWAYS):
        made = snapshots(project, directory)
        assert len(made) == len(list((CRDS / project).glob("*.yaml")))
        schemas[project] = made
        for schema in made:
            status, answer = created.request("POST", SCHEMAS, schema)
            assert status == 201, answer
        resources = [
            {
                "group": one["spec"]["group"],
                "name": one["spec"]["names"]["plural"],
                "schema": one["metadata"]["name"],
            }
            for one in made
        ]
        export = {
            "apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": project},
            "spec": {"resources": resources},
        }  # fmt: skip
        status, answer = created.request("POST", EXPORTS, export)
        assert status == 201, answer
    yield created, schemas
    created.delete()


@pytest.fixture(scope="module")
def consumers(server, provider, tmp_path_factory):
    """Ten workspaces that have bound what is common, and every other one of the gateways."""
    created = []
    for number in range(CONSUMERS):
        workspace = server.create_workspace(directory=tmp_path_factory.mktemp("consumer"))
        created.append(workspace)
        for project in (*COMMON, GATEWAYS[number % 2]):
            workspace.kubectl("kcp", "bind", "apiexport", f"{provider[0].path}:{project}")
    yield created
    for workspace in created:
        workspace.delete()


def bound_by(number, schemas):
    return [one for project in (*COMMON, GATEWAYS[number % 2]) for one in schemas[project]]


@pytest.mark.parametrize("number", range(CONSUMERS))
def test_every_type_is_served_and_described(provider, consumers, number):
    workspace = consumers[number]
    assert workspace.kubectl("get", "crd").stdout == ""
    for schema in bound_by(number, provider[1]):
        spec = schema["spec"]
        for version in spec["versions"]:
            path = f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}"
            status, listed = workspace.request("GET", path)
            assert status == (200 if version["served"] else 404), path
            assert not version["served"] or listed["items"] == []
    for schema in bound_by(number, provider[1])[:: 3 if number else 1]:
        spec = schema["spec"]
        explained = workspace.kubectl("explain", f"{spec['names']['plural']}.{spec['group']}").stdout
        assert f"KIND:       {spec['names']['kind']}\n" in explained


def test_a_gateway_has_the_schema_of_the_export_that_is_bound(consumers):
    """What only the experimental definitions have is unknown where the standard ones are bound."""
    groups = [{one["name"] for one in each.request("GET", "/apis")[1]["groups"]} for each in consumers[:2]]
    assert groups[1] - groups[0] == {"gateway.networking.x-k8s.io"}


@pytest.mark.parametrize(("number", "mode"), [(0, ["--server-side"]), (1, ["--server-side"]), (1, [])])
def test_objects_apply(consumers, number, mode):
    workspace, neighbour = consumers[number], consumers[number + 2]
    wanted = []
    for file in sorted(OBJECTS.rglob("*.yaml")):
        documents = [one for one in yaml.load_all(file.read_text(), yaml.CSafeLoader) if one]
        wanted += [one for one in documents if one["apiVersion"].startswith("gateway.networking.k8s.io/")]
    for namespace in {one["metadata"]["namespace"] for one in wanted if one["metadata"].get("namespace")}:
        workspace.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": wanted}, default=str)
    done = workspace.kubectl("apply", *mode, "-f", "-", input=body)
    ends = (" serverside-applied", " created", " configured", " unchanged")
    applied = [line for line in done.stdout.splitlines() if line.endswith(ends)]
    assert len(applied) == len(wanted), done.stderr
    for resource in ("gateways", "httproutes"):
        listed = workspace.kubectl("get", f"{resource}.gateway.networking.k8s.io", "-A", "-o", "name").stdout
        assert listed
        assert neighbour.kubectl("get", f"{resource}.gateway.networking.k8s.io", "-A", "-o", "name").stdout == ""
