"""A workspace that mounts, and one of another server that is mounted there."""

import contextlib
import http.client
import json
import ssl
import time
from dataclasses import dataclass

import yaml
from support.server import Workspace, kubectl

WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
LANDINGS = "/apis/mounts.example.dev/v1/landings"
MAPS = "/api/v1/namespaces/default/configmaps"
RBAC = "rbac.authorization.k8s.io"
MERGE = {"Content-Type": "application/merge-patch+json"}

LANDING = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "landings.mounts.example.dev"},
    "spec": {
        "group": "mounts.example.dev",
        "scope": "Cluster",
        "names": {"plural": "landings", "kind": "Landing"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def workspace_of(name, mounted="one", kind="Landing", api_version="mounts.example.dev/v1", **spec):
    """A mounted workspace."""
    mount = {"ref": {"apiVersion": api_version, "kind": kind, "name": mounted}}
    return {
        "apiVersion": "tenancy.kcp.io/v1alpha1",
        "kind": "Workspace",
        "metadata": {"name": name},
        "spec": {"mount": mount, **spec},
    }


def until(question, seconds=20):
    """Wait until a function gives something true, and give that."""
    deadline = time.monotonic() + seconds
    while not (found := question()):
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)
    return found


def grant(workspace, name, user, *rules):
    """Let a user of a workspace's server do something in it."""
    group = {"apiGroup": RBAC, "kind": "User", "name": user}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "subjects": [group],
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
    }
    for resource, body in (("clusterroles", role), ("clusterrolebindings", binding)):
        status, found = workspace.request("POST", f"/apis/{RBAC}/v1/{resource}", body)
        assert status == 201, found


ENTER = {"nonResourceURLs": ["/"], "verbs": ["access"]}
IMPERSONATE = {"apiGroups": [""], "resources": ["users", "groups"], "verbs": ["impersonate"]}
EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
EVERY_PATH = {"nonResourceURLs": ["*"], "verbs": ["*"]}


@dataclass(frozen=True)
class Pair:
    """`front` mounts `behind`."""

    front: Workspace
    behind: Workspace

    def define(self) -> None:
        """Serve the kind of mounted objects."""
        status, found = self.front.request("POST", DEFINITIONS, LANDING)
        assert status == 201, found

    def land(self, name="one", url=None, phase="Ready") -> None:
        """Write a mounted object that says it is there."""
        body = {"apiVersion": "mounts.example.dev/v1", "kind": "Landing", "metadata": {"name": name}}
        status, found = self.front.request("POST", LANDINGS, body)
        assert status in (201, 409), found
        self.say(name, URL=self.behind.url if url is None else url, phase=phase)

    def say(self, name="one", **status) -> None:
        """Write the status of a mounted object."""
        code, found = self.front.request(
            "PATCH", f"{LANDINGS}/{name}/status", json.dumps({"status": status}), headers=MERGE
        )
        assert code == 200, found

    def let_in(self, user="alice", *rules) -> None:
        """Let a user through the mount: into the front, and, as impersonated by it, into what lies behind."""
        grant(self.front, f"enter-{user}", user, ENTER)
        grant(self.behind, f"all-{user}", user, ENTER, *(rules or (EVERYTHING, EVERY_PATH)))

    def trust(self) -> None:
        """Let the front introduce its users."""
        grant(self.behind, "mounts", "mounts", ENTER, IMPERSONATE)

    def mount(self, name="mnt", *, user="alice") -> Workspace:
        """All of it: a workspace of the front through which a user sees what lies behind."""
        self.define()
        self.land()
        self.trust()
        self.let_in(user)
        status, made = self.front.request("POST", WORKSPACES, workspace_of(name))
        assert (status, made["status"]["phase"]) == (201, "Ready"), made
        return self.through(name)

    def through(self, name="mnt") -> Workspace:
        """A mounted workspace as a place for requests."""
        server, path = self.front.server, f"{self.front.path}:{name}"
        kubeconfig = self.front.directory / f"{name}.kubeconfig"
        document = yaml.safe_load(self.front.kubeconfig.read_text())
        for entry in document["clusters"]:
            entry["cluster"]["server"] = f"{server.url}/clusters/{path}"
        kubeconfig.write_text(yaml.safe_dump(document))
        return Workspace(server, name, path, "", kubeconfig)

    def state(self, name="mnt") -> tuple[str, dict]:
        """Phase of a workspace, and its conditions by type."""
        status, found = self.front.request("GET", f"{WORKSPACES}/{name}")
        assert status == 200, found
        assert found["metadata"]["labels"]["tenancy.kcp.io/phase"] == found["status"]["phase"]
        return found["status"]["phase"], {one["type"]: one for one in found["status"].get("conditions") or ()}


@contextlib.contextmanager
def opened(place: Workspace, path: str, user="alice"):
    """An open GET, whose answer is read as it comes."""
    context = ssl.create_default_context(cafile=str(place.server.authority))
    headers = {"Authorization": f"Bearer {place.server.token(user)}"}
    connection = http.client.HTTPSConnection("127.0.0.1", place.server.port, context=context, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", f"/clusters/{place.path}{path}", headers=headers)
        yield connection.getresponse()


def run_kubectl(place: Workspace, *arguments, user="alice", **options):
    """kubectl as a user, inside a mounted workspace."""
    return kubectl(*arguments, kubeconfig=place.kubeconfig, context=user, **options)
