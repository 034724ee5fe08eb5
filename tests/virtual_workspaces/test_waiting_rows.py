"""The rows by which views find what waits: there while something waits, gone with it, and written where they lack."""

import asyncio

from lifecycle_world import LOGICAL_CLUSTERS, WORKSPACES, World
from support.server import running_server

from manifold.base import keys
from manifold.storage.contract import Write
from manifold.storage.sqlite import open_store
from manifold.views.waiting import INDEX
from manifold.workspaces.waiting import WRITTEN

MERGE = "application/merge-patch+json"


def test_pages_of_what_waits(world):
    world.make_type("held", initializer=True)
    world.make_type("free")
    made = sorted(world.make_workspace("held")["spec"]["cluster"] for _ in range(5))
    for _ in range(3):
        world.make_workspace("free")
    found, token, sizes = [], "", []
    while True:
        query = f"?limit=2{f'&continue={token}' if token else ''}"
        status, page = world.request("GET", world.initializing("held") + LOGICAL_CLUSTERS + query)
        assert status == 200, page
        found += [one["metadata"]["annotations"]["kcp.io/cluster"] for one in page["items"]]
        sizes.append(len(page["items"]))
        token = page["metadata"].get("continue")
        if not token:
            break
    assert (found, sizes) == (made, [2, 2, 1])
    path = world.initializing("held", made[2]) + LOGICAL_CLUSTERS
    status, page = world.request("GET", path)
    assert [one["metadata"]["annotations"]["kcp.io/cluster"] for one in page["items"]] == [made[2]]


async def rows(path, forget=False):
    """The rows in a store at rest, by list, name and logical cluster."""
    store = await open_store(path)
    prefix = keys.index_key(INDEX)
    found = await (await store.snapshot()).scan(prefix, keys.after(prefix))
    if forget:
        await store.commit([Write(row.key, None) for row in found] + [Write(WRITTEN, None)])
    await store.close()
    return {tuple(keys.parts(row.key)[1:]) for row in found}


def test_rows_are_there_exactly_while_something_waits(tmp_path):
    with running_server(tmp_path / "server") as server:
        world = World(server, server.create_workspace(directory=tmp_path))
        world.make_type("first", initializer=True)
        world.make_type("both", initializer=True, terminator=True)
        world.make_type("last", terminator=True)
        waiting = world.make_workspace("first")["spec"]["cluster"]
        world.make_workspace("last")
        done = world.make_workspace("both")["spec"]["cluster"]
        status, found = world.request(
            "PATCH",
            f"{world.initializing('both', done)}{LOGICAL_CLUSTERS}/cluster/status",
            {"status": {"initializers": []}},
            media=MERGE,
        )
        assert status == 200, found
        gone = world.make_workspace("first")
        assert world.provider.request("DELETE", f"{WORKSPACES}/{gone['metadata']['name']}")[0] == 200
        ends = world.make_workspace("both")
        assert world.provider.request("DELETE", f"{WORKSPACES}/{ends['metadata']['name']}")[0] == 200
        ended = world.make_workspace("last")
        assert world.provider.request("DELETE", f"{WORKSPACES}/{ended['metadata']['name']}")[0] == 200
        view = world.terminating("last", ended["spec"]["cluster"])
        body = {"status": {"terminators": []}}
        status, found = world.request("PATCH", f"{view}{LOGICAL_CLUSTERS}/cluster/status", body, media=MERGE)
        assert status == 200, found
        world.wait_for(lambda: world.workspace(ended["metadata"]["name"])[0] == 404)
    wanted = {
        ("initializers", world.initializer("first"), waiting),
        ("terminators", world.initializer("both"), ends["spec"]["cluster"]),
    }
    store = tmp_path / "server" / "root" / "store.sqlite"
    assert asyncio.run(rows(store, forget=True)) == wanted
    with running_server(tmp_path / "server") as again:
        world = World(again, world.provider)
        assert world.seen(world.initializing("first")) == [waiting]
        assert world.seen(world.terminating("both")) == [ends["spec"]["cluster"]]
    assert asyncio.run(rows(store)) == wanted
