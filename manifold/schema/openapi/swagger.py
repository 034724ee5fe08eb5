"""OpenAPI v2 (Swagger), derived from the v3 documents: one document for everything a workspace serves.

Only older clients read it, so it is not made from the source a second time but translated. v2 knows no `oneOf`,
`anyOf`, `not` and `nullable`; where a schema needs them, what remains says less, never something wrong: a schema
whose type is open has no type, and one that keeps fields it does not know tells none, because older clients refuse
every field that is not told.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import orjson

from manifold.schema.openapi.documents import API_VERSION, build_in_slices, document_names
from manifold.schema.openapi.resources import Resource

_DROPPED = frozenset(("oneOf", "anyOf", "not", "nullable", "default"))
_KINDS = "x-kubernetes-group-version-kind"
_TOLD = frozenset(("properties", "items", "required"))
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_V3, _V2 = "#/components/schemas/", "#/definitions/"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")


def swagger(resources: Sequence[Resource]) -> Generator[None, None, dict[str, Any]]:
    """Build `/openapi/v2`, yielding between pieces of work; returns the document."""
    paths: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    for name in document_names(resources):
        built = yield from build_in_slices(resources, name)
        if built is None:
            continue
        document = orjson.loads(built)
        yield
        for path, item in document["paths"].items():
            paths[path] = _path_item(item)
        yield
        for schema_name, schema in document["components"].get("schemas", {}).items():
            if schema_name not in definitions:
                definitions[schema_name] = _definition(schema)
        yield
    scheme = {"description": "Bearer token", "type": "apiKey", "name": "authorization", "in": "header"}
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": API_VERSION},
        "paths": dict(sorted(paths.items())),
        "definitions": dict(sorted(definitions.items())),
        "securityDefinitions": {"BearerToken": scheme},
        "security": [{"BearerToken": []}],
    }


def _definition(given: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a type in v2. Of objects that may have any field, only the kind is told."""
    if given.get(_PRESERVE) and _KINDS in given:
        return {"type": "object", _KINDS: given[_KINDS]}
    return _schema(given)


def _schema(given: Mapping[str, Any]) -> dict[str, Any]:
    """A schema in v2. A reference that stands in `allOf` only because of its neighbours is unwrapped."""
    if given.get("x-kubernetes-int-or-string"):
        kept = {name: value for name, value in given.items() if name == "description" or name.startswith("x-")}
        return {**kept, "type": "string", "format": "int-or-string"}
    schema: dict[str, Any] = {}
    dropped = _DROPPED | _TOLD if given.get(_PRESERVE) else _DROPPED
    for name, value in given.items():
        if name in dropped:
            continue
        if name == "$ref":
            schema[name] = value.replace(_V3, _V2)
        elif name == "properties":
            schema[name] = {field: _schema(child) for field, child in value.items()}
        elif name in ("items", "additionalProperties"):
            schema[name] = _schema(value) if isinstance(value, Mapping) else value
        elif name == "allOf":
            if len(value) == 1 and "$ref" in value[0]:
                schema["$ref"] = value[0]["$ref"].replace(_V3, _V2)
        else:
            schema[name] = value
    if "oneOf" in given and "type" not in schema and "$ref" not in schema and "properties" not in schema:
        schema["type"] = "string"
    return schema


def _parameter(given: Mapping[str, Any]) -> dict[str, Any]:
    schema = given.get("schema", {})
    rest = {name: value for name, value in given.items() if name != "schema"}
    return {**rest, "type": schema.get("type", "string"), "uniqueItems": True}


def _path_item(item: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in item.items():
        if name in _METHODS:
            found[name] = _operation(value)
        elif name == "parameters":
            found[name] = [_parameter(parameter) for parameter in value]
    return found


def _operation(given: Mapping[str, Any]) -> dict[str, Any]:
    produces: dict[str, None] = {}
    responses: dict[str, Any] = {}
    for code, response in given["responses"].items():
        answer = {"description": response["description"]}
        for media, content in response.get("content", {}).items():
            produces[media] = None
            answer["schema"] = _schema(content["schema"])
        responses[code] = answer
    listed = [_parameter(parameter) for parameter in given.get("parameters", ())]
    consumes = ["*/*"]
    body = given.get("requestBody")
    if body:
        consumes = list(body["content"])
        schema = next(iter(body["content"].values()))["schema"]
        listed.insert(0, {"name": "body", "in": "body", "schema": _schema(schema)})
        if body.get("required"):
            listed[0]["required"] = True
    kept = ("description", "operationId", "tags", "deprecated")
    operation = {name: given[name] for name in kept if name in given}
    operation |= {"schemes": ["https"], "consumes": consumes, "produces": list(produces), "responses": responses}
    if listed:
        operation["parameters"] = listed
    operation |= {name: value for name, value in given.items() if name.startswith("x-")}
    return operation
