"""Manifests of workspaces, types and grants, as users write them."""

import yaml

WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
MAPS = "/api/v1/namespaces/default/configmaps"
RBAC = "rbac.authorization.k8s.io"


def workspace_manifest(name: str, **spec) -> str:
    return yaml.safe_dump(
        {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}, "spec": spec}
    )


def type_manifest(name: str, **spec) -> str:
    return yaml.safe_dump(
        {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "WorkspaceType", "metadata": {"name": name}, "spec": spec}
    )


def grant_manifest(name: str, user: str, *rules: dict) -> str:
    """A ClusterRole with rules, and its binding to a user."""
    role = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
    }
    return yaml.safe_dump_all([role, binding])


ENTER = {"nonResourceURLs": ["/"], "verbs": ["access"]}
READ_MAPS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}
