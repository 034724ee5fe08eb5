"""A workspace with types of its own, workspaces of them, and the people who may or may not take part."""

import itertools
import json
import time

from support.watching import Watching

WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
TYPES = "/apis/tenancy.kcp.io/v1alpha1/workspacetypes"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
LOGICAL_CLUSTERS = "/apis/core.kcp.io/v1alpha1/logicalclusters"
LOGICAL_CLUSTER = f"{LOGICAL_CLUSTERS}/cluster"

_numbers = itertools.count(1)


class World:
    """Types `name` in the workspace `provider`; `initializer(name)` is what they are called in a LogicalCluster."""

    def __init__(self, server, provider):
        self.server = server
        self.provider = provider

    def request(self, method, path, body=None, user="kcp-admin", media=None):
        headers = {"Content-Type": media} if media else {}
        if media:
            body = json.dumps(body)
        return self.server.request(method, path, body, user=user, headers=headers)

    def initializer(self, name):
        return f"{self.provider.cluster}:{name}"

    def make_type(self, name, user="kcp-admin", **spec):
        body = {
            "apiVersion": "tenancy.kcp.io/v1alpha1",
            "kind": "WorkspaceType",
            "metadata": {"name": name},
            "spec": {"extend": {"with": [{"name": "universal", "path": "root"}]}, **spec},
        }
        status, made = self.provider.request("POST", TYPES, body, user=user)
        assert status == 201, made
        return made

    def make_workspace(self, kind, user="kcp-admin", name=""):
        body = {
            "apiVersion": "tenancy.kcp.io/v1alpha1",
            "kind": "Workspace",
            "metadata": {"name": name or f"w{next(_numbers)}"},
            "spec": {"type": {"name": kind, "path": self.provider.path}},
        }
        status, made = self.provider.request("POST", WORKSPACES, body, user=user)
        assert status == 201, made
        return made

    def workspace(self, name):
        return self.provider.request("GET", f"{WORKSPACES}/{name}")

    def allow(self, cluster_path, user, verbs, group, resources, names=(), name=""):
        """Let a user do something in a workspace, deep: without letting it enter."""
        name = name or f"r{next(_numbers)}"
        rule = {"verbs": verbs, "apiGroups": [group], "resources": resources}
        if names:
            rule["resourceNames"] = list(names)
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}}
        status, made = self.request("POST", f"/clusters/{cluster_path}{RBAC}/clusterroles", {**role, "rules": [rule]})
        assert status == 201, made
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        }
        status, made = self.request("POST", f"/clusters/{cluster_path}{RBAC}/clusterrolebindings", binding)
        assert status == 201, made
        return name

    def initializing(self, kind, cluster="*"):
        return f"/services/initializingworkspaces/{self.initializer(kind)}/clusters/{cluster}"

    def terminating(self, kind, cluster="*"):
        return f"/services/terminatingworkspaces/{self.initializer(kind)}/clusters/{cluster}"

    def seen(self, view, user="kcp-admin"):
        """The logical clusters a view shows."""
        status, found = self.request("GET", view + LOGICAL_CLUSTERS, user=user)
        assert status == 200, found
        return sorted(one["metadata"]["annotations"]["kcp.io/cluster"] for one in found["items"])

    def watch(self, path, user="kcp-admin"):
        return LifecycleWatch(self.server, path, user)

    def wait_for(self, check, seconds=15):
        deadline = time.monotonic() + seconds
        while not (found := check()):
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found


class LifecycleWatch(Watching):
    """A watch of a view."""

    def next(self):
        """The next event as (type, logical cluster, object); None at the end."""
        event = self.event()
        if event is None:
            return None
        return event["type"], event["object"]["metadata"].get("annotations", {}).get("kcp.io/cluster"), event["object"]
