"""Nobody holds the loop: while one client sends the largest bodies and reads the longest lists, others are answered.

Measured in the server's own terms: the loop's lag, which it samples once a second, and how long it took to answer a
get. What is bounded is time, so it wants a machine that does nothing else, and is run by `make scale`.
"""

import re
import threading
import time

import pytest
from hostile import Client
from support.server import running_server

pytestmark = pytest.mark.scale
OBJECTS = 5_000
SECONDS = 6
BOUND = 0.1
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
PATH = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def own(tmp_path):
    """A server without the traffic of other tests."""
    with running_server(tmp_path / "own") as server:
        yield server


def buckets(server, name: str, labels: str = "") -> dict[float, int]:
    """A histogram's cumulative counts by upper bound."""
    status, text = server.request("GET", "/metrics", user="master")
    assert status == 200
    found = re.findall(rf'^{name}_bucket{{{labels}le="([^"]+)"}} (\d+)$', text, re.MULTILINE)
    assert found, f"no {name}"
    return {float(bound): int(count) for bound, count in found}


def above(before: dict[float, int], after: dict[float, int], bound: float) -> int:
    """How many values above `bound` were observed between two readings."""
    last = float("inf")
    return (after[last] - before[last]) - (after[bound] - before[bound])


def test_large_bodies_and_long_lists_leave_the_loop_to_others(own, tmp_path):
    busy, calm = (own.create_workspace(directory=tmp_path) for _ in range(2))
    crowded = f"/clusters/{busy.path}{PATH}"
    with Client(own) as client:
        for number in range(OBJECTS):
            body = {"metadata": {"name": f"c{number}", "labels": {"half": str(number % 2)}}, "data": {"a": "x" * 200}}
            client.ask("POST", crowded, body).judged(201)
    lines = "".join(f"  k{number}: value {number}\n" for number in range(150_000))
    yaml = f"metadata:\n  name: large\ndata:\n{lines}".encode()[: 3 << 20]
    ends = time.monotonic() + SECONDS
    failures: list[BaseException] = []

    def send():
        with Client(own) as client:
            while time.monotonic() < ends:
                answer = client.ask("POST", f"{crowded}?dryRun=All", yaml, {"content-type": "application/yaml"})
                assert answer.status in (201, 400, 413, 422), answer

    def read():
        with Client(own) as client:
            while time.monotonic() < ends:
                found = client.ask("GET", f"{crowded}?labelSelector=half%3D1", None, {"accept": TABLE}).judged(200)
                assert len(found.json()["rows"]) == OBJECTS // 2
                assert len(client.ask("GET", f"{crowded}?labelSelector=half").judged(200).json()["items"]) == OBJECTS

    def guarded(work):
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in (send, read)]
    get = 'verb="get",group="",version="v1",resource="configmaps",subresource="",'
    gets = 0
    with Client(own) as other:
        other.ask("GET", f"/clusters/{calm.path}{PATH}/kube-root-ca.crt").judged(200)
        lag, waits = buckets(own, "manifold_loop_lag_seconds"), buckets(own, "apiserver_request_duration_seconds", get)
        for thread in threads:
            thread.start()
        while time.monotonic() < ends:
            other.ask("GET", f"/clusters/{calm.path}{PATH}/kube-root-ca.crt").judged(200)
            gets += 1
            time.sleep(0.005)
        for thread in threads:
            thread.join(60)
        assert not failures, failures
        assert gets > SECONDS
        assert above(lag, buckets(own, "manifold_loop_lag_seconds"), BOUND) == 0
        assert above(waits, buckets(own, "apiserver_request_duration_seconds", get), BOUND) == 0
