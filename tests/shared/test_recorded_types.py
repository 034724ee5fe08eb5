"""What a type alone says of objects, held against recorded answers of real servers.

Needs the reference, whose folder the environment variable MANIFOLD_SHARED names.
"""

from __future__ import annotations

import base64
import os
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from manifold.base.errors import StatusError, invalid
from manifold.base.user import User
from manifold.types import metadata as metadata_rules
from manifold.types.authentication import TOKEN_REQUEST
from manifold.types.resource import Object, ResourceType
from manifold.types.table import find_type

SHARED = os.environ["MANIFOLD_SHARED"]

FILES = ("k8s-crud", "k8s-types", "k8s-auth-admission")
URL = re.compile(
    r"/api(?:s/(?P<group>[^/]+))?/(?P<version>v1)(?:/namespaces/(?P<namespace>[^/]+))?/(?P<resource>[a-z]+)"
    r"(?:/(?P<name>[^/?]+))?(?:/(?P<part>[a-z]+))?$"
)
NOT_DECIDED_BY_THE_TYPE = {
    "configmap-create-dryrun-bad",  # options of the request
    "configmap-create-fieldmanager-long",
    "configmap-create-fieldmanager-unprintable",
    "configmap-create-unknown-field-nope",
    "configmap-create-big-annotations",  # bodies that are shortened in the recording
    "configmap-create-big-data",
    "csr-usages",
    "csr-create",
    "namespace-terminating-create",  # the namespace's business
}
POLICIES = re.compile("(vap|map|wh|webhook|conversion)-")
"""Exchanges that are about admission."""


@cache
def recorded(file: str) -> list[dict[str, Any]]:
    text = (Path(SHARED) / "reference" / "wire" / f"{file}.yaml").read_bytes()
    # A name that looked like a hash to whoever normalised the recording.
    text = text.replace(b"<sha256-1>", b"a" * 64)
    found: list[dict[str, Any]] = yaml.load(text, yaml.CSafeLoader)["exchanges"]
    return found


def creations() -> list[Any]:
    """Every POST of a type of ours with a JSON body, with the type and what was answered."""
    found = []
    for file in FILES:
        for exchange in recorded(file):
            request, response = exchange.get("request") or {}, exchange.get("response") or {}
            if request.get("method") != "POST" or not isinstance(request.get("body"), dict):
                continue
            place = URL.match(request["path"].split("?")[0])
            if place is None or response.get("status") not in (201, 422):
                continue
            if exchange["name"] in NOT_DECIDED_BY_THE_TYPE or POLICIES.match(exchange["name"]):
                continue
            if place["group"] in ("admissionregistration.k8s.io", "apiextensions.k8s.io"):
                continue  # compared where their rules are
            kind = find_type(place["group"] or "", place["version"], place["resource"])
            if place["part"] == "token":
                kind = TOKEN_REQUEST
            elif place["name"]:
                continue
            if kind is not None:
                found.append(pytest.param(kind, place["namespace"], request["body"], response, id=exchange["name"]))
    return found


def create(kind: ResourceType, namespace: str | None, body: Object) -> Object:
    """What the registry does with a new object, as far as the type decides it."""
    obj: Object = orjson.loads(orjson.dumps(body))
    kind.codec.normalize(obj)
    metadata = obj.setdefault("metadata", {})
    if namespace:
        metadata.setdefault("namespace", namespace)
    generated = metadata.get("generateName") and not metadata.get("name")
    if generated:
        metadata["name"] = metadata["generateName"] + "12345"
    kind.strategy.default(obj)
    kind.strategy.prepare_create(obj)
    if kind.set_creator is not None:
        kind.set_creator(obj, User("admin", "admin", ("system:masters", "system:authenticated")))
    errors = [] if kind.storageless else metadata_rules.validate_create(metadata, kind.namespaced, kind.check_name)
    errors += kind.strategy.validate_create(obj)
    if errors:
        group, name = kind.named_in_refusals
        raise invalid(group, name, metadata.get("name") or "", errors)
    return obj


@pytest.mark.parametrize(("kind", "namespace", "body", "response"), creations())
def test_a_new_object_is_taken_or_refused_as_recorded(
    kind: ResourceType, namespace: str | None, body: Object, response: dict[str, Any]
) -> None:
    if response["status"] == 422:
        with pytest.raises(StatusError) as refused:
            create(kind, namespace, body)
        status = refused.value.status()
        expected = response["body"]
        assert status["message"] == expected["message"]
        assert status["details"].get("causes") == expected["details"].get("causes")
        assert status["details"].get("group") == expected["details"].get("group")
        return
    obj = create(kind, namespace, body)
    answered = {
        name: value for name, value in response["body"].items() if name not in ("metadata", "kind", "apiVersion")
    }
    mine = {name: value for name, value in obj.items() if name not in ("metadata", "kind", "apiVersion")}
    if kind.storageless:  # the answer of a review is given by whoever knows it
        answered.pop("status", None)
        mine.pop("status", None)
        return
    assert mine == answered


def test_events_of_both_groups_are_spellings_of_each_other() -> None:
    found = {
        exchange["name"]: exchange["response"]["body"]
        for exchange in recorded("k8s-types")
        if "event" in exchange["name"]
    }
    events = find_type("events.k8s.io", "v1", "events")
    assert events is not None
    assert events.convert is not None
    for core, new in (("event-create", "event-v1-read-of-core"), ("event-core-read-of-v1", "event-v1-create")):
        assert events.convert.from_stored(dict(found[core])) == found[new]
        assert events.convert.to_stored(dict(found[new])) == found[core]


def test_columns_are_those_of_the_reference() -> None:
    reference = orjson.loads((Path(SHARED) / "reference" / "printer-columns.json").read_bytes())
    compared = 0
    for address, expected in reference.items():
        group_version, _, resource = address.rpartition("/")
        group, _, version = group_version.rpartition("/")
        kind = find_type(group, version, resource)
        if kind is None or kind.custom:
            continue
        compared += 1
        mine = [(each.name, each.type, each.format, each.priority) for each in kind.columns]
        assert mine == [(each["name"], each["type"], each["format"], each["priority"]) for each in expected], address
    assert compared >= 13


def test_discovery_facts_are_those_of_the_reference() -> None:
    reference = orjson.loads((Path(SHARED) / "reference" / "discovery" / "universal.json").read_bytes())["resources"]
    for group_version, listed in reference.items():
        resources = listed["resources"] if isinstance(listed, dict) else listed
        group, _, version = group_version.rpartition("/")
        parts = {resource["name"] for resource in resources if "/" in resource["name"]}
        for expected in resources:
            kind = find_type(group, version, expected["name"])
            if kind is None or kind.custom:
                continue
            assert kind.singular == expected["singularName"]
            assert kind.kind == expected["kind"]
            assert kind.namespaced == expected["namespaced"]
            assert sorted(kind.verbs) == expected["verbs"]
            assert list(kind.short_names) == expected.get("shortNames", [])
            assert list(kind.categories) == expected.get("categories", [])
            routes = {"serviceaccounts/token"}
            mine = {f"{expected['name']}/{part}" for part in kind.subresources}
            assert mine == {part for part in parts if part.startswith(expected["name"] + "/")} - routes


def test_tables_show_what_was_recorded() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    binding = find_type("rbac.authorization.k8s.io", "v1", "clusterrolebindings")
    events = find_type("", "v1", "events")
    assert binding is not None
    assert events is not None
    found = {exchange["name"]: exchange for exchange in recorded("k8s-types")}
    event = found["event-core-read-of-v1"]["response"]["body"]
    cells = [column.cell(event, now) for column in events.columns]
    assert cells[:7] == ["6y326d", "Normal", "R", "configmap/a", "", "c.example.com, i", "n"]
    body = create(binding, None, found["clusterrolebinding-create"]["request"]["body"])
    cells = [column.cell(body, now) for column in binding.columns]
    assert cells == ["g-crb", "ClusterRole/view", "<unknown>", "u", "gr", "g/sa"]


def test_secret_sizes_count_decoded_bytes() -> None:
    secrets = find_type("", "v1", "secrets")
    assert secrets is not None
    full = {"a": base64.b64encode(bytes(1024 * 1024)).decode()}
    assert create(secrets, "g", {"metadata": {"name": "x"}, "data": full})["type"] == "Opaque"
    with pytest.raises(StatusError, match="Too long: may not be more than 1048576 bytes"):
        create(secrets, "g", {"metadata": {"name": "x"}, "data": {**full, "b": "eA=="}})
