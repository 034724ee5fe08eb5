"""The bindings a type brings of exports that users make: when a workspace begins, and where they are maintained."""

import json

from type_provider import BINDINGS, CHOSEN, CLAIM, EXPORTS, MERGE, TYPES, WIDGETS, WORKSPACES, conditions, until

from manifold.exports.bindings import default_binding_name


def test_names_of_default_bindings():
    cluster = "1umw6ehtvluim94b"
    assert default_binding_name(cluster, "root", "tenancy.kcp.io") == "tenancy.kcp.io-3jchz"
    assert default_binding_name(cluster, "root", "topology.kcp.io") == "topology.kcp.io-3neap"


def test_an_export_of_a_user_is_bound_before_the_workspace_is_ready(provider):
    provider.export(claims=[CLAIM, CHOSEN])
    provider.type()
    child = provider.child()
    until(lambda: provider.phase() == "Ready")
    binding = provider.binding(child)
    assert binding["status"]["phase"] == "Bound"
    assert binding["spec"]["reference"] == {"export": {"name": "widgets", "path": provider.workspace.path}}
    assert [{**one, "identityHash": ""} for one in binding["spec"]["permissionClaims"]] == [
        {**CLAIM, "identityHash": "", "state": "Accepted", "selector": {"matchAll": True}},
        {**CHOSEN, "identityHash": "", "state": "Accepted", "selector": CHOSEN["defaultSelector"]},
    ]
    told = conditions(child)
    assert told["APIBindingsInitialized"]["status"] == "True"
    assert told["WorkspaceInitialized"]["status"] == "True"
    widget = {"apiVersion": "example.io/v1", "kind": "Widget", "metadata": {"name": "one"}}
    assert child.request("POST", WIDGETS, widget)[0] == 201


def test_a_workspace_waits_for_an_export_and_goes_on_when_it_comes(provider):
    provider.export("other", "gadgets")
    provider.type(bindings=["other"])
    spec = {"defaultAPIBindings": [*provider.references(["other"]), {"export": "widgets"}]}
    provider.change(f"{TYPES}/t", {"spec": spec})  # one's own workspace may have it later
    child = provider.child()
    told = until(lambda: conditions(child).get("APIBindingsInitialized"))
    assert (told["status"], told["severity"], told["reason"]) == ("False", "Error", "APIBindingErrors")
    assert told["message"] == "unable to complete initialization: unable to find at least 1 APIExport"
    assert provider.phase() == "Initializing"
    provider.export()
    until(lambda: provider.phase() == "Ready")
    name = default_binding_name(child.cluster, provider.workspace.cluster, "widgets")
    status, found = child.request("GET", f"{BINDINGS}/{name}")
    assert (status, found["spec"]["reference"]["export"]["path"]) == (200, provider.workspace.cluster)


def test_bindings_of_the_beginning_are_the_users_afterwards(provider):
    provider.export()
    provider.type()
    child = provider.child()
    until(lambda: provider.phase() == "Ready")
    name = provider.binding(child)["metadata"]["name"]
    assert child.request("DELETE", f"{BINDINGS}/{name}")[0] == 200
    provider.change(f"{TYPES}/t", {"spec": {"defaultAPIBindingLifecycle": "InitializeOnly"}})
    provider.type("u", defaultAPIBindingLifecycle="Maintain")
    last = provider.child("last", "u")
    until(lambda: provider.binding(last))
    assert provider.binding(child) is None


def test_maintained_bindings_come_back_and_are_put_right(provider):
    provider.export(claims=[CLAIM])
    provider.type(defaultAPIBindingLifecycle="Maintain")
    child = provider.child()
    until(lambda: provider.phase() == "Ready")
    name = provider.binding(child)["metadata"]["name"]
    spec = until(lambda: provider.binding(child))["spec"]
    rejected = [{**one, "state": "Rejected"} for one in spec["permissionClaims"]]
    body = json.dumps({"spec": {"permissionClaims": rejected}})
    assert child.request("PATCH", f"{BINDINGS}/{name}", body, headers=MERGE)[0] == 200
    until(lambda: provider.binding(child)["spec"] == spec)
    uid = provider.binding(child)["metadata"]["uid"]
    assert child.request("DELETE", f"{BINDINGS}/{name}")[0] == 200
    until(lambda: (provider.binding(child) or {"metadata": {"uid": uid}})["metadata"]["uid"] != uid)
    until(lambda: provider.binding(child)["status"].get("phase") == "Bound")
    assert conditions(child)["APIBindingsReconciled"]["status"] == "True"


def test_maintained_bindings_accept_what_is_claimed_later(provider):
    provider.export(claims=[CLAIM])
    provider.type(defaultAPIBindingLifecycle="Maintain")
    provider.type("once")
    child, other = provider.child(), provider.child("other", "once")
    provider.change(f"{EXPORTS}/widgets", {"spec": {"permissionClaims": [CLAIM, CHOSEN]}})

    def claimed(where):
        found = provider.binding(where)
        told = {one["type"]: one["status"] for one in found["status"]["conditions"]}
        accepted = [(one["resource"], one["state"]) for one in found["spec"]["permissionClaims"]]
        return accepted, len(found["status"]["exportPermissionClaims"]), told["PermissionClaimsApplied"]

    both = [("configmaps", "Accepted"), ("secrets", "Accepted")]
    until(lambda: claimed(child) == (both, 2, "True"))
    until(lambda: claimed(other) == (both[:1], 2, "True"))


def test_maintained_types_bring_their_new_bindings_to_workspaces_that_are_there(provider):
    provider.export()
    provider.export("more", "gadgets")
    provider.type("base", bindings=[], defaultAPIBindingLifecycle="Maintain")
    base = [{"name": "universal", "path": "root"}, {"name": "base", "path": provider.workspace.path}]
    provider.type("leaf", bindings=[], extend={"with": base})
    provider.type("else")
    leaf, other = provider.child("leaf", "leaf"), provider.child("other", "else")
    until(lambda: provider.phase("other") == "Ready")
    assert provider.phase("leaf") == "Ready"
    provider.change(f"{TYPES}/base", {"spec": {"defaultAPIBindings": provider.references(["more"])}})
    until(lambda: provider.binding(leaf, "more"))
    provider.change(f"{TYPES}/else", {"spec": {"defaultAPIBindings": provider.references(["widgets", "more"])}})
    provider.change(f"{TYPES}/base", {"spec": {"defaultAPIBindings": provider.references(["more", "widgets"])}})
    until(lambda: provider.binding(leaf))
    assert provider.binding(other, "more") is None


def test_a_workspace_with_maintained_bindings_can_be_deleted(provider):
    provider.export()
    provider.type(defaultAPIBindingLifecycle="Maintain")
    child = provider.child()
    until(lambda: provider.phase() == "Ready")
    widget = {"apiVersion": "example.io/v1", "kind": "Widget"}
    widget["metadata"] = {"name": "held", "finalizers": ["example.io/hold"]}
    assert child.request("POST", WIDGETS, widget)[0] == 201
    assert provider.workspace.request("DELETE", f"{WORKSPACES}/w")[0] == 200
    body = json.dumps({"metadata": {"finalizers": None}})
    assert child.request("PATCH", f"{WIDGETS}/held", body, headers=MERGE)[0] in (200, 404)
    until(lambda: provider.workspace.request("GET", f"{WORKSPACES}/w")[0] == 404)
