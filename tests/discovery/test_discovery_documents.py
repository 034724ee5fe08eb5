"""Discovery documents: content, order, and the two forms of the same facts."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import yaml
from discovery_types import make

from manifold.base.errors import StatusError
from manifold.types.resource import ALL_VERBS
from manifold.views import discovery
from manifold.views.document import content_tag, matches

CUSTOM_VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]
V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
V2BETA1 = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"

CONFIGMAP = make("", "v1", "ConfigMap", short_names=("cm",))
NAMESPACE = make(
    "",
    "v1",
    "Namespace",
    namespaced=False,
    short_names=("ns",),
    verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection"),
    subresources=("status", "finalize"),
)
ACCOUNT = make("", "v1", "ServiceAccount", short_names=("sa",))
REVIEW = make("authentication.k8s.io", "v1", "TokenReview", namespaced=False, verbs=("create",), storageless=True)
LEASE = make("coordination.k8s.io", "v1", "Lease")
EVENT = make("events.k8s.io", "v1", "Event", stored_group="", stored_resource="events", stored_version="v1")
WIDGET = make("example.com", "v1", "Widget", custom=True, subresources=("scale", "status"), stored_version="v1")
WIDGET_BETA = make("example.com", "v1beta1", "Widget", custom=True, stored_version="v1", categories=("all",))
TYPES = [WIDGET_BETA, WIDGET, LEASE, EVENT, REVIEW, ACCOUNT, NAMESPACE, CONFIGMAP]


def read(document: Any) -> Any:
    assert document is not None
    return orjson.loads(document.body)


def at(path: str, accept: str = "", address: str = "") -> Any:
    return read(discovery.discovery(TYPES, path, accept, address))


def test_core_versions_name_the_server() -> None:
    assert at("/api", address="192.0.2.1:6443") == {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "192.0.2.1:6443"}],
    }


def test_groups_come_in_fixed_order_then_by_name() -> None:
    names = [group["name"] for group in at("/apis/")["groups"]]
    assert names == ["authentication.k8s.io", "coordination.k8s.io", "events.k8s.io", "example.com"]


def test_only_built_in_groups_name_the_server() -> None:
    groups = {group["name"]: group for group in at("/apis", address="a:1")["groups"]}
    assert "serverAddressByClientCIDRs" in groups["coordination.k8s.io"]
    assert "serverAddressByClientCIDRs" not in groups["example.com"]


def test_a_group_prefers_its_best_version() -> None:
    assert at("/apis/example.com") == {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": "example.com",
        "versions": [
            {"groupVersion": "example.com/v1", "version": "v1"},
            {"groupVersion": "example.com/v1beta1", "version": "v1beta1"},
        ],
        "preferredVersion": {"groupVersion": "example.com/v1", "version": "v1"},
    }


def test_versions_are_ordered_by_maturity_then_number() -> None:
    versions = [
        "foo1",
        "v1alpha1",
        "v12alpha1",
        "v3beta1",
        "v10beta3",
        "v10",
        "v2",
        "v11beta2",
        "v1",
        "foo10",
        "v11alpha2",
    ]
    expected = [
        "v10",
        "v2",
        "v1",
        "v11beta2",
        "v10beta3",
        "v3beta1",
        "v12alpha1",
        "v11alpha2",
        "v1alpha1",
        "foo1",
        "foo10",
    ]
    assert sorted(versions, key=discovery.version_rank) == expected
    assert sorted(["v1beta1", "v1beta10", "v1beta2"], key=discovery.version_rank) == ["v1beta10", "v1beta2", "v1beta1"]


def test_core_resources_with_subresources() -> None:
    document = at("/api/v1")
    assert list(document) == ["kind", "groupVersion", "resources"]
    resources = {entry["name"]: entry for entry in document["resources"]}
    assert list(resources) == [
        "configmaps",
        "namespaces",
        "namespaces/finalize",
        "namespaces/status",
        "serviceaccounts",
        "serviceaccounts/token",
    ]
    assert resources["configmaps"] == {
        "name": "configmaps",
        "singularName": "configmap",
        "namespaced": True,
        "kind": "ConfigMap",
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        "shortNames": ["cm"],
        "storageVersionHash": "qFsyl6wFWjQ=",
    }
    assert resources["namespaces/finalize"] == {
        "name": "namespaces/finalize",
        "singularName": "",
        "namespaced": False,
        "kind": "Namespace",
        "verbs": ["update"],
    }
    assert resources["serviceaccounts/token"] == {
        "name": "serviceaccounts/token",
        "singularName": "",
        "namespaced": True,
        "group": "authentication.k8s.io",
        "version": "v1",
        "kind": "TokenRequest",
        "verbs": ["create"],
    }


def test_custom_resources_list_their_verbs_and_subresources_in_their_own_order() -> None:
    resources = at("/apis/example.com/v1")["resources"]
    assert [entry["name"] for entry in resources] == ["widgets", "widgets/status", "widgets/scale"]
    assert resources[0]["verbs"] == CUSTOM_VERBS
    assert {key: resources[2][key] for key in ("group", "version", "kind", "verbs")} == {
        "group": "autoscaling",
        "version": "v1",
        "kind": "Scale",
        "verbs": ["get", "patch", "update"],
    }


def test_a_virtual_workspace_lists_verbs_by_name() -> None:
    document = read(discovery.resource_list(TYPES, "example.com", "v1", virtual=True))
    assert document["resources"][0]["verbs"] == sorted(CUSTOM_VERBS)


def test_subresources_of_a_read_only_type_have_null_verbs() -> None:
    read_only = make("x.io", "v1", "Thing", custom=True, verbs=("get", "list", "watch"), subresources=("status",))
    resources = read(discovery.resource_list([read_only], "x.io", "v1"))["resources"]
    assert resources[1]["name"] == "things/status"
    assert resources[1]["verbs"] is None


@pytest.mark.parametrize(
    ("resource_type", "expected"),
    [(CONFIGMAP, "qFsyl6wFWjQ="), (NAMESPACE, "Q3oi5N2YM8M="), (LEASE, "gqkMMb/YqFM="), (EVENT, "r2yiGXH7wu8=")],
)
def test_storage_version_hash(resource_type: Any, expected: str) -> None:
    assert discovery.storage_version_hash(resource_type) == expected


def test_versions_of_one_type_share_the_storage_version_hash() -> None:
    assert discovery.storage_version_hash(WIDGET) == discovery.storage_version_hash(WIDGET_BETA)


def test_reviews_are_not_stored() -> None:
    assert "storageVersionHash" not in at("/apis/authentication.k8s.io/v1")["resources"][0]


def test_aggregated_core() -> None:
    document = at("/api", V2)
    assert document["kind"] == "APIGroupDiscoveryList"
    assert document["apiVersion"] == "apidiscovery.k8s.io/v2"
    (item,) = document["items"]
    assert item["metadata"] == {}
    (version,) = item["versions"]
    assert version["freshness"] == "Current"
    namespaces = version["resources"][1]
    assert namespaces == {
        "resource": "namespaces",
        "responseKind": {"group": "", "version": "", "kind": "Namespace"},
        "scope": "Cluster",
        "singularResource": "namespace",
        "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
        "shortNames": ["ns"],
        "subresources": [
            {
                "subresource": "finalize",
                "responseKind": {"group": "", "version": "", "kind": "Namespace"},
                "verbs": ["update"],
            },
            {
                "subresource": "status",
                "responseKind": {"group": "", "version": "", "kind": "Namespace"},
                "verbs": ["get", "patch", "update"],
            },
        ],
    }


def test_aggregated_groups_agree_with_the_legacy_documents() -> None:
    document = at("/apis", V2)
    assert [item["metadata"]["name"] for item in document["items"]] == [g["name"] for g in at("/apis")["groups"]]
    for item in document["items"]:
        name = item["metadata"]["name"]
        assert [v["version"] for v in item["versions"]] == [v["version"] for v in at(f"/apis/{name}")["versions"]]
        for version in item["versions"]:
            told = []
            for resource in version["resources"]:
                told.append(resource["resource"])
                told += [f"{resource['resource']}/{sub['subresource']}" for sub in resource.get("subresources", [])]
            assert told == [entry["name"] for entry in at(f"/apis/{name}/{version['version']}")["resources"]]


def test_custom_resources_have_their_full_response_kind() -> None:
    widgets = at("/apis", V2)["items"][-1]["versions"][0]["resources"][0]
    assert widgets["responseKind"] == {"group": "example.com", "version": "v1", "kind": "Widget"}
    assert widgets["subresources"][1]["responseKind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}


@pytest.mark.parametrize(
    "path", ["/apis/nope.io", "/apis/example.com/v9", "/apis/nope.io/v1", "/api/v9", "/apis/a/b/c", "/apis//v1"]
)
def test_what_is_not_served_has_no_document(path: str) -> None:
    assert discovery.discovery(TYPES, path) is None


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "legacy"),
        ("*/*", "legacy"),
        ("application/json", "legacy"),
        ("application/json, */*", "legacy"),
        ("application/vnd.kubernetes.protobuf, */*", "legacy"),
        ("application/yaml", "yaml"),
        ("application/yaml;q=0.5,application/json;q=0.9", "legacy"),
        (f"{V2},application/json", "v2"),
        (f"{V2},{V2BETA1},application/json", "v2"),
        (f"{V2BETA1},{V2},application/json", "v2"),
        (f"{V2BETA1},application/json", "legacy"),
        ("application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io", "v2"),
    ],
)
def test_accept_decides_the_form(accept: str, expected: str) -> None:
    assert discovery.negotiate_discovery(accept) == expected


@pytest.mark.parametrize(
    "accept", [V2BETA1, "application/xml", "application/*", "application/json;q=0", "application/json;q=x"]
)
def test_what_cannot_be_served_is_refused(accept: str) -> None:
    with pytest.raises(StatusError) as refused:
        discovery.negotiate_discovery(accept)
    assert refused.value.code == 406
    assert refused.value.message == (
        "only the following media types are accepted: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )


def test_only_the_two_roots_have_the_aggregated_form() -> None:
    assert at("/apis/coordination.k8s.io/v1", f"{V2},application/json")["kind"] == "APIResourceList"
    with pytest.raises(StatusError):
        discovery.discovery(TYPES, "/apis/coordination.k8s.io/v1", V2)


def test_yaml_says_the_same() -> None:
    document = discovery.discovery(TYPES, "/apis", "application/yaml")
    assert document is not None
    assert document.content_type == "application/yaml"
    assert yaml.safe_load(document.body) == at("/apis")


def test_aggregated_discovery_is_conditional() -> None:
    document = discovery.aggregated(TYPES, core=False)
    first = document.answer()
    assert first.status == 200
    assert first.headers == {
        "Cache-Control": "public",
        "ETag": f'"{document.etag}"',
        "Vary": "Accept",
        "Content-Type": V2,
    }
    again = document.answer(first.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers == {"Cache-Control": "public", "ETag": f'"{document.etag}"', "Vary": "Accept"}
    assert document.answer('"X"').body == first.body


def test_the_tag_follows_the_content() -> None:
    tag = discovery.aggregated(TYPES, core=False).etag
    assert discovery.aggregated(list(reversed(TYPES)), core=False).etag == tag
    assert discovery.aggregated(TYPES[1:], core=False).etag != tag


def test_legacy_documents_are_not_cached() -> None:
    answer = discovery.group_list(TYPES).answer('"anything"')
    assert answer.status == 200
    assert answer.headers == {"Cache-Control": "no-cache, private", "Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("header", "expected"),
    [('"A"', True), ('W/"A"', True), ('"B", "A"', True), ("*", True), ('"B"', False), ("", False)],
)
def test_conditional_header(header: str, expected: bool) -> None:
    assert matches(header, "A") is expected


def test_tags_tell_parts_apart() -> None:
    assert content_tag(b"ab", b"c") != content_tag(b"a", b"bc")
