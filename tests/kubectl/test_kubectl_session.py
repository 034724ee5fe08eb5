"""One session from end to end: a workspace is made, entered, used and left, all with kubectl and its plugins."""

import json

from support.server import kubectl, write_kubeconfig


def test_a_session(server, workspace, tmp_path):
    kubeconfig = tmp_path / "session.kubeconfig"
    write_kubeconfig(server, kubeconfig, workspace.path)

    def run(line: str, **options) -> str:
        return kubectl(*line.split(), kubeconfig=kubeconfig, **options).stdout

    run("create workspace team --enter")
    assert run("ws . --short") == f"{workspace.path}:team\n"
    assert run("create configmap here --from-literal=a=b") == "configmap/here created\n"
    assert run("get configmaps -o name").split() == ["configmap/here", "configmap/kube-root-ca.crt"]
    run("create workspace below")
    run("ws ..")
    tree = run("ws tree")
    assert ["team" in tree, "below" in tree] == [True, True]
    assert run("get configmaps -o name") == "configmap/kube-root-ca.crt\n"
    run("ws team:below")
    assert run("get ns -o name").split() == ["namespace/default", "namespace/kube-system"]
    assert json.loads(run("get logicalcluster cluster -o json"))["status"]["phase"] == "Ready"
    run(f"ws :{workspace.path}")
    assert run("delete workspace team --timeout=40s") == 'workspace.tenancy.kcp.io "team" deleted\n'
    refused = kubectl("ws", "team", kubeconfig=kubeconfig, check=False)
    assert refused.returncode == 1
    assert run("get workspaces", check=False) == ""
