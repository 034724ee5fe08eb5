"""What a workspace costs: little more than a namespace, and the same however deep it lies and how many are beside it.

Costs are seconds of CPU of the server, so that other work on the machine matters little. Takes minutes, so it is run by
`make scale`.
"""

import json
import os
import statistics
import time

import pytest
from crowds import MANY, all_of, each_of, workspace, workspaces
from support.server import Server, Workspace, running_server
from support.traces import at_rest

pytestmark = pytest.mark.scale

TICKS = os.sysconf("SC_CLK_TCK")
SAMPLE = max(200, MANY // 10)
LEVELS = 20


def seconds(server: Server) -> float:
    """CPU the server has used."""
    with open(f"/proc/{server.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def cost(server: Server, work) -> float:
    """CPU of a piece of work, in milliseconds."""
    before = seconds(server)
    work()
    return 1000 * (seconds(server) - before)


def namespaces(server: Server, path: str, names: list[str]) -> None:
    bodies = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]
    each_of(server, "POST", [(f"/clusters/{path}/api/v1/namespaces", body) for body in bodies])


def test_a_workspace_costs_at_most_three_namespaces(tmp_path):
    with running_server(tmp_path / "server") as server:
        place = server.create_workspace("place", directory=tmp_path)
        all_of(server, "POST", [f"warm-{number}" for number in range(200)], place.path)
        namespaces(server, place.path, [f"warm-{number}" for number in range(200)])
        ratios = []
        for round_ in range(5):
            names = [f"r{round_}-{number}" for number in range(SAMPLE)]
            one = cost(server, lambda names=names: namespaces(server, place.path, names)) / SAMPLE
            other = cost(server, lambda names=names: all_of(server, "POST", names, place.path)) / SAMPLE
            ratios.append(other / one)
            print(f"\nnamespace {one:.2f} ms, workspace {other:.2f} ms of CPU, {other / one:.2f} times as much")
    assert statistics.median(ratios) <= 3


def type_with_an_export(place: Workspace) -> dict[str, str]:
    """A workspace type whose workspaces bind an export of one resource, and grant it a claim; a reference to it."""
    version = {"name": "v1", "served": True, "storage": True, "schema": {"type": "object"}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    schema = {"group": "example.io", "names": names, "scope": "Namespaced", "versions": [version]}
    resource = {"group": "example.io", "name": "widgets", "schema": "v1.widgets.example.io"}
    claim = {"group": "", "resource": "configmaps", "verbs": ["*"]}
    extended = {"with": [{"name": "universal", "path": "root"}]}
    brought = [{"path": place.path, "export": "widgets"}]
    for group, version, resources, kind, name, spec in (
        ("apis", "v1alpha1", "apiresourceschemas", "APIResourceSchema", resource["schema"], schema),
        (
            "apis",
            "v1alpha2",
            "apiexports",
            "APIExport",
            "widgets",
            {"resources": [resource], "permissionClaims": [claim]},
        ),
        (
            "tenancy",
            "v1alpha1",
            "workspacetypes",
            "WorkspaceType",
            "t",
            {"extend": extended, "defaultAPIBindings": brought},
        ),
    ):
        body = {"apiVersion": f"{group}.kcp.io/{version}", "kind": kind, "metadata": {"name": name}, "spec": spec}
        status, made = place.request("POST", f"/apis/{group}.kcp.io/{version}/{resources}", body)
        assert status == 201, made
    return {"name": "t", "path": place.path}


def test_binding_an_export_of_a_user_costs_less_than_the_workspace(tmp_path):
    """What controllers do behind it would count as well."""
    with running_server(tmp_path / "server") as server:
        place = server.create_workspace("place", directory=tmp_path)
        kind = type_with_an_export(place)

        def make(names: list[str]) -> None:
            bodies = [{**workspace(name), "spec": {"type": kind}} for name in names]
            made = each_of(server, "POST", [(workspaces(place.path), body) for body in bodies])
            assert {json.loads(text)["status"]["phase"] for text in made} == {"Ready"}
            while not at_rest(server):
                time.sleep(0.1)

        all_of(server, "POST", [f"warm-{number}" for number in range(200)], place.path)
        make([f"bound-{number}" for number in range(50)])
        ratios = []
        for round_ in range(5):
            names = [f"r{round_}-{number}" for number in range(SAMPLE)]
            one = cost(server, lambda names=names: all_of(server, "POST", names, place.path)) / SAMPLE
            other = cost(server, lambda names=names: make([f"b{name}" for name in names])) / SAMPLE
            ratios.append(other / one)
            print(f"\nworkspace {one:.2f} ms, with a binding {other:.2f} ms of CPU, {other / one:.2f} times as much")
    assert statistics.median(ratios) <= 2


def test_depth_costs_nothing(tmp_path):
    """The machine's speed changes while this runs, so the top and the bottom of the tree take turns."""
    with running_server(tmp_path / "server") as server:
        paths = ["root"]
        for _ in range(LEVELS):
            paths.append(server.create_workspace("deeper", parent=paths[-1], directory=tmp_path).path)
        places = {"top": paths[1], "bottom": paths[-1]}
        for path in places.values():
            all_of(server, "POST", [f"warm-{number}" for number in range(200)], path)
        ratio = compared(server, places, 8)
    assert ratio <= 1.2


def test_width_costs_nothing(tmp_path):
    """One workspace becomes wide; beside it, others that begin empty take turns with it."""
    with running_server(tmp_path / "server") as server:
        wide = server.create_workspace("wide", directory=tmp_path)
        all_of(server, "POST", [f"w{number}" for number in range(2 * MANY)], wide.path)
        narrow = server.create_workspace("narrow", directory=tmp_path)
        all_of(server, "POST", [f"warm-{number}" for number in range(200)], narrow.path)
        ratio = compared(server, {"narrow": narrow.path, "wide": wide.path}, 8)
        status, found = server.request("GET", f"{workspaces(wide.path)}?limit=1")
        assert status == 200, found
    assert ratio <= 1.2


def compared(server: Server, places: dict[str, str], rounds: int) -> float:
    """What a workspace costs in the second of two places, in times of the first: the median of some rounds."""
    ratios = []
    for round_ in range(rounds):
        names = [f"r{round_}-{number}" for number in range(SAMPLE // 2)]
        found = {
            place: cost(server, lambda path=path, names=names: all_of(server, "POST", names, path)) / len(names)
            for place, path in places.items()
        }
        first, second = found.values()
        ratios.append(second / first)
        told = ", ".join(f"{place} {each:.2f} ms" for place, each in found.items())
        print(f"\n{told} of CPU, {ratios[-1]:.2f} times as much")
    return statistics.median(ratios)
