"""How a watch goes on and ends: by time, by signal, with slow readers; and the order all watchers see."""

import contextlib
import itertools
import json
import signal
import socket
import threading
import time

from support.server import Workspace, running_server, write_kubeconfig
from watch_streams import SECRETS, Room, Stream, seen


def test_the_time_a_client_asks_for(room):
    begun = time.monotonic()
    stream = room.watch(timeoutSeconds=1)
    room.create("a")
    assert seen(stream.rest()) == [("ADDED", "a")]
    assert time.monotonic() - begun >= 0.9


def test_the_connection_serves_on_after_a_watch(room):
    stream = room.watch(timeoutSeconds=1)
    stream.rest()
    stream.connection.request("GET", "/readyz")
    assert stream.connection.getresponse().read() == b"ok"


def test_all_watchers_see_one_order(room):
    streams = [room.watch() for _ in range(3)]
    streams += [room.watch("/api/v1/secrets", fieldSelector="metadata.namespace=default")]

    def write(writer: int) -> None:
        for number in range(10):
            room.create(f"w{writer}-{number}")
            room.merge(f"w{writer}-{number}", stringData={"x": "1"})

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(3)]
    for one in writers:
        one.start()
    orders = [
        [(event["type"], event["object"]["metadata"]["resourceVersion"]) for event in stream.events(60)]
        for stream in streams
    ]
    for one in writers:
        one.join()
    revisions = [int(revision) for _, revision in orders[0]]
    assert revisions == sorted(set(revisions))
    assert all(order == orders[0] for order in orders)


def test_a_slow_reader_is_cut_between_events_and_can_resume(room):
    """More is written than may wait for a reader who does not read; what it has got is whole, and it can go on."""
    revision = room.revision()
    slow = room.watch(resourceVersion=revision)
    slow.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    names, block = itertools.count(), "x" * 900_000
    for _ in range(32):
        room.create(f"n{next(names):03}", block=block)
    got = [json.loads(text) for text in slow.answer.read().splitlines()]
    assert 0 < len(got) < 32, "nothing was held back"
    assert seen(got) == [("ADDED", f"n{number:03}") for number in range(len(got))]
    last = got[-1]["object"]["metadata"]["resourceVersion"]
    again = room.watch(resourceVersion=last)
    assert seen(again.events(32 - len(got))) == [("ADDED", f"n{number:03}") for number in range(len(got), 32)]


def test_a_reader_that_goes_away_is_forgotten(room):
    gone = room.watch()
    gone.connection.close()
    room.create("a")
    assert seen(room.watch().events(1)) == [("ADDED", "a")]


def test_a_signal_ends_watches_at_an_event(tmp_path):
    with running_server(tmp_path / "server") as server:
        workspace = server.create_workspace(directory=tmp_path)
        assert workspace.request("POST", SECRETS, {"metadata": {"name": "a"}})[0] == 201
        streams = [Stream(workspace) for _ in range(5)]
        assert [stream.event()["type"] for stream in streams] == ["ADDED"] * 5
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert [stream.rest() for stream in streams] == [[]] * 5
        assert server.process.wait(20) == 0
        assert time.monotonic() - begun < 15
        for stream in streams:
            stream.connection.close()


def test_a_watch_goes_on_after_a_restart_where_it_was(tmp_path):
    """A revision outlives the process."""
    with contextlib.ExitStack() as streams:
        with running_server(tmp_path / "server") as server:
            workspace = server.create_workspace(directory=tmp_path)
            room = Room(workspace, streams)
            revision = room.revision()
            room.create("a")
            room.merge("a", stringData={"n": "1"})
            server.stop(signal.SIGKILL)
        with running_server(tmp_path / "server") as server:
            again = Workspace(server, workspace.name, workspace.path, workspace.cluster, tmp_path / "again.kubeconfig")
            write_kubeconfig(server, again.kubeconfig, again.path)
            room = Room(again, streams)
            stream = room.watch(resourceVersion=revision)
            assert seen(stream.events(2)) == [("ADDED", "a"), ("MODIFIED", "a")]
            room.delete("a")
            assert seen(stream.events(1)) == [("DELETED", "a")]


def test_a_watch_ends_with_its_workspace(server, tmp_path):
    workspace = server.create_workspace(directory=tmp_path)
    assert workspace.request("POST", SECRETS, {"metadata": {"name": "a"}})[0] == 201
    stream = Stream(workspace)
    assert stream.event()["type"] == "ADDED"
    workspace.delete()
    assert {event["type"] for event in stream.rest()} <= {"DELETED"}
    stream.connection.close()
    assert workspace.request("GET", SECRETS)[0] in (403, 404)
