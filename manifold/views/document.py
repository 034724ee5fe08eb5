"""A document a server publishes about itself: bytes, how they may be cached, and the answer to a conditional request.

Discovery and OpenAPI are read by every client on every start and hardly ever change, so that what matters is that an
unchanged one costs a 304. A document is made once per shape and then only handed out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

JSON = "application/json"
PRIVATE = "no-cache, private"
IMMUTABLE = "public, immutable"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire: status code, headers by their name, body."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Document:
    """`body` in `content_type`. `etag` is without its quotes, empty where there is none (RFC 9110, section 8.8.3)."""

    body: bytes
    content_type: str = JSON
    etag: str = ""
    cache_control: str = PRIVATE
    vary: str = ""

    def answer(self, if_none_match: str = "") -> Answer:
        """200 with the body, or 304 without it where `if_none_match` (the header's value) names this document."""
        headers = {"Cache-Control": self.cache_control}
        if self.etag:
            headers["ETag"] = f'"{self.etag}"'
        if self.vary:
            headers["Vary"] = self.vary
        if self.etag and if_none_match and matches(if_none_match, self.etag):
            return Answer(304, headers, b"")
        headers["Content-Type"] = self.content_type
        return Answer(200, headers, self.body)


def matches(if_none_match: str, etag: str) -> bool:
    """Whether the header If-None-Match names `etag`: `*`, or a comma-separated list of tags, weak ones included."""
    for tag in if_none_match.split(","):
        tag = tag.strip()
        if tag == "*" or tag.removeprefix("W/").strip('"') == etag:
            return True
    return False


def content_tag(*parts: bytes) -> str:
    """An entity tag for what `parts` determine: upper-case hex, so that it can also stand in a query as it is."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest().upper()
