"""Connections that keep the server waiting are closed; those that have a reason to be quiet are not."""

import asyncio
import os
import socket
import ssl
import time

import pytest

from manifold.server import certificates, process, serving, transport
from manifold.server.address import addresses
from manifold.server.settings import resolve


class Application:
    """Answers at once, or with a body that never ends, or only after a while."""

    async def __call__(self, scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        if scope["path"] == "/long":
            await asyncio.sleep(1.5)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/endless":
            direct = scope["extensions"]["transport"]
            while not direct.closing:
                direct.write(b"x" * 65536)
                if direct.paused:
                    await direct.drain()
            return
        await send({"type": "http.response.body", "body": b"done"})


@pytest.fixture
def quick(monkeypatch):
    """Limits short enough to wait for."""
    monkeypatch.setattr(serving, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(serving, "SWEEP_TICKS", 1)
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "IDLE_SECONDS", "STALLED_SECONDS"):
        monkeypatch.setattr(transport, name, 0.5)


async def conversation(data, pause=b"", read=True, seconds=5.0):
    """Serve, send `data`, then `pause` byte by byte slowly. What came back, and how long the connection lived."""
    server = serving.Server(Application(), None)
    listener = serving.bind("127.0.0.1", 0)
    await server.start(listener)
    reader, writer = await asyncio.open_connection(*listener.getsockname(), limit=1024)
    begun = time.monotonic()
    writer.write(data)
    answer = b""
    try:
        async with asyncio.timeout(seconds):
            for byte in pause:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.1)
                if reader.at_eof() or writer.is_closing():
                    break
            if read:
                answer = await reader.read(-1)
            else:
                while server.connections:  # noqa: ASYNC110  # the server has no event for it
                    await asyncio.sleep(0.05)
    except (TimeoutError, ConnectionError):
        pass
    lived = time.monotonic() - begun
    writer.close()
    await server.stop(0.1)
    return answer, lived


HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("data", "pause"),
    [
        (b"", b""),
        (HEAD, b""),
        (HEAD, b"X-Slow: " + b"a" * 40),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", b""),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", b"a" * 40),
        (HEAD + b"\r\n", b""),
        (HEAD + b"\r\n" + HEAD, b""),
    ],
    ids=["silent", "half a head", "trickling head", "no body", "trickling body", "idle", "half a second head"],
)
def test_those_that_keep_it_waiting_are_closed(quick, data, pause):
    answer, lived = asyncio.run(conversation(data, pause))
    assert 0.4 < lived < 4
    assert answer.count(b"done") == data.count(b"\r\n\r\n" if data.startswith(b"GET") else b"never")


def test_a_reader_that_stops_reading_is_cut(quick):
    _, lived = asyncio.run(conversation(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n", read=False))
    assert 0.4 < lived < 4


def test_a_long_request_is_waited_for(quick):
    answer, lived = asyncio.run(conversation(b"GET /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    assert b"done" in answer
    assert lived > 1.4


def serial(context):
    """The serial number of the certificate a server with `context` shows, found by a handshake."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(ours, theirs, server_side=False)
    other = context.wrap_bio(theirs, ours, server_side=True)
    for _ in range(5):
        for side in (one, other):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    from cryptography import x509

    return x509.load_der_x509_certificate(one.getpeercert(True)).serial_number


async def until_changed(context, settings, where, acts=()):
    """Keep the certificate of `context` until the one shown is another; whether that happened. `acts` are done before,
    with time in between in which the old one must go on being served."""
    before = serial(context)
    keeper = asyncio.create_task(process._keep_certificate(settings, where, context))
    for act in acts:
        await asyncio.sleep(0.3)
        assert serial(context) == before
        act()
    for _ in range(100):
        if serial(context) != before:
            break
        await asyncio.sleep(0.05)
    keeper.cancel()
    return serial(context) != before


def test_our_own_certificate_is_renewed_while_it_serves(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "OWN_CHECK_SECONDS", 0.1)
    settings = resolve({"root-directory": str(tmp_path)}, {})
    where = addresses(settings, 6443)
    old = certificates.ensure(tmp_path, where.names, time.time() - 340 * certificates.DAY)
    context = serving.tls_context(old.chain, old.key, None)
    assert asyncio.run(until_changed(context, settings, where))


def test_a_given_certificate_is_read_again_when_it_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "GIVEN_CHECK_SECONDS", 0.1)
    first, second = (certificates.ensure(tmp_path / name, ["localhost"], time.time()) for name in ("a", "b"))
    flags = {"tls-cert-file": str(first.chain), "tls-private-key-file": str(first.key)}
    settings = resolve(flags, {})
    context = serving.tls_context(first.chain, first.key, None)

    acts = [lambda: os.replace(second.chain, first.chain), lambda: os.replace(second.key, first.key)]
    assert asyncio.run(until_changed(context, settings, addresses(settings, 6443), acts))


def test_an_own_address_is_one_of_this_machine():
    from manifold.server.address import own_address

    for wildcard in ("0.0.0.0", "::"):
        found = own_address(wildcard)
        with socket.socket(socket.AF_INET6 if ":" in found else socket.AF_INET) as probe:
            probe.bind((found, 0))
