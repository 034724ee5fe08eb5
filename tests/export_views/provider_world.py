"""A provider that exports widgets and claims types of its consumers, and the consumers."""

import itertools
import json
import time

from support.watching import Watching

APIS = "/apis/apis.kcp.io/v1alpha2"
SCHEMAS = "/apis/apis.kcp.io/v1alpha1/apiresourceschemas"
BINDINGS = f"{APIS}/apibindings"
EXPORTS = f"{APIS}/apiexports"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CONFIGMAPS = "/api/v1/configmaps"
IN_DEFAULT = "/api/v1/namespaces/default/configmaps"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
PROVIDER_USER = "bob"
ALL = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")

_numbers = itertools.count(1)


def claim(resource="configmaps", group="", verbs=("*",), identity="", **more):
    return {"group": group, "resource": resource, "verbs": list(verbs), "identityHash": identity, **more}


def accepted(one, state="Accepted", verbs=None, selector=None):
    """A claim as a binding answers it."""
    told = {key: value for key, value in one.items() if key != "defaultSelector"}
    told |= {"state": state, "selector": selector or {"matchAll": True}}
    return told | ({"verbs": list(verbs)} if verbs else {})


def widget(name, size=1, **metadata):
    return {
        "apiVersion": "example.io/v1",
        "kind": "Widget",
        "metadata": {"name": name, **metadata},
        "spec": {"size": size},
    }


def config_map(name, labels=None, **data):
    metadata = {"name": name, **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


class World:
    """A workspace of a provider; `consumer()` makes further ones, deleted after the test."""

    def __init__(self, server, provider, directory):
        self.server = server
        self.provider = provider
        self.directory = directory
        self._made = []
        self.group = "example.io"

    def consumer(self):
        made = self.server.create_workspace(directory=self.directory)
        self._made.append(made)
        return made

    def close(self):
        for one in self._made:
            one.delete()

    def send(self, method, path, body=None, user=PROVIDER_USER, media=None):
        headers = {"Content-Type": media} if media else {}
        return self.server.request(method, path, json.dumps(body) if media else body, user=user, headers=headers)

    # ---- what the provider has -------------------------------------------

    def schema(self, prefix="v1", where=None, plural="widgets", properties=None, **spec):
        singular = plural[:-1]
        kind = singular.capitalize()
        size = properties or {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}
        version = {
            "name": "v1",
            "served": True,
            "storage": True,
            "schema": {
                "type": "object",
                "properties": {**size, "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            },
            "subresources": {"status": {}},
        }
        name = f"{prefix}.{plural}.{self.group}"
        body = {
            "apiVersion": "apis.kcp.io/v1alpha1",
            "kind": "APIResourceSchema",
            "metadata": {"name": name},
            "spec": {
                "group": self.group,
                "names": {"plural": plural, "singular": singular, "kind": kind, "listKind": f"{kind}List"},
                "scope": "Namespaced",
                "versions": [version],
                **spec,
            },
        }
        status, made = (where or self.provider).request("POST", SCHEMAS, body)
        assert status in (201, 409), made
        return name

    def export(self, name="ex", claims=(), schemas=None, where=None, **spec):
        """An export of widgets, or of the schemas given."""
        names = [self.schema(where=where)] if schemas is None else schemas
        resources = [{"group": self.group, "name": one.split(".")[1], "schema": one} for one in names]
        body = {
            "apiVersion": "apis.kcp.io/v1alpha2",
            "kind": "APIExport",
            "metadata": {"name": name},
            "spec": {"resources": resources, "permissionClaims": list(claims), **spec},
        }
        status, made = (where or self.provider).request("POST", EXPORTS, body)
        assert status == 201, made
        return made

    def change_export(self, name="ex", where=None, **spec):
        status, made = self.patch((where or self.provider), f"{EXPORTS}/{name}", {"spec": spec})
        assert status == 200, made
        return made

    def patch(self, workspace, path, body, media=MERGE):
        return workspace.request("PATCH", path, json.dumps(body), headers={"Content-Type": media})

    def let_in(self, user=PROVIDER_USER, verbs=("*",), export="ex", where=None):
        """Let a user into the provider's workspace, and into the content of an export."""
        where = where or self.provider
        self.grant(where, user, [{"nonResourceURLs": ["/"], "verbs": ["access"]}])
        rule = {"apiGroups": ["apis.kcp.io"], "resources": ["apiexports/content"], "verbs": list(verbs)}
        return self.grant(where, user, [{**rule, "resourceNames": [export]}])

    def grant(self, workspace, user, rules, name=""):
        name = name or f"r{next(_numbers)}"
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}}
        status, made = workspace.request("POST", f"{RBAC}/clusterroles", {**role, "rules": rules})
        assert status == 201, made
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
        binding = {**role, "kind": "ClusterRoleBinding", "subjects": [subject]}
        binding["roleRef"] = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
        status, made = workspace.request("POST", f"{RBAC}/clusterrolebindings", binding)
        assert status == 201, made
        return name

    # ---- what consumers do -----------------------------------------------

    def bind(self, consumer, name="b", export="ex", claims=(), where=None):
        body = {
            "apiVersion": "apis.kcp.io/v1alpha2",
            "kind": "APIBinding",
            "metadata": {"name": name},
            "spec": {
                "reference": {"export": {"path": (where or self.provider).path, "name": export}},
                "permissionClaims": list(claims),
            },
        }
        status, made = consumer.request("POST", BINDINGS, body)
        assert status == 201, made
        return made

    def answer_claims(self, consumer, claims, name="b"):
        """Change what a binding grants."""
        status, made = self.patch(consumer, f"{BINDINGS}/{name}", {"spec": {"permissionClaims": list(claims)}})
        assert status == 200, made

    def make(self, consumer, body, path=IN_DEFAULT):
        status, made = consumer.request("POST", path, body)
        assert status == 201, made
        return made

    # ---- the view ---------------------------------------------------------

    def view(self, cluster="*", export="ex", where=None):
        return f"/services/apiexport/{(where or self.provider).cluster}/{export}/clusters/{cluster}"

    def listed(self, path, user=PROVIDER_USER):
        """What a list has: (logical cluster, name), in order."""
        status, found = self.send("GET", path, user=user)
        assert status == 200, found
        return [place(one) for one in found["items"]]

    def watch(self, path, user=PROVIDER_USER):
        return ViewWatch(self.server, path, user)


def place(obj):
    metadata = obj["metadata"]
    return metadata["annotations"]["kcp.io/cluster"], metadata["name"]


class ViewWatch(Watching):
    """A watch of a view, whose events name their logical cluster."""

    def told(self):
        """The next event as (type, logical cluster, name); bookmarks as their type alone."""
        event = self.event()
        if event is None or event["type"] in ("BOOKMARK", "ERROR"):
            return event and event["type"]
        return (event["type"], *place(event["object"]))

    def several(self, count):
        return sorted(self.told() for _ in range(count))


def wait_for(check, seconds=15):
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found
