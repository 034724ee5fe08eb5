"""Who am I, what may I do, tokens of service accounts, and the texts of refusals."""

import base64
import json

import pytest
import yaml


def claims(token: str) -> dict:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def test_whoami(workspace):
    who = json.loads(workspace.kubectl("auth", "whoami", "-o", "json").stdout)["status"]["userInfo"]
    assert who["username"] == "kcp-admin"
    assert set(who["groups"]) == {"system:kcp:admin", "system:authenticated"}
    assert "ATTRIBUTE" in workspace.kubectl("auth", "whoami").stdout


def test_can_i(workspace):
    workspace.kubectl("create", "clusterrole", "reader", "--verb=get,list", "--resource=configmaps")
    workspace.kubectl("create", "rolebinding", "reader", "--clusterrole=reader", "--user=alice")
    enter = {"nonResourceURLs": ["/"], "verbs": ["access"]}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "enter"}}
    workspace.kubectl("create", "-f", "-", input=json.dumps({**role, "rules": [enter]}))
    workspace.kubectl("create", "clusterrolebinding", "enter", "--clusterrole=enter", "--user=alice")

    def can(*question: str) -> tuple[str, int]:
        answer = workspace.kubectl("auth", "can-i", *question, check=False)
        return answer.stdout.split()[0], answer.returncode

    assert can("create", "configmaps") == ("yes", 0)
    as_alice = ["--as=alice", "--as-group=system:authenticated"]
    assert can("get", "configmaps", *as_alice) == ("yes", 0)
    assert can("get", "configmaps", "-n", "kube-system", *as_alice) == ("no", 1)
    assert can("create", "configmaps", *as_alice) == ("no", 1)
    assert can("get", "secrets", *as_alice) == ("no", 1)
    alice = workspace.kubectl("get", "configmaps", "-o", "name", context="alice").stdout
    assert alice == "configmap/kube-root-ca.crt\n"
    refused = workspace.kubectl("get", "secrets", context="alice", check=False)
    assert refused.stderr.startswith(
        'Error from server (Forbidden): secrets is forbidden: User "alice" cannot list resource "secrets" in API group '
        '"" in the namespace "default"'
    )
    listed = workspace.kubectl("auth", "can-i", "--list", context="alice").stdout
    assert any(line.split()[0] == "configmaps" and line.endswith("[get list]") for line in listed.splitlines())


def test_auth_reconcile(workspace):
    manifest = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reconciled}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [get]}
"""
    made = workspace.kubectl("auth", "reconcile", "-f", "-", input=manifest).stdout
    assert made.startswith("clusterrole.rbac.authorization.k8s.io/reconciled reconciled")
    workspace.kubectl("auth", "reconcile", "-f", "-", input=manifest.replace("[get]", "[list]"))
    rules = yaml.safe_load(workspace.kubectl("get", "clusterrole", "reconciled", "-o", "yaml").stdout)["rules"]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list"}


def test_the_token_of_a_service_account(workspace):
    workspace.kubectl("create", "serviceaccount", "robot")
    token = workspace.kubectl(
        "create", "token", "robot", "--duration=20m", "--audience=a", "--audience=b"
    ).stdout.strip()
    said = claims(token)
    assert said["sub"] == "system:serviceaccount:default:robot"
    assert said["aud"] == ["a", "b"]
    assert said["exp"] - said["iat"] == 1200
    token = workspace.kubectl("create", "token", "robot").stdout.strip()
    assert claims(token)["kubernetes.io"]["clusterName"] == workspace.cluster
    workspace.kubectl("create", "rolebinding", "robot", "--clusterrole=cluster-admin", "--serviceaccount=default:robot")
    own = {"Authorization": f"Bearer {token}"}
    status, found = workspace.request("GET", "/api/v1/namespaces/default/configmaps", user="", headers=own)
    assert (status, found["kind"]) == (200, "ConfigMapList")
    assert workspace.server.request("GET", "/clusters/root/api/v1/namespaces", user="", headers=own)[0] == 403
    bound = workspace.kubectl(
        "create", "token", "robot", "--bound-object-kind=Secret", "--bound-object-name=none", check=False
    )
    assert bound.returncode == 1
    missing = workspace.kubectl("create", "token", "nobody", check=False)
    assert missing.stderr == 'error: failed to create token: serviceaccounts "nobody" not found\n'
    short = workspace.kubectl("create", "token", "robot", "--duration=10s", check=False)
    assert "may not specify a duration less than 10 minutes" in short.stderr
    workspace.kubectl("delete", "serviceaccount", "robot")
    assert workspace.request("GET", "/api/v1/namespaces/default/configmaps", user="", headers=own)[0] == 401


REFUSALS = [
    (["get", "cm", "none"], "", 'Error from server (NotFound): configmaps "none" not found\n'),
    (["get", "nonsense"], "", 'error: the server doesn\'t have a resource type "nonsense"\n'),
    (["get", "all"], "", 'error: the server doesn\'t have a resource type "all"\n'),
    (
        ["create", "configmap", "x", "-n", "none"],
        "",
        'error: failed to create configmap: namespaces "none" not found\n',
    ),
    (
        ["create", "configmap", "kube-root-ca.crt"],
        "",
        'error: failed to create configmap: configmaps "kube-root-ca.crt" already exists\n',
    ),
    (
        ["create", "-f", "-"],
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a/b": "", "c d": ""}},
        'The ConfigMap "x" is invalid: \n* data[a/b]: Invalid value: "a/b": a valid config key must consist of',
    ),
    (
        ["create", "-f", "-"],
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "dat": {}},
        'Error from server (BadRequest): error when creating "STDIN": ConfigMap in version "v1" cannot be handled as a '
        'ConfigMap: strict decoding error: unknown field "dat"\n',
    ),
    (
        ["create", "-f", "-"],
        {"apiVersion": "v1", "kind": "Widget", "metadata": {"name": "x"}},
        'error: resource mapping not found for name: "x" namespace: "" from "STDIN": no matches for kind "Widget" in '
        'version "v1"\n',
    ),
    (
        ["create", "-f", "-"],
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "other"}},
        'Error from server (NotFound): error when creating "STDIN": namespaces "other" not found\n',
    ),
    (
        ["create", "-f", "-"],
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}},
        'The ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required\n',
    ),
    (
        ["create", "rolebinding", "x", "--role=none", "--user=Somebody", "--dry-run=server", "--context=alice"],
        "",
        'error: failed to create rolebinding: rolebindings.rbac.authorization.k8s.io is forbidden: '
        'User "alice" cannot create resource',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("command", "body", "error"), REFUSALS, ids=[" ".join(row[0])[:60] for row in REFUSALS])
def test_refusals(workspace, command, body, error):
    done = workspace.kubectl(*command, input=json.dumps(body) if body else None, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(error)


def test_a_wrong_token(workspace):
    refused = workspace.kubectl("get", "cm", "--token=wrong", "--user=", check=False)
    assert refused.returncode == 1
    assert refused.stderr.endswith(
        "error: You must be logged in to the server (the server has asked for the client to provide credentials)\n"
    )


def test_generated_names(workspace):
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "made-"}}
    made = [workspace.kubectl("create", "-f", "-", "-o", "name", input=json.dumps(obj)).stdout for _ in range(3)]
    assert len(set(made)) == 3
    assert all(name.startswith("configmap/made-") for name in made)
    refused = workspace.kubectl("apply", "-f", "-", input=json.dumps(obj), check=False)
    assert "cannot use generate name with apply" in refused.stderr


def test_cluster_info_tells_that_there_are_no_services(workspace):
    told = workspace.kubectl("cluster-info", check=False)
    assert told.stderr == 'error: the server doesn\'t have a resource type "services"\n'
