"""A workspace whose type brings bindings to exports of users is Ready in the answer, wherever that can be decided."""

import json
import threading

import pytest
from support.server import running_server
from support.traces import at_rest, rows_with
from type_provider import (
    APIS,
    BINDINGS,
    CHOSEN,
    CLAIM,
    EXPORTS,
    LOGICAL_CLUSTER,
    MERGE,
    TYPES,
    WIDGETS,
    WORKSPACES,
    Provider,
    conditions,
    until,
)

from manifold.base import keys
from manifold.exports.bindings import default_binding_name, export_label
from manifold.registry.clusters import held_row

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/default/secrets"
TOUCHED = ("uid", "creationTimestamp", "resourceVersion")


def widget(name="one"):
    return {"apiVersion": "example.io/v1", "kind": "Widget", "metadata": {"name": name}}


def view(provider, cluster="*", export="widgets"):
    return f"/services/apiexport/{provider.workspace.cluster}/{export}/clusters/{cluster}"


def names_at(provider, path):
    status, found = provider.workspace.server.request("GET", path)
    assert status == 200, found
    return [one["metadata"]["name"] for one in found["items"]]


def phase_in_the_answer(provider, name="w"):
    return provider.answers[name]["status"]["phase"]


def general(text, child):
    """A text without the names that are of one workspace."""
    above = child.path.rpartition(":")[0]
    for path, export in (
        (above, "widgets"),
        (above, "gadgets"),
        ("root", "tenancy.kcp.io"),
        ("root", "topology.kcp.io"),
    ):
        text = text.replace(default_binding_name(child.cluster, path, export), export)
    return text.replace(child.path, "PATH").replace(child.cluster, "CLUSTER")


def timeless(obj, child):
    """An object of a workspace without what differs between two workspaces of one type."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in TOUCHED}
    for one in metadata.get("managedFields") or ():
        one.pop("time")
    found = json.loads(general(json.dumps({**obj, "metadata": metadata}), child))
    for one in (found.get("status") or {}).get("conditions") or ():
        one.pop("lastTransitionTime")
    return found


def contents(child, path):
    status, found = child.request("GET", path)
    assert status == 200, found
    return {one["metadata"]["name"]: one for one in (timeless(one, child) for one in found["items"])}


def test_it_is_ready_in_the_answer(provider):
    provider.export(claims=[CLAIM, CHOSEN])
    provider.type()
    child = provider.child()
    answer = provider.answers["w"]
    assert answer["status"]["phase"] == "Ready"
    assert "initializers" not in answer["status"]
    assert {one["type"]: one["status"] for one in answer["status"]["conditions"]} == {
        "WorkspaceInitialized": "True",
        "WorkspaceScheduled": "True",
    }
    assert child.request("POST", WIDGETS, widget())[0] == 201
    binding = provider.binding(child)
    assert binding["status"]["phase"] == "Bound"
    assert {one["status"] for one in binding["status"]["conditions"]} == {"True"}
    assert {name: one["status"] for name, one in conditions(child).items()} == {
        "APIBindingsInitialized": "True",
        "APIBindingsReconciled": "True",
        "WorkspaceInitialized": "True",
    }


def test_the_provider_sees_the_new_consumer_at_once(provider):
    provider.export(claims=[CLAIM, CHOSEN])
    provider.type()
    child = provider.child()
    assert child.request("POST", WIDGETS, widget())[0] == 201
    assert names_at(provider, f"{view(provider)}/apis/example.io/v1/widgets") == ["one"]
    # What was there from the beginning is claimed as well.
    assert names_at(provider, f"{view(provider)}{CONFIG_MAPS.replace('namespaces/default/', '')}") == [
        "kube-root-ca.crt",
        "kube-root-ca.crt",
    ]
    for name, labels in (("mine", {"mine": "yes"}), ("other", {})):
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "labels": labels}}
        assert child.request("POST", SECRETS, body)[0] == 201
    assert names_at(provider, f"{view(provider)}/api/v1/secrets") == ["mine"]
    here = f"{view(provider, child.cluster)}{SECRETS}"
    made = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "made", "labels": {"mine": "yes"}}}
    assert provider.workspace.server.request("POST", here, made)[0] == 201
    assert provider.workspace.server.request("GET", f"{here}/other")[0] == 404
    slices = "/apis/apis.kcp.io/v1alpha1/apiexportendpointslices/widgets"
    endpoints = until(lambda: provider.workspace.request("GET", slices)[1]["status"].get("endpoints"))
    assert endpoints[0]["url"].endswith(view(provider).removesuffix("/clusters/*"))


def test_what_is_claimed_is_labelled_in_the_answer(provider):
    provider.export(claims=[CLAIM, {"group": "apis.kcp.io", "resource": "apibindings", "verbs": ["get"]}])
    provider.type()
    child = provider.child()
    label = "claimed.internal.apis.kcp.io/" + export_label(provider.workspace.cluster, "widgets")
    for path in (CONFIG_MAPS, CONFIG_MAPS.replace("default", "kube-system"), BINDINGS):
        status, found = child.request("GET", path)
        assert status == 200, found
        assert found["items"]
        for one in found["items"]:
            assert label in (one["metadata"].get("labels") or {}), one
    status, found = child.request("GET", LOGICAL_CLUSTER)
    assert label not in found["metadata"]["labels"]


def test_it_is_what_the_controller_makes(tmp_path):
    """The first workspace waits for an export, so its bindings are the controller's; the second one does not."""
    claims = [CLAIM, CHOSEN, {"group": "apis.kcp.io", "resource": "apibindings", "verbs": ["*"]}]
    with running_server(tmp_path / "server") as server:
        provider = Provider(server.create_workspace(directory=tmp_path), tmp_path)
        provider.type(bindings=[])
        references = [*provider.references(["widgets"]), {"path": provider.workspace.path, "export": "gadgets"}]
        provider.export(claims=claims)
        provider.export("gadgets", "gadgets", claims=[CLAIM])
        provider.change(f"{TYPES}/t", {"spec": {"defaultAPIBindings": references}})
        provider.workspace.request("DELETE", f"{EXPORTS}/gadgets")
        waiting = provider.child("waiting")
        assert phase_in_the_answer(provider, "waiting") == "Initializing"
        provider.export("gadgets", "gadgets", claims=[CLAIM], schema=False)
        until(lambda: provider.phase("waiting") == "Ready")
        ready = provider.child("ready")
        assert phase_in_the_answer(provider, "ready") == "Ready"
        until(lambda: at_rest(server))
        for path in (BINDINGS, CONFIG_MAPS, "/api/v1/namespaces"):
            assert contents(waiting, path) == contents(ready, path)
        found = []
        for child, name in ((waiting, "waiting"), (ready, "ready")):
            logical = timeless(child.request("GET", LOGICAL_CLUSTER)[1], child)
            logical["metadata"].pop("managedFields", None)  # the initializer was taken off by somebody
            logical["spec"]["owner"].pop("uid")
            logical["spec"]["owner"].pop("name")
            above = provider.workspace.request("GET", f"{WORKSPACES}/{name}")[1]
            found.append((logical, sorted(one["type"] for one in above["status"]["conditions"])))
        assert found[0] == found[1]
        assert server.stop() == 0
        rows = []
        for child in (waiting, ready):
            told = rows_with(server.root, child.cluster)
            told.pop(held_row(child.cluster), None)  # tells that something has come later than the workspace
            # What objects say was compared above, in the form it is served in.
            rows.append({general(k.decode(), child): v for k, v in told.items() if not k.startswith(keys.OBJECT)})
            rows.append({general(k.decode(), child) for k in told})
        assert rows[:2] == rows[2:]


def test_where_one_is_missing_all_wait_for_the_controller(provider):
    provider.export()
    provider.export("gadgets", "gadgets")
    provider.type(bindings=["widgets", "gadgets"])
    assert provider.workspace.request("DELETE", f"{EXPORTS}/gadgets")[0] == 200
    child = provider.child()
    answer = provider.answers["w"]
    assert answer["status"]["phase"] == "Initializing"
    assert answer["status"]["initializers"] == ["system:apibindings"]
    provider.export("gadgets", "gadgets", schema=False)
    until(lambda: provider.phase() == "Ready")
    assert provider.binding(child)["status"]["phase"] == "Bound"
    provider.child("next")
    assert phase_in_the_answer(provider, "next") == "Ready"


@pytest.mark.parametrize("spoiled", ["secret", "schema"])
def test_an_export_that_cannot_be_bound_is_waited_for(provider, spoiled):
    if spoiled == "secret":  # without it there is no identity
        body = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": "widgets"}}
        identity = {"secretRef": {"name": "later", "namespace": "default"}}
        provider.make(EXPORTS, {**body, "spec": {"identity": identity}})
    else:
        provider.export(schema=False)
    provider.type()
    child = provider.child()
    assert phase_in_the_answer(provider) == "Initializing"
    if spoiled == "secret":
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "later"}, "stringData": {"key": "k"}}
        provider.make(SECRETS, secret)
    else:
        provider.schema()
    until(lambda: provider.phase() == "Ready")
    assert provider.binding(child)["status"]["phase"] == "Bound"


CONFLICTS = {
    "one resource": lambda provider: provider.export("second", schema=False),
    "one name": lambda provider: (
        provider.schema("things", kind="Widget", listKind="ThingList"),
        provider.export("second", "things", schema=False),
    ),
}


@pytest.mark.parametrize("conflict", CONFLICTS)
def test_bindings_in_conflict_are_left_to_the_controller(provider, conflict):
    """Also in the first workspace that binds either of them."""
    provider.export()
    CONFLICTS[conflict](provider)
    provider.type(bindings=["widgets", "second"])
    child = provider.child()
    assert phase_in_the_answer(provider) == "Initializing"
    told = until(lambda: _with_reason(child, "WaitingOnAPIBindings"))
    second = default_binding_name(child.cluster, provider.workspace.path, "second")
    assert told["message"] == f"APIBinding(s) not yet fully bound: {second}"
    assert provider.binding(child)["status"]["phase"] == "Bound"
    assert {one["reason"] for one in provider.binding(child, "second")["status"]["conditions"] if "reason" in one} == {
        "NamingConflicts"
    }
    assert child.request("DELETE", f"{BINDINGS}/{provider.binding(child)['metadata']['name']}")[0] == 200


def _with_reason(child, reason):
    found = conditions(child).get("APIBindingsInitialized") or {}
    return found if found.get("reason") == reason else None


def test_more_bindings_than_a_commit_can_hold_are_made_behind_it(provider):
    names = [f"e{number}" for number in range(48)]
    for name in names:
        provider.export(name, plural="")
    provider.type("many", bindings=names)
    provider.type("some", bindings=names[:20])
    many, some = provider.child("many", "many"), provider.child("some", "some")
    assert (phase_in_the_answer(provider, "many"), phase_in_the_answer(provider, "some")) == ("Initializing", "Ready")
    assert {provider.binding(some, name)["status"]["phase"] for name in names[:20]} == {"Bound"}
    until(lambda: provider.phase("many") == "Ready")
    assert {provider.binding(many, name)["status"]["phase"] for name in names} == {"Bound"}


def test_initializers_of_others_find_the_bindings_there(provider):
    provider.export()
    provider.type(initializer=True)
    child = provider.child()
    answer = provider.answers["w"]
    own = f"{provider.workspace.cluster}:t"
    assert (answer["status"]["phase"], answer["status"]["initializers"]) == ("Initializing", [own])
    assert provider.binding(child)["status"]["phase"] == "Bound"
    told = conditions(child)
    assert {name: one["status"] for name, one in told.items()} == {
        "APIBindingsInitialized": "True",
        "WorkspaceInitialized": "False",
    }
    body = json.dumps({"status": {"initializers": []}})
    assert child.request("PATCH", f"{LOGICAL_CLUSTER}/status", body, headers=MERGE)[0] == 200
    assert provider.phase() == "Ready"


def children_meanwhile(provider, change):
    """Workspaces that are made by several at once while something happens to what they rest on."""
    children, failures = [], []

    def create(place):
        try:
            children.extend(provider.child(f"w{place}-{number}") for number in range(8))
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=create, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    change()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    return children


def test_a_type_that_changes_meanwhile_reaches_every_workspace(provider):
    """Where its bindings are maintained: also those of a workspace that is being made."""
    exports = [f"e{number}" for number in range(8)]
    for name in exports:
        provider.export(name, plural="")
    provider.type(bindings=exports[:1], defaultAPIBindingLifecycle="Maintain")

    def change():
        for last in range(2, len(exports) + 1):
            provider.change(f"{TYPES}/t", {"spec": {"defaultAPIBindings": provider.references(exports[:last])}})

    for child in children_meanwhile(provider, change):
        until(lambda child=child: all(provider.binding(child, name) for name in exports))


def test_an_export_that_comes_and_goes_meanwhile_is_bound_by_every_workspace(provider):
    provider.export()
    provider.type()

    def change():
        for _ in range(6):
            assert provider.workspace.request("DELETE", f"{EXPORTS}/widgets")[0] == 200
            provider.export(schema=False)

    children = children_meanwhile(provider, change)
    for child in children:
        until(lambda child=child: provider.phase(child.name) == "Ready")
        until(lambda child=child: child.request("POST", WIDGETS, widget(child.name))[0] == 201)
        assert provider.binding(child)["status"]["phase"] == "Bound"
    seen = names_at(provider, f"{view(provider)}/apis/example.io/v1/widgets")
    assert sorted(seen) == sorted(child.name for child in children)


def test_a_dry_run_leaves_nothing(provider):
    provider.export()
    provider.type()
    body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": "dry"}}
    spec = {"type": {"name": "t", "path": provider.workspace.path}}
    status, made = provider.workspace.request("POST", f"{WORKSPACES}?dryRun=All", {**body, "spec": spec})
    assert (status, made["status"]["phase"]) == (201, "Ready")
    assert provider.workspace.request("GET", f"{WORKSPACES}/dry")[0] == 404
    assert names_at(provider, f"{view(provider)}/apis/example.io/v1/widgets") == []
    assert provider.workspace.server.request("GET", f"/clusters/{made['spec']['cluster']}{APIS}/apibindings")[0] != 200
