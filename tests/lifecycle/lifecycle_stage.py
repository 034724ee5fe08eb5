"""A server that crashes, a provider with a type, and controllers that begin and end workspaces of it."""

import base64
import contextlib
import itertools
import json
import signal
import socket
import time

import yaml
from support.conversation import Conversation
from support.server import Workspace, start_server

TENANCY = "/apis/tenancy.kcp.io/v1alpha1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
RBAC_GROUP = "rbac.authorization.k8s.io"
LOGICAL_CLUSTER = "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
MAPS = "/api/v1/namespaces/default/configmaps"
SERVICES = {"initializers": "initializingworkspaces", "terminators": "terminatingworkspaces"}
VERBS = {"initializers": "initialize", "terminators": "terminate"}
PHASES = ("seen", "seed-1", "seed-2", "worked", "told", "left")
"""Where a controller can be interrupted, in this order."""
WAYS = ("update", "merge", "json", "apply")
OWN_RULES = [
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]},
    {"apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]},
]
"""What a controller needs inside."""

_numbers = itertools.count(1)


class Stage:
    """A server of its own on one port, which can be killed, with a provider workspace and a service account in it."""

    def __init__(self, directory, programs):
        self.directory = directory
        self.programs = programs
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            self._flags = ("--secure-port", str(free.getsockname()[1]))
        self.server = start_server(directory / "server", *self._flags)
        self._provider = self.server.create_workspace(directory=directory)
        self._running = []
        post = self.provider.request
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "worker"}}
        assert post("POST", "/api/v1/namespaces/default/serviceaccounts", account)[0] == 201
        status, made = post("POST", "/api/v1/namespaces/default/serviceaccounts/worker/token", {"spec": {}})
        assert status == 201, made
        self.token = made["status"]["token"]

    @property
    def provider(self):
        """The provider's workspace, on the server as it is now."""
        one = self._provider
        return Workspace(self.server, one.name, one.path, one.cluster, one.kubeconfig)

    def crash(self):
        """Kill the server and start it again."""
        self.server.stop(signal.SIGKILL)
        self.server = start_server(self.directory / "server", *self._flags)

    def close(self):
        for one in self._running:
            one.stop()
        assert self.server.stop() == 0, self.server.log_text()

    def make_type(self, name, **spec):
        """A type whose beginning and end the service account takes part in; its name in lists."""
        rules = [
            {"apiGroups": ["tenancy.kcp.io"], "resources": ["workspacetypes"], "resourceNames": [name]},
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]},
            {"nonResourceURLs": ["/"], "verbs": ["access"]},
        ]
        rules[0]["verbs"] = list(VERBS.values())
        role = {"apiVersion": f"{RBAC_GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
        binding = {**role, "kind": "ClusterRoleBinding"}
        del binding["rules"]
        binding["roleRef"] = {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": name}
        binding["subjects"] = [{"kind": "ServiceAccount", "namespace": "default", "name": "worker"}]
        kind = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "WorkspaceType", "metadata": {"name": name}}
        kind["spec"] = {"extend": {"with": [{"name": "universal", "path": "root"}]}, **spec}
        for path, body in (
            (f"{TENANCY}/workspacetypes", kind),
            (f"{RBAC}/clusterroles", role),
            (f"{RBAC}/clusterrolebindings", binding),
        ):
            status, made = self.provider.request("POST", path, body)
            assert status == 201, made
        return f"{self._provider.cluster}:{name}"

    def make_workspace(self, kind):
        body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace"}
        body["metadata"] = {"name": f"w{next(_numbers)}"}
        body["spec"] = {"type": {"name": kind.rpartition(":")[2], "path": self._provider.path}}
        status, made = self.provider.request("POST", f"{TENANCY}/workspaces", body)
        assert status == 201, made
        return made["metadata"]["name"], made["spec"]["cluster"]

    def delete(self, name):
        status, answer = self.provider.request("DELETE", f"{TENANCY}/workspaces/{name}")
        assert status == 200, answer
        return answer

    def controller(self, program, field, name, pauses=(), way="update"):
        """Start a controller; a Conversation with it."""
        kubeconfig = self.directory / f"controller-{next(_numbers)}.kubeconfig"
        authority = base64.b64encode(self.server.authority.read_bytes()).decode()
        cluster = {"server": f"{self.server.url}/services/{SERVICES[field]}/{name}"}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "view",
            "contexts": [{"name": "view", "context": {"cluster": "view", "user": "worker"}}],
            "clusters": [{"name": "view", "cluster": {**cluster, "certificate-authority-data": authority}}],
            "users": [{"name": "worker", "user": {"token": self.token}}],
        }
        kubeconfig.write_text(yaml.safe_dump(document))
        command, argument = self.programs[program]
        started = Conversation(command, kubeconfig, argument, kubeconfig.with_suffix(".errors"))
        self._running.append(started)
        order = {"field": field, "name": name, "way": way, "pauses": list(pauses), "ledger": self.provider.url}
        started.cue(json.dumps(order))
        return started

    def view(self, method, field, name, cluster, path, body=None, **headers):
        """A request through a view as the service account."""
        url = f"/services/{SERVICES[field]}/{name}/clusters/{cluster}{path}"
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        return self.server.request(method, url, body, user="", headers=headers)

    def wait_for(self, question, what):
        deadline = time.monotonic() + 30
        while not question():
            assert time.monotonic() < deadline, what()
            time.sleep(0.05)

    def phase(self, name):
        """The phase of a workspace; empty once it is gone."""
        status, found = self.provider.request("GET", f"{TENANCY}/workspaces/{name}")
        assert status in (200, 404), found
        return found["status"]["phase"] if status == 200 else ""

    def beginning(self, name, cluster):
        """What a workspace is that has begun: everything that does not differ between two of one type."""
        self.wait_for(lambda: self.phase(name) == "Ready", lambda: self.phase(name))
        found = {}
        for key, path in (("workspace", f"{self._provider.path}{TENANCY}/workspaces/{name}"), ("cluster", "")):
            status, obj = self.server.request("GET", f"/clusters/{path or cluster + LOGICAL_CLUSTER}")
            assert status == 200, obj
            metadata = obj["metadata"]
            conditions = {(one["type"], one["status"]) for one in obj["status"]["conditions"]}
            found[key] = (
                sorted(metadata["labels"]),
                sorted(metadata["annotations"]),
                metadata["generation"],
                metadata["finalizers"],
                metadata["annotations"]["experimental.tenancy.kcp.io/owner"],
                conditions,
                obj["status"].get("initializers") or [],
                obj["status"]["phase"],
            )
        status, maps = self.server.request("GET", f"/clusters/{cluster}{MAPS}")
        assert status == 200, maps
        found["maps"] = {one["metadata"]["name"]: one["data"] for one in maps["items"] if "of" in one["data"]}
        return found

    def ending(self, name, cluster):
        """What is left of a workspace that has ended."""
        self.wait_for(lambda: self.phase(name) == "", lambda: self.phase(name))
        status, bill = self.provider.request("GET", f"{MAPS}/bill-{cluster}")
        assert status == 200, bill
        content = [f"/clusters/{cluster}{path}" for path in (LOGICAL_CLUSTER, "/api/v1/namespaces", MAPS)]

        def left():
            answers = [self.server.request("GET", path, user="shard-admin") for path in content]
            return [answer.get("items", answer.get("kind")) for _, answer in answers]

        self.wait_for(lambda: left() == ["Status", [], []], left)
        return bill["data"]
