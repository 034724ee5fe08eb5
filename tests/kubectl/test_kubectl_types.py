"""Every built-in type goes through its life with kubectl: create, get, describe as YAML, label, list, delete."""

import json

import pytest
import yaml

RULES = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
SUBJECTS = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "nobody"}]
MATCHES = {
    "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}]
}
HOOK = {
    "name": "hook.example.com",
    "clientConfig": {"url": "https://localhost:1/hook"},
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}

TYPES = {
    "configmaps": ("v1", "ConfigMap", {"data": {"a": "b"}}),
    "secrets": ("v1", "Secret", {"type": "Opaque", "stringData": {"a": "b"}}),
    "serviceaccounts": ("v1", "ServiceAccount", {}),
    "resourcequotas": ("v1", "ResourceQuota", {"spec": {"hard": {"count/widgets.example.com": "5"}}}),
    "events": (
        "v1",
        "Event",
        {
            "involvedObject": {"kind": "ConfigMap", "name": "x", "namespace": "default"},
            "reason": "Made",
            "type": "Normal",
        },
    ),
    "leases.coordination.k8s.io": ("coordination.k8s.io/v1", "Lease", {"spec": {"holderIdentity": "me"}}),
    "roles.rbac.authorization.k8s.io": ("rbac.authorization.k8s.io/v1", "Role", {"rules": RULES}),
    "rolebindings.rbac.authorization.k8s.io": (
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        {"subjects": SUBJECTS, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"}},
    ),
    "namespaces": ("v1", "Namespace", {}),
    "clusterroles.rbac.authorization.k8s.io": ("rbac.authorization.k8s.io/v1", "ClusterRole", {"rules": RULES}),
    "clusterrolebindings.rbac.authorization.k8s.io": (
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        {
            "subjects": SUBJECTS,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "a"},
        },
    ),
    "validatingadmissionpolicies.admissionregistration.k8s.io": (
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
        {"spec": {"validations": [{"expression": "true"}], "matchConstraints": MATCHES}},
    ),
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": (
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
        {"spec": {"policyName": "none.example.com", "validationActions": ["Deny"]}},
    ),
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io": (
        "admissionregistration.k8s.io/v1",
        "MutatingAdmissionPolicyBinding",
        {"spec": {"policyName": "none.example.com"}},
    ),
    "validatingwebhookconfigurations.admissionregistration.k8s.io": (
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        {"webhooks": [HOOK]},
    ),
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": (
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration",
        {"webhooks": [HOOK]},
    ),
    "workspaces.tenancy.kcp.io": ("tenancy.kcp.io/v1alpha1", "Workspace", {}),
    "workspacetypes.tenancy.kcp.io": ("tenancy.kcp.io/v1alpha1", "WorkspaceType", {"spec": {}}),
    "partitions.topology.kcp.io": ("topology.kcp.io/v1alpha1", "Partition", {"spec": {}}),
    "apiexports.apis.kcp.io": ("apis.kcp.io/v1alpha2", "APIExport", {"spec": {}}),
}
"""Resource as kubectl names it -> apiVersion, kind, and what else an object of it needs."""

NAMESPACED = {name for name in TYPES if TYPES[name][0] in ("v1", "coordination.k8s.io/v1")} - {"namespaces"} | {
    "roles.rbac.authorization.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
}


@pytest.fixture(scope="module")
def shared(server, tmp_path_factory):
    """One workspace for this file: the objects of one type are in nobody's way."""
    workspace = server.create_workspace(directory=tmp_path_factory.mktemp("types"))
    yield workspace
    workspace.delete()


@pytest.mark.parametrize("resource", TYPES)
def test_the_life_of_an_object(shared, resource):
    version, kind, rest = TYPES[resource]
    kubectl, singular = shared.kubectl, resource.split(".")[0]
    obj = {"apiVersion": version, "kind": kind, "metadata": {"name": "made", "labels": {"step": "created"}}, **rest}
    printed = kubectl("create", "-f", "-", "-o", "name", input=json.dumps(obj)).stdout.strip()
    group = version.rpartition("/")[0]
    assert printed == f"{kind.lower()}{'.' if group else ''}{group}/made"
    found = yaml.safe_load(kubectl("get", resource, "made", "-o", "yaml").stdout)
    metadata = found["metadata"]
    assert (found["apiVersion"], found["kind"]) == (version, kind)
    assert metadata["labels"]["step"] == "created"
    assert metadata["annotations"]["kcp.io/cluster"] == shared.cluster
    assert metadata.get("namespace") == ("default" if resource in NAMESPACED else None)
    assert metadata["uid"]
    again = kubectl("create", "-f", "-", input=json.dumps(obj), check=False)
    assert again.returncode == 1
    assert f'{singular}{"." if group else ""}{group} "made" already exists' in again.stderr
    assert kubectl("label", resource, "made", "step=labelled", "--overwrite").stdout == f"{printed} labeled\n"
    listed = json.loads(kubectl("get", resource, "-l", "step=labelled", "-o", "json").stdout)
    assert [one["metadata"]["name"] for one in listed["items"]] == ["made"]
    table = kubectl("get", resource, "-l", "step=labelled").stdout.splitlines()
    assert len(table) == 2
    if resource not in ("events",):
        assert table[0].split()[0] == "NAME"
        assert table[1].split()[0] == "made"
    described = kubectl("describe", resource, "made").stdout
    assert "made" in described
    deleted = kubectl("delete", resource, "made").stdout
    assert '"made" deleted' in deleted
    gone = kubectl("get", resource, "made", check=False)
    assert gone.stderr == f'Error from server (NotFound): {singular}{"." if group else ""}{group} "made" not found\n'


def test_every_type_that_can_be_created_is_here(shared):
    """A new built-in type gets a row above. Those named here have tests of their own, because more belongs to them."""
    elsewhere = {
        "apibindings.apis.kcp.io",
        "apiconversions.apis.kcp.io",
        "apiexportendpointslices.apis.kcp.io",
        "apiresourceschemas.apis.kcp.io",
        "certificatesigningrequests.certificates.k8s.io",
        "clustercachedresourceendpointslices.cache.kcp.io",
        "clustercachedresources.cache.kcp.io",
        "customresourcedefinitions.apiextensions.k8s.io",
        "events.events.k8s.io",
        "logicalclusters.core.kcp.io",
        "mutatingadmissionpolicies.admissionregistration.k8s.io",
        "partitionsets.topology.kcp.io",
        "workspaceauthenticationconfigurations.tenancy.kcp.io",
    }
    served = set(shared.kubectl("api-resources", "--verbs=get,create", "-o", "name").stdout.split())
    assert served == set(TYPES) | elsewhere


CREATORS = [
    (["configmap", "made", "--from-literal=a=b"], "configmap/made created"),
    (["secret", "generic", "made", "--from-literal=a=b"], "secret/made created"),
    (["serviceaccount", "made"], "serviceaccount/made created"),
    (["namespace", "made"], "namespace/made created"),
    (["quota", "made", "--hard=count/widgets.example.com=1"], "resourcequota/made created"),
    (["role", "made", "--verb=get", "--resource=configmaps"], "role.rbac.authorization.k8s.io/made created"),
    (["rolebinding", "made", "--role=made", "--user=nobody"], "rolebinding.rbac.authorization.k8s.io/made created"),
    (
        ["clusterrole", "made", "--verb=get", "--resource=configmaps"],
        "clusterrole.rbac.authorization.k8s.io/made created",
    ),
    (
        ["clusterrolebinding", "made", "--clusterrole=made", "--user=nobody"],
        "clusterrolebinding.rbac.authorization.k8s.io/made created",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "printed"), CREATORS, ids=[one[0][0] for one in CREATORS])
def test_the_creating_commands(shared, arguments, printed):
    tried = shared.kubectl("create", *arguments, "--dry-run=server").stdout
    assert tried == printed + " (server dry run)\n"
    assert shared.kubectl("create", *arguments).stdout == printed + "\n"
    resource = printed.split("/")[0]
    shared.kubectl("delete", resource, "made")
