"""Serving over real TLS connections: HTTP/1.1 as clients and attackers speak it."""

import hashlib
import json
import socket
import ssl
import time

import pytest
from served import Reader, client_certificate, request, running

from manifold.server import issuing


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    with running(tmp_path_factory.mktemp("transport") / "root") as started:
        yield started


@pytest.fixture
def connection(process):
    with process.connect() as made:
        yield made


def test_a_request_and_its_scope(connection):
    body = b"x" * 200_000
    connection.sendall(request("/a%20b%2Fc?x=1&y", "POST", body=body))
    status, headers, answer = Reader(connection).answer()
    shown = json.loads(answer)
    assert status == 200
    assert "date" in headers
    assert "server" not in headers
    assert shown["path"] == "/a b/c"
    assert shown["rawPath"] == "/a%20b%2Fc"
    assert shown["query"] == "x=1&y"
    assert shown["method"] == "POST"
    assert shown["body"] == hashlib.sha256(body).hexdigest()
    assert shown["certificate"] is None


def test_a_chunked_body(connection):
    head = request("/", "PUT", ["Transfer-Encoding: chunked"])
    connection.sendall(head + b"3\r\nabc\r\n")
    connection.sendall(b"2;x=y\r\nde\r\n0\r\n\r\n")
    assert json.loads(Reader(connection).answer()[2])["body"] == hashlib.sha256(b"abcde").hexdigest()


def test_keep_alive_and_pipelining(connection):
    reader = Reader(connection)
    for number in range(3):
        connection.sendall(request(f"/{number}"))
        assert json.loads(reader.answer()[2])["path"] == f"/{number}"
    connection.sendall(b"".join(request(f"/{number}", "POST", body=b"b" * number) for number in range(1, 20)))
    for number in range(1, 20):
        shown = json.loads(reader.answer()[2])
        assert (shown["path"], shown["length"]) == (f"/{number}", number)


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 5_000_000])
def test_bodies_of_all_sizes_arrive_whole(connection, size):
    connection.sendall(request(f"/bytes/{size}"))
    _, headers, body = Reader(connection).answer()
    assert headers["content-length"] == str(size)
    assert body == b"x" * size


def test_a_stream(connection):
    connection.sendall(request("/stream") + request("/after"))
    reader = Reader(connection)
    assert reader.answer()[2] == b"piece" * 3
    assert json.loads(reader.answer()[2])["path"] == "/after"


def test_head_has_no_body(connection):
    connection.sendall(request("/bytes/10", "HEAD") + request("/stream", "HEAD") + request("/after"))
    reader = Reader(connection)
    assert reader.answer("HEAD")[1]["content-length"] == "10"
    assert reader.answer("HEAD")[0] == 200
    assert json.loads(reader.answer()[2])["path"] == "/after"


def test_http_1_0_is_answered_without_chunks(connection):
    connection.sendall(request("/stream", version="1.0"))
    status, headers, body = Reader(connection).answer()
    assert (status, body) == (200, b"piece" * 3)
    assert headers["connection"] == "close"
    assert "transfer-encoding" not in headers


def test_connection_close_is_kept(connection):
    connection.sendall(request("/", headers=["Connection: close"]))
    reader = Reader(connection)
    assert reader.answer()[1]["connection"] == "close"
    assert reader.ended()


def test_expect_100_continue(connection):
    head, body = request("/", "POST", ["Expect: 100-continue"], b"abc").split(b"\r\n\r\n")
    connection.sendall(head + b"\r\n\r\n")
    reader = Reader(connection)
    assert reader.head()[0] == 100
    connection.sendall(body)
    assert json.loads(reader.answer()[2])["length"] == 3


def test_a_watch_begins_before_its_first_event_and_is_told_when_the_client_leaves(process):
    with process.connect() as connection:
        connection.sendall(request("/watch"))
        reader = Reader(connection)
        status, headers = reader.head()
        assert (status, headers["transfer-encoding"]) == (200, "chunked")
        assert reader.chunk() == b'{"first":true}\n'


def test_an_upgrade_is_answered_as_a_plain_request_and_ends_the_connection(connection):
    connection.sendall(request("/up", headers=["Connection: Upgrade", "Upgrade: websocket"]))
    reader = Reader(connection)
    status, headers, body = reader.answer()
    assert (status, headers["connection"], json.loads(body)["path"]) == (200, "close", "/up")
    assert reader.ended()


def test_a_fault_is_a_500_without_its_text(connection):
    connection.sendall(request("/fault"))
    status, _, body = Reader(connection).answer()
    assert (status, body) == (500, b"Internal Server Error")


def test_a_header_cannot_be_split(connection):
    connection.sendall(request("/split"))
    status, headers, _ = Reader(connection).answer()
    assert status == 500
    assert "x-injected" not in headers


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01 no http\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\n c\x00: d\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"CONNECT other:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"FR(B / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"FROB / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"FROB FROB / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_and_the_connection_closed(connection, data):
    connection.sendall(data)
    reader = Reader(connection)
    status, _, _ = reader.answer()
    assert status == 400
    assert reader.ended()


@pytest.mark.parametrize("method", ["FROB", "X-1", "G", "GETS", "get", "LIST"])
def test_a_method_nobody_knows_is_passed_on(connection, method):
    reader = Reader(connection)
    for path, body in (("/a", b""), ("/b", b"x" * 70_000), ("/c", b"y")):
        connection.sendall(request(path, method, body=body))
        shown = json.loads(reader.answer()[2])
        assert (shown["method"], shown["path"], shown["length"]) == (method, path, len(body))
    connection.sendall(request("/d"))
    assert json.loads(reader.answer()[2])["method"] == "GET"


@pytest.mark.parametrize("line", ["X-Long: " + "a" * 200_000, "\r\n".join(f"X-{n}: {'b' * 90}" for n in range(2000))])
def test_heads_are_bounded(connection, line):
    connection.sendall(request("/", headers=[line])[:-2])
    reader = Reader(connection)
    assert reader.answer()[0] == 431
    assert reader.ended()


def test_large_heads_below_the_bound_are_taken(connection):
    connection.sendall(request("/ok", headers=["Authorization: Bearer " + "a" * 100_000]))
    assert Reader(connection).answer()[0] == 200


def test_only_http_1_1_is_offered(process):
    with process.connect(alpn=["h2", "http/1.1"]) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"
    with process.connect(alpn=["h2"]) as connection:
        assert connection.selected_alpn_protocol() is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_versions(process, version):
    with process.connect(version=version) as connection:
        connection.sendall(request("/"))
        assert Reader(connection).answer()[0] == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_the_certificate_carries_the_usual_names(process, host):
    with process.connect(host) as connection:
        assert connection.getpeercert()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_refused(process):
    context = ssl.create_default_context(cafile=str(process.root / "ca.crt"))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", process.port), timeout=20) as raw,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(raw, server_hostname="localhost")


@pytest.fixture(scope="module")
def authority():
    now = time.time()
    return issuing.new_authority(now - 60, now + 3600)


def test_client_certificates(tmp_path, authority):
    (tmp_path / "client-ca.crt").write_bytes(authority.certificate_pem)
    good, digest = client_certificate(tmp_path, authority, "alice")
    now = time.time()
    stranger, _ = client_certificate(tmp_path, issuing.new_authority(now - 60, now + 3600), "mallory")
    with running(tmp_path / "root", "--client-ca-file", str(tmp_path / "client-ca.crt")) as process:
        with process.connect() as connection:
            connection.sendall(request("/"))
            assert json.loads(Reader(connection).answer()[2])["certificate"] is None
        with process.connect(certificate=good) as connection:
            reader = Reader(connection)
            for _ in range(2):
                connection.sendall(request("/"))
                assert json.loads(reader.answer()[2])["certificate"] == digest
        assert refused(process, stranger)


def refused(process, certificate) -> bool:
    """Whether a client certificate ends the connection. In TLS 1.3 a client notices only when it reads."""
    try:
        with process.connect(certificate=certificate) as connection:
            connection.sendall(request("/"))
            return connection.recv(1) == b""
    except (ssl.SSLError, ConnectionError):
        return True
