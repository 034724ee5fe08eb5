"""Who is out in a storm: users who write, and watchers who keep a cache as client-go does. All outlive a restart."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from random import Random

from storm_requests import CORE, Place, next_request
from support.racing import Racer
from support.server import Server

USER = "master"
LOST = (OSError, http.client.HTTPException, ValueError)
Found = Callable[[], Server]
Key = tuple[str, str, str]


class Out(threading.Thread):
    """Somebody who is out until told to come in. `mistakes` are what nobody should ever be answered."""

    def __init__(self, server: Found) -> None:
        super().__init__(daemon=True)
        self.mistakes: list[object] = []
        self._server = server
        self._in = threading.Event()

    def come_in(self) -> None:
        self._in.set()
        self.join(60)
        assert not self.is_alive()

    def run(self) -> None:
        while not self._in.is_set():
            try:
                self.go()
            except LOST:
                time.sleep(0.05)  # the server has been killed

    def go(self) -> None:
        """Be out as long as the server is there."""


class Writer(Out):
    """Sends requests, and now and then makes or deletes something that nobody else touches."""

    def __init__(self, number: int, seed: int, server: Found, place: Place) -> None:
        super().__init__(server)
        self.kept: set[str] = set()
        self.deleted: set[str] = set()
        self._number, self._serial = number, 0
        self._random = Random(f"{seed}-{number}")
        self._place = place

    def go(self) -> None:
        racer = Racer(self._server(), USER)
        try:
            while not self._in.is_set():
                if self._random.random() < 0.05:
                    self._own(racer)
                    continue
                asked = next_request(self._random, self._place)
                status, answer = racer.ask(asked.method, asked.path, asked.body, asked.media)
                taken = status != 409 or answer.get("reason") == "AlreadyExists"
                if status not in asked.allowed or not taken:
                    self.mistakes.append((asked, status, answer))
        finally:
            racer.close()

    def _own(self, racer: Racer) -> None:
        """What is acknowledged counts; of what is not, because the server was killed, nothing is known."""
        if self.kept and self._random.random() < 0.4:
            path = self.kept.pop()
            status, answer = racer.ask("DELETE", path)
            self.deleted.add(path)
        else:
            collection = f"{self._place.inside('c0')}{CORE}/namespaces/kept/configmaps"
            self._serial += 1
            name = f"w{self._number}-{self._serial}"
            status, answer = racer.ask("POST", collection, {"metadata": {"name": name}})
            self.kept.add(f"{collection}/{name}")
        if status not in (200, 201):
            self.mistakes.append((status, answer))


class Watcher(Out):
    """Keeps resource versions by list and watch. `moving`: objects come to be seen that were written long before."""

    def __init__(self, server: Found, path: str, *, moving: bool = False) -> None:
        super().__init__(server)
        self.path, self.cache = path, dict[Key, str]()
        self._moving, self._revision = moving, ""

    def listed(self, racer: Racer) -> tuple[dict[Key, str], str]:
        """What a list says now, and its revision; nothing and none where what is watched is not served."""
        status, found = racer.ask("GET", self.path)
        if status != 200:
            assert status in (403, 404), (self.path, status, found)
            return {}, ""
        said = {_key(one): one["metadata"]["resourceVersion"] for one in found["items"]}
        return said, found["metadata"]["resourceVersion"]

    def go(self) -> None:
        if not self._revision:
            racer = Racer(self._server(), USER)
            self.cache, self._revision = self.listed(racer)
            racer.close()
        if not self._revision:
            time.sleep(0.05)
            return
        query = f"watch=1&allowWatchBookmarks=true&timeoutSeconds=2&resourceVersion={self._revision}"
        with self._server().opened(f"{self.path}?{query}", user=USER) as answer:
            if answer.status != 200:
                if answer.status not in (403, 404, 410):
                    self.mistakes.append((self.path, answer.status, answer.read()))
                self._revision = ""
                return
            while not self._in.is_set() and (line := answer.readline()):
                if not self._take(json.loads(line)):
                    self._revision = ""
                    return

    def _take(self, event: dict) -> bool:
        """Take an event. False: it is the last one, and says so."""
        kind, obj = event["type"], event["object"]
        if kind == "ERROR":
            if obj.get("code") not in (403, 404, 410):
                self.mistakes.append((self.path, event))
            return False
        self._revision = obj["metadata"]["resourceVersion"]
        if kind == "BOOKMARK":
            return True
        key = _key(obj)
        if not self._moving and (kind == "ADDED") == (key in self.cache):
            self.mistakes.append((self.path, kind, key, self.cache.get(key)))
        if kind == "DELETED":
            self.cache.pop(key, None)
        else:
            self.cache[key] = self._revision
        return True


def _key(obj: dict) -> Key:
    metadata = obj["metadata"]
    return metadata["annotations"]["kcp.io/cluster"], metadata.get("namespace", ""), metadata["name"]
