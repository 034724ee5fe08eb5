"""Requests that meet: sent at nearly the same moment, on connections that are open already.

Which of them is first is left to chance, and is another in each round: what must hold, must hold whoever is.
"""

import contextlib
import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from support.server import Server

Answer = tuple[int, dict]
APART = 0.006
"""Seconds by which requests of a round lie apart at most: about what a write takes."""


class Racer:
    """A user with a connection of its own."""

    def __init__(self, server: Server, user: str = "kcp-admin") -> None:
        self._headers = {"Authorization": f"Bearer {server.token(user)}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPSConnection = server.connection()
        self._connection.connect()

    def ask(self, method: str, path: str, body: dict | None = None, media: str = "") -> Answer:
        headers = {**self._headers, **({"Content-Type": media} if media else {})}
        self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def merge(self, path: str, body: dict) -> Answer:
        return self.ask("PATCH", path, body, "application/merge-patch+json")

    def close(self) -> None:
        self._connection.close()


@contextlib.contextmanager
def racers(server: Server, count: int, user: str = "kcp-admin") -> Iterator[list[Racer]]:
    """Some racers for the length of a block."""
    found = [Racer(server, user) for _ in range(count)]
    try:
        yield found
    finally:
        for one in found:
            one.close()


def together(*requests: Callable[[], Answer]) -> Sequence[Answer]:
    """What each of some requests is answered that are sent together."""
    answers: list[Answer] = [(0, {}) for _ in requests]
    begin = threading.Barrier(len(requests))

    def run(number: int, request: Callable[[], Answer]) -> None:
        begin.wait()
        time.sleep(random.random() * APART)
        answers[number] = request()

    threads = [threading.Thread(target=run, args=(number, one)) for number, one in enumerate(requests)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return answers
