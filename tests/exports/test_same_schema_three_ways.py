"""One schema as a CustomResourceDefinition, as export A and as export B: three types that know nothing of each other.

No object, no event and no permission policy of one is seen in another, whatever their names have in common.
"""

import contextlib
import http.client
import json
import ssl

import pytest

APIS = "/apis/apis.kcp.io/v1alpha2"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
GIZMOS = "/apis/k.example.com/v1/gizmos"
IN_DEFAULT = "/apis/k.example.com/v1/namespaces/default/gizmos"
NAMES = {"plural": "gizmos", "singular": "gizmo", "kind": "Gizmo", "listKind": "GizmoList"}
SCHEMA = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"from": {"type": "string"}}}}}


def made(answer, code=201):
    assert answer[0] == code, answer
    return answer[1]


def export(provider, name, **spec):
    """An export of gizmos: its identity. The schema is a new object each time, with the same content."""
    schema = {
        "apiVersion": "apis.kcp.io/v1alpha1", "kind": "APIResourceSchema",
        "metadata": {"name": f"{name}.gizmos.k.example.com"},
        "spec": {
            "group": "k.example.com", "scope": "Namespaced", "names": NAMES,
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": SCHEMA}],
        },
    }  # fmt: skip
    made(provider.request("POST", "/apis/apis.kcp.io/v1alpha1/apiresourceschemas", schema))
    resource = {"group": "k.example.com", "name": "gizmos", "schema": schema["metadata"]["name"]}
    body = {
        "apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": name},
        "spec": {"resources": [resource], **spec},
    }  # fmt: skip
    return made(provider.request("POST", f"{APIS}/apiexports", body))["status"]["identityHash"]


def bind(consumer, provider, name):
    reference = {"export": {"path": provider.path, "name": name}}
    body = {
        "apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIBinding", "metadata": {"name": name},
        "spec": {"reference": reference},
    }  # fmt: skip
    assert made(consumer.request("POST", f"{APIS}/apibindings", body))["status"]["phase"] == "Bound"


@pytest.fixture
def three(server, workspace, tmp_path):
    """Workspaces with gizmos by definition, by A and by B (both exports in `workspace`); the identities of A and B."""
    consumers = {way: server.create_workspace(directory=tmp_path) for way in ("definition", "a", "b")}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "gizmos.k.example.com"},
        "spec": {
            "group": "k.example.com", "scope": "Namespaced", "names": NAMES,
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}}],
        },
    }  # fmt: skip
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    made(consumers["definition"].request("POST", path, definition))
    identities = {"a": export(workspace, "a", maximalPermissionPolicy={"local": {}}), "b": export(workspace, "b")}
    for name in ("a", "b"):
        bind(consumers[name], workspace, name)
    yield consumers, identities
    for consumer in consumers.values():
        consumer.delete()


def put_one(consumer, way, user="kcp-admin", name="same"):
    body = {"apiVersion": "k.example.com/v1", "kind": "Gizmo", "metadata": {"name": name}, "spec": {"from": way}}
    return consumer.request("POST", IN_DEFAULT, body, user=user)


def allow(workspace, name, subject):
    """Let a subject do everything with gizmos in a workspace; as a policy where the subject's name is prefixed so."""
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name},
        "rules": [{"apiGroups": ["k.example.com"], "resources": ["gizmos"], "verbs": ["*"]}],
    }  # fmt: skip
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": subject}],
    }  # fmt: skip
    made(workspace.request("POST", f"{RBAC}/clusterroles", role))
    made(workspace.request("POST", f"{RBAC}/clusterrolebindings", binding))


@contextlib.contextmanager
def watching(server, path):
    """A watch that tells only what comes after it; a function that gives the next event."""
    context = ssl.create_default_context(cafile=str(server.authority))
    with contextlib.closing(http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=20)) as told:
        told.request("GET", path, headers={"Authorization": f"Bearer {server.token('master')}"})
        answer = told.getresponse()
        assert answer.status == 200, answer.read()
        yield lambda: json.loads(answer.readline())


def test_no_object_is_seen_elsewhere(server, workspace, three):
    consumers, identities = three
    assert len({*identities.values()}) == 2
    allow(workspace, "policy", "apis.kcp.io:binding:kcp-admin")
    for way, consumer in consumers.items():
        made(put_one(consumer, way))
    for way, consumer in consumers.items():
        listed = made(consumer.request("GET", GIZMOS), 200)["items"]
        assert [(one["metadata"]["name"], one["spec"]["from"]) for one in listed] == [("same", way)]
    for way, identity in identities.items():
        listed = made(server.request("GET", f"/clusters/*{GIZMOS}:{identity}", user="master"), 200)["items"]
        clusters = [one["metadata"]["annotations"]["kcp.io/cluster"] for one in listed]
        assert clusters == [consumers[way].cluster]
        for other, consumer in consumers.items():
            code = consumer.request("GET", f"{GIZMOS}:{identity}", user="master")[0]
            assert code == (200 if other == way else 404), (way, other)
    made(consumers["a"].request("DELETE", f"{IN_DEFAULT}/same"), 200)
    for way, count in (("definition", 1), ("a", 0), ("b", 1)):
        assert len(made(consumers[way].request("GET", GIZMOS), 200)["items"]) == count


def test_no_event_is_heard_elsewhere(server, workspace, three):
    """Each watch hears of the object in its own workspace first, though those of the others were written before."""
    consumers, identities = three
    allow(workspace, "policy", "apis.kcp.io:binding:kcp-admin")
    paths = {way: f"/clusters/{consumer.path}{GIZMOS}" for way, consumer in consumers.items()}
    paths |= {f"all of {way}": f"/clusters/*{GIZMOS}:{identity}" for way, identity in identities.items()}
    for last in consumers:
        order = [*(way for way in consumers if way != last), last]
        with contextlib.ExitStack() as stack:
            listens = {
                who: stack.enter_context(watching(server, f"{path}?watch=1&resourceVersion={version(server)}"))
                for who, path in paths.items()
            }
            for way in order:
                made(put_one(consumers[way], way, name=f"last-{last}"))
            for who, heard in listens.items():
                event = heard()
                assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", f"last-{last}")
                assert event["object"]["spec"]["from"] == who.rpartition(" ")[2]


def version(server):
    return server.request("GET", "/clusters/root/api/v1/namespaces")[1]["metadata"]["resourceVersion"]


def test_no_policy_holds_elsewhere(workspace, three):
    """A has a maximal permission policy, which gives Alice nothing until its provider says so. B has none."""
    consumers, _ = three
    for consumer in consumers.values():
        allow(consumer, "gizmos", "alice")
        body = {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "enter"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                        "name": "system:kcp:workspace:access"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}],
        }  # fmt: skip
        made(consumer.request("POST", f"{RBAC}/clusterrolebindings", body))
    assert {way: put_one(one, way, user="alice")[0] for way, one in consumers.items()} == {
        "definition": 201, "a": 403, "b": 201,
    }  # fmt: skip
    allow(workspace, "policy", "apis.kcp.io:binding:alice")
    assert put_one(consumers["a"], "a", user="alice")[0] == 201
