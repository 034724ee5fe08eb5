"""A creation that meets another writer is computed anew from what the client sent, not from what became of it."""

import threading

EXPORTS = "/apis/apis.kcp.io/v1alpha2/apiexports"
BINDINGS = "/apis/apis.kcp.io/v1alpha2/apibindings"
WORKSPACES = "/apis/tenancy.kcp.io/v1alpha1/workspaces"
SCHEMAS = "/apis/apis.kcp.io/v1alpha1/apiresourceschemas"
SCHEMA = "v1.widgets.example.io"
TOGETHER = 6


def all_at_once(*work):
    """Do some things in threads that begin together; what they give."""
    found, together = [], threading.Barrier(len(work))

    def do(one):
        together.wait()
        found.append(one())

    threads = [threading.Thread(target=do, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def export(name):
    return {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": name}}


def test_the_first_exports_of_a_workspace_all_have_their_identity(workspace):
    """All of them bring the namespace of their secrets, which one of them makes."""
    made = all_at_once(
        *(lambda name=f"e{n}": workspace.request("POST", EXPORTS, export(name)) for n in range(TOGETHER))
    )
    assert [status for status, _ in made] == [201] * TOGETHER, made
    assert all(one["status"].get("identityHash") for _, one in made), made


def test_workspaces_are_made_while_their_parent_changes(workspace):
    """Bindings change the logical cluster that the creation of a workspace holds on to."""
    version = {"name": "v1", "served": True, "storage": True, "schema": {"type": "object"}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    schema = {"group": "example.io", "names": names, "scope": "Namespaced", "versions": [version]}
    named = {"apiVersion": "apis.kcp.io/v1alpha1", "kind": "APIResourceSchema", "metadata": {"name": SCHEMA}}
    assert workspace.request("POST", SCHEMAS, {**named, "spec": schema})[0] == 201
    offered = {"resources": [{"group": "example.io", "name": "widgets", "schema": SCHEMA}]}
    assert workspace.request("POST", EXPORTS, {**export("e"), "spec": offered})[0] == 201

    def bind():
        for number in range(40):
            spec = {"reference": {"export": {"name": "e"}}}
            body = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIBinding", "metadata": {"name": f"b{number}"}}
            assert workspace.request("POST", BINDINGS, {**body, "spec": spec})[0] == 201
            assert workspace.request("DELETE", f"{BINDINGS}/b{number}")[0] == 200

    def create(place):
        kind = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace"}
        return [
            workspace.request("POST", WORKSPACES, {**kind, "metadata": {"name": f"w{place}-{number}"}})
            for number in range(10)
        ]

    answers = all_at_once(*(lambda p=p: create(p) for p in range(3)), bind)
    made = [one for several in answers for one in several or ()]
    assert [status for status, _ in made] == [201] * 30, made
    assert {tuple(one["metadata"]["finalizers"]) for _, one in made} == {("core.kcp.io/logicalcluster",)}
