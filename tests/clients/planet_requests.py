"""The custom type of planets.yaml as the tests of clients ask for it beside the client."""

import time
from pathlib import Path

FILES = Path(__file__).parent
PLANETS = "/apis/astronomy.example.com/v1/namespaces/default/planets"
MAPS = "/api/v1/namespaces/default/configmaps"


def planet(name, **spec):
    """A planet."""
    return {"apiVersion": "astronomy.example.com/v1", "kind": "Planet", "metadata": {"name": name}, "spec": spec}


def send(workspace, method, path, body=None, **options):
    """A request that succeeds; its answer."""
    status, answer = workspace.request(method, path, body, **options)
    assert status in (200, 201), answer
    return answer


def until(check, seconds=30):
    """Wait until a function gives something true, and give that."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.05)
    return found


def gone(workspace, path):
    """A check whether nothing is at a path."""
    return lambda: workspace.request("GET", path)[0] == 404
