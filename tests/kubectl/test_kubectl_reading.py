"""What kubectl shows: output forms, selectors, pages, watches, waits, and what is served."""

import json
import os
import select
import subprocess
import time

import pytest
import yaml
from support.server import Workspace


@pytest.fixture(scope="module")
def filled(server, tmp_path_factory):
    """A workspace with three ConfigMaps and a Secret, for tests that only read."""
    workspace = server.create_workspace(directory=tmp_path_factory.mktemp("filled"))
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}, "data": {"n": name}}
        for name, labels in (("a", {"tier": "front"}), ("b", {"tier": "back"}), ("c", {"tier": "back", "old": "1"}))
    ]
    objects.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "v"}})
    listed = {"apiVersion": "v1", "kind": "List", "items": objects}
    workspace.kubectl("create", "-f", "-", input=json.dumps(listed))
    yield workspace
    workspace.delete()


def test_output_forms(filled):
    def get(*arguments: str) -> str:
        return filled.kubectl("get", *arguments).stdout

    assert get("cm", "a", "b", "-o", "name") == "configmap/a\nconfigmap/b\n"
    assert get("cm", "a", "-o", "jsonpath={.data.n} {.metadata.labels.tier}") == "a front"
    assert get("cm", "a", "-o", "go-template={{.data.n}}") == "a"
    columns = get("cm", "-l", "tier", "-o", "custom-columns=NAME:.metadata.name,TIER:.metadata.labels.tier")
    assert [line.split() for line in columns.splitlines()] == [
        ["NAME", "TIER"], ["a", "front"], ["b", "back"], ["c", "back"]
    ]  # fmt: skip
    parsed = yaml.safe_load(get("cm", "a", "-o", "yaml"))
    assert parsed == json.loads(get("cm", "a", "-o", "json"))
    assert (parsed["data"], "managedFields" in parsed["metadata"]) == ({"n": "a"}, False)
    chosen = ("-l", "tier!=front", "--field-selector", "metadata.name!=kube-root-ca.crt")
    listed = json.loads(get("cm,secret", *chosen, "-o", "json"))
    assert (listed["kind"], listed["apiVersion"]) == ("List", "v1")
    assert [(one["kind"], one["metadata"]["name"]) for one in listed["items"]] == [
        ("ConfigMap", "b"), ("ConfigMap", "c"), ("Secret", "s")
    ]  # fmt: skip
    table = [line.split() for line in get("cm", "-l", "tier", "--show-labels", "-L", "old").splitlines()]
    assert table[0] == ["NAME", "DATA", "AGE", "OLD", "LABELS"]
    assert [row[0] for row in table[1:]] == ["a", "b", "c"]
    assert table[3][3:] == ["1", "old=1,tier=back"]
    everywhere = [line.split()[:2] for line in get("cm", "-A", "-l", "tier").splitlines()]
    assert everywhere[:2] == [["NAMESPACE", "NAME"], ["default", "a"]]
    assert get("cm", "-l", "tier", "--no-headers", "--sort-by={.metadata.name}").split()[0] == "a"
    wide = get("ns", "-o", "wide").splitlines()
    assert wide[0].split() == ["NAME", "STATUS", "AGE"]
    types = [line.split()[:3] for line in get("secrets").splitlines()]
    assert types == [["NAME", "TYPE", "DATA"], ["s", "Opaque", "1"]]
    assert get("--raw", "/readyz") == "ok"


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        (["-l", "tier=back"], "bc"),
        (["-l", "tier in (front, back),!old"], "ab"),
        (["-l", "tier notin (front),tier"], "bc"),
        (["-l", "old=1,tier==front"], ""),
        (["--field-selector", "metadata.name=b"], "b"),
        (["-l", "tier", "--field-selector", "metadata.name!=b,metadata.namespace=default"], "ac"),
        (["-l", "tier", "--field-selector", "metadata.namespace=kube-system"], ""),
    ],
)
def test_selectors(filled, selector, names):
    found = filled.kubectl("get", "cm", *selector, "-o", "jsonpath={.items[*].metadata.name}").stdout
    assert found.split() == list(names)


def test_selectors_that_cannot_be(filled):
    refused = filled.kubectl("get", "cm", "--field-selector", "data.n=a", check=False)
    assert (refused.returncode, '"data.n" is not a known field selector' in refused.stderr) == (1, True)
    refused = filled.kubectl("get", "cm", "-l", "a b", check=False)
    assert (refused.returncode, "unable to parse requirement" in refused.stderr) == (1, True)


@pytest.mark.parametrize("size", ["1", "2", "3", "4", "500", "0"])
def test_pages(filled, size):
    read = filled.kubectl("get", "cm", f"--chunk-size={size}", "-o", "name").stdout.split()
    assert read == ["configmap/a", "configmap/b", "configmap/c", "configmap/kube-root-ca.crt"]


def test_nothing_there(filled):
    empty = filled.kubectl("get", "leases")
    assert (empty.stdout, empty.stderr) == ("", "No resources found in default namespace.\n")
    assert filled.kubectl("get", "leases", "-A").stderr == "No resources found\n"
    assert json.loads(filled.kubectl("get", "leases", "-o", "json").stdout)["items"] == []
    assert filled.kubectl("get", "cm", "none", "--ignore-not-found").stdout == ""


def test_what_is_served(filled):
    shown = filled.kubectl("api-resources").stdout.splitlines()
    rows = {line.split()[-1]: line.split() for line in shown[1:]}
    assert rows["ConfigMap"] == ["configmaps", "cm", "v1", "true", "ConfigMap"]
    assert rows["Workspace"] == ["workspaces", "ws", "tenancy.kcp.io/v1alpha1", "false", "Workspace"]
    namespaced = filled.kubectl("api-resources", "--namespaced=true", "--verbs=list,watch", "-o", "name").stdout.split()
    assert {"configmaps", "secrets", "leases.coordination.k8s.io"} <= set(namespaced)
    assert "namespaces" not in namespaced
    one = filled.kubectl("api-resources", "--api-group=tenancy.kcp.io", "-o", "name").stdout.split()
    assert {"workspaces.tenancy.kcp.io", "workspacetypes.tenancy.kcp.io"} <= set(one)
    versions = filled.kubectl("api-versions").stdout.split()
    assert {"v1", "tenancy.kcp.io/v1alpha1", "apis.kcp.io/v1alpha1", "apis.kcp.io/v1alpha2"} <= set(versions)
    shown = filled.kubectl("version", "-o", "json", check=False).stdout  # a kubectl without a version fails afterwards
    version = json.loads(shown)["serverVersion"]
    assert (version["major"], version["minor"]) == ("1", "36")


@pytest.mark.parametrize(
    ("path", "field", "parts"),
    [
        ("configmap", "", ["KIND:       ConfigMap", "immutable\t<boolean>", "metadata\t<ObjectMeta>"]),
        ("configmap.data", "FIELD: data <map[string]string>", []),
        ("role.rules.verbs", "FIELD: verbs <[]string>", []),
        ("workspace.spec.type", "FIELD: type <Object>", ["name\t<string> -required-", "path\t<string>"]),
        ("lease.spec", "FIELD: spec <LeaseSpec>", ["leaseDurationSeconds\t<integer>", "renewTime\t<string>"]),
    ],
)
def test_explain(filled, path, field, parts):
    explained = filled.kubectl("explain", path).stdout
    for part in (field, *parts):
        assert part in explained
    recursive = filled.kubectl("explain", path, "--recursive").stdout
    assert all(part in recursive for part in (field, *parts[1:]))


def test_explain_what_is_not_there(filled):
    refused = filled.kubectl("explain", "configmap.none", check=False)
    assert (refused.returncode, 'field "none" does not exist' in refused.stderr) == (1, True)


class Watching:
    """kubectl get --watch in the background."""

    def __init__(self, workspace: Workspace, *arguments: str) -> None:
        self.process = subprocess.Popen(
            ["kubectl", "get", *arguments],
            env={
                "PATH": os.environ["PATH"],
                "KUBECONFIG": str(workspace.kubeconfig),
                "HOME": str(workspace.kubeconfig.parent),
            },
            stdout=subprocess.PIPE,
            text=True,
        )

    def lines(self, count: int) -> list[list[str]]:
        return [self.process.stdout.readline().split() for _ in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def test_watch(workspace):
    workspace.kubectl("create", "configmap", "before")
    others = "--field-selector=metadata.name!=kube-root-ca.crt"
    with Watching(workspace, "cm", "-w", "--output-watch-events", others) as seen:
        assert [line[:2] for line in seen.lines(2)] == [["EVENT", "NAME"], ["ADDED", "before"]]
        workspace.kubectl("create", "configmap", "during", "--from-literal=a=b")
        workspace.kubectl("label", "configmap", "during", "x=y")
        workspace.kubectl("delete", "configmap", "before")
        assert [line[:3] for line in seen.lines(3)] == [
            ["ADDED", "during", "1"], ["MODIFIED", "during", "1"], ["DELETED", "before", "0"]
        ]  # fmt: skip


def test_watch_only(workspace):
    with Watching(workspace, "cm", "--watch-only", "-o", "name", "-l", "x") as seen:
        deadline = time.monotonic() + 20
        number = 0
        first = None
        while first is None:  # kubectl does not say when its watch stands
            assert time.monotonic() < deadline
            number += 1
            workspace.kubectl("create", "configmap", f"made-{number}")
            workspace.kubectl("label", "configmap", f"made-{number}", "x=y")
            if select.select([seen.process.stdout], [], [], 0.2)[0]:
                first = seen.lines(1)[0]
        assert first[0].startswith("configmap/made-")


def test_wait(workspace):
    workspace.kubectl("create", "configmap", "waited", "--from-literal=state=new")

    def waiting(*arguments: str):
        return subprocess.Popen(
            ["kubectl", "wait", "configmap/waited", "--timeout=30s", *arguments],
            env={
                "PATH": os.environ["PATH"],
                "KUBECONFIG": str(workspace.kubeconfig),
                "HOME": str(workspace.kubeconfig.parent),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    with waiting("--for=jsonpath={.data.state}=done") as changed:
        workspace.kubectl("patch", "configmap", "waited", "-p", '{"data": {"state": "done"}}')
        assert changed.communicate(timeout=40)[0] == "configmap/waited condition met\n"
    with waiting("--for=delete") as deleted:
        workspace.kubectl("delete", "configmap", "waited")
        printed, errors = deleted.communicate(timeout=40)
        # It may be gone before kubectl has looked; then kubectl says so, or nothing at all.
        assert (printed, errors) in (
            ("configmap/waited condition met\n", ""),
            ("", 'Error from server (NotFound): configmaps "waited" not found\n'),
            ("", ""),
        )
    late = workspace.kubectl("wait", "ns/default", "--for=jsonpath={.status.phase}=Never", "--timeout=1s", check=False)
    assert late.stderr == "error: timed out waiting for the condition on namespaces/default\n"
    ready = workspace.kubectl("wait", "ns/default", "--for=jsonpath={.status.phase}=Active")
    assert ready.stdout == "namespace/default condition met\n"
    created = workspace.kubectl("wait", "sa/default", "--for=create", "--timeout=10s")
    assert created.stdout == "serviceaccount/default condition met\n"
