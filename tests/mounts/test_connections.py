"""Connections to mounted servers: which serve many requests, which serve one, and what is asked again."""

import contextlib
import shutil
import socket
import ssl
import threading
import time
from dataclasses import replace

import pytest
from mounting import ENTER, MAPS, WORKSPACES, grant, opened, until, workspace_of
from support.server import running_server
from targets import Relay, Target, answer

ALICE = {"user": "alice"}
KEPT = 16
"""How many connections to one server wait at most."""


def named(name):
    return {"metadata": {"name": name, "labels": {"mine": ""}}}


@pytest.fixture
def relayed(pair):
    """A mount of the real server behind a relay."""
    relay = Relay(pair.behind.server.port)
    place = pair.mount()
    lead(pair, f"{relay.url}/clusters/{pair.behind.path}")
    yield relay, place
    relay.close()


def lead(pair, url):
    """Have the mount lead elsewhere."""
    pair.land(url=url)
    until(lambda: pair.front.request("GET", f"{WORKSPACES}/mnt")[1]["spec"]["URL"] == url)


@pytest.fixture
def leading(pair, certificate):
    """Makes a mount of a server that does as told."""
    targets = []

    def make(act):
        target = Target(certificate, act)
        targets.append(target)
        if len(targets) == 1:
            pair.define()
            pair.land(url=target.url)
            grant(pair.front, "enter-alice", "alice", ENTER)
            assert pair.front.request("POST", WORKSPACES, workspace_of("mnt"))[1]["status"]["phase"] == "Ready"
        else:
            lead(pair, target.url)
        return target, pair.through()

    yield make
    for target in targets:
        target.close()


def at_once(work, count):
    """Call a function from that many threads."""
    results = [None] * count

    def run(number):
        results[number] = work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_many_requests_use_few_connections(relayed, pair):
    relay, place = relayed
    grant(pair.front, "enter-bob", "bob", ENTER)
    for number in range(15):
        assert place.request("POST", MAPS, named(f"map-{number}"), **ALICE)[0] == 201
        assert place.request("GET", f"{MAPS}/map-{number}", **ALICE)[1]["metadata"]["name"] == f"map-{number}"
        status, found = place.request("GET", MAPS, user="bob")  # each is introduced by itself
        assert (status, 'User "bob" cannot list' in found["message"]) == (403, True)
    assert place.request("DELETE", f"{MAPS}/map-0", **ALICE)[0] == 200
    assert place.request("GET", f"{MAPS}/map-0", **ALICE)[0] == 404
    assert relay.accepted < 5  # a pause of the machine may cost one


def test_nobody_gets_the_answer_of_another(relayed):
    relay, place = relayed

    def ask(number):
        name = f"map-{number}"
        body = {**named(name), "data": {"text": name * 2000}}
        assert place.request("POST", MAPS, body, **ALICE)[0] == 201
        for _ in range(10):
            status, found = place.request("GET", f"{MAPS}/{name}", **ALICE)
            assert (status, found["data"]) == (200, {"text": name * 2000})
        return True

    assert all(at_once(ask, 8))
    assert relay.accepted <= 8


def test_few_wait_and_not_for_long(relayed):
    relay, place = relayed
    streams = contextlib.ExitStack()
    with streams:
        path = f"{MAPS}?labelSelector=mine&watch=1&timeoutSeconds=2"
        many = [streams.enter_context(opened(place, path)) for _ in range(KEPT + 8)]
        assert relay.open == KEPT + 8
        assert [one.read() for one in many] == [b""] * len(many)
        until(lambda: relay.open <= KEPT)
    assert place.request("GET", MAPS, **ALICE)[0] == 200
    assert relay.accepted == KEPT + 8
    until(lambda: relay.open == 0)
    assert place.request("GET", MAPS, **ALICE)[0] == 200
    assert relay.accepted == KEPT + 9


def test_a_stream_that_is_left_takes_its_connection_along(relayed, pair):
    relay, place = relayed
    with opened(place, f"{MAPS}?labelSelector=mine&watch=1") as stream:
        assert place.request("POST", MAPS, named("one"), **ALICE)[0] == 201
        assert b'"one"' in stream.readline()
        assert place.request("GET", MAPS, **ALICE)[0] == 200
        assert (relay.accepted, relay.open) == (2, 2)
        assert place.request("POST", MAPS, named("two"), **ALICE)[0] == 201
        assert b'"two"' in stream.readline()
    until(lambda: relay.open < 2)
    assert place.request("GET", MAPS, **ALICE)[0] == 200


def test_a_server_that_is_started_again(servers, pair, tmp_path):
    front, _behind = servers
    directory, authority = tmp_path / "again", front.root.parent.parent
    (directory / "root").mkdir(parents=True, mode=0o700)
    for name in ("ca.crt", "ca.key"):  # the front trusts what this one issues for itself
        shutil.copy(authority / name, directory / "root" / name)
    flags = ["--client-ca-file", str(authority / "ca.crt")]
    place = pair.mount()
    with running_server(directory, *flags) as server:
        behind = server.create_workspace(directory=tmp_path)
        again = replace(pair, behind=behind)
        again.trust()
        grant(behind, "all-alice", "alice", ENTER, {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]})
        relay = Relay(server.port)
        lead(pair, f"{relay.url}/clusters/{behind.path}")
        status, found = place.request("POST", MAPS, named("one"), **ALICE)
        assert status == 201, found
        assert relay.open == 1
        assert server.stop() == 0
        until(lambda: relay.open == 0)
        status, found = place.request("GET", MAPS, **ALICE)
        assert (status, found["reason"]) == (503, "ServiceUnavailable")
    with running_server(directory, *flags) as server:
        relay.to = server.port
        assert place.request("POST", MAPS, named("two"), **ALICE)[0] == 201
        assert place.request("GET", f"{MAPS}/one", **ALICE)[0] == 200
    relay.close()


@pytest.mark.parametrize("way", ["silently", "announced", "old"])
def test_a_server_that_ends_connections(leading, way):
    """After each answer, whether it says so or not."""

    def act(connection, _number, _count, head):
        if head.startswith("post"):
            target.body(connection, head)
        told = answer(b"{}", b"Connection: close") if way == "announced" else answer()
        connection.sendall(told.replace(b"HTTP/1.1", b"HTTP/1.0") if way == "old" else told)
        return way == "announced"  # the front ends it then

    target, place = leading(act)
    for _ in range(5):
        assert place.request("GET", "/api", **ALICE) == (200, {})
        assert place.request("POST", MAPS, named("x"), **ALICE) == (200, {})
        until(lambda: target.open == 0)
    assert target.accepted == len(target.requests) == 10


@pytest.mark.parametrize(
    ("method", "body", "again"),
    [
        ("GET", None, True),
        ("HEAD", None, True),
        ("OPTIONS", None, True),
        ("GET", named("x"), False),
        ("POST", named("x"), False),
        ("PUT", named("x"), False),
        ("PATCH", named("x"), False),
        ("DELETE", None, False),
        ("DELETE", named("x"), False),
    ],
)
def test_what_is_asked_again_where_a_connection_ends_without_an_answer(leading, method, body, again):
    def act(connection, _number, count, _head):
        if count == 1:
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        return count == 1

    target, place = leading(act)
    for _ in range(5):
        target.requests.clear()
        assert place.request("TRACE", "/first", **ALICE)[0] == 204
        status, found = place.request(method, MAPS, body, **ALICE)
        if again or status != 204:
            break  # else the machine has paused, and it went out over a connection of its own
    first, *others = [number for number, _ in target.requests]
    if again:
        assert (status, others) == (204, [first, first + 1])
    else:
        text = "error trying to reach the mounted server: it broke off the connection before it answered"
        assert (status, found["message"]) == (503, text)
    assert target.seen(method.lower()) == 1 + again


def test_what_cannot_be_asked_again_goes_over_what_has_just_served(leading):
    def act(connection, _number, _count, head):
        if head.startswith("post"):
            target.body(connection, head)
        connection.sendall(answer())
        return True

    target, place = leading(act)
    assert place.request("GET", "/api", **ALICE) == (200, {})
    time.sleep(1.2)
    assert place.request("POST", "/api", named("x"), **ALICE) == (200, {})
    assert place.request("GET", "/api", **ALICE) == (200, {})
    assert [number for number, _ in target.requests] == [1, 2, 2]


@pytest.mark.parametrize("opening", [b"", b"HTTP/1.1 200", b"HTTP/1.1 100 Continue\r\n\r\n", b"nonsense\r\n\r\n"])
def test_nothing_is_asked_a_third_time_or_when_an_answer_has_begun(leading, opening):
    def act(connection, number, count, _head):
        if (number, count) == (1, 1):
            connection.sendall(answer())
            return True
        connection.sendall(opening)
        return False

    target, place = leading(act)
    assert place.request("GET", "/first", **ALICE)[0] == 200
    status, found = place.request("GET", "/second", **ALICE)
    assert (status, found["reason"]) == (503, "ServiceUnavailable")
    assert len(target.requests) == (2 if opening else 3)


@pytest.mark.parametrize("late", [False, True])
def test_what_comes_behind_an_answer_is_no_answer(leading, late):
    wrong = answer(b'{"wrong": true}')

    def act(connection, number, _count, _head):
        connection.sendall(answer() + (b"" if late or number > 1 else wrong))
        if late and number == 1:
            time.sleep(0.2)
            connection.sendall(wrong)
        return True

    target, place = leading(act)
    assert place.request("GET", "/first", **ALICE) == (200, {})
    time.sleep(0.8 if late else 0)  # it has come by then, and the connection would still wait
    for _ in range(3):
        assert place.request("GET", "/other", **ALICE) == (200, {})
    assert [number for number, _ in target.requests] == [1, 2, 2, 2]


def test_an_answer_that_breaks_off(leading):
    def act(connection, number, _count, _head):
        connection.sendall(answer(b"x" * 100)[:-50] if number == 1 else answer())
        return number > 1

    target, place = leading(act)
    with contextlib.closing(raw(place)) as connection, contextlib.suppress(ConnectionError, ssl.SSLError):
        connection.sendall(head_of(place, "GET", "/api"))
        found = b""
        while data := connection.recv(65536):
            found += data
    assert b"200 OK" in found
    assert b"x" * 51 not in found
    assert place.request("GET", "/api", **ALICE) == (200, {})
    assert target.accepted == 2


def raw(place):
    """A connection to the server of a place."""
    context = ssl.create_default_context(cafile=str(place.server.authority))
    plain = socket.create_connection(("127.0.0.1", place.server.port), timeout=20)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def head_of(place, method, path, *headers):
    lines = [
        f"{method} /clusters/{place.path}{path} HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {place.server.token('alice')}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_body_that_fails_midway(leading):
    target = None

    def act(connection, _number, _count, head):
        if head.startswith("post"):
            target.body(connection, head)
        connection.sendall(answer())
        return True

    target, place = leading(act)
    assert place.request("GET", "/api", **ALICE) == (200, {})
    with contextlib.closing(raw(place)) as connection:
        connection.sendall(head_of(place, "POST", MAPS, "Content-Length: 1000") + b"x" * 100)
        until(lambda: target.seen("post") == 1)
    until(lambda: target.bodies == [b"x" * 100])
    assert place.request("POST", MAPS, named("whole"), **ALICE) == (200, {})
    assert target.requests[2][0] > target.requests[1][0]
    assert b"whole" in target.bodies[1]


def test_an_answer_before_the_whole_body(leading):
    def act(connection, number, _count, _head):
        connection.sendall(answer(b'{"early": true}') if number == 1 else answer())
        return True

    target, place = leading(act)
    with contextlib.closing(raw(place)) as connection:
        connection.sendall(head_of(place, "POST", MAPS, "Content-Length: 1000") + b"x" * 100)
        assert b"200 OK" in connection.recv(65536)
    assert place.request("GET", "/api", **ALICE) == (200, {})
    assert [(number, line[:4]) for number, line in target.requests] == [(1, "post"), (2, "get ")]


def test_a_refused_upgrade_leaves_nothing_behind(leading):
    def act(connection, _number, _count, _head):
        connection.sendall(answer())
        return True

    target, place = leading(act)
    headers = {"Connection": "Upgrade", "Upgrade": "SPDY/3.1"}
    assert place.request("GET", "/api", **ALICE) == (200, {})
    assert place.request("POST", "/exec", headers=headers, **ALICE) == (200, {})
    assert place.request("GET", "/api", **ALICE) == (200, {})
    assert [number for number, _ in target.requests] == [1, 2, 1]


def test_a_mount_that_leads_elsewhere_leaves_old_connections(leading):
    def act(connection, _number, _count, head):
        if head.startswith("post"):
            second.body(connection, head)
        connection.sendall(answer())
        return True

    first, place = leading(act)
    assert place.request("GET", "/api", **ALICE) == (200, {})
    second, place = leading(act)
    for _ in range(3):
        assert place.request("POST", "/api", named("x"), **ALICE) == (200, {})
    assert (len(first.requests), len(second.requests), first.accepted) == (1, 3, 1)
    until(lambda: first.open == second.open == 0)
