"""Definitions and bindings that come at once, or after a restart, or stand in each other's way."""

import json
from concurrent.futures import ThreadPoolExecutor

from custom_definitions import DEFINITIONS, conditions, define, definition, instance, until
from support.server import running_server, start_server

BINDINGS = "/apis/apis.kcp.io/v1alpha2/apibindings"


def test_definitions_that_come_at_once_are_all_established(workspace):
    plurals = [f"{letter}idgets" for letter in "abcdefghijkl"]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda plural: workspace.request("POST", DEFINITIONS, definition(plural)), plurals))
    assert [status for status, _ in answers] == [201] * 12, answers
    assert {conditions(found)["Established"][0] for _, found in answers} == {"True"}
    resources = workspace.request("GET", "/apis/example.dev/v1")[1]["resources"]
    assert [one["name"] for one in resources] == plurals


def test_of_two_that_want_one_name_one_gets_it(workspace):
    made = [definition(plural, names={"kind": "Widget", "listKind": f"{plural}List"}) for plural in ("aas", "bbs")]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: workspace.request("POST", DEFINITIONS, one)[1], made))
    assert sorted(conditions(found)["Established"][0] for found in answers) == ["False", "True"]


def test_what_was_defined_is_served_after_a_restart(tmp_path):
    path = "/apis/example.dev/v1/namespaces/default/widgets"
    with running_server(tmp_path / "server") as server:
        made = server.create_workspace(name="kept", directory=tmp_path)
        define(made, definition())
        made.request("POST", path, instance("one", spec={"size": 5}))
    again = start_server(tmp_path / "server")
    try:
        status, found = again.request("GET", f"/clusters/{made.path}{path}/one")
        assert (status, found["spec"]) == (200, {"size": 5})
    finally:
        again.stop()


def test_a_binding_waits_for_a_definition_that_has_its_resource(workspace):
    define(workspace, definition("shards", "core.kcp.io"))
    body = {
        "apiVersion": "apis.kcp.io/v1alpha2",
        "kind": "APIBinding",
        "metadata": {"name": "shards"},
        "spec": {"reference": {"export": {"path": "root", "name": "shards.core.kcp.io"}}},
    }
    status, bound = workspace.request("POST", BINDINGS, body)
    assert status == 201, bound
    assert bound["status"]["phase"] == "Binding"
    assert "shards.core.kcp.io:{ true}" in json.dumps(bound["status"]["conditions"])
    workspace.kubectl("delete", "crd", "shards.core.kcp.io")
    until(lambda: workspace.request("GET", f"{BINDINGS}/shards")[1]["status"]["phase"] == "Bound")
    refused = definition("shards", "core.kcp.io")
    found = workspace.request("POST", DEFINITIONS, refused)[1]
    assert conditions(found)["NamesAccepted"] == ("False", "ListKindConflict")
    workspace.request("DELETE", f"{BINDINGS}/shards")
    path = f"{DEFINITIONS}/shards.core.kcp.io"
    until(lambda: conditions(workspace.request("GET", path)[1])["Established"][0] == "True")
    status, found = workspace.request("GET", "/apis/core.kcp.io/v1/shards")
    assert (status, found["items"]) == (200, [])
