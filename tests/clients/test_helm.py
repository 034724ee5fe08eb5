"""Helm with its defaults: a release with a custom type, its resources, secrets and RBAC, through its whole life."""

import json
import os
import shutil
import subprocess

import pytest
import yaml
from planet_requests import FILES, PLANETS, send


@pytest.fixture
def charts(tmp_path):
    """The chart of these tests, with the definition of planets among its definitions."""
    chart = tmp_path / "observatory"
    shutil.copytree(FILES / "chart", chart)
    (chart / "crds").mkdir()
    shutil.copy(FILES / "planets.yaml", chart / "crds")
    return chart


@pytest.fixture
def run(helm, workspace, tmp_path):
    """Run Helm in the workspace: a function of its arguments that gives stdout. `fails` is in stderr of a failure."""

    def runs(*arguments: str, fails: str = "") -> str:
        home = {f"HELM_{name}_HOME": str(tmp_path / name) for name in ("CACHE", "CONFIG", "DATA")}
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": str(workspace.kubeconfig)}
        done = subprocess.run(
            [helm, *arguments], env=environment | home, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode != 0) == bool(fails), done.stdout + done.stderr
        assert fails in done.stderr
        return done.stdout

    return runs


def config(workspace, name, namespace="default"):
    """The data of a ConfigMap."""
    return send(workspace, "GET", f"/api/v1/namespaces/{namespace}/configmaps/{name}")["data"]


def missing(workspace, path):
    """Whether nothing is at a path."""
    return workspace.request("GET", path)[0] == 404


@pytest.mark.parametrize("way", ["--server-side=true", "--server-side=false"])
def test_the_life_of_a_release(workspace, run, charts, way):
    namespaced = "/api/v1/namespaces/default"
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    chart = str(charts)
    assert "paris observes with a refractor." in run("install", "paris", chart, way)
    assert config(workspace, "paris-telescope") == {
        "kind": "refractor",
        "kubernetes": send(workspace, "GET", "/version")["gitVersion"],
        "leases": "true",
    }
    installed = send(workspace, "GET", f"{namespaced}/configmaps/paris-telescope")
    assert installed["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    (entry,) = installed["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("helm", "Apply" if way.endswith("true") else "Update")
    assert send(workspace, "GET", f"{PLANETS}/paris")["spec"]["radius"] == 1
    assert send(workspace, "GET", f"{rbac}/rolebindings/paris")["roleRef"]["name"] == "paris"
    assert config(workspace, "paris-inauguration") == {"revision": "1"}
    password = send(workspace, "GET", f"{namespaced}/secrets/paris-password")["data"]
    (release,) = json.loads(run("list", "--output", "json"))
    assert (release["name"], release["revision"], release["status"]) == ("paris", "1", "deployed")

    run("install", "paris", chart, fails="cannot reuse a name that is still in use")
    options = ("--set", "telescope=reflector", "--set", "moons={nereid,triton}", "--set", "archive=false")
    assert "paris observes with a reflector." in run("upgrade", "paris", chart, *options)
    assert config(workspace, "paris-telescope")["kind"] == "reflector"
    assert send(workspace, "GET", f"{PLANETS}/paris")["spec"]["moons"] == ["nereid", "triton"]
    assert missing(workspace, f"{namespaced}/configmaps/paris-archive")
    assert config(workspace, "paris-inauguration") == {"revision": "2"}
    assert send(workspace, "GET", f"{namespaced}/secrets/paris-password")["data"] == password
    assert yaml.safe_load(run("get", "values", "paris"))["telescope"] == "reflector"

    assert "Rollback was a success" in run("rollback", "paris", "1")
    assert config(workspace, "paris-telescope")["kind"] == "refractor"
    assert config(workspace, "paris-archive") == {"empty": ""}
    assert send(workspace, "GET", f"{PLANETS}/paris")["spec"]["moons"] == []
    history = json.loads(run("history", "paris", "--output", "json"))
    assert [one["status"] for one in history] == ["superseded", "superseded", "deployed"]

    assert 'release "paris" uninstalled' in run("uninstall", "paris")
    for gone in (f"{namespaced}/configmaps/paris-telescope", f"{namespaced}/serviceaccounts/paris", f"{PLANETS}/paris"):
        assert missing(workspace, gone)
    assert missing(workspace, f"{rbac}/roles/paris")
    assert not send(workspace, "GET", f"{namespaced}/secrets")["items"], "the records of the release are left"
    assert send(workspace, "GET", PLANETS)["items"] == [], "Helm leaves types where they are"


def test_a_release_that_waits_in_a_namespace_it_makes(workspace, run, charts):
    run("install", "lick", str(charts), "--namespace", "california", "--create-namespace", "--wait")
    assert config(workspace, "lick-telescope", "california")["kind"] == "refractor"
    run("uninstall", "lick", "--namespace", "california", "--wait")
    assert missing(workspace, "/api/v1/namespaces/california/configmaps/lick-telescope")


def test_a_failed_release_is_taken_back(workspace, run, charts):
    run("install", "kitt", str(charts))
    (charts / "templates" / "broken.yaml").write_text(
        "apiVersion: astronomy.example.com/v1\nkind: Planet\nmetadata:\n  name: broken\nspec:\n  radius: -1\n"
    )
    refusal = "spec.radius in body should be greater than or equal to 1"
    run("upgrade", "kitt", str(charts), "--set", "telescope=none", "--rollback-on-failure", fails=refusal)
    assert config(workspace, "kitt-telescope")["kind"] == "refractor"
    assert missing(workspace, f"{PLANETS}/broken")


def test_a_dry_run_on_the_server_writes_nothing(workspace, run, charts):
    run("install", "first", str(charts))
    shown = run("install", "second", str(charts), "--dry-run=server")
    assert "second-telescope" in shown
    assert missing(workspace, "/api/v1/namespaces/default/configmaps/second-telescope")
    shutil.rmtree(charts / "crds")
    (charts / "templates" / "nobody.yaml").write_text(
        "apiVersion: nobody.example.com/v1\nkind: Nobody\nmetadata: {name: a}\n"
    )
    run("install", "third", str(charts), "--dry-run=server", fails='no matches for kind "Nobody" in version')
