"""Ten thousand idle workspaces cost what is promised: disk, and next to nothing else.

Takes about a minute, so it is run by `make scale` and not with every test. What is compared is one process with
itself: after a warm-up, with ten thousand workspaces, and when they are gone.
"""

import contextlib
import itertools
import os
import time
from dataclasses import dataclass

import pytest
from crowds import all_of
from support.server import Server, running_server

pytestmark = pytest.mark.scale

WARM_UP, MANY = 300, 10_000
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class State:
    """What a process holds: proportional set size and store in bytes, threads, file descriptors, asyncio tasks."""

    memory: int
    threads: int
    descriptors: int
    tasks: int
    store: int


def state_of(server: Server) -> State:
    process = f"/proc/{server.pid}"
    with open(f"{process}/smaps_rollup") as rollup:
        memory = next(int(line.split()[1]) << 10 for line in rollup if line.startswith("Pss:"))
    _, text = server.request("GET", "/metrics", user="shard-admin")
    metrics = dict(line.rsplit(" ", 1) for line in str(text).splitlines() if line and not line.startswith("#"))
    assert metrics["manifold_controller_work_depth"] == "0"
    time.sleep(0.3)  # the connection that asked is closed by now
    store = sum(path.stat().st_size for path in server.root.glob("store.sqlite*"))
    threads, descriptors = len(os.listdir(f"{process}/task")), len(os.listdir(f"{process}/fd"))
    return State(memory, threads, descriptors, int(metrics["manifold_tasks"]), store)


def settled(server: Server) -> State:
    """The state once controllers have nothing left to do and the log has forgotten what it may."""
    deadline = time.monotonic() + 120
    before = -1
    while time.monotonic() < deadline:
        time.sleep(5)
        with contextlib.suppress(AssertionError):
            found = state_of(server)
            if found.store == before:
                return found
            before = found.store
    raise AssertionError("the server does not come to rest")


def test_ten_thousand_idle_workspaces(tmp_path):
    with running_server(tmp_path, "--log-retention", "5s") as server:
        counter = itertools.count()
        warm = [f"warm-{next(counter)}" for _ in range(WARM_UP)]
        all_of(server, "POST", warm)
        all_of(server, "DELETE", warm)
        empty = settled(server)

        many = [f"idle-{next(counter)}" for _ in range(MANY)]
        all_of(server, "POST", many)
        full = settled(server)
        told = f"empty {empty}, with {MANY} workspaces {full}"
        assert full.memory - empty.memory <= 20 * MEBIBYTE, told
        assert (full.threads, full.descriptors, full.tasks) == (empty.threads, empty.descriptors, empty.tasks), told

        all_of(server, "DELETE", many)
        gone = settled(server)
        told = f"empty {empty}, after the deletion {gone}"
        assert gone.memory - empty.memory <= 10 * MEBIBYTE, told
        assert gone.store < 1.2 * empty.store, told
        print(f"\nempty        {empty}\nfull         {full}\ngone         {gone}")
