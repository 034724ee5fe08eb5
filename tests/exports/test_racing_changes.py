"""Bindings that come and go in the moment in which what they rest on changes."""

import pytest
from provider import (
    BINDINGS,
    EXPORTS,
    SLICES,
    WIDGETS,
    binding,
    conditions,
    create,
    eventually,
    offer,
    read,
    schema,
    widget,
)
from support.racing import racers, together

ROUNDS = 25
CLAIM = {"group": "", "resource": "configmaps", "verbs": ["get"]}


@pytest.fixture
def consumer(server, tmp_path):
    made = server.create_workspace(directory=tmp_path)
    yield made
    made.delete()


def told(consumer):
    """The verbs that the export of a binding asks for, as the binding knows them."""
    [claim] = read(consumer, f"{BINDINGS}/b")["status"]["exportPermissionClaims"]
    return claim["verbs"]


def valid(consumer):
    """Whether a binding says that its export can be bound."""
    return conditions(read(consumer, f"{BINDINGS}/b"))["APIExportValid"]["status"] == "True"


def test_the_first_binding_meets_a_change_of_its_export(server, workspace, consumer):
    """It tells of the export as it is in the end."""
    offer(workspace, "ex", schema(), permissionClaims=[CLAIM])
    there, here = f"/clusters/{workspace.path}{EXPORTS}/ex", f"/clusters/{consumer.path}{BINDINGS}"
    with racers(server, 2) as (provider, user):
        for number in range(ROUNDS):
            claims = [{**CLAIM, "verbs": ["get", "list"] if number % 2 else ["get"]}]
            changed, bound = together(
                lambda claims=claims: provider.merge(there, {"spec": {"permissionClaims": claims}}),
                lambda: user.ask("POST", here, binding("b", workspace.path, "ex")),
            )
            assert (changed[0], bound[0]) == (200, 201), (changed, bound)
            eventually(lambda claims=claims: told(consumer) == claims[0]["verbs"])
            assert consumer.request("DELETE", f"{BINDINGS}/b")[0] == 200


def test_a_binding_goes_while_what_it_serves_is_made(server, workspace, consumer):
    """Nothing stays behind for the next one, and whatever was made is gone with the first."""
    offer(workspace, "ex", schema())
    here = f"/clusters/{consumer.path}"
    with racers(server, 4) as (leaver, *makers):
        for number in range(ROUNDS):
            create(consumer, BINDINGS, binding("b", workspace.path, "ex"))
            assert read(consumer, WIDGETS)["items"] == [], number
            left, *made = together(
                lambda: leaver.ask("DELETE", f"{here}{BINDINGS}/b"),
                *(lambda one=one: one.ask("POST", f"{here}{WIDGETS}", widget(f"w{id(one)}")) for one in makers),
            )
            assert left[0] == 200, left
            assert {status for status, _ in made} <= {201, 403, 404}, made
            eventually(lambda: consumer.request("GET", f"{BINDINGS}/b")[0] == 404)


def test_the_last_binding_goes_while_another_one_comes(server, workspace, consumer, tmp_path):
    """The endpoint slice of an export that is bound has its URL."""
    offer(workspace, "ex", schema())
    other = server.create_workspace(directory=tmp_path)
    paths = [f"/clusters/{one.path}{BINDINGS}" for one in (consumer, other)]
    with racers(server, 2) as (leaver, comer):
        create(consumer, BINDINGS, binding("b", workspace.path, "ex"))
        for _ in range(ROUNDS):
            left, came = together(
                lambda: leaver.ask("DELETE", f"{paths[0]}/b"),
                lambda: comer.ask("POST", paths[1], binding("b", workspace.path, "ex")),
            )
            assert (left[0], came[0]) == (200, 201), (left, came)
            eventually(lambda: read(workspace, f"{SLICES}/ex")["status"].get("endpoints"))
            paths.reverse()
    other.delete()


@pytest.mark.parametrize("change", ["comes", "goes"])
def test_a_schema_comes_or_goes_while_its_export_is_bound(server, workspace, consumer, change):
    """The binding says whether the export can be bound now."""
    offered = schema()
    offer(workspace, "ex", offered)
    schemas = f"/clusters/{workspace.path}/apis/apis.kcp.io/v1alpha1/apiresourceschemas"
    path = f"{schemas}/{offered['metadata']['name']}"
    here = f"/clusters/{consumer.path}{BINDINGS}"
    with racers(server, 2) as (provider, user):
        for _ in range(ROUNDS):
            if change == "comes":
                assert provider.ask("DELETE", path)[0] == 200
            changed, bound = together(
                lambda: provider.ask("POST", schemas, offered) if change == "comes" else provider.ask("DELETE", path),
                lambda: user.ask("POST", here, binding("b", workspace.path, "ex")),
            )
            assert (changed[0], bound[0]) == (201 if change == "comes" else 200, 201), (changed, bound)
            eventually(lambda: valid(consumer) == (change == "comes"))
            assert consumer.request("DELETE", f"{BINDINGS}/b")[0] == 200
            if change == "goes":
                assert provider.ask("POST", schemas, offered)[0] == 201
