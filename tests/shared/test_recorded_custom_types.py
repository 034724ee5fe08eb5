"""Custom resources, CRDs, kcp's types and admission registration, held against recorded answers of real servers.

Needs the reference, whose folder the environment variable MANIFOLD_SHARED names.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from manifold.base.errors import StatusError, invalid
from manifold.schema.structural import RULES_SKIPPED, StructuralCodec, blocks_rules, compile_schema
from manifold.types import metadata as metadata_rules
from manifold.types.admissionregistration import TYPES as ADMISSION_TYPES
from manifold.types.apiextensions.definitions import CUSTOM_RESOURCE_DEFINITIONS
from manifold.types.kcp import EXPORTED_TYPES, SYSTEM_TYPES
from manifold.types.resource import ResourceType

SHARED = os.environ["MANIFOLD_SHARED"]

TYPES = {
    (kind.group, kind.version, kind.resource): kind
    for kind in (
        *SYSTEM_TYPES,
        *(kind for kinds in EXPORTED_TYPES.values() for kind in kinds),
        *ADMISSION_TYPES,
        CUSTOM_RESOURCE_DEFINITIONS,
    )
}
FILES = ("k8s-crds", "k8s-auth-admission", "kcp-workspaces", "kcp-types-initializers", "kcp-apis")
NOT_DECIDED_BY_THE_TYPE = re.compile(
    r"no permission to bind|cannot have any|only allows|not found|unable to|access denied|strict decoding"
    r"|privileged users|already exists|cannot be created|compilation failed|estimated rule cost"
)
CHANGED_BY_OTHERS = re.compile(r"workspace-create-(default-type|type-no-|generatename)")
PLACE = re.compile(r"(?:/clusters/[^/]+)?/apis/([^/]+)/([^/]+)/([a-z]+)$")


def recorded(file: str) -> list[dict[str, Any]]:
    text = (Path(SHARED) / "reference" / "wire" / f"{file}.yaml").read_bytes().replace(b"<sha256-1>", b"a" * 64)
    text = text.replace(b"<base64-pem>", b"YQ==")
    found: list[dict[str, Any]] = yaml.load(text, yaml.CSafeLoader)["exchanges"]
    return found


@cache
def creations() -> list[Any]:
    """Every POST of one of the types that was answered by what the type itself decides."""
    found = []
    for file in FILES:
        for exchange in recorded(file):
            request, response = exchange.get("request") or {}, exchange.get("response") or {}
            place = PLACE.match(request.get("path", "").split("?")[0])
            if request.get("method") != "POST" or place is None or not isinstance(request.get("body"), dict):
                continue
            kind = TYPES.get((place[1], place[2], place[3]))
            if kind is None or CHANGED_BY_OTHERS.match(exchange["name"]):
                continue
            message = response["body"].get("message", "") if isinstance(response.get("body"), dict) else ""
            if NOT_DECIDED_BY_THE_TYPE.search(message):
                continue
            found.append(pytest.param(kind, request["body"], response, id=exchange["name"]))
    return found


def answer(kind: ResourceType, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    obj = orjson.loads(orjson.dumps(body))
    try:
        kind.codec.normalize(obj)
        kind.strategy.default(obj)
        kind.strategy.prepare_create(obj)
        errors = metadata_rules.validate_create(obj["metadata"], kind.namespaced, kind.check_name)
        errors += kind.strategy.validate_create(obj)
        if errors:
            raise invalid(kind.group, kind.kind, obj["metadata"].get("name", ""), errors)
        if kind.convert is not None:
            obj = kind.convert.from_stored(kind.convert.to_stored(obj))
    except StatusError as refusal:
        return refusal.code, refusal.status()
    return 201, obj


@pytest.mark.parametrize(("kind", "body", "response"), creations())
def test_creations(kind: ResourceType, body: dict[str, Any], response: dict[str, Any]) -> None:
    code, made = answer(kind, body)
    assert (code, made.get("message")) == (response["status"], response["body"].get("message"))
    if code == 422:
        assert sorted(map(str, made["details"]["causes"])) == sorted(map(str, response["body"]["details"]["causes"]))
    if code == 201:
        wanted = response["body"]
        assert {name: made.get(name) for name in ("spec", "status", "webhooks")} == {
            name: wanted.get(name) for name in ("spec", "status", "webhooks")
        }


@cache
def custom_resources() -> list[Any]:
    """Every POST of a custom resource that only a schema decides, with the schema."""
    schemas: dict[tuple[str, str, str], Any] = {}
    found = []
    for exchange in recorded("k8s-crds"):
        request = exchange["request"]
        for each in (*(exchange.get("before") or ()), request):
            body = each.get("body")
            if isinstance(body, dict) and body.get("kind") == "CustomResourceDefinition" and "names" in body["spec"]:
                for version in body["spec"].get("versions") or ():
                    key = (body["spec"]["group"], version["name"], body["spec"]["names"]["plural"])
                    if version.get("schema"):
                        schemas.setdefault(key, version["schema"]["openAPIV3Schema"])
        parts = request["path"].split("?")[0].split("/")
        if not exchange["name"].startswith("cr-") or request["method"] != "POST":
            continue
        if exchange["name"].startswith(("cr-cel", "cr-wrong", "cr-no-kind", "cr-unknown-strict")):
            continue
        schema = schemas.get((parts[2], parts[3], parts[-1]))
        if schema is not None and isinstance(request.get("body"), dict):
            found.append(pytest.param(schema, request["body"], exchange["response"], id=exchange["name"]))
    return found


@pytest.mark.parametrize(("schema", "body", "response"), custom_resources())
def test_custom_resources(schema: dict[str, Any], body: dict[str, Any], response: dict[str, Any]) -> None:
    structural = compile_schema(schema)
    obj = orjson.loads(orjson.dumps(body))
    unknown = StructuralCodec(structural, body["kind"], "v1").normalize(obj)
    structural.default(obj)
    errors = structural.validate(obj)
    if structural.has_rules and blocks_rules(errors):
        errors.append(RULES_SKIPPED)
    causes = response["body"].get("details", {}).get("causes") or []
    assert sorted(str(error.cause()) for error in errors) == sorted(
        str({name: cause[name] for name in ("reason", "message", "field")}) for cause in causes
    )
    if response["status"] == 201:
        assert obj["spec"] == response["body"]["spec"]
        told = [warning for warning in response["headers"].get("Warning", ()) if "unknown field" in warning]
        assert told == [f"299 - {orjson.dumps(problem).decode()}" for problem in unknown]


class Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: `=` and dates are text."""


Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if not each[0].endswith((":value", ":timestamp"))]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def test_real_definitions_are_good_and_real_objects_fit_them() -> None:
    schemas: dict[tuple[str, str], Any] = {}
    data = Path(SHARED) / "data"
    for file in sorted(data.glob("crds/*/*.yaml")):
        for body in yaml.load_all(file.read_bytes(), Loader):
            if not body or body.get("kind") != "CustomResourceDefinition":
                continue
            body = orjson.loads(orjson.dumps(body))
            code, made = answer(CUSTOM_RESOURCE_DEFINITIONS, body)
            assert code == 201, (file.name, made)
            spec = body["spec"]
            for version in spec["versions"]:
                api_version = f"{spec['group']}/{version['name']}"
                schemas[api_version, spec["names"]["kind"]] = compile_schema(version["schema"]["openAPIV3Schema"])
    checked = 0
    for file in sorted(data.glob("objects/**/*.yaml")):
        for body in yaml.load_all(file.read_bytes(), Loader):
            structural = schemas.get((body.get("apiVersion"), body.get("kind"))) if isinstance(body, dict) else None
            if structural is None:
                continue
            obj = orjson.loads(orjson.dumps(body))
            assert StructuralCodec(structural, body["kind"], "v1").normalize(obj) == []
            structural.default(obj)
            assert structural.validate(obj) == [], file.name
            assert structural.validate(obj, obj) == []
            checked += 1
    assert checked > 30
