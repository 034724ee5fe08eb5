"""OpenAPI documents: schemas, paths and operations, tags, the index, and v2."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from discovery_types import make
from openapi_types import TYPES, WIDGET, WIDGET_SCHEMA, finish, schema_of

from manifold.schema.openapi import documents
from manifold.schema.openapi.operations import group_words, tag_of
from manifold.schema.openapi.swagger import swagger
from manifold.views.openapi import resources_of

RESOURCES = resources_of(TYPES, schema_of)


def read(name: str) -> dict[str, Any]:
    body = documents.build(RESOURCES, name)
    assert body is not None
    found: dict[str, Any] = orjson.loads(body)
    return found


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, child in value.items():
            if name == "$ref" and isinstance(child, str):
                yield child
            else:
                yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, operation


NAMES = documents.document_names(RESOURCES)


def test_names() -> None:
    assert NAMES == [
        ".well-known/openid-configuration",
        "api",
        "api/v1",
        "apis",
        "apis/authentication.k8s.io",
        "apis/authentication.k8s.io/v1",
        "apis/coordination.k8s.io",
        "apis/coordination.k8s.io/v1",
        "apis/example.com/v1",
        "openid/v1/jwks",
        "version",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_named_document_is_whole(name: str) -> None:
    document = read(name)
    assert document["openapi"] == "3.0.0"
    schemas = document["components"].get("schemas", {})
    prefix = "#/components/schemas/"
    assert {ref for ref in references(document) if ref.removeprefix(prefix) not in schemas} == set()
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for path, method, operation in operations(document):
        item = document["paths"][path]
        told = {p["name"] for p in [*item.get("parameters", []), *operation.get("parameters", [])] if p["in"] == "path"}
        assert told == set(re.findall(r"\{(\w+)\}", path)), (method, path)


@pytest.mark.parametrize("name", ["apis/nope.io/v1", "apis/example.com", "api/v2", "", "apis/", "nope"])
def test_there_is_no_other_document(name: str) -> None:
    assert documents.build(RESOURCES, name) is None


def test_index_names_documents_by_tag() -> None:
    index = orjson.loads(finish(documents.index(RESOURCES)))
    assert list(index["paths"]) == NAMES
    url = index["paths"]["apis/coordination.k8s.io/v1"]["serverRelativeURL"]
    name, _, tag = url.removeprefix("/openapi/v3/").partition("?hash=")
    assert name == "apis/coordination.k8s.io/v1"
    assert tag == documents.document_tag(RESOURCES, name)
    assert re.fullmatch("[0-9A-F]{64}", tag)


def test_a_tag_follows_what_the_document_is_made_of() -> None:
    def tag(types: list[Any], schema: dict[str, Any], name: str) -> str:
        return documents.document_tag(resources_of(types, lambda kind: schema), name)

    widgets, core = "apis/example.com/v1", "api/v1"
    assert tag(TYPES, WIDGET_SCHEMA, widgets) == tag(TYPES[::-1], WIDGET_SCHEMA, widgets)
    assert tag(TYPES, WIDGET_SCHEMA, widgets) != tag(TYPES, {"type": "object"}, widgets)
    assert tag(TYPES, WIDGET_SCHEMA, core) == tag(TYPES, {"type": "object"}, core)
    assert tag(TYPES, WIDGET_SCHEMA, core) != tag(TYPES[1:], WIDGET_SCHEMA, core)


def test_a_changed_form_is_counted() -> None:
    """Tags do not see how documents are built. Whoever changes that counts up FORM, and this digest with it."""
    resource = resources_of([make("x.io", "v1", "Thing", custom=True, schema_name="io.x.v1.Thing")], lambda kind: {})
    body = documents.build(resource, "apis/x.io/v1")
    assert body is not None
    document = orjson.loads(body)

    def without_prose(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: without_prose(v) for k, v in value.items() if not (k == "description" and isinstance(v, str))}
        return [without_prose(child) for child in value] if isinstance(value, list) else value

    schemas = without_prose(document["components"]["schemas"])
    owner = schemas["io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference"]
    shape = [document["paths"], schemas["io.x.v1.Thing"], schemas["io.x.v1.ThingList"], owner]
    digest = hashlib.sha256(orjson.dumps(shape, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
    assert (documents.FORM, digest) == ("2", "a1739b400163")


def test_schema_of_a_built_in_type() -> None:
    schema = read("api/v1")["components"]["schemas"]["io.k8s.api.core.v1.ServiceAccount"]
    assert schema["x-kubernetes-group-version-kind"] == [{"group": "", "version": "v1", "kind": "ServiceAccount"}]
    secrets = schema["properties"]["secrets"]
    assert secrets.pop("description")
    assert secrets == {
        "type": "array",
        "items": {"allOf": [{"$ref": "#/components/schemas/io.k8s.api.core.v1.ObjectReference"}], "default": {}},
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "x-kubernetes-patch-merge-key": "name",
        "x-kubernetes-patch-strategy": "merge",
    }


def test_scalars_with_a_name() -> None:
    schemas = read("apis/coordination.k8s.io/v1")["components"]["schemas"]
    time = schemas["io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime"]
    assert (time["type"], time["format"]) == ("string", "date-time")
    assert "io.k8s.api.core.v1.ConfigMap" not in schemas


def test_paths_of_a_namespaced_type() -> None:
    paths = read("apis/coordination.k8s.io/v1")["paths"]
    base = "/apis/coordination.k8s.io/v1"
    assert {path: sorted(item) for path, item in paths.items()} == {
        f"{base}/": ["get"],
        f"{base}/leases": ["get", "parameters"],
        f"{base}/namespaces/{{namespace}}/leases": ["delete", "get", "parameters", "post"],
        f"{base}/namespaces/{{namespace}}/leases/{{name}}": ["delete", "get", "parameters", "patch", "put"],
        f"{base}/watch/leases": ["get", "parameters"],
        f"{base}/watch/namespaces/{{namespace}}/leases": ["get", "parameters"],
        f"{base}/watch/namespaces/{{namespace}}/leases/{{name}}": ["get", "parameters"],
    }


def test_operations_are_named_as_client_generators_expect() -> None:
    names = {
        operation["operationId"]: operation["x-kubernetes-action"]
        for _, _, operation in operations(read("api/v1"))
        if "x-kubernetes-action" in operation
    }
    assert names["listCoreV1NamespacedConfigMap"] == "list"
    assert names["listCoreV1ConfigMapForAllNamespaces"] == "list"
    assert names["deleteCoreV1CollectionNamespacedConfigMap"] == "deletecollection"
    assert names["replaceCoreV1NamespaceFinalize"] == "put"
    assert names["readCoreV1NamespaceStatus"] == "get"
    assert names["createCoreV1NamespacedServiceAccountToken"] == "post"
    assert names["watchCoreV1NamespacedConfigMapList"] == "watchlist"
    assert names["watchCoreV1NamespaceList"] == "watchlist"
    assert "deleteCoreV1CollectionNamespace" not in names


@pytest.mark.parametrize(
    ("group", "words", "tag"),
    [
        ("", "Core", "core_v1"),
        ("rbac.authorization.k8s.io", "RbacAuthorization", "rbacAuthorization_v1"),
        ("coordination.k8s.io", "Coordination", "coordination_v1"),
        ("my-app.example.com", "MyAppExampleCom", "myAppExampleCom_v1"),
    ],
)
def test_words_of_a_group(group: str, words: str, tag: str) -> None:
    assert group_words(group) == words
    assert tag_of(group, "v1") == tag


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("api/v1", {"group": "", "version": "v1", "kind": "ConfigMap"}),
        ("api/v1", {"group": "", "version": "v1", "kind": "Namespace"}),
        ("apis/example.com/v1", {"group": "example.com", "version": "v1", "kind": "Widget"}),
    ],
)
def test_kubectl_finds_the_parameters_it_looks_for(name: str, kind: dict[str, str]) -> None:
    """kubectl asks the PATCH operation of a kind, which it knows by its extension, for these query parameters."""
    patches = [
        op
        for _, method, op in operations(read(name))
        if method == "patch" and op["x-kubernetes-group-version-kind"] == kind
    ]
    assert patches
    for operation in patches:
        found = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
        assert found == {"dryRun", "fieldManager", "fieldValidation", "force"}


def test_only_built_in_types_take_strategic_patches() -> None:
    def media(name: str, path: str) -> list[str]:
        return list(read(name)["paths"][path]["patch"]["requestBody"]["content"])

    strategic = "application/strategic-merge-patch+json"
    assert strategic in media("api/v1", "/api/v1/namespaces/{namespace}/configmaps/{name}")
    custom = media("apis/example.com/v1", "/apis/example.com/v1/namespaces/{namespace}/widgets/{name}")
    assert custom == ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"]


def test_reviews_can_only_be_created() -> None:
    paths = read("apis/authentication.k8s.io/v1")["paths"]
    assert {path: sorted(item) for path, item in paths.items()} == {
        "/apis/authentication.k8s.io/v1/": ["get"],
        "/apis/authentication.k8s.io/v1/tokenreviews": ["parameters", "post"],
    }


def test_a_token_is_another_kind() -> None:
    operation = read("api/v1")["paths"]["/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"]["post"]
    assert operation["x-kubernetes-group-version-kind"] == {
        "group": "authentication.k8s.io",
        "version": "v1",
        "kind": "TokenRequest",
    }
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/io.k8s.api.authentication.v1.TokenRequest"}


def test_custom_resources_are_served_as_they_are_defined() -> None:
    document = read("apis/example.com/v1")
    schema = document["components"]["schemas"]["com.example.v1.Widget"]
    assert schema["description"] == "A widget."
    assert schema["required"] == ["spec"]
    assert schema["x-kubernetes-group-version-kind"] == [{"group": "example.com", "version": "v1", "kind": "Widget"}]
    assert schema["properties"]["metadata"]["allOf"] == [
        {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
    ]
    spec = schema["properties"]["spec"]["properties"]
    assert spec["ports"]["x-kubernetes-patch-merge-key"] == "name"
    assert set(spec["template"]["properties"]) == {"apiVersion", "kind", "metadata"}
    assert spec["template"]["required"] == ["kind", "apiVersion"]
    assert spec["either"]["anyOf"] == [{"type": "integer"}, {"type": "string"}]
    assert "anyOf" not in spec["other"], "what is said is served as it is"
    assert spec["size"] == WIDGET_SCHEMA["properties"]["spec"]["properties"]["size"]
    assert spec["maybe"]["nullable"] is True
    assert "x-kubernetes-patch-merge-key" not in WIDGET_SCHEMA["properties"]["spec"]["properties"]["ports"]
    listed = document["components"]["schemas"]["com.example.v1.WidgetList"]
    assert listed["properties"]["items"]["items"] == {"$ref": "#/components/schemas/com.example.v1.Widget"}


def test_custom_resources_have_no_older_watch_urls_and_a_scale() -> None:
    document = read("apis/example.com/v1")
    assert not [path for path in document["paths"] if "/watch/" in path]
    scale = document["paths"]["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}/scale"]
    assert sorted(scale) == ["get", "parameters", "patch", "put"]
    assert scale["get"]["x-kubernetes-group-version-kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    assert "io.k8s.api.autoscaling.v1.ScaleStatus" in document["components"]["schemas"]


def test_metadata_a_definition_describes_is_replaced() -> None:
    schema = {
        "type": "object",
        "properties": {"metadata": {"type": "object", "properties": {"name": {"type": "string"}}}},
    }
    body = documents.build(resources_of([WIDGET], lambda kind: schema), "apis/example.com/v1")
    assert body is not None
    served = orjson.loads(body)["components"]["schemas"]["com.example.v1.Widget"]
    assert "properties" not in served["properties"]["metadata"]
    assert schema["properties"]["metadata"]["properties"] == {"name": {"type": "string"}}  # type: ignore[index]  # JSON


def test_v2_says_the_same_in_its_own_terms() -> None:
    document = finish(swagger(RESOURCES))
    assert document["swagger"] == "2.0"
    definitions = document["definitions"]
    assert {ref for ref in references(document) if ref.removeprefix("#/definitions/") not in definitions} == set()
    assert definitions["io.k8s.api.core.v1.ConfigMap"]["properties"]["metadata"]["$ref"].endswith("ObjectMeta")
    spec = definitions["com.example.v1.Widget"]["properties"]["spec"]["properties"]
    assert spec["size"] == {"x-kubernetes-int-or-string": True, "type": "string", "format": "int-or-string"}
    assert "nullable" not in spec["maybe"]
    patch = document["paths"]["/api/v1/namespaces/{namespace}/configmaps/{name}"]["patch"]
    assert patch["parameters"][0]["in"] == "body"
    assert "fieldValidation" in {parameter["name"] for parameter in patch["parameters"]}
    for parameter in patch["parameters"][1:]:
        assert parameter["type"] in ("string", "boolean", "integer")
    assert set(document["paths"]) == {path for name in NAMES for path in read(name)["paths"]}
