"""Everything a logical cluster publishes about itself, by path: discovery, OpenAPI, the list of paths.

One publication belongs to one shape, so that clusters which serve the same types share every document. Documents are
made when first asked for. OpenAPI is built in slices off the event loop, because the schema of a single type may take
longer than anybody should wait; requests that want the same document meanwhile wait for the one that builds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TypeVar

from manifold.registry.large import off_loop
from manifold.types.resource import ResourceType
from manifold.views import discovery
from manifold.views.document import JSON, PRIVATE, Answer, Document
from manifold.views.openapi import CustomSchema, OpenAPI, immutable, negotiate_openapi
from manifold.views.paths import path_list

T = TypeVar("T")
Build = Callable[[], Generator[None, None, Document | None]]

_V2, _V3 = "/openapi/v2", "/openapi/v3"


class Publication:
    """The published documents of `types`.

    `custom_schema` gives the OpenAPI schema of a custom type; `address` is the server's host and port as clients reach
    it; `virtual` is true for a virtual workspace; `routes` are further paths for the list of paths.
    """

    def __init__(
        self,
        types: Sequence[ResourceType],
        custom_schema: CustomSchema,
        address: str = "",
        *,
        virtual: bool = False,
        routes: Iterable[str] = (),
    ) -> None:
        self._types = tuple(types)
        self._custom_schema = custom_schema
        self._address = "" if virtual else address
        self._virtual = virtual
        self._routes = tuple(routes)
        self._openapi: OpenAPI | None = None
        self._kept: dict[tuple[str, str], Document | None] = {}
        self._building: dict[tuple[str, str], asyncio.Lock] = {}

    async def answer(
        self, path: str, accept: str = "", if_none_match: str = "", wanted_hash: str | None = None, prefix: str = ""
    ) -> Answer | None:
        """Answer a GET of `path`, which is relative to the logical cluster.

        `accept` and `if_none_match` are header values, `wanted_hash` the query parameter `hash` where it was given,
        `prefix` the part of the URL's path before `path`, which a redirect has to contain. None where nothing is
        published there: the caller's 404. Raises the 406 `Status` where no form fits.
        """
        if path in ("", "/"):
            return self._paths().answer(if_none_match)
        if path.startswith("/openapi/"):
            return await self._answer_openapi(path.rstrip("/"), accept, if_none_match, wanted_hash, prefix)
        document = self._discovery(path, accept)
        return None if document is None else document.answer(if_none_match)

    def _paths(self) -> Document:
        kept = self._kept.get(("paths", ""))
        if kept is None:
            kept = self._kept["paths", ""] = path_list(self._types, self._routes)
        return kept

    def _discovery(self, path: str, accept: str) -> Document | None:
        path = path.rstrip("/")
        form = discovery.negotiate_discovery(accept, has_aggregated=path in ("/api", "/apis"))
        key = (path, form)
        if key in self._kept:
            return self._kept[key]
        document = discovery.discovery(self._types, path, accept, self._address, virtual=self._virtual)
        if document is not None:
            # What is not there is not remembered: any path can be asked for.
            self._kept[key] = document
        return document

    def _documents(self) -> OpenAPI:
        if self._openapi is None:
            self._openapi = OpenAPI(self._types, self._custom_schema)
        return self._openapi

    async def _answer_openapi(
        self, path: str, accept: str, if_none_match: str, wanted_hash: str | None, prefix: str
    ) -> Answer | None:
        form = negotiate_openapi(accept, has_protobuf=path == _V2)
        openapi = self._documents()
        document: Document | None
        if path == _V2:
            document = await self._built(path, lambda: openapi.swagger(form), form)
            return None if document is None else document.answer(if_none_match)
        if path == _V3:
            document = await self._built(path, openapi.index)
            return None if document is None else document.answer(if_none_match)
        name = path.removeprefix(f"{_V3}/")
        if name == path:
            return None
        document = await self._built(path, lambda: openapi.document(name))
        if document is None:
            return None
        if wanted_hash is None:
            return document.answer(if_none_match)
        if wanted_hash != document.etag:
            return _redirect(document, f"{prefix}{path}?hash={document.etag}")
        return immutable(document).answer(if_none_match)

    async def _built(self, path: str, build: Build, form: str = "") -> Document | None:
        key = (path, form)
        if key in self._kept:
            return self._kept[key]
        lock = self._building.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                if key in self._kept:
                    return self._kept[key]
                document = await _run(build())
                if document is not None:
                    self._kept[key] = document
                return document
        finally:
            self._building.pop(key, None)


async def _run(slices: Generator[None, None, T]) -> T:
    """Run a generator to its end in the thread for what is large, slice by slice, so that others have their turns
    there, too; returns what it returns.
    """

    def advance() -> list[T] | None:
        try:
            next(slices)
        except StopIteration as done:
            return [done.value]
        return None

    while True:
        result = await off_loop(advance)
        if result is not None:
            return result[0]


def _redirect(document: Document, location: str) -> Answer:
    """301 to the URL that contains the present tag."""
    headers = {
        "Content-Type": JSON,
        "ETag": f'"{document.etag}"',
        "Cache-Control": PRIVATE,
        "Location": location,
        "Vary": document.vary,
    }
    return Answer(301, headers, b"")
