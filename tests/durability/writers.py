"""Clients that write while a server is killed, and remember what it has acknowledged."""

import contextlib
import http.client
import json
import threading

from support.server import Server

MAPS = "/api/v1/namespaces/default/configmaps"
WORKSPACES = "/clusters/{}/apis/tenancy.kcp.io/v1alpha1/workspaces"


class Writers:
    """Threads that write until the server is gone.

    `acknowledged` maps a path to the object of the last answer (None: its deletion); `doubtful` holds the paths of
    requests that got no answer, which may have been carried out or not.
    """

    def __init__(self, server: Server, cluster: str, mark: str) -> None:
        self.acknowledged: dict[str, dict | None] = {}
        self.doubtful: set[str] = set()
        self.problems: list[str] = []
        self.count = 0
        self._server = server
        self._token = server.token()
        self._cluster = cluster
        self._enough = threading.Event()
        jobs = [(self._objects, f"{mark}-{number}") for number in range(3)] + [(self._workspaces, mark)]
        self._threads = [threading.Thread(target=self._until_gone, args=job) for job in jobs]

    def start(self, writes: int) -> None:
        """Begin, and return when so many writes have been acknowledged."""
        self._wanted = writes
        for one in self._threads:
            one.start()
        assert self._enough.wait(30), self.problems

    def join(self) -> None:
        """Wait for the threads, which end when the server is gone."""
        for one in self._threads:
            one.join(30)
            assert not one.is_alive()
        assert not self.problems, self.problems

    def _until_gone(self, job, mark: str) -> None:
        connection = self._server.connection(20)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            job(connection, mark)

    def _send(self, connection, method: str, path: str, body: dict | None, name: str) -> dict:
        target = f"{path}/{name}" if method in ("PUT", "DELETE") else path
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        place = f"{path}/{name}"
        self.doubtful.add(place)
        connection.request(method, target, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            self.problems.append(f"{method} {target}: {answer.status} {text.decode()}")
            raise http.client.HTTPException
        found = json.loads(text)
        self.doubtful.discard(place)
        self.acknowledged[place] = None if method == "DELETE" else found
        self.count += 1
        if self.count >= self._wanted:
            self._enough.set()
        return found

    def _objects(self, connection, mark: str) -> None:
        path = f"/clusters/{self._cluster}{MAPS}"
        number = 0
        while True:
            number += 1
            name = f"{mark}-{number}"
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"n": "0"}}
            made = self._send(connection, "POST", path, body, name)
            made["data"]["n"] = "1"
            self._send(connection, "PUT", path, made, name)
            if number % 3 == 0:
                self._send(connection, "DELETE", path, None, name)

    def _workspaces(self, connection, mark: str) -> None:
        path = WORKSPACES.format(self._cluster)
        number = 0
        while True:
            number += 1
            name = f"{mark}-{number}"
            body = {"apiVersion": "tenancy.kcp.io/v1alpha1", "kind": "Workspace", "metadata": {"name": name}}
            made = self._send(connection, "POST", path, {**body, "spec": {}}, name)
            assert made["status"]["phase"] == "Ready"
            if number % 4 == 0:
                self._send(connection, "DELETE", path, None, name)
