"""Connections that are upgraded through a mount, as `kubectl exec` and `port-forward` do: bytes, both ways."""

import contextlib
import select
import socket
import ssl
import threading
import time

import pytest
from mounting import ENTER, WORKSPACES, grant, until, workspace_of

EXEC = "/api/v1/namespaces/default/pods/x/exec?command=sh"
GREETING = b"hello"


class Speaker:
    """A server that agrees to speak something else, greets, and says everything again until it hears `bye`."""

    def __init__(self, certificate, refuses=False):
        self.heads = []
        self.refuses = refuses
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.open = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        with contextlib.suppress(OSError), self._context.wrap_socket(raw, server_side=True) as connection:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65536)
            self.heads.append(head.partition(b"\r\n\r\n")[0].decode().lower())
            if self.refuses:
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
                return
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
                b"X-Stream-Protocol-Version: v4\r\nSet-Cookie: a=b\r\n\r\n" + GREETING
            )
            self.open += 1
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
                    if data.endswith(b"bye"):
                        return
            finally:
                self.open -= 1

    def close(self):
        self._listener.close()


@contextlib.contextmanager
def upgraded(place, *headers, early=b""):
    """A connection to a mounted workspace behind a request to upgrade it, and the head of the answer."""
    server = place.server
    context = ssl.create_default_context(cafile=str(server.authority))
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    with context.wrap_socket(raw, server_hostname="127.0.0.1") as connection:
        lines = [
            f"POST /clusters/{place.path}{EXEC} HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {server.token('alice')}",
            "Connection: Upgrade",
            "Upgrade: SPDY/3.1",
            "Cookie: c=d",
            *headers,
        ]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + early)
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(65536)
            assert data, head
            head += data
        head, _, rest = head.partition(b"\r\n\r\n")
        yield connection, head.decode().lower(), rest


def receive(connection, count, data=b""):
    while len(data) < count:
        more = connection.recv(65536)
        assert more, data
        data += more
    return data


@pytest.fixture
def speaking(pair, certificate):
    """A mount of a speaker."""
    made = []

    def make(**options):
        speaker = Speaker(certificate, **options)
        made.append(speaker)
        pair.define()
        pair.land(url=speaker.url)
        grant(pair.front, "enter-alice", "alice", ENTER)
        status, found = pair.front.request("POST", WORKSPACES, workspace_of("mnt"))
        assert (status, found["status"]["phase"]) == (201, "Ready")
        return speaker, pair.through("mnt")

    yield make
    for speaker in made:
        speaker.close()


def echoed(connection, data):
    """Send, and receive what comes back meanwhile, in one thread: a TLS connection is not for two."""
    sent, received = 0, b""
    deadline = time.monotonic() + 30
    patience = connection.gettimeout()
    connection.setblocking(False)
    while len(received) < len(data):
        assert time.monotonic() < deadline, (sent, len(received))
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            sent += connection.send(data[sent : sent + 16384]) if sent < len(data) else 0
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
            more = connection.recv(65536)
            assert more, (sent, len(received))
            received += more
        if not connection.pending():
            select.select([connection], [connection] if sent < len(data) else [], [], 0.05)
    connection.settimeout(patience)
    return received


def test_bytes_go_both_ways(speaking):
    speaker, place = speaking()
    with upgraded(place, "X-Stream-Protocol-Version: v4", early=b"early") as (connection, head, rest):
        lines = head.splitlines()
        assert lines[0] == "http/1.1 101 switching protocols"
        assert {"connection: upgrade", "upgrade: spdy/3.1", "x-stream-protocol-version: v4"} <= set(lines)
        assert "set-cookie" not in head
        assert receive(connection, len(GREETING) + 5, rest) == GREETING + b"early"
        for size in (1, 1000, 700_000):
            assert echoed(connection, b"x" * size) == b"x" * size
        connection.sendall(b"bye")
        assert receive(connection, 3) == b"bye"
        assert connection.recv(10) == b""
    sent = speaker.heads[0]
    assert sent.startswith(f"post {EXEC}")
    assert {"connection: upgrade", "upgrade: spdy/3.1", "impersonate-user: alice"} <= set(sent.splitlines())
    assert "authorization" not in sent
    assert "cookie" not in sent


def test_tokens_in_websocket_protocols_stay_here(speaking):
    speaker, place = speaking()
    protocols = "Sec-WebSocket-Protocol: v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.c2VjcmV0"
    with upgraded(place, protocols, "Sec-WebSocket-Version: 13") as (_connection, head, _rest):
        assert "101" in head
    sent = speaker.heads[0].splitlines()
    assert "sec-websocket-protocol: v5.channel.k8s.io" in sent
    assert "sec-websocket-version: 13" in sent


def test_who_does_not_agree_answers(speaking):
    _speaker, place = speaking(refuses=True)
    with upgraded(place) as (connection, head, rest):
        assert head.splitlines()[0] == "http/1.1 403 forbidden"
        assert receive(connection, 2, rest) == b"no"


@pytest.mark.parametrize("end", ["client", "mount", "right"])
def test_what_ends_one_end_ends_the_other(speaking, pair, end):
    speaker, place = speaking()
    with upgraded(place) as (connection, _head, rest):
        receive(connection, len(GREETING), rest)
        assert speaker.open == 1
        if end == "mount":
            pair.say(phase="Unknown")
        elif end == "right":
            path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/enter-alice"
            assert pair.front.request("DELETE", path)[0] == 200
        if end != "client":
            assert connection.recv(10) == b""
    until(lambda: speaker.open == 0)


def test_other_paths_do_not_upgrade(server, workspace):
    with upgraded(workspace) as (_connection, head, _rest):
        assert head.splitlines()[0].startswith("http/1.1 4")
