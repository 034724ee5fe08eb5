"""OpenAPI of the types a logical cluster serves: which documents there are, under which tags, in which form.

What a document contains is the schema layer's business; here resource types become what that layer knows of
resources. Custom types need the schema their definition gives, which a type does not carry: the caller says where
it is found.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal

import orjson

from manifold.base.errors import not_acceptable
from manifold.schema.openapi import documents, swagger, swagger_protobuf
from manifold.schema.openapi.resources import Part, Resource
from manifold.types.resource import METADATA_FIELDS, ResourceType
from manifold.views.document import IMMUTABLE, JSON, PRIVATE, Document, content_tag
from manifold.views.subresources import Shown, shown

CustomSchema = Callable[[ResourceType], Mapping[str, Any]]
"""Gives the OpenAPI schema of a custom type's objects, as its definition has it."""

Representation = Literal["json", "protobuf"]

SWAGGER_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_SCALE_SCHEMA = "io.k8s.api.autoscaling.v1.Scale"
_SCHEMA_PREFIXES = {"authentication.k8s.io": "io.k8s.api.authentication."}


def resources_of(types: Iterable[ResourceType], custom_schema: CustomSchema) -> list[Resource]:
    """What OpenAPI needs to know of each type."""
    return [_resource(kind, custom_schema) for kind in types]


def _resource(kind: ResourceType, custom_schema: CustomSchema) -> Resource:
    return Resource(
        group=kind.group,
        version=kind.version,
        plural=kind.resource,
        kind=kind.kind,
        list_kind=kind.list_kind,
        namespaced=kind.namespaced,
        verbs=kind.verbs,
        schema_name=kind.schema_name,
        parts=tuple(_part(kind, part) for part in shown(kind)),
        custom=custom_schema(kind) if kind.custom else None,
        selectable=tuple(field for field in kind.selectable if field not in METADATA_FIELDS) if kind.custom else (),
        protobuf=bool(kind.protobuf),
        strategic_merge=not kind.custom,
    )


def _part(kind: ResourceType, part: Shown) -> Part:
    if not part.version:
        return Part(part.name, kind.group, kind.version, part.kind, part.verbs, kind.schema_name)
    schema = _SCALE_SCHEMA
    if part.group in _SCHEMA_PREFIXES:
        schema = f"{_SCHEMA_PREFIXES[part.group]}{part.version}.{part.kind}"
    return Part(part.name, part.group, part.version, part.kind, part.verbs, schema)


@lru_cache(maxsize=64)
def negotiate_openapi(accept: str, has_protobuf: bool = False) -> Representation:
    """The form of an OpenAPI document an Accept header asks for, the first clause that can be met. v2 has a protobuf
    form, because Go clients read nothing else; v3 has none, because kubectl and client-go read JSON. Raises the 406
    `Status`.
    """
    if not accept.strip():
        return "json"
    for clause in accept.split(","):
        media = clause.partition(";")[0].strip().lower()
        if media in (JSON, "application/*", "*/*"):
            return "json"
        if has_protobuf and media.replace("@", ".") == SWAGGER_PROTOBUF:
            return "protobuf"
    raise not_acceptable((JSON, SWAGGER_PROTOBUF) if has_protobuf else (JSON,))


class OpenAPI:
    """The documents of one shape. Nothing is built before it is asked for; keeping what was built is the caller's."""

    def __init__(self, types: Iterable[ResourceType], custom_schema: CustomSchema) -> None:
        self._resources = resources_of(types, custom_schema)

    def index(self) -> Generator[None, None, Document]:
        """Make `/openapi/v3` in slices: the documents there are and their tags."""
        body = yield from documents.index(self._resources)
        return Document(body, JSON, content_tag(body))

    def tag(self, name: str) -> str:
        """The tag of the document `name` (`apis/apps/v1`), without building it."""
        return documents.document_tag(self._resources, name)

    def document(self, name: str) -> Generator[None, None, Document | None]:
        """Build the document `name` in slices; None where there is none."""
        body = yield from documents.build_in_slices(self._resources, name)
        return None if body is None else Document(body, JSON, self.tag(name), PRIVATE, "Accept")

    def swagger(self, form: Representation = "json") -> Generator[None, None, Document]:
        """Build `/openapi/v2` in slices."""
        document = yield from swagger.swagger(self._resources)
        if form == "json":
            body, media = (yield from _dumped(document)), JSON
        else:
            body, media = (yield from swagger_protobuf.encode(document)), SWAGGER_PROTOBUF
        return Document(body, media, content_tag(body), PRIVATE, "Accept-Encoding, Accept")


def _dumped(document: Mapping[str, Any]) -> Generator[None, None, bytes]:
    """A document as JSON, made in slices: nothing else runs while the library works on one value."""
    members = []
    for name, value in document.items():
        if name in ("paths", "definitions"):
            made = []
            for position, (inner, one) in enumerate(value.items()):
                made.append(orjson.dumps(inner) + b":" + orjson.dumps(one))
                if position % 50 == 49:
                    yield
            members.append(orjson.dumps(name) + b":{" + b",".join(made) + b"}")
        else:
            members.append(orjson.dumps(name) + b":" + orjson.dumps(value))
    return b"{" + b",".join(members) + b"}"


def immutable(document: Document) -> Document:
    """The same document for a URL that contains its tag: it can be kept for ever."""
    return Document(document.body, document.content_type, document.etag, IMMUTABLE, document.vary)
