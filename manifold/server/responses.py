"""Answers on their way out: headers, bodies, streams, compression.

Headers common to all answers are made once. Bodies above a size are compressed where the client accepts gzip, with
ISA-L at its fastest level: it costs less than sending what it saves. Streams are compressed piece by piece.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import orjson

from manifold.base.errors import StatusError
from manifold.registry.large import LARGE, off_loop
from manifold.server.negotiation import JSON, PLAIN, PROTOBUF, YAML, Accepted, refusal_media
from manifold.server.reformed import reformed

Send = Callable[[dict[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

GZIP_FROM = 128 << 10
PART = 1 << 20
"""What is handed over to the connection at once, before others have a turn."""
CACHE = (b"cache-control", b"no-cache, private")
JSON_TYPE = (b"content-type", b"application/json")
CONTENT_TYPES: dict[str, Header] = {media: (b"content-type", media.encode()) for media in (JSON, YAML, PROTOBUF)}
MAX_WARNING = 256
"""Characters of one warning, where there are so many that not all can be told whole."""
MAX_WARNED = 4096
"""Characters of all warnings of an answer."""
_CONTROLS = {**dict.fromkeys((*range(32), 127), " "), ord("\\"): "\\\\", ord('"'): '\\"'}


def _quoted(text: str) -> bytes:
    """A text as it stands in a quoted string of a header."""
    return text.translate(_CONTROLS).encode("utf-8", "replace")


_PROCESS = b"%08x-%04x-4%03x-8%03x-%%012x" % tuple(random.getrandbits(bits) for bits in (32, 16, 12, 12))
_COUNT = itertools.count(random.getrandbits(24))


def audit_id() -> Header:
    """The Audit-Id header every answer carries: random for the process, then counted."""
    return (b"audit-id", _PROCESS % next(_COUNT))


class Responder:
    """How to answer one request: the way out, and what the client accepts. `code` is the status sent, 0 before."""

    __slots__ = ("_send", "_warned", "accepted", "code", "extra", "gzip", "head_only")

    def __init__(self, send: Send, gzip: bool, head_only: bool) -> None:
        self._send = send
        self.accepted: Accepted = PLAIN
        self.code = 0
        self.extra: list[Header] = []
        self._warned: dict[str, None] = {}
        self.gzip = gzip
        self.head_only = head_only

    async def redirect(self, path: str) -> None:
        """307: the same at another path."""
        body = f'<a href="{path}">Temporary Redirect</a>.\n\n'.encode()
        await self.raw(307, b"text/html; charset=utf-8", body, [(b"location", path.encode())])

    def warn(self, texts: Iterable[str]) -> None:
        """Add Warning headers (RFC 9111, section 5.5, code 299), each text once, all together bounded."""
        self._warned.update(dict.fromkeys(texts))
        told: Iterable[str] = self._warned
        if sum(map(len, told)) > MAX_WARNED:
            # Texts name what a client sent, and heads have a limit at its end, too.
            lengths = itertools.accumulate(min(len(text), MAX_WARNING) for text in told)
            told = [text[:MAX_WARNING] for text, sum_ in zip(told, lengths, strict=True) if sum_ <= MAX_WARNED]
        self.extra = [(b"warning", b'299 - "%b"' % _quoted(text)) for text in told]

    async def start(self, code: int, headers: list[Header]) -> None:
        """Send the head of an answer."""
        self.code = code
        await self._send({"type": "http.response.start", "status": code, "headers": headers})

    async def raw(self, code: int, content_type: bytes, body: bytes, headers: Iterable[Header] = ()) -> None:
        """Answer with a body of any type."""
        made = [audit_id(), *self.extra, *headers]
        if not any(name == b"cache-control" for name, _ in made):
            made.append(CACHE)
        if content_type:
            made.append((b"content-type", content_type))
        if self.gzip and len(body) > GZIP_FROM:
            from isal import igzip  # loaded by the first large answer

            # A megabyte takes about a millisecond; handing it to a thread and back costs others more than that.
            body = await off_loop(igzip.compress, body, 1) if len(body) > PART else igzip.compress(body, 1)
            made.append((b"content-encoding", b"gzip"))
            made.append((b"vary", b"Accept-Encoding"))
        made.append((b"content-length", b"%d" % len(body)))
        await self.start(code, made)
        if self.head_only:
            body = b""
        rest = 0
        while len(body) - rest > PART:
            await self._piece(body[rest : rest + PART])
            rest += PART
        await self._send({"type": "http.response.body", "body": body[rest:] if rest else body})

    async def json(self, code: int, body: bytes) -> None:
        """Answer with an object given as JSON, in the form the client accepts (protobuf, YAML, indented)."""
        accepted = self.accepted
        if accepted.media != JSON:
            large = len(body) > LARGE
            made = await off_loop(in_media, accepted.media, body) if large else in_media(accepted.media, body)
            await self.raw(code, accepted.media.encode(), made)
        elif accepted.pretty:
            made = await off_loop(_indented, body) if len(body) > LARGE else _indented(body)
            await self.raw(code, b"application/json", made)
        elif self.extra or (self.gzip and len(body) > GZIP_FROM):
            await self.raw(code, b"application/json", body)
        else:
            length = (b"content-length", b"%d" % len(body))
            await self.start(code, [audit_id(), CACHE, JSON_TYPE, length])
            await self._send({"type": "http.response.body", "body": b"" if self.head_only else body})

    async def made(self, code: int, body: bytes) -> None:
        """Answer with bytes that are protobuf where that is accepted, and JSON to be answered as by `json` else."""
        if self.accepted.media == PROTOBUF:
            await self.raw(code, PROTOBUF.encode(), body)
        else:
            await self.json(code, body)

    async def refuse(self, refusal: StatusError, accept: str = "") -> None:
        """Answer with a `Status`, in the first media type of an Accept header there is, which need not be one that
        what was asked for has.
        """
        headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers.items()]
        if refusal.retry_after:
            headers.append((b"retry-after", b"%d" % refusal.retry_after))
        media = refusal_media(accept)
        await self.raw(refusal.code, media.encode(), in_media(media, refusal.body()), headers)

    async def text(self, code: int, body: str) -> None:
        """Answer with plain text."""
        headers = [(b"x-content-type-options", b"nosniff")]
        await self.raw(code, b"text/plain; charset=utf-8", body.encode(), headers)

    async def stream(self, code: int, pieces: AsyncIterator[bytes]) -> None:
        """Answer with pieces of JSON, or of protobuf where that is accepted. One piece is sent whole; more are streamed
        as they come.
        """
        accepted = self.accepted
        first = await anext(pieces, b"")
        second = await anext(pieces, None)
        if accepted.media == PROTOBUF:
            if second is None:
                await self.made(code, first)
                return
        elif second is None and (len(first) <= LARGE or not (accepted.media == YAML or accepted.pretty)):
            await self.json(code, first)
            return
        elif accepted.media == YAML or accepted.pretty:
            pieces = reformed(_chained(first, second, pieces), accepted.media == YAML)
            first, second = await anext(pieces), None
        headers = [audit_id(), CACHE, CONTENT_TYPES[accepted.media], *self.extra]
        compress = None
        if self.gzip:
            from isal import isal_zlib  # loaded by the first large answer

            compress = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
            headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
        await self.start(code, headers)
        for piece in (first, second or b""):
            await self._piece(compress.compress(piece) if compress else piece)
        async for piece in pieces:
            await self._piece(compress.compress(piece) if compress else piece)
        await self._send({"type": "http.response.body", "body": compress.flush() if compress else b""})

    async def _piece(self, body: bytes) -> None:
        """Send a part of a body. A reader who takes all at once must not keep the loop for it: others have a turn."""
        if body:
            await self._send({"type": "http.response.body", "body": body, "more_body": True})
            await asyncio.sleep(0)

    async def chunk(self, body: bytes) -> None:
        """Send a part of a streamed answer that `start` began."""
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self) -> None:
        """End a streamed answer."""
        await self._send({"type": "http.response.body", "body": b""})


async def _chained(first: bytes, second: bytes | None, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    if second is not None:
        yield second
    async for piece in rest:
        yield piece


def _indented(body: bytes) -> bytes:
    return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2) + b"\n"


def in_media(media: str, body: bytes) -> bytes:
    """An object given as JSON in another media type: YAML with its keys sorted, as Kubernetes writes them, or protobuf,
    which negotiation promises only for kinds that have a message.
    """
    if media == JSON:
        return body
    obj = orjson.loads(body)
    if media == YAML:
        from manifold.schema.yaml_output import dump  # hardly any client wants YAML

        return dump(obj)
    from manifold.schema import protobuf  # loaded by the first answer in it

    return protobuf.encode_object(obj)
