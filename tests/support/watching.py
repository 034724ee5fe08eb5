"""A watch, read event by event."""

import contextlib
import json

from support.server import Server


class Watching:
    """An open watch of a user at a path of the server. An event is waited for `patience` seconds at most."""

    def __init__(self, server: Server, path: str, user: str, patience: float = 15) -> None:
        self._connection = server.connection(patience)
        self._connection.request("GET", path, headers={"Authorization": f"Bearer {server.token(user)}"})
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200, self._answer.read()

    def event(self) -> dict | None:
        """The next event; None at the end."""
        line = self._answer.readline()
        return json.loads(line) if line else None

    def close(self) -> None:
        """End it from this side."""
        with contextlib.suppress(OSError):
            self._connection.close()
