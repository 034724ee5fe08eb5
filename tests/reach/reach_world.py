"""Asking what is in reach, and granting it: the words of these tests."""

import json
from urllib.parse import quote

SELF = "/services/access/self/clusters"
GROUP = "/apis/access.manifold/v1alpha1"
MINE = f"{SELF}/*{GROUP}/accessibleworkspaces"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
RBAC_GROUP = "rbac.authorization.k8s.io"
ENTER = {"nonResourceURLs": ["/"], "verbs": ["access"]}
TYPES = "/apis/tenancy.kcp.io/v1alpha1/workspacetypes"
TENANCY = "tenancy.kcp.io"


def types_in(parent):
    """The URL of the types one may create in a workspace."""
    return f"{SELF}/{parent}{GROUP}/usableworkspacetypes"


def role(name, *rules):
    """A ClusterRole."""
    kind = {"apiVersion": f"{RBAC_GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": name}}
    return {**kind, "rules": list(rules)}


def subject(text):
    """A subject of a binding: `user`, `Group name` or `ServiceAccount namespace/name`."""
    kind, _, name = text.rpartition(" ")
    if kind == "ServiceAccount":
        namespace, _, name = name.partition("/")
        return {"kind": kind, "namespace": namespace, "name": name}
    return {"kind": kind or "User", "name": name, "apiGroup": RBAC_GROUP}


def binding(name, to_role, *subjects):
    """A ClusterRoleBinding."""
    return {
        "apiVersion": f"{RBAC_GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": to_role},
        "subjects": [subject(one) for one in subjects],
    }


def post(workspace, resource, body):
    """Create RBAC as an administrator."""
    status, answer = workspace.request("POST", f"{RBAC}/{resource}", body)
    assert status == 201, answer
    return answer


def invite(workspace, *subjects, name="guests"):
    """Let subjects enter a workspace, and nothing else."""
    post(workspace, "clusterroles", role(name, ENTER))
    post(workspace, "clusterrolebindings", binding(name, name, *subjects))


def pages(server, url, limit=0, **who):
    """The pages of an answer, each as its list of objects."""
    token, found = "", []
    while True:
        query = f"?limit={limit}&continue={quote(token)}" if limit or token else ""
        status, answer = server.request("GET", url + query, **who)
        assert status == 200, answer
        found.append(answer["items"])
        token = answer["metadata"].get("continue", "")
        if not token:
            return found


def mine(server, below="", limit=0, **who):
    """The paths of the workspaces somebody may enter, of those at or below a path, in order."""
    items = [one for page in pages(server, MINE, limit, **who) for one in page]
    paths = sorted(one["spec"]["path"] for one in items)
    assert len(paths) == len(set(paths)), paths
    return [path for path in paths if path == below or path.startswith(f"{below}:") or not below]


def token_of(workspace, account, namespace="default"):
    """Make a service account in a workspace; what its requests carry."""
    body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}}
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    status, answer = workspace.request("POST", accounts, body)
    assert status == 201, answer
    status, answer = workspace.request("POST", f"{accounts}/{account}/token", {"spec": {}})
    assert status == 201, answer
    return {"user": "", "headers": {"Authorization": f"Bearer {answer['status']['token']}"}}


def told(answer):
    """Everything an answer says, as text."""
    return json.dumps(answer)
