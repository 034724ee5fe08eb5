"""From CustomResourceDefinitions to APIResourceSchemas, without a server (section 1.3 of the APIs reference).

The result is what a server would make of the definition: with its defaults, and without what says nothing. Labels and
annotations are not taken over, because a schema is a copy that never follows its origin; but for the one annotation
without which no server accepts a schema of Kubernetes' own groups.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from manifold.cli.workspaces.failures import CommandError
from manifold.cli.workspaces.session import Session, say

_SEPARATOR = re.compile(r"^---(?:[ \t].*)?$", re.M)
_PREFIX = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_KEPT = ("deprecated", "deprecationWarning", "additionalPrinterColumns", "selectableFields")
APPROVED = "api-approved.kubernetes.io"
_LISTS = ("List", "CustomResourceDefinitionList")


def snapshot(session: Session, arguments: tuple[str, ...]) -> None:
    """Write a schema for each definition of the file that the flags name, each followed by a line `---`."""
    flags = session.flags
    file, prefix, output = flags.text("filename"), flags.text("prefix"), flags.text("output") or "yaml"
    if not file:
        raise CommandError("--filename is required")
    if not prefix:
        raise CommandError("--prefix is required")
    if not _PREFIX.fullmatch(prefix):
        raise CommandError(f'--prefix must match ^{_PREFIX.pattern}$, and "{prefix}" does not')
    if output not in ("yaml", "json"):
        raise CommandError(f'--output must be yaml or json, and "{output}" is neither')
    schemas = [schema_of(definition, prefix) for definition in definitions(_text(file))]
    if not schemas:
        raise CommandError("there is no CustomResourceDefinition in what was read")
    for schema in schemas:
        say(f"{written(schema, output)}\n---")


def written(schema: dict[str, Any], output: str = "yaml") -> str:
    """A schema as YAML (which ends with a newline), or as JSON."""
    if output == "json":
        return json.dumps(schema, indent=4, sort_keys=True, ensure_ascii=False)
    from manifold.schema.yaml_output import dump

    return dump(schema).decode()


def definitions(text: str) -> Iterator[dict[str, Any]]:
    """The definitions of a text in YAML or JSON, of several documents or lists. Raises CommandError for all else."""
    from manifold.schema.yaml_documents import YAMLError, parse

    for number, document in enumerate(_SEPARATOR.split(text), 1):
        try:
            value, repeated = parse(document.encode())
        except YAMLError as error:
            raise CommandError(f"document {number}: {error}") from None
        if repeated:
            raise CommandError(f"document {number}: {' '.join(repeated.split())}")
        if value is not None:
            yield from _definitions_of(value, f"document {number}")


def _definitions_of(value: Any, where: str) -> Iterator[dict[str, Any]]:
    if not isinstance(value, dict):
        raise CommandError(f"{where} is no object")
    kind, version = value.get("kind"), value.get("apiVersion")
    if kind in _LISTS:
        for position, item in enumerate(value.get("items") or ()):
            yield from _definitions_of(item, f"{where}, item {position}")
    elif kind == "CustomResourceDefinition" and version == "apiextensions.k8s.io/v1":
        yield value
    else:
        raise CommandError(f"{where} is {kind} of {version}, not CustomResourceDefinition of apiextensions.k8s.io/v1")


def schema_of(definition: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The APIResourceSchema of a definition, under a name that begins with `prefix`.

    Raises CommandError where the definition lacks what a schema must have, or converts by a Kubernetes Service.
    """
    metadata = definition.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name:
        raise CommandError("a CustomResourceDefinition has no name")
    spec = _object(definition, "spec", name)
    names = _object(spec, "names", name)
    versions = spec.get("versions")
    if not isinstance(versions, list) or not versions:
        raise CommandError(f"{name}: spec.versions is missing")
    kind, plural = names.get("kind"), names.get("plural")
    if not isinstance(kind, str) or not kind or not isinstance(plural, str) or not plural:
        raise CommandError(f"{name}: spec.names.kind or spec.names.plural is missing")
    return {
        "apiVersion": "apis.kcp.io/v1alpha1",
        "kind": "APIResourceSchema",
        "metadata": {"name": f"{prefix}.{name}", **_approval(definition["metadata"])},
        "spec": {
            "group": spec.get("group") or "",
            "names": {"singular": kind.lower(), "listKind": f"{kind}List", **names},
            "scope": spec.get("scope") or "",
            "versions": [_version(each, name) for each in versions],
            "conversion": _conversion(spec.get("conversion"), name),
        },
    }


def _approval(metadata: dict[str, Any]) -> dict[str, Any]:
    annotations = metadata.get("annotations")
    approved = annotations.get(APPROVED) if isinstance(annotations, dict) else None
    return {"annotations": {APPROVED: approved}} if approved else {}


def _object(value: dict[str, Any], field: str, name: str) -> dict[str, Any]:
    found = value.get(field)
    if not isinstance(found, dict):
        raise CommandError(f"{name}: {field} is missing")
    return found


def _version(version: Any, name: str) -> dict[str, Any]:
    if not isinstance(version, dict) or not version.get("name"):
        raise CommandError(f"{name}: a version has no name")
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if schema is None:
        raise CommandError(f"{name}: version {version['name']} has no schema")
    return {
        "name": version["name"],
        "served": version.get("served", False),
        "storage": version.get("storage", False),
        **{field: version[field] for field in _KEPT if version.get(field)},
        "schema": schema,
        "subresources": version.get("subresources") or {},
    }


def _conversion(conversion: Any, name: str) -> dict[str, Any]:
    if not isinstance(conversion, dict) or conversion.get("strategy", "None") != "Webhook":
        return {"strategy": "None"}
    webhook = conversion.get("webhook") or {}
    client = webhook.get("clientConfig") or {}
    if client.get("service"):
        raise CommandError(f"{name}: webhooks that refer to services are not supported, please use URL instead")
    if not client.get("url"):
        raise CommandError(f"{name}: the conversion webhook has no URL")
    reached = {field: client[field] for field in ("url", "caBundle") if client.get(field)}
    versions = list(webhook.get("conversionReviewVersions") or ())
    return {"strategy": "Webhook", "webhook": {"clientConfig": reached, "conversionReviewVersions": versions}}


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not UTF-8") from None
    except OSError as error:
        raise CommandError(f"{file}: {(error.strerror or str(error)).lower()}") from None
