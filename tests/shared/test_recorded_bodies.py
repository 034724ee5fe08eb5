"""Bodies of recorded requests: those a server could not read are refused in its words, the others are read.

Needs the environment variable MANIFOLD_SHARED, which names the folder of recordings.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from manifold.base.errors import StatusError
from manifold.schema.bodies import parse_body, strict_error, warnings
from manifold.types.resource import ResourceType
from manifold.types.table import built_in_types

SHARED = os.environ["MANIFOLD_SHARED"]
WIRE = Path(SHARED) / "reference" / "wire"
FILES = ("k8s-crud", "k8s-types", "k8s-crds", "k8s-auth-admission", "k8s-list-watch", "k8s-http-discovery")
UNREADABLE = ("cannot be handled as", "the object provided is unrecognized", "in an unknown format")
TYPES = {(one.group, one.version, one.resource): one for one in built_in_types()}


def target(path: str) -> ResourceType | None:
    """The built-in type a collection's or object's path names; None for subresources and other types."""
    parts = path.split("?")[0].strip("/").split("/")
    group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
    if len(rest) > 2 and rest[0] == "namespaces" and rest[2] not in ("status", "finalize"):
        rest = rest[2:]
    found = TYPES.get((group, version, rest[0])) if 0 < len(rest) < 3 else None
    return found if found is not None and not found.custom else None


def recorded() -> Iterator[Any]:
    for name in FILES:
        with (WIRE / f"{name}.yaml").open() as stream:
            exchanges = yaml.load(stream, Loader=yaml.CSafeLoader)["exchanges"]
        for exchange in exchanges:
            request = exchange.get("request", {})
            if request.get("method") not in ("POST", "PUT") or request["path"].count("/") < 3:
                continue
            if exchange["response"]["status"] == 413:
                continue  # Size is the server's business.
            kind = target(request["path"])
            # Normalised values (`<time>`, `<base64-pem>`) are no good as values; what was cut is no body.
            if kind is not None and not any(
                mark in str(request.get("body", "")) for mark in ("<time>", "<base64", "<cut")
            ):
                yield pytest.param(kind, exchange, id=f"{name}/{exchange['name']}")


@pytest.mark.parametrize(("kind", "exchange"), list(recorded()))
def test_body(kind: ResourceType, exchange: dict[str, Any]) -> None:
    request, response = exchange["request"], exchange["response"]
    if "bodyBase64" in request:
        body = base64.b64decode(request["bodyBase64"])
    elif "bodyText" in request:
        body = request["bodyText"].encode()
    else:
        body = orjson.dumps(request["body"]) if "body" in request else b""
    status = response.get("body")
    message = status.get("message", "") if isinstance(status, dict) else ""
    problems: list[str] = []
    refused: StatusError | None = None
    try:
        media = request.get("headers", {}).get("Content-Type", "")
        parsed = parse_body(body, media, kind.group, kind.version, kind.kind, kind.protobuf)
        problems = parsed.problems(kind.codec.normalize(parsed.obj))
        if problems and "fieldValidation=Strict" in request["path"]:
            raise strict_error(kind.kind, kind.version, problems)
    except StatusError as error:
        refused = error
    if refused is not None:
        assert (refused.code, refused.message) == (response["status"], message)
        return
    assert not any(text in message for text in UNREADABLE)
    if response["status"] < 300 and "fieldValidation=Ignore" not in request["path"]:
        told = response.get("headers", {}).get("Warning", [])
        told = [told] if isinstance(told, str) else told
        ours = [f"299 - {orjson.dumps(text).decode()}" for text in warnings(problems)]
        assert ours == [text for text in told if " field " in text or "already set" in text]
