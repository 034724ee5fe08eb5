"""Requests about resources: from a method and a path to a verb of the registry, and from its result to an answer.

The table of what may be done to what is kube-apiserver's: collections are listed, watched, created into and deleted
from; objects are read, replaced, patched and deleted; subresources are read, replaced and patched.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping

import orjson

from manifold.base import errors, keys
from manifold.registry import binary, delete, lists, patch, selection, watch
from manifold.registry.create import create
from manifold.registry.hub import Hub
from manifold.registry.large import LARGE, off_loop
from manifold.registry.options import (
    DeleteOptions,
    ListOptions,
    delete_options,
    first,
    list_options,
    parse_revision,
    write_options,
)
from manifold.registry.reach_watch import ReachWatch
from manifold.registry.representation import Representation, whole_list
from manifold.registry.served import Served
from manifold.registry.update import Update, update
from manifold.registry.writing import Environment, Result, Target, default_manager
from manifold.schema.bodies import parse_body, parse_delete_options, parse_patch
from manifold.schema.ownership import Manager
from manifold.server.forms import check_listed, representation
from manifold.server.negotiation import JSON, PROTOBUF, WATCH_TYPES, Accepted, negotiate
from manifold.server.open_watches import OpenWatches
from manifold.server.request import Request, attributes_of
from manifold.server.responses import CACHE, JSON_TYPE, Responder, audit_id
from manifold.server.scales import Scales
from manifold.types.apiextensions.scales import CustomScale
from manifold.types.resource import Object

Route = Callable[[Request, Served, Target, Responder], Awaitable[None]]
"""A handler of a subresource or a storageless type, for what no verb of the registry serves."""

MIN_WATCH_SECONDS = 1800
MAX_WATCH_SECONDS = 3600
WATCHED = {JSON: JSON_TYPE, PROTOBUF: (b"content-type", f"{PROTOBUF};stream=watch".encode())}
"""The Content-Type of a watch."""
_NO_NAME = (".", "..")


class Sink:
    """A watch's way out through ASGI, where the transport offers no direct one: bytes wait for the next `drain`."""

    direct = False
    paused = False

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Keep bytes for the next drain."""
        self._parts.append(data)

    async def drain(self) -> None:
        """Send what was kept."""
        if self._parts:
            data = b"".join(self._parts)
            self._parts.clear()
            await self._responder.chunk(data)


class Resources:
    """Serves the verbs of every type."""

    def __init__(
        self,
        environment: Environment,
        hub: Hub,
        watches: OpenWatches,
        routes: Mapping[tuple[str, str, str], Route],
    ) -> None:
        self._environment = environment
        self._store = environment.store
        self._hub = hub
        self._watches = watches
        self._routes = routes
        self._scales = Scales(environment)

    async def serve(self, request: Request, served: Served, cluster: str, responder: Responder) -> None:
        """Answer a request about a resource; authorization has been given."""
        info = request.info
        kind = served.type
        method = request.method
        if info.too_deep or (info.namespace and not kind.namespaced):
            raise errors.unknown_resource()
        if kind.namespaced and info.name and not info.namespace and info.verb not in ("list", "watch"):
            raise errors.unknown_resource()
        if "/" in info.name and info.name:
            raise errors.unknown_resource()
        if info.watch_path and method != "GET":
            raise errors.method_not_allowed()
        if info.watch_path and info.subresource:
            raise errors.unknown_resource()
        if info.name in _NO_NAME or "\x00" in info.name or "\x00" in info.namespace:
            raise errors.bad_request(f"Name parameter invalid: \"{info.name}\": may not be '{info.name}'")
        if kind.deprecation:
            responder.warn([kind.deprecation])
        target = Target(
            request.user, cluster, served, info.namespace, info.name, info.subresource, request.header(b"user-agent")
        )
        view = request.view
        if view is not None and not (view.reach is not None and info.verb in ("list", "watch")):
            target.scope, target.authority, target.ground = view.scope, view.authority, view.ground
        route = self._routes.get((kind.group, kind.resource, info.subresource))
        if route is not None:
            await route(request, served, target, responder)
            return
        part = kind.subresources.get(info.subresource) if info.subresource else None
        if info.subresource and part is None:
            raise errors.unknown_resource()
        if isinstance(part, CustomScale):
            await self._scales.serve(request, target, part, responder)
            return
        if info.subresource == "finalize" and method != "PUT":
            raise errors.method_not_allowed()
        if method == "HEAD" or info.verb not in (*kind.verbs, "get"):
            raise errors.method_not_allowed()
        collection = info.verb in ("list", "watch", "create", "deletecollection") and not info.named_watch
        if method == "POST":
            if info.name or (kind.namespaced and not info.namespace):
                raise errors.method_not_allowed()
            await self._create(request, target, responder)
        elif method == "GET":
            responder.accepted = accepted = negotiate(
                request.header(b"accept"), bool(kind.protobuf), info.verb == "watch"
            )
            if accepted.media == PROTOBUF:
                await binary.prepare()
            if collection:
                target.name = ""
                if info.verb == "watch":
                    await self._watch(request, target, accepted, responder)
                else:
                    await self._list(request, target, accepted, responder)
            elif info.named_watch:
                await self._watch(request, target, accepted, responder)
            else:
                await self._get(request, target, accepted, responder)
        elif method == "DELETE":
            if info.subresource:
                raise errors.method_not_allowed()
            if info.name:
                await self._delete(request, target, responder)
            else:
                if kind.namespaced and not info.namespace:
                    raise errors.method_not_allowed()
                await self._delete_collection(request, target, responder)
        elif not info.name:
            raise errors.method_not_allowed()
        elif method == "PUT":
            await self._put(request, target, responder)
        elif method == "PATCH":
            await self._patch(request, target, responder)
        else:
            raise errors.method_not_allowed()

    # ---- reading ---------------------------------------------------------

    async def _get(self, request: Request, target: Target, accepted: Accepted, responder: Responder) -> None:
        if request.query:
            if first(request.query, "export") in ("true", "1"):
                raise errors.bad_request("the export parameter, deprecated since v1.14, is no longer supported")
            version = first(request.query, "resourceVersion")
            if version and version != "0":
                try:
                    await lists.wait_for(self._store, parse_revision(version))
                except ValueError as error:
                    text = f"resourceVersion: Invalid value: {orjson.dumps(version).decode()}: {error}"
                    raise errors.bad_request(f"invalid resource version: {text}") from None
            _indent(request, accepted, responder)
        snapshot = await self._store.snapshot()
        row = await snapshot.get(target.served.key(target.cluster, target.namespace, target.name))
        if row is None or not (
            target.scope is None or target.scope.sees(target.served.decode(row.value, row.revision))
        ):
            raise target.missing()
        if accepted.form == "object" and accepted.media != PROTOBUF:
            await responder.json(200, target.served.render(row.value, row.revision))
            return
        check_listed(accepted, target.served.type, False)
        form = self._representation(request, accepted)
        await responder.made(200, form.render(target.served, row.value, row.revision))

    def _representation(self, request: Request, accepted: Accepted) -> Representation:
        return representation(request, accepted, self._environment.clock.now)

    def _range(self, target: Target, chosen: selection.Selection) -> bytes | None:
        """The key range of a list or watch, narrowed by what the selection pins down; None: nothing can match."""
        served = target.served
        if target.cluster == "*":
            return served.prefix
        namespace = target.namespace
        if chosen.namespace:
            if namespace and namespace != chosen.namespace:
                return None
            if not served.type.namespaced or "\x00" in chosen.namespace:  # a NUL would reach into the name
                return None
            namespace = chosen.namespace
        prefix = served.prefix + f"{target.cluster}\x00".encode()
        if not served.type.namespaced:
            return prefix + b"\x00" + f"{chosen.name}\x00".encode() if chosen.name else prefix
        if namespace:
            prefix += f"{namespace}\x00".encode()
            if chosen.name:
                prefix += f"{chosen.name}\x00".encode()
        return prefix

    def _narrowed(self, target: Target, options: ListOptions) -> tuple[bytes | None, selection.Selection]:
        chosen = selection.parse(target.served, options.labels, options.fields)
        if (
            chosen.name
            and (
                target.cluster == "*"
                or (target.served.type.namespaced and not target.namespace and not chosen.namespace)
            )
        ) or (chosen.namespace and target.cluster == "*"):
            chosen = selection.unnarrowed(options.labels, options.fields)
        return self._range(target, chosen), selection.within(selection.sharded(chosen, options.shards), target.scope)

    async def _list(self, request: Request, target: Target, accepted: Accepted, responder: Responder) -> None:
        options = list_options(request.query, False)
        check_listed(accepted, target.served.type, True)
        _indent(request, accepted, responder)
        form = self._representation(request, accepted)
        prefix, chosen = self._narrowed(target, options)
        if prefix is None:
            metadata = b'{"resourceVersion":"%d"}' % self._store.revision
            await responder.made(200, whole_list(form, target.served, metadata, ()))
            return
        reach = request.view.reach if request.view is not None else None
        wanted = lists.ListRequest(target.served, prefix, chosen, form, options, reach=reach)
        await responder.stream(200, await lists.stream(self._store, wanted))

    async def _watch(self, request: Request, target: Target, accepted: Accepted, responder: Responder) -> None:
        options = list_options(request.query, True)
        watched = WATCHED.get(accepted.media)
        if watched is None:
            raise errors.not_acceptable(WATCH_TYPES)
        form = self._representation(request, accepted)
        if target.name:
            chosen = selection.sharded(selection.parse(target.served, options.labels, ""), options.shards)
            chosen = selection.within(chosen, target.scope)
            prefix: bytes | None = target.served.key(target.cluster, target.namespace, target.name)
        else:
            prefix, chosen = self._narrowed(target, options)
        revision = options.revision or 0
        initial = options.initial_events if options.initial_events is not None else revision == 0
        start = watch.Start(revision, initial, bool(options.initial_events) and options.bookmarks)
        seconds = options.timeout or random.randint(MIN_WATCH_SECONDS, MAX_WATCH_SECONDS)
        reach = request.view.reach if request.view is not None and prefix is not None else None
        stream = (watch.Watch if reach is None else ReachWatch)(
            self._store,
            self._hub,
            target.served,
            prefix if prefix is not None else keys.INDEX + b"nothing\x00",
            chosen,
            form,
            start,
            bookmarks=options.bookmarks,
            seconds=min(float(seconds), MAX_WATCH_SECONDS),
        )
        if isinstance(stream, ReachWatch) and reach is not None:
            stream.over(reach)
        await responder.start(200, [audit_id(), CACHE, watched])
        direct = request.scope.get("extensions", {}).get("transport")
        sink: watch.Sink = direct if direct is not None else Sink(responder)
        await responder.chunk(b"")
        gone = asyncio.ensure_future(request.gone())
        gone.add_done_callback(lambda _: stream.end())
        asked = attributes_of(request, target.cluster)
        self._watches.add(stream, asked, request.view)
        request.leave()  # it may stay for an hour; from here on it costs only what it is told
        try:
            await self._watches.check(stream, asked, request.view)
            await stream.run(sink)
        finally:
            self._watches.discard(stream)
            gone.cancel()
        await responder.end()

    async def show(self, request: Request, served: Served, obj: Object, responder: Responder) -> None:
        """Answer with an object that is not stored, in the form the client asks for."""
        accepted = self._negotiated(request, served, responder)
        await self._answer(request, served, Result(200, obj=obj), accepted, responder)

    # ---- writing ---------------------------------------------------------

    def _negotiated(self, request: Request, served: Served, responder: Responder) -> Accepted:
        responder.accepted = accepted = negotiate(request.header(b"accept"), bool(served.type.protobuf))
        return accepted

    async def _answer(
        self, request: Request, served: Served, result: Result, accepted: Accepted, responder: Responder
    ) -> None:
        if result.warnings:
            responder.warn(result.warnings)
        if result.status is not None:
            await responder.json(result.code, orjson.dumps(result.status) + b"\n")
            return
        if accepted.form == "object" and (accepted.media != PROTOBUF or result.obj is not None):
            body = served.render(result.value, result.revision) if result.obj is None else orjson.dumps(result.obj)
            await responder.json(result.code, body)
            return
        if accepted.media == PROTOBUF:
            await binary.prepare()
        value, revision = result.value, result.revision
        if result.obj is not None:
            value, revision = served.encode(result.obj), 0
        form = self._representation(request, accepted)
        await responder.made(result.code, form.render(served, value, revision))

    def _decode(
        self, request: Request, served: Served, body: bytes, validation: str, responder: Responder
    ) -> dict[str, object]:
        kind = served.type
        parsed = parse_body(body, request.header(b"content-type"), kind.group, kind.version, kind.kind, kind.protobuf)
        return patch.finish(served, parsed, validation, responder.warn)

    async def _create(self, request: Request, target: Target, responder: Responder) -> None:
        accepted = self._negotiated(request, target.served, responder)
        options = write_options(request.query, "CreateOptions")
        body = await request.body()
        if len(body) < LARGE:
            obj = self._decode(request, target.served, body, options.validation, responder)
        else:
            obj = await off_loop(self._decode, request, target.served, body, options.validation, responder)
        async with self._environment.turn(target):
            result = await create(self._environment, target, obj, options, large=len(body) >= LARGE)
        await self._answer(request, target.served, result, accepted, responder)

    async def _put(self, request: Request, target: Target, responder: Responder) -> None:
        accepted = self._negotiated(request, target.served, responder)
        options = write_options(request.query, "UpdateOptions")
        served = target.served
        body = await request.body()
        if len(body) < LARGE:
            decoded = [self._decode(request, served, body, options.validation, responder)]
        else:
            decoded = [await off_loop(self._decode, request, served, body, options.validation, responder)]

        def change(live: dict[str, object] | None) -> dict[str, object]:
            return decoded.pop() if decoded else self._decode(request, served, body, "Ignore", responder)

        wanted = Update(change, options, put=True, creates=served.type.create_on_update, large=len(body) >= LARGE)
        async with self._environment.turn(target):
            result = await update(self._environment, target, wanted)
        await self._answer(request, served, result, accepted, responder)

    async def _patch(self, request: Request, target: Target, responder: Responder) -> None:
        accepted = self._negotiated(request, target.served, responder)
        served = target.served
        media = request.header(b"content-type").split(";")[0].strip().lower()
        allowed = [one for one in patch.ALL_TYPES if not (served.type.custom and one == patch.STRATEGIC_MERGE_PATCH)]
        if served.type.custom and media not in allowed:
            raise errors.unsupported_media_type(allowed)
        if media not in allowed:
            raise errors.StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
        apply = media == patch.APPLY_YAML
        options = write_options(request.query, "PatchOptions", apply)
        text = await request.body()
        large = len(text) >= LARGE
        if large:
            body, duplicates = await off_loop(parse_patch, text, media, served.type.kind)
        else:
            body, duplicates = parse_patch(text, media, served.type.kind)
        name = options.manager or default_manager(target.agent)
        manager = Manager(name, "Apply" if apply else "Update", served.type.api_version, target.subresource)
        asked = patch.Patch(media, body, duplicates, options, manager, self._environment.clock.now(), responder.warn)
        wanted = Update(asked.change(served), options, applied=apply, creates=apply, large=large)
        async with self._environment.turn(target):
            result = await update(self._environment, target, wanted)
        await self._answer(request, served, result, accepted, responder)

    async def _delete_options(self, request: Request) -> DeleteOptions:
        body = await request.body()
        media = request.header(b"content-type")
        if len(body) < LARGE:
            parsed = parse_delete_options(body, media) if body else None
        else:
            parsed = await off_loop(parse_delete_options, body, media)
        return delete_options(request.query, parsed)

    async def _delete(self, request: Request, target: Target, responder: Responder) -> None:
        accepted = self._negotiated(request, target.served, responder)
        options = await self._delete_options(request)
        async with self._environment.turn(target):
            result = await delete.delete(self._environment, target, options)
        await self._answer(request, target.served, result, accepted, responder)

    async def _delete_collection(self, request: Request, target: Target, responder: Responder) -> None:
        accepted = self._negotiated(request, target.served, responder)
        options = await self._delete_options(request)
        listed = list_options(request.query, False)
        form = self._representation(request, accepted)
        prefix, chosen = self._narrowed(target, listed)
        items: list[bytes] = []
        metadata = {"resourceVersion": str(self._store.revision)}
        if prefix is not None:
            snapshot, start = await lists.snapshot_for(self._store, listed)
            collection = delete.Collection(prefix, chosen, snapshot, start, listed.limit)
            rows, left = await delete.delete_collection(self._environment, target, collection, options)
            items = [form.item(target.served, row.value, row.revision) for row in rows]
            metadata["resourceVersion"] = str(self._store.revision)
            if left:
                metadata["continue"] = lists.Continuation(snapshot.revision, left).token()
        await responder.made(200, whole_list(form, target.served, orjson.dumps(metadata), items))


def _indent(request: Request, accepted: Accepted, responder: Responder) -> None:
    """Answer with indented JSON where the parameter `pretty` asks for it."""
    if request.query.get("pretty", ["0"])[0] not in ("", "0", "false"):
        responder.accepted = Accepted(accepted.media, accepted.form, accepted.listed, True)
