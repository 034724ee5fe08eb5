"""A watch as bytes on a connection, for tests that look at every frame and at how a stream ends."""

import base64
import contextlib
import json
from urllib.parse import urlencode

from support.server import Workspace

SECRETS = "/api/v1/namespaces/default/secrets"


class Stream:
    """An open watch. Events are dicts as sent; a read waits for `patience` seconds at most."""

    def __init__(
        self,
        workspace: Workspace,
        path: str = SECRETS,
        *,
        patience: float = 20,
        user="kcp-admin",
        accept="application/json",
        **query,
    ) -> None:
        server = workspace.server
        self.connection = server.connection(patience)
        query = {"watch": "1", **{key: str(value) for key, value in query.items()}}
        own = {"Authorization": f"Bearer {server.token(user)}", "Accept": accept}
        self.connection.request("GET", f"/clusters/{workspace.path}{path}?{urlencode(query)}", headers=own)
        self.answer = self.connection.getresponse()

    def event(self) -> dict | None:
        """The next event; None at the end of the stream."""
        text = self.answer.readline()
        return json.loads(text) if text else None

    def events(self, count: int) -> list[dict]:
        """The next events; the stream must not end before."""
        found = []
        for _ in range(count):
            event = self.event()
            assert event is not None, f"the stream ended after {found}"
            found.append(event)
        return found

    def rest(self) -> list[dict]:
        """The events up to the end of the stream."""
        return [json.loads(text) for text in self.answer.read().splitlines()]


class Room:
    """A workspace and what is done in its Secrets."""

    def __init__(self, workspace: Workspace, streams: contextlib.ExitStack) -> None:
        self.workspace = workspace
        self._streams = streams

    def watch(self, path: str = SECRETS, **options) -> Stream:
        """Open a watch, closed after the test."""
        stream = Stream(self.workspace, path, **options)
        self._streams.callback(stream.connection.close)
        assert stream.answer.status == 200, stream.answer.read()
        return stream

    def done(self, method: str, path: str, body=None, **options) -> dict:
        """A request that must succeed; its answer."""
        status, answer = self.workspace.request(method, path, body, **options)
        assert status < 300, answer
        return answer

    def create(self, name: str, labels: dict | None = None, **data: str) -> dict:
        metadata = {"name": name, **({"labels": labels} if labels else {})}
        return self.done(
            "POST", SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
        )

    def merge(self, name: str, **change) -> dict:
        """Merge a patch into one of them."""
        patch = {"Content-Type": "application/merge-patch+json"}
        return self.done("PATCH", f"{SECRETS}/{name}", json.dumps(change), headers=patch)

    def delete(self, name: str) -> None:
        self.done("DELETE", f"{SECRETS}/{name}")

    def revision(self) -> str:
        """The revision of a list now."""
        return self.done("GET", SECRETS)["metadata"]["resourceVersion"]


def texts(secret: dict) -> dict[str, str]:
    """The data of a Secret as text."""
    return {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}


def seen(events: list[dict]) -> list[tuple[str, str]]:
    """Events as (type, name)."""
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]
