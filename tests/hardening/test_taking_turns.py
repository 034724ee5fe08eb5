"""Requests take turns by logical cluster: bounds, order, refusals, and nothing left behind."""

import asyncio
import contextlib
import time

import pytest
from hostile import Client
from hypothesis import given
from hypothesis import strategies as st

from manifold.base.errors import StatusError
from manifold.base.user import User
from manifold.server.fairness import PER_CLUSTER, Turns
from manifold.server.metrics import Registry
from manifold.server.request import Request
from manifold.server.services import Services


def turns(**bounds) -> Turns:
    return Turns(
        Registry(), **{"total": 4, "per_cluster": 2, "queue": 3, "all_queues": 8, "wait_seconds": 5.0, **bounds}
    )


def metric(of: Turns, name: str) -> float:
    text = {"executing": of._total - of._free, "queued": of._waiting, "held": sum(of._held.values())}
    return text[name]


def test_nobody_waits_while_there_are_places():
    some = turns()
    assert [some.enter("a"), some.enter("a"), some.enter("a")] == [True, True, False]
    assert [some.enter("b"), some.enter("b"), some.enter("c")] == [True, True, False]
    for cluster in "aabb":
        some.leave(cluster)
    assert not some._held
    assert metric(some, "executing") == 0


def test_places_go_to_clusters_in_turn():
    async def run() -> list[str]:
        some = turns(total=1, per_cluster=1, queue=10, all_queues=20)
        order = []

        async def request(cluster):
            if not some.enter(cluster):
                await some.wait(cluster)
            order.append(cluster)
            await asyncio.sleep(0)
            some.leave(cluster)

        async with asyncio.TaskGroup() as group:
            for cluster in "aaaaaabbc":
                group.create_task(request(cluster))
        assert not some._queues
        assert not some._held
        return order

    order = asyncio.run(run())
    assert "".join(order) == "aabcabaaa", order


def test_a_full_queue_is_told_to_come_again():
    async def run():
        some = turns(total=1, per_cluster=1, queue=2)
        assert some.enter("a")
        waiting = [asyncio.create_task(some.wait("a")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(StatusError) as refused:
            await some.wait("a")
        assert (refused.value.code, refused.value.reason, refused.value.retry_after) == (429, "TooManyRequests", 1)
        assert refused.value.status()["details"] == {"retryAfterSeconds": 1}
        other = asyncio.create_task(some.wait("b"))
        await asyncio.sleep(0)
        for cluster, next_one in (("a", waiting[0]), ("a", other), ("b", waiting[1])):
            some.leave(cluster)
            await next_one
        some.leave("a")
        assert not some._held

    asyncio.run(run())


def test_who_waits_too_long_is_told_to_come_again():
    async def run():
        some = turns(total=1, per_cluster=1, wait_seconds=0.02)
        assert some.enter("a")
        with pytest.raises(StatusError) as refused:
            await some.wait("b")
        assert refused.value.code == 429
        assert metric(some, "queued") == 0
        some.leave("a")
        assert some.enter("b")

    asyncio.run(run())


def test_who_gives_up_leaves_no_trace():
    async def run():
        some = turns(total=1, per_cluster=1)
        assert some.enter("a")
        gone, stays = (asyncio.create_task(some.wait("b")) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        some.leave("a")
        await stays
        with pytest.raises(asyncio.CancelledError):
            await gone
        some.leave("b")
        assert metric(some, "queued") == metric(some, "executing") == 0
        assert not some._queues

    asyncio.run(run())


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3), st.booleans()), max_size=60))
def test_places_are_neither_lost_nor_given_twice(requests):
    """Whatever comes, goes and gives up: the bounds hold, and in the end every place is free."""

    async def run():
        some = turns()
        under_way = dict.fromkeys("abcd", 0)

        async def request(cluster, steps):
            try:
                if not some.enter(cluster):
                    await some.wait(cluster)
            except StatusError:
                return
            under_way[cluster] += 1
            assert under_way[cluster] <= 2
            assert sum(under_way.values()) <= 4
            try:
                for _ in range(steps):
                    await asyncio.sleep(0)
            finally:
                under_way[cluster] -= 1
                some.leave(cluster)

        tasks = []
        for cluster, steps, gives_up in requests:
            tasks.append(asyncio.create_task(request(cluster, steps)))
            if gives_up:
                await asyncio.sleep(0)
                tasks[-1].cancel()
        for done in await asyncio.gather(*tasks, return_exceptions=True):
            assert done is None or isinstance(done, asyncio.CancelledError), done
        assert not some._held
        assert not some._queues
        assert metric(some, "queued") == metric(some, "executing") == 0

    asyncio.run(run())


def test_a_turn_costs_next_to_nothing_where_nobody_waits():
    some = turns()
    begun = time.perf_counter()
    for _ in range(100_000):
        some.enter("a")
        some.leave("a")
    assert time.perf_counter() - begun < 0.5  # 5 us each; it takes a tenth of that


def test_a_server_with_more_watches_than_places(server, workspace):
    """A watch gives its place back when it begins, so that any number may be open."""
    path = f"/clusters/{workspace.path}/api/v1/configmaps?watch=true"
    head = f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {server.token()}\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        for _ in range(PER_CLUSTER + 10):
            client = stack.enter_context(Client(server))
            client.open().sendall(head)
            assert client.open().recv(12) == b"HTTP/1.1 200"
        assert workspace.request("GET", "/api/v1/configmaps")[0] == 200
        status, body = server.request("GET", "/metrics", user="master")
        assert status == 200
        assert "\nmanifold_flowcontrol_executing_requests 0\n" in body
        assert "\nmanifold_flowcontrol_queued_requests 0\n" in body


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/services/shared/a/clusters/*/apis", "/services/shared/a"),
        ("/services/shared/b/clusters/root/api/v1/secrets", "/services/shared/b"),
        ("/services/own/self/clusters/*/apis", "/services/own/self/alice"),
        ("/services/own/self/clusters/root:a/apis", "/services/own/self/alice"),
        ("/services/nothing/a/clusters/*/apis", "/services/nothing/a"),
        ("/services/own", "/services/own/alice"),
        ("/services/", "/services/"),
    ],
)
def test_views_have_turns_of_their_own(path, place):
    """The users of a view share them; where everybody asks about himself, nobody waits for others."""

    services = Services({}, per_caller=("own",))
    scope = {"method": "GET", "headers": [], "query_string": b"", "raw_path": path.encode()}
    request = Request(scope, None)
    request.user = User("alice")
    assert services.place(request) == place
