"""OpenAPI v3 documents of a workspace: one per group and version, some small ones, and the index of them.

The index names every document with a tag, so that a client which has one never asks for it again; it must therefore be
had without building what it names. A tag is made of what a document is made of: the resources, the schema of each
custom one, the data of the built-in types, the descriptions, and `FORM`, which counts changes of how
documents are built (OpenAPI v3 publishing, KEP-2896).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from manifold.schema.openapi import describing
from manifold.schema.openapi.components import META, Schema, components, reference
from manifold.schema.openapi.custom import custom_component, custom_list
from manifold.schema.openapi.operations import base_path, path_items, tag_of
from manifold.schema.openapi.resources import Resource

FORM = "2"
"""Counts up whenever documents are built differently from the same input."""

API_VERSION = "1.36"
_SCALE = "io.k8s.api.autoscaling.v1.Scale"
_SCHEMES = {
    "BearerToken": {
        "type": "apiKey",
        "description": "Bearer token",
        "name": "authorization",
        "in": "header",
    }
}


def document_names(resources: Iterable[Resource]) -> list[str]:
    """The names of all documents in the index: `api`, `api/v1`, `apis`, `apis/<group>/<version>`, ... in order."""
    names = {"api", "apis", "version", ".well-known/openid-configuration", "openid/v1/jwks"}
    for resource in resources:
        names.add(base_path(resource.group, resource.version)[1:])
        if resource.group and resource.custom is None:
            names.add(f"apis/{resource.group}")
    return sorted(names)


def document_tag(resources: Sequence[Resource], name: str) -> str:
    """What changes whenever the document `name` does: upper-case hex, usable in an ETag and a query."""
    digest = hashlib.sha256(_built_in_tag())
    digest.update(name.encode())
    for resource in _of(resources, name):
        parts = [[p.name, p.group, p.version, p.kind, p.verbs, p.schema_name] for p in resource.parts]
        facts = [
            [resource.plural, resource.kind, resource.list_kind, resource.namespaced, resource.verbs],
            [resource.schema_name, resource.protobuf, resource.strategic_merge, parts],
        ]
        digest.update(orjson.dumps(facts))
        if resource.custom is not None:
            digest.update(orjson.dumps([resource.custom, resource.selectable]))
    return digest.hexdigest().upper()


@cache
def _built_in_tag() -> bytes:
    data = files("manifold.schema").joinpath("data/types.json").read_bytes()
    return hashlib.sha256(FORM.encode() + data + describing.content()).digest()


def index(resources: Sequence[Resource]) -> Generator[None, None, bytes]:
    """Make `/openapi/v3`, every document's URL with its tag as `hash`, yielding between tags; returns the JSON."""
    paths = {}
    for name in document_names(resources):
        paths[name] = {"serverRelativeURL": f"/openapi/v3/{name}?hash={document_tag(resources, name)}"}
        yield
    return orjson.dumps({"paths": paths})


def build(resources: Sequence[Resource], name: str) -> bytes | None:
    """The document `name` at once; None where there is none. See `build_in_slices`."""
    slices = build_in_slices(resources, name)
    while True:
        try:
            next(slices)
        except StopIteration as done:
            document: bytes | None = done.value
            return document


def build_in_slices(resources: Sequence[Resource], name: str) -> Generator[None, None, bytes | None]:
    """Build the document `name`, yielding between resources so that others can run; returns the JSON, or None
    where there is no such document.
    """
    small = _SMALL.get(name)
    if small is not None:
        return orjson.dumps(small())
    found = _of(resources, name)
    if not found:
        if name not in document_names(resources):
            return None
        return orjson.dumps(_group_document(name.removeprefix("apis/")))
    paths: dict[str, Any] = {}
    schemas: dict[str, Schema] = {}
    built_in: set[str] = {f"{META}Status", f"{META}DeleteOptions", f"{META}Patch"}
    only_custom = all(resource.custom is not None for resource in found)
    if not only_custom:
        path = f"/{name}/"
        paths[path] = {"get": _read_operation(found[0], path)}
        built_in.update((f"{META}APIResourceList", f"{META}WatchEvent"))
    for resource in found:
        paths |= path_items(resource)
        if resource.custom is not None:
            schemas[resource.schema_name] = custom_component(resource)
            schemas[resource.list_schema_name] = custom_list(resource)
            built_in.update((f"{META}ObjectMeta", f"{META}ListMeta"))
        else:
            built_in.add(resource.schema_name)
            if "list" in resource.verbs:
                built_in.add(resource.list_schema_name)
        for part in resource.parts:
            if part.schema_name != resource.schema_name:
                if part.schema_name == _SCALE:
                    schemas |= _scale_schemas()
                else:
                    built_in.add(part.schema_name)
        yield
    schemas |= components(built_in)
    yield
    title = ("Kubernetes CRD Swagger", "v0.1.0") if only_custom else ("Kubernetes", API_VERSION)
    return orjson.dumps(_document(title, dict(sorted(paths.items())), dict(sorted(schemas.items()))))


def _of(resources: Iterable[Resource], name: str) -> list[Resource]:
    path = f"/{name}"
    found = [resource for resource in resources if base_path(resource.group, resource.version) == path]
    found.sort(key=lambda resource: resource.plural)
    return found


def _document(title: tuple[str, str], paths: Mapping[str, Any], schemas: Mapping[str, Schema]) -> dict[str, Any]:
    shared: dict[str, Any] = {"schemas": schemas} if schemas else {}
    return {
        "openapi": "3.0.0",
        "info": {"title": title[0], "version": title[1]},
        "paths": paths,
        "components": {**shared, "securitySchemes": _SCHEMES},
    }


def _read_operation(resource: Resource, path: str) -> dict[str, Any]:
    return {
        "tags": [tag_of(resource.group, resource.version)],
        "description": "list the resources of this version",
        "operationId": f"get{tag_of(resource.group, resource.version)}APIResources",
        "responses": _answers(f"{META}APIResourceList"),
    }


def _answers(schema: str) -> dict[str, Any]:
    content = {media: {"schema": reference(schema)} for media in ("application/json", "application/yaml")}
    return {"200": {"description": "OK", "content": content}, "401": {"description": "Unauthorized"}}


def _single(path: str, schema: str, description: str, tag: str) -> dict[str, Any]:
    operation = {
        "tags": [tag],
        "description": description,
        "operationId": f"get{tag[:1].upper()}{tag[1:]}",
        "responses": _answers(schema),
    }
    return _document(("Kubernetes", API_VERSION), {path: {"get": operation}}, components([schema]))


def _group_document(group: str) -> dict[str, Any]:
    return _single(f"/apis/{group}/", f"{META}APIGroup", "the group and its versions", group.partition(".")[0])


def _text(path: str, description: str, tag: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "string"}}}
    answers = {"200": {"description": "OK", "content": content}, "401": {"description": "Unauthorized"}}
    operation = {"tags": [tag], "description": description, "operationId": f"get{tag}", "responses": answers}
    return _document(("Kubernetes", API_VERSION), {path: {"get": operation}}, {})


_SMALL: Mapping[str, Callable[[], dict[str, Any]]] = {
    "api": lambda: _single("/api/", f"{META}APIVersions", "the versions of the core group", "core"),
    "apis": lambda: _single("/apis/", f"{META}APIGroupList", "all groups", "apis"),
    "version": lambda: _single(
        "/version/", "io.k8s.apimachinery.pkg.version.Info", "the version of the server", "version"
    ),
    ".well-known/openid-configuration": lambda: _text(
        "/.well-known/openid-configuration", "where the keys for service account tokens are", "WellKnown"
    ),
    "openid/v1/jwks": lambda: _text(
        "/openid/v1/jwks", "the keys that service account tokens are signed with", "openid"
    ),
}


@cache
def _scale_schemas() -> dict[str, Schema]:
    """Schemas of the `scale` subresource, which is served but has no resource of its own."""
    prefix = _SCALE.removesuffix("Scale")

    def described(name: str, fields: Mapping[str, Schema]) -> Schema:
        texts = describing.texts_of(prefix + name)
        properties = {field: {"description": texts[field], **schema} for field, schema in fields.items()}
        return {"description": texts[""], "type": "object", "properties": properties}

    number: Schema = {"type": "integer", "format": "int32"}
    text: Schema = {"type": "string"}

    def part(name: str) -> Schema:
        return {"allOf": [reference(name)], "default": {}}

    scale = described(
        "Scale",
        {
            "apiVersion": text,
            "kind": text,
            "metadata": part(f"{META}ObjectMeta"),
            "spec": part(f"{prefix}ScaleSpec"),
            "status": part(f"{prefix}ScaleStatus"),
        },
    )
    scale["x-kubernetes-group-version-kind"] = [{"group": "autoscaling", "version": "v1", "kind": "Scale"}]
    status = described("ScaleStatus", {"replicas": number, "selector": text})
    status["required"] = ["replicas"]
    return {
        _SCALE: scale,
        f"{prefix}ScaleSpec": described("ScaleSpec", {"replicas": number}),
        f"{prefix}ScaleStatus": status,
    }
