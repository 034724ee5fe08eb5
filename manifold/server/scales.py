"""The scale subresource: a Scale is read from an object, changed, and one number of it written back.

A PUT, a JSON patch or a merge patch is applied to the Scale, an apply becomes one of the number alone. The object is
then updated by the verb, so that admission, validation, ownership and guards are those of every update (Kubernetes
docs, "Scale subresource").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manifold.base import clock, errors
from manifold.registry.create import check_namespace
from manifold.registry.options import WriteOptions, write_options
from manifold.registry.patch import APPLY_YAML, JSON_PATCH, MERGE_PATCH, Patch, applied_configuration, finish
from manifold.registry.served import Served
from manifold.registry.update import Update, check_name, update
from manifold.registry.writing import Environment, Target, default_manager
from manifold.schema.bodies import check_type, parse_body, parse_patch
from manifold.schema.ownership import Manager, apply
from manifold.server.forms import representation
from manifold.server.negotiation import negotiate
from manifold.server.request import Request
from manifold.server.responses import Responder
from manifold.types.apiextensions.scales import GROUP, KIND, VERSION, CustomScale, scale_type
from manifold.types.resource import Object
from manifold.types.versions import versions_of

PATCHES = (JSON_PATCH, MERGE_PATCH, APPLY_YAML)
Change = Callable[[Object], Object]
"""From the Scale that is to the Scale that is wanted."""


class Scales:
    """Serves scales of custom types."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._served = Served(scale_type())

    async def serve(self, request: Request, target: Target, scale: CustomScale, responder: Responder) -> None:
        """Answer a GET, PUT or PATCH of the scale of an object."""
        responder.accepted = negotiate(request.header(b"accept"))
        if request.method == "GET":
            await self._get(request, target, scale, responder)
        elif request.method in ("PUT", "PATCH"):
            await self._write(request, target, scale, responder)
        else:
            raise errors.method_not_allowed()

    async def _get(self, request: Request, target: Target, scale: CustomScale, responder: Responder) -> None:
        served = target.served
        row = await (await self._environment.store.snapshot()).get(
            served.key(target.cluster, target.namespace, target.name)
        )
        if row is None:
            raise target.missing()
        obj = served.decode(row.value, row.revision)
        refusal = scale.missing(obj)
        if refusal is not None:
            raise refusal
        await self._answer(200, request, scale.read(obj), responder)

    async def _write(self, request: Request, target: Target, scale: CustomScale, responder: Responder) -> None:
        body = await request.body()
        media = request.header(b"content-type")
        if request.method == "PUT":
            options = write_options(request.query, "UpdateOptions")
            parsed = parse_body(body, media, GROUP, VERSION, KIND, "")
            wanted = finish(self._served, parsed, options.validation, responder.warn)
            change = _changes(target, scale, lambda live: wanted)
        else:
            media = media.split(";")[0].strip().lower()
            if media not in PATCHES:
                raise errors.unsupported_media_type(PATCHES)
            options = write_options(request.query, "PatchOptions", media == APPLY_YAML)
            value, duplicates = parse_patch(body, media, KIND)
            if media == APPLY_YAML:
                change = self._applied(target, scale, value, options)
            else:
                manager = Manager(default_manager(target.agent), "Update", f"{GROUP}/{VERSION}")
                now = self._environment.clock.now()
                patched = Patch(media, value, duplicates, options, manager, now, responder.warn).change(self._served)
                change = _changes(target, scale, patched)
        asked = Update(lambda live: change(live or {}), options, applied=media == APPLY_YAML)
        result = await update(self._environment, target, asked)
        if result.warnings:
            responder.warn(result.warnings)
        obj = result.obj or target.served.decode(result.value, result.revision)
        await self._answer(result.code, request, scale.read(obj), responder)

    async def _answer(self, code: int, request: Request, scale: Object, responder: Responder) -> None:
        """Answer with a Scale, in the form that is asked for."""
        form = representation(request, responder.accepted, self._environment.clock.now)
        revision = int(scale["metadata"].get("resourceVersion") or 0)
        await responder.made(code, form.render(self._served, self._served.encode(scale), revision))

    def _applied(self, target: Target, scale: CustomScale, body: Any, options: WriteOptions) -> Change:
        """An apply of a Scale as one of the object: it owns the number and nothing else."""
        kind = target.served.type
        body = applied_configuration(body)
        check_type(body, f"{GROUP}/{VERSION}", KIND, GROUP, applied=True)
        configuration: Object = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": target.name}}
        if target.namespace:
            configuration["metadata"]["namespace"] = target.namespace
        self._served.type.codec.normalize(body)
        _check_identity(target, body)
        scale.write(configuration, _replicas(body))
        name = options.manager or default_manager(target.agent)
        manager = Manager(name, "Apply", kind.api_version, "scale")
        now = clock.format_seconds(self._environment.clock.now())

        def change(live: Object) -> Object:
            return apply(live, configuration, kind.schema, manager, options.force, now, (), versions_of(kind))

        return change


def _changes(target: Target, scale: CustomScale, change: Change) -> Change:
    """The change of an object that a change of its Scale stands for."""

    def changed(live: Object) -> Object:
        wanted = change(scale.read(live))
        metadata = _check_identity(target, wanted)
        uid = live["metadata"]["uid"]
        if metadata.get("uid") and metadata["uid"] != uid:
            text = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {uid}"
            raise errors.conflict(target.served.type.group, target.served.type.resource, target.name, text)
        scale.write(live, _replicas(wanted))
        if metadata.get("resourceVersion"):
            live["metadata"]["resourceVersion"] = metadata["resourceVersion"]
        return live

    return changed


def _check_identity(target: Target, scale: Object) -> Object:
    """The metadata of a Scale. Raises the 400 of a Scale of something else than the URL says."""
    metadata: Object = scale.get("metadata") or {}
    check_name(target, metadata.get("name") or "")
    check_namespace(target, metadata)
    return metadata


def _replicas(scale: Object) -> int:
    """How many replicas a Scale wants. Too few are told by the object's own validation."""
    replicas: int = (scale.get("spec") or {}).get("replicas") or 0
    return replicas
