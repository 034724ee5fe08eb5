"""The index behind the answer: it says what brute force says, leaves nothing behind, and comes to older stores."""

import asyncio
import contextlib
import http.client
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from reach_world import ENTER, RBAC, binding, invite, mine, post, role
from support.server import running_server, start_server

from manifold.base import keys
from manifold.storage.contract import Write
from manifold.storage.sqlite import open_store
from manifold.workspaces import entries

SUBJECTS = ["alice", "bob", "Group team-a", "Group team-b", "Group system:authenticated", "ServiceAccount default/x"]


def index_rows(directory, cluster=""):
    """The index rows in a store that no server has open, those of one logical cluster if one is named."""

    async def read():
        store = await open_store(directory / "root" / "store.sqlite")
        try:
            start = keys.index_key(entries.INDEX)
            found = await (await store.snapshot()).scan(start, keys.after(start))
            return [row.key for row in found if not cluster or cluster in keys.parts(row.key)]
        finally:
            await store.close()

    return asyncio.run(read())


@pytest.mark.parametrize("seed", range(3))
def test_it_says_what_trying_every_door_says(workspace, seed):
    """Roles and bindings change at random; after each change the answer is what entering each workspace shows."""
    chance = random.Random(seed)
    server = workspace.server
    children = [
        server.create_workspace(f"w{number}", parent=workspace.path, directory=workspace.directory)
        for number in range(3)
    ]
    for _ in range(25):
        place, name = chance.choice(children), chance.choice(["one", "two"])
        url = f"{RBAC}/clusterrolebindings/{name}"
        action = chance.choice(["bind", "bind", "unbind", "role", "drop"])
        if action == "bind":
            subjects = chance.sample(SUBJECTS, chance.randrange(4)) + [f"m{n}" for n in range(chance.choice([0, 20]))]
            place.request("PUT", url, binding(name, name, *subjects))
        elif action == "unbind":
            place.request("DELETE", url)
        elif action == "role":
            place.request("PUT", f"{RBAC}/clusterroles/{name}", role(name, *([ENTER] * chance.randrange(2))))
        else:
            place.request("DELETE", f"{RBAC}/clusterroles/{name}")
        for user in ("alice", "bob", "user"):
            entered = [
                one.path
                for one in children
                if server.request("GET", f"/clusters/{one.cluster}/api", user=user)[0] == 200
            ]
            assert mine(server, workspace.path, limit=chance.choice([0, 1, 2]), user=user) == entered


def test_nothing_is_left_of_what_is_gone(tmp_path):
    with running_server(tmp_path) as server:
        outer = server.create_workspace(directory=tmp_path)
        inner = server.create_workspace("inner", parent=outer.path, directory=tmp_path)
        for place in (outer, inner):
            invite(place, "alice", "bob", "Group team-a")
            invite(place, *(f"member-{number}" for number in range(40)), name="crowd")
        # A child holds the workspace: it is taken down by a controller, the child with it.
        outer.delete()
        kept = server.create_workspace(directory=tmp_path)
        invite(kept, "alice", "bob")
        assert kept.request("DELETE", f"{RBAC}/clusterrolebindings/guests")[0] == 200
        while server.request("GET", f"/clusters/{outer.path}/api")[0] == 200:
            pass
        while "manifold_controller_work_depth 0\n" not in server.request("GET", "/metrics", user="master")[1]:
            pass
    for gone in (outer, inner):
        assert index_rows(tmp_path, gone.cluster) == []
    assert len(index_rows(tmp_path, kept.cluster)) == 1  # its administrator


def test_a_store_without_the_index_gets_it(tmp_path):
    """One that an earlier version has written."""
    with running_server(tmp_path) as server:
        workspace = server.create_workspace(directory=tmp_path)
        invite(workspace, "alice")
        post(workspace, "clusterrolebindings", binding("crowd", "guests", *(f"m{n}" for n in range(40))))
        assert mine(server, workspace.path, user="alice") == [workspace.path]
    before = index_rows(tmp_path)

    async def forget():
        store = await open_store(tmp_path / "root" / "store.sqlite")
        await store.commit([Write(key, None) for key in (*before, entries.MARK)])
        await store.close()

    asyncio.run(forget())
    assert index_rows(tmp_path) == []
    with running_server(tmp_path) as server:
        assert mine(server, workspace.path, user="alice") == [workspace.path]
    assert index_rows(tmp_path) == before


def test_a_crash_leaves_rows_and_bindings_together(tmp_path):
    """The server is killed while bindings are written, changed and deleted by several clients."""
    server = start_server(tmp_path)
    places = [server.create_workspace(directory=tmp_path) for _ in range(3)]
    stopping = threading.Event()

    def write(place, seed):
        chance = random.Random(seed)
        with contextlib.suppress(OSError, http.client.HTTPException):
            while not stopping.is_set():
                name = f"b{chance.randrange(6)}"
                url = f"{RBAC}/clusterrolebindings/{name}"
                if chance.random() < 0.3:
                    place.request("DELETE", url)
                else:
                    crowd = [f"m{number}" for number in range(chance.choice([0, 3, 30]))]
                    place.request("PUT", url, binding(name, "guests", *chance.sample(SUBJECTS, 2), *crowd))

    with ThreadPoolExecutor(6) as pool:
        for number in range(6):
            pool.submit(write, places[number % 3], number)
        time.sleep(1.5)
        server.stop(signal.SIGKILL)
        stopping.set()

    async def both():
        store = await open_store(tmp_path / "root" / "store.sqlite")
        try:
            start = keys.type_prefix(*entries.BINDINGS)
            found = await (await store.snapshot()).scan(start, keys.after(start))
            return {row for one in found for row in entries.rows_of(one.key, one.value)}
        finally:
            await store.close()

    wanted = asyncio.run(both())
    assert len(wanted) > len(places)
    assert set(index_rows(tmp_path)) == wanted


def test_rows_are_few():
    """A write is bounded whatever a binding names; the system's logical clusters have none."""
    subjects = [{"kind": "User", "name": f"u{n}"} for n in range(1000)]
    assert len(entries.rows("c", "b", {"subjects": subjects[: entries.CONSIDERED]})) == entries.CONSIDERED
    assert len(entries.rows("c", "b", {"subjects": subjects})) == 1
    assert entries.rows("c", "b", {"subjects": None}) == set()
    assert entries.rows("system:admin", "b", {"subjects": subjects}) == set()
