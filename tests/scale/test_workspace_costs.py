"""What a workspace costs: little more than a namespace, and the same however deep it lies and how many are beside it.

Costs are seconds of CPU of the server, so that other work on the machine matters little. Takes minutes, so it is run by
`make scale`.
"""

import os
import statistics

import pytest
from crowds import MANY, all_of, each_of, workspaces
from support.server import Server, running_server

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


def test_depth_costs_nothing(tmp_path):
    with running_server(tmp_path / "server") as server:
        path, costs = "root", []
        all_of(server, "POST", [f"warm-{number}" for number in range(200)])
        for level in range(LEVELS):
            server.create_workspace("deeper", parent=path, directory=tmp_path)
            path = f"{path}:deeper"
            names = [f"w{number}" for number in range(SAMPLE)]
            costs.append(cost(server, lambda path=path, names=names: all_of(server, "POST", names, path)) / SAMPLE)
            print(f"\nlevel {level + 1}: {costs[-1]:.2f} ms of CPU each")
    top, bottom = statistics.median(costs[:5]), statistics.median(costs[-5:])
    assert bottom <= 1.2 * top


def test_width_costs_nothing(tmp_path):
    with running_server(tmp_path / "server") as server:
        wide = server.create_workspace("wide", directory=tmp_path)
        all_of(server, "POST", [f"warm-{number}" for number in range(200)])
        costs = []
        for part in range(20):
            names = [f"w{part}-{number}" for number in range(2 * MANY // 20)]
            costs.append(cost(server, lambda names=names: all_of(server, "POST", names, wide.path)) / len(names))
            print(f"\n{(part + 1) * len(names)} wide: {costs[-1]:.2f} ms of CPU each")
        status, found = server.request("GET", f"{workspaces(wide.path)}?limit=1")
        assert status == 200, found
    first, last = statistics.median(costs[:5]), statistics.median(costs[-5:])
    assert last <= 1.2 * first
