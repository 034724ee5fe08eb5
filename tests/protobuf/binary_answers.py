"""Answers as bytes, and what is in them: objects in their envelopes, and frames of watches."""

import contextlib
import json
from dataclasses import dataclass
from typing import Any

from support.server import Workspace

from manifold.schema import protobuf
from manifold.schema.loading import built_in_schemas, schema_name
from manifold.schema.protobuf import messages
from manifold.schema.typed import TypedCodec

JSON, PROTOBUF = "application/json", "application/vnd.kubernetes.protobuf"
META = "k8s.io.apimachinery.pkg.apis.meta.v1."


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer."""

    status: int
    media: str
    body: bytes

    def decoded(self) -> dict[str, Any]:
        """The object in a protobuf body, with its apiVersion and kind."""
        assert self.media == PROTOBUF, (self.status, self.media, self.body[:500])
        return opened(self.body)


def opened(body: bytes) -> dict[str, Any]:
    """An enveloped object as JSON data."""
    api_version, kind, obj = protobuf.decode(body)
    return {"apiVersion": api_version, "kind": kind, **obj}


def ask(workspace: Workspace, method: str, path: str, accept: str = PROTOBUF, body: Any = None, **headers) -> Answer:
    """One request, `body` as JSON or as the bytes it is."""
    server = workspace.server
    sent = {"Authorization": f"Bearer {server.token()}", "Accept": accept, "Content-Type": JSON, **headers}
    with contextlib.closing(server.connection(30)) as connection:
        data = body if isinstance(body, bytes | None) else json.dumps(body)
        connection.request(method, f"/clusters/{workspace.path}{path}", body=data, headers=sent)
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheader("Content-Type", ""), answer.read())


def frames(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """The events of a finished watch: type and object."""
    found = []
    while stream:
        size = int.from_bytes(stream[:4], "big")
        assert len(stream) >= 4 + size, "the stream ends inside a frame"
        event = messages.message_class(META + "WatchEvent").FromString(stream[4 : 4 + size])
        found.append((event.f1, opened(event.f2.f1)))
        stream = stream[4 + size :]
    return found


def stored(obj: dict[str, Any]) -> dict[str, Any]:
    """An object of a built-in type in its one form, whatever empty values it came with."""
    group, _, version = obj["apiVersion"].rpartition("/")
    codec = TypedCodec(built_in_schemas()[schema_name(group, version, obj["kind"])], obj["kind"])
    assert codec.normalize(obj) == []
    full: dict[str, Any] = _without_empty(obj)
    return full


def _without_empty(value: Any) -> Any:
    """Without members that are empty lists, maps or null: on the wire of protobuf they are nothing."""
    if isinstance(value, dict):
        return {
            name: _without_empty(item)
            for name, item in value.items()
            if name.startswith("f:") or item not in ({}, [], None)
        }
    return [_without_empty(item) for item in value] if isinstance(value, list) else value
