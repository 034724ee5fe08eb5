"""Nobody waits long for what another workspace does: gets go on while one is full of everything there is.

One workspace installs every real definition, reads OpenAPI in all its forms and lists ten thousand objects in all of
theirs; a get in another is answered within 50 ms all the while. What is bounded is time, so it wants a machine that
does nothing else, and is run by `make scale`. Needs the environment variable MANIFOLD_SHARED, which names the folder of
definitions.
"""

import contextlib
import http.client
import json
import multiprocessing
import os
import ssl
import threading
import time
from pathlib import Path

import pytest
from support.server import running_server

from manifold.schema import yaml_documents

pytestmark = pytest.mark.scale
DEFINITIONS = sorted((Path(os.environ["MANIFOLD_SHARED"]) / "data" / "crds").glob("*/*.yaml"))
BOUND = 0.05
OBJECTS, WRITERS = 10_000, 4
MAPS = "/api/v1/namespaces/default/configmaps"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
TABLE, METADATA = (f"{JSON};as={form};g=meta.k8s.io;v=v1" for form in ("Table", "PartialObjectMetadataList"))
SWAGGER = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
INITIAL = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
WATCH = "watch=1&timeoutSeconds=2"
LISTS = [
    *[("", accept) for accept in (JSON, YAML, PROTOBUF, TABLE, METADATA)],
    *[(query, JSON) for query in ("pretty=true", "limit=500", "limit=1000000", "fieldSelector=metadata.name!%3Dx")],
    *[(f"labelSelector={one}", accept) for one in ("half%3D1", "rare%3D7", "none") for accept in (JSON, TABLE)],
    *[(f"{WATCH}&{query}", JSON) for query in ("", INITIAL, "labelSelector=rare%3D7", "resourceVersion=500")],
    (WATCH, TABLE),
]  # fmt: skip


class Client:
    """A connection that asks in one workspace."""

    def __init__(self, port: int, authority: str, token: str, path: str) -> None:
        context = ssl.create_default_context(cafile=authority)
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=120)
        self._token, self._path = token, f"/clusters/{path}"

    def ask(self, method: str, path: str, body=None, accept=JSON) -> bytes:
        """A request that must succeed, and the whole of its answer."""
        sent = {"Authorization": f"Bearer {self._token}", "Accept": accept, "Content-Type": JSON}
        text = json.dumps(body) if body is not None else None
        self._connection.request(method, f"{self._path}{path}", text, sent)
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status in (200, 201, 409), (path, answer.status, content[:500])
        return content


def gets(where: tuple, ends, waits) -> None:
    """In a process of its own: get the same object again and again, and tell when each began and ended."""
    client = Client(*where)
    while not ends.is_set():
        began = time.time()
        client.ask("GET", f"{MAPS}/kube-root-ca.crt")
        waits.put((began, time.time()))
        time.sleep(0.002)
    waits.put(None)


def fill(where: tuple, first: int) -> None:
    client = Client(*where)
    for number in range(first, OBJECTS, WRITERS):
        labels = {"half": str(number % 2), "rare": str(number % 1000)}
        client.ask("POST", MAPS, {"metadata": {"name": f"c{number:05}", "labels": labels}, "data": {"a": "x" * 700}})


def work(client: Client):
    """What the other workspace does, step by step; gives the name of each before it is done."""
    for path in DEFINITIONS:
        definition, _ = yaml_documents.parse(path.read_bytes())
        if not isinstance(definition, dict) or definition.get("kind") != "CustomResourceDefinition":
            continue
        yield f"definition {path.name}"
        client.ask("POST", CRDS, definition)
        spec = definition["spec"]
        served = next(version["name"] for version in spec["versions"] if version["served"])
        yield f"list of {path.name}"
        client.ask("GET", f"/apis/{spec['group']}/{served}/{spec['names']['plural']}")
    yield "OpenAPI v3"
    for name, one in json.loads(client.ask("GET", "/openapi/v3"))["paths"].items():
        yield f"OpenAPI v3 {name}"
        url = one["serverRelativeURL"]
        client.ask("GET", url[url.index("/openapi") :])
    for accept in (JSON, SWAGGER):
        yield f"OpenAPI v2 {accept}"
        client.ask("GET", "/openapi/v2", accept=accept)
    for query, accept in LISTS:
        yield f"{accept} {query}"
        client.ask("GET", f"{MAPS}?{query}", accept=accept)


def test_a_get_never_waits_for_another_workspace(tmp_path):
    with running_server(tmp_path / "server") as server, contextlib.ExitStack() as stack:
        busy, calm = (
            (server.port, str(server.authority), server.token(), server.create_workspace().path) for _ in "ab"
        )
        writers = [threading.Thread(target=fill, args=(busy, first)) for first in range(WRITERS)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        processes = multiprocessing.get_context("spawn")
        ends, waits = processes.Event(), processes.Queue()
        stack.callback(ends.set)
        processes.Process(target=gets, args=(calm, ends, waits), daemon=True).start()
        found = [waits.get(timeout=30)]
        steps = [(time.time(), "nothing")]
        time.sleep(2)
        client = Client(*busy)
        for name in work(client):
            steps.append((time.time(), name))
        ends.set()
        found += iter(lambda: waits.get(timeout=30), None)
    slow = sorted(((ended - began, began, ended) for began, ended in found), reverse=True)[:10]
    told = [f"{wait * 1000:.0f} ms during {during(steps, began, ended)}" for wait, began, ended in slow]
    print(f"\n{len(found)} gets, the longest:", *told, sep="\n  ")
    assert len(found) > 1_000
    assert slow[0][0] <= BOUND, told


def during(steps: list[tuple[float, str]], began: float, ended: float) -> str:
    """The steps that were under way in a stretch of time."""
    last = [name for at, name in steps if at <= began][-1:]
    return ", ".join([*last, *(name for at, name in steps if began < at < ended)])
