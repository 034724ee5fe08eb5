"""Deleting: one, many, by selector, with finalizers, whole namespaces."""

import json

import pytest


def names(workspace, *arguments: str) -> list[str]:
    return workspace.kubectl("get", "cm", *arguments, "-o", "jsonpath={.items[*].metadata.name}").stdout.split()


def make(workspace, *wanted: str, **metadata) -> None:
    for name in wanted:
        obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}
        workspace.kubectl("create", "-f", "-", input=json.dumps(obj))


def test_collections(workspace):
    make(workspace, "a", "b", labels={"x": "1"})
    make(workspace, "c")
    assert workspace.kubectl("delete", "cm", "-l", "x=1").stdout.count("deleted") == 2
    assert names(workspace, "--field-selector=metadata.name!=kube-root-ca.crt") == ["c"]
    assert 'configmap "c" deleted' in workspace.kubectl("delete", "cm", "--all").stdout
    assert "c" not in names(workspace)


def test_one_that_is_gone(workspace):
    missing = workspace.kubectl("delete", "cm", "none", check=False)
    assert missing.stderr == 'Error from server (NotFound): configmaps "none" not found\n'
    assert workspace.kubectl("delete", "cm", "none", "--ignore-not-found").stdout == ""


def test_a_finalizer_holds_an_object(workspace):
    make(workspace, "held", finalizers=["example.com/hold"])
    workspace.kubectl("delete", "cm", "held", "--wait=false")
    held = json.loads(workspace.kubectl("get", "cm", "held", "-o", "json").stdout)["metadata"]
    assert held["deletionTimestamp"]
    assert held["deletionGracePeriodSeconds"] == 0
    late = workspace.kubectl("delete", "cm", "held", "--timeout=1s", check=False)
    assert late.stderr.endswith("error: timed out waiting for the condition on configmaps/held\n")
    more = '{"metadata":{"finalizers":["example.com/hold","example.com/more"]}}'
    added = workspace.kubectl("patch", "cm", "held", "--type=merge", "-p", more, check=False)
    assert (
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new "
        'finalizers []string{"example.com/more"}'
    ) in added.stderr
    workspace.kubectl("patch", "cm", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert "held" not in names(workspace)


@pytest.mark.parametrize(("cascade", "kept"), [("background", False), ("foreground", False), ("orphan", True)])
def test_what_becomes_of_dependents(workspace, cascade, kept):
    make(workspace, "owner")
    uid = workspace.kubectl("get", "cm", "owner", "-o", "jsonpath={.metadata.uid}").stdout
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    make(workspace, "dependent", ownerReferences=[owner])
    workspace.kubectl("delete", "cm", "owner", f"--cascade={cascade}", "--timeout=20s")
    assert "owner" not in names(workspace)
    if kept:
        found = workspace.kubectl("get", "cm", "dependent", "-o", "jsonpath={.metadata.ownerReferences}").stdout
        assert found == ""
    else:
        workspace.kubectl("wait", "cm/dependent", "--for=delete", "--timeout=20s")


def test_a_namespace_takes_what_is_in_it(workspace):
    workspace.kubectl("create", "namespace", "team")
    workspace.kubectl("create", "configmap", "inside", "-n", "team")
    workspace.kubectl("create", "role", "inside", "--verb=get", "--resource=configmaps", "-n", "team")
    workspace.kubectl("create", "configmap", "outside")
    assert workspace.kubectl("get", "sa", "-n", "team", "-o", "name").stdout == "serviceaccount/default\n"
    assert 'namespace "team" deleted' in workspace.kubectl("delete", "ns", "team", "--timeout=30s").stdout
    refused = workspace.kubectl("create", "configmap", "late", "-n", "team", check=False)
    assert refused.stderr == 'error: failed to create configmap: namespaces "team" not found\n'
    assert workspace.kubectl("get", "cm,roles", "-n", "team", "-o", "name").stdout == ""
    assert "outside" in names(workspace)
    workspace.kubectl("create", "namespace", "team")
    assert workspace.kubectl("get", "cm", "-n", "team", "-o", "name").stdout == "configmap/kube-root-ca.crt\n"


def test_a_namespace_waits_for_finalizers(workspace):
    workspace.kubectl("create", "namespace", "team")
    make(workspace, "held", namespace="team", finalizers=["example.com/hold"])
    workspace.kubectl("delete", "ns", "team", "--wait=false")
    phase = workspace.kubectl("wait", "ns/team", "--for=jsonpath={.status.phase}=Terminating", "--timeout=10s").stdout
    assert phase == "namespace/team condition met\n"
    workspace.kubectl("wait", "ns/team", "--for=condition=NamespaceFinalizersRemaining", "--timeout=20s")
    refused = workspace.kubectl("create", "configmap", "late", "-n", "team", check=False)
    assert (
        'configmaps "late" is forbidden: unable to create new content in namespace team because it is being terminated'
    ) in refused.stderr
    workspace.kubectl("patch", "cm", "held", "-n", "team", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert workspace.kubectl("wait", "ns/team", "--for=delete", "--timeout=30s").returncode == 0


def test_the_namespaces_of_a_workspace_stay(workspace):
    for name in ("default", "kube-system"):
        refused = workspace.kubectl("delete", "ns", name, check=False)
        assert refused.stderr == (
            f'Error from server (Forbidden): namespaces "{name}" is forbidden: this namespace may not be deleted\n'
        )
