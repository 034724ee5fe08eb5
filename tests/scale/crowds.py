"""Very many workspaces made or deleted by several clients at once."""

import contextlib
import json
import os
import threading
from collections.abc import Iterable

from support.server import Server

CLIENTS = 8
MANY = int(os.environ.get("SCALE_WORKSPACES", "10000"))
"""How many workspaces there are; fewer for a machine that others use, too. Limits in seconds shrink with it."""


def workspaces(parent: str) -> str:
    return f"/clusters/{parent}/apis/tenancy.kcp.io/v1alpha1/workspaces"


def workspace(name: str, kind: str = "universal") -> dict[str, object]:
    return {
        "apiVersion": "tenancy.kcp.io/v1alpha1",
        "kind": "Workspace",
        "metadata": {"name": name},
        "spec": {"type": {"name": kind, "path": "root"}},
    }


def each_of(server: Server, method: str, requests: Iterable[tuple[str, object]]) -> list[bytes]:
    """Make requests (path and body) from several clients at once. The answers, in no order."""
    left = iter(requests)
    lock = threading.Lock()
    failed: list[object] = []
    answers: list[bytes] = []
    headers = {"Authorization": f"Bearer {server.token()}", "Content-Type": "application/json"}

    def work() -> None:
        with contextlib.closing(server.connection(None)) as connection:
            while True:
                with lock:
                    wanted = next(left, None)
                if wanted is None:
                    return
                path, body = wanted
                connection.request(method, path, None if body is None else json.dumps(body), headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status >= 300:
                    failed.append((answer.status, text[:300]))
                answers.append(text)

    threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[:3]
    return answers


def all_of(server: Server, method: str, names: Iterable[str], parent: str = "root") -> dict[str, str]:
    """Create or delete workspaces, from several clients at once. The logical clusters of new ones, by name."""
    place = workspaces(parent)
    if method == "DELETE":
        each_of(server, method, [(f"{place}/{name}", None) for name in names])
        return {}
    made = [json.loads(text) for text in each_of(server, method, [(place, workspace(name)) for name in names])]
    assert all(one["status"]["phase"] == "Ready" for one in made)
    return {one["metadata"]["name"]: one["spec"]["cluster"] for one in made}
