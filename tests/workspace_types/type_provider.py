"""A workspace with exports, types that bring them, and workspaces of these."""

import json
import time

from support.server import Workspace

from manifold.exports.bindings import default_binding_name

APIS = "/apis/apis.kcp.io/v1alpha2"
SCHEMAS = "/apis/apis.kcp.io/v1alpha1/apiresourceschemas"
BINDINGS, EXPORTS = f"{APIS}/apibindings", f"{APIS}/apiexports"
TYPES = "/apis/tenancy.kcp.io/v1alpha1/workspacetypes"
WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
LOGICAL_CLUSTER = "/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"
WIDGETS = "/apis/example.io/v1/namespaces/default/widgets"
MERGE = {"Content-Type": "application/merge-patch+json"}
CLAIM = {"group": "", "resource": "configmaps", "verbs": ["get", "list"]}
CHOSEN = {"group": "", "resource": "secrets", "verbs": ["*"], "defaultSelector": {"matchLabels": {"mine": "yes"}}}


def until(question, seconds=20):
    deadline = time.monotonic() + seconds
    while not (found := question()):
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)
    return found


class Provider:
    """A workspace with exports, types that bring them, and workspaces of these."""

    def __init__(self, workspace, directory):
        self.workspace = workspace
        self.directory = directory
        self.answers = {}

    def make(self, path, body):
        status, made = self.workspace.request("POST", path, body)
        assert status == 201, made
        return made

    def schema(self, plural="widgets", **names):
        kind = plural[:-1].capitalize()
        version = {"name": "v1", "served": True, "storage": True, "schema": {"type": "object"}}
        names = {"plural": plural, "singular": plural[:-1], "kind": kind, "listKind": f"{kind}List", **names}
        body = {
            "apiVersion": "apis.kcp.io/v1alpha1",
            "kind": "APIResourceSchema",
            "metadata": {"name": f"v1.{plural}.example.io"},
            "spec": {"group": "example.io", "names": names, "scope": "Namespaced", "versions": [version]},
        }
        return self.make(SCHEMAS, body)

    def export(self, name="widgets", plural="widgets", claims=(), schema=True):
        """An export of one resource, or of none; `schema`: with its schema, which may be there already."""
        if plural and schema:
            self.schema(plural)
        resources = [{"group": "example.io", "name": plural, "schema": f"v1.{plural}.example.io"}] if plural else []
        body = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": name}}
        return self.make(EXPORTS, {**body, "spec": {"resources": resources, "permissionClaims": list(claims)}})

    def type(self, name="t", bindings=("widgets",), **spec):
        body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "WorkspaceType", "metadata": {"name": name}}
        spec = {"extend": {"with": [{"name": "universal", "path": "root"}]}, **spec}
        return self.make(TYPES, {**body, "spec": {**spec, "defaultAPIBindings": self.references(bindings)}})

    def references(self, bindings):
        return [{"path": self.workspace.path, "export": one} for one in bindings]

    def change(self, path, body):
        status, found = self.workspace.request("PATCH", path, json.dumps(body), headers=MERGE)
        assert status == 200, found

    def child(self, name="w", type="t"):
        """A new workspace of a type; the answer to its POST is kept in `answers`."""
        body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}}
        made = self.make(WORKSPACES, {**body, "spec": {"type": {"name": type, "path": self.workspace.path}}})
        self.answers[name] = made
        path, cluster = f"{self.workspace.path}:{name}", made["spec"]["cluster"]
        return Workspace(self.workspace.server, name, path, cluster, self.directory / "unused")

    def phase(self, name="w"):
        status, found = self.workspace.request("GET", f"{WORKSPACES}/{name}")
        assert status == 200, found
        return found["status"]["phase"]

    def binding(self, child, export="widgets"):
        """The default binding of an export in a workspace; None where it is not there."""
        name = default_binding_name(child.cluster, self.workspace.path, export)
        status, found = child.request("GET", f"{BINDINGS}/{name}")
        return found if status == 200 else None


def conditions(child):
    status, found = child.request("GET", LOGICAL_CLUSTER)
    assert status == 200, found
    return {one["type"]: one for one in found["status"]["conditions"]}
