"""What the process around the API costs per request: run with `make bench`."""

import asyncio

import pytest
import uvloop

from manifold.server.exchange import chunk
from manifold.server.health import LOG, PING, answer
from manifold.server.metrics import Registry
from manifold.server.process_metrics import REQUEST_BOUNDS, RequestMetrics
from manifold.server.serving import Server

HEADERS = [
    (b"audit-id", b"0" * 36),
    (b"cache-control", b"no-cache, private"),
    (b"content-type", b"application/json"),
    (b"content-length", b"1000"),
]
REQUEST = (
    b"GET /api/v1/namespaces/default/configmaps/x HTTP/1.1\r\nHost: localhost\r\nUser-Agent: client/1.0\r\n"
    b"Accept: application/json\r\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\r\n\r\n"
)


async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"x" * 1000})


class Nowhere(asyncio.Transport):
    """A transport whose bytes go nowhere, so that only our own work is measured."""

    def write(self, data):
        pass

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def is_closing(self):
        return False


def test_a_request_through_the_protocol(benchmark):
    loop = uvloop.new_event_loop()

    async def prepare():
        connection = Server(application, None)._connection()
        connection.connection_made(Nowhere())
        return connection

    connection = loop.run_until_complete(prepare())

    async def turns():
        for _ in range(100):
            connection.data_received(REQUEST)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    benchmark(lambda: loop.run_until_complete(turns()))
    loop.close()


def test_observe(benchmark):
    histogram = Registry().histogram("seconds", "Time.", REQUEST_BOUNDS).child()
    benchmark(histogram.observe, 0.0003)


def test_observe_a_request(benchmark):
    requests = RequestMetrics(Registry())
    benchmark(requests.observe, ("get", "", "v1", "configmaps", ""), 200, 0.0003)


@pytest.mark.parametrize("series", [10, 500])
def test_exposition(benchmark, series):
    registry = Registry()
    requests = RequestMetrics(registry)
    for number in range(series):
        requests.observe(("get", f"group-{number}", "v1", "things", ""), 200, 0.1)
    benchmark(registry.text)


def test_chunk(benchmark):
    benchmark(chunk, b"x" * 1000)


def test_health(benchmark):
    benchmark(answer, "/readyz", b"", [PING, LOG])
