"""The recorded patches and applies of a real server, played through the pure functions at the level of objects."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
import yaml

from manifold.base.errors import StatusError
from manifold.schema.loading import built_in_schemas
from manifold.schema.model import ANY, Node
from manifold.schema.ownership import Manager, apply, track_create, track_update
from manifold.schema.patches import apply_json_patch, apply_merge_patch, apply_strategic_merge_patch

SHARED = os.environ["MANIFOLD_SHARED"]

TIME = "<time>"
STATUS = (("status",),)
WIRE = Path(SHARED) / "reference" / "wire"
CONFIG_MAP = built_in_schemas()["io.k8s.api.core.v1.ConfigMap"]
METADATA = CONFIG_MAP.properties["metadata"]


def structure(written: bool = False, map_type: Any = "granular", **properties: Node) -> Node:
    return Node("object", properties=properties, written=written, map_type=map_type, default={} if written else None)


def text(written: bool = False, default: Any = None) -> Node:
    return Node("string", written=written, default="" if written else default)


def members(keys: tuple[str, ...], merge_key: str, item: Node, written: bool = False, strategy: str = "merge") -> Node:
    return Node(
        "list",
        items=item,
        list_type="map",
        map_keys=keys,
        patch_strategy=strategy,
        patch_key=merge_key,
        written=written,
    )


def deployment() -> Node:
    """What of a Deployment the recording touches."""
    number = Node("integer", format="int32")
    labels = Node("map", values=text())
    template_metadata = structure(True, labels=labels, annotations=labels)
    env = structure(name=text(True), value=text())
    port = structure(name=text(), containerPort=Node("integer", written=True, default=0), protocol=text(default="TCP"))
    container = structure(
        name=text(True),
        image=text(),
        imagePullPolicy=text(),
        terminationMessagePath=text(),
        terminationMessagePolicy=text(),
        resources=structure(True),
        env=members(("name",), "name", env),
        ports=members(("containerPort", "protocol"), "containerPort", port),
    )
    volume = structure(
        name=text(True),
        emptyDir=structure(),
        configMap=structure(name=text(), defaultMode=number),
    )
    pod = structure(
        True,
        volumes=members(("name",), "name", volume, strategy="merge,retainKeys"),
        containers=members(("name",), "name", container, written=True),
        dnsPolicy=text(),
        restartPolicy=text(),
        schedulerName=text(),
        securityContext=structure(),
        terminationGracePeriodSeconds=Node("integer"),
    )
    condition = structure(
        **{name: text(True) for name in ("type", "status")},
        lastUpdateTime=Node("string", format="date-time", written=True),
        lastTransitionTime=Node("string", format="date-time", written=True),
        reason=text(),
        message=text(),
    )
    strategy = structure(True, type=text(), rollingUpdate=structure(maxUnavailable=text(), maxSurge=text()))
    strategy.patch_strategy = "retainKeys"
    spec = structure(
        True,
        replicas=number,
        selector=structure(map_type="atomic", matchLabels=labels),
        template=structure(True, metadata=template_metadata, spec=pod),
        strategy=strategy,
        revisionHistoryLimit=number,
        progressDeadlineSeconds=number,
    )
    spec.properties["selector"].written = True
    status = structure(
        True,
        observedGeneration=Node("integer"),
        replicas=number,
        terminatingReplicas=number,
        conditions=members(("type",), "type", condition),
    )
    return structure(apiVersion=text(), kind=text(), metadata=METADATA, spec=spec, status=status)


PATCHES: dict[str, Callable[[dict[str, Any], Any, Node], dict[str, Any]]] = {
    "application/json-patch+json": lambda document, patch, node: apply_json_patch(document, patch),
    "application/merge-patch+json": lambda document, patch, node: apply_merge_patch(document, patch),
    "application/strategic-merge-patch+json": apply_strategic_merge_patch,
}
SERVER_SET = ("namespace", "uid", "resourceVersion", "creationTimestamp", "generation")
OWNED_METADATA = ("labels", "annotations", "finalizers", "ownerReferences", "managedFields")
ELSEWHERE = (
    # Refusals that other parts of a server give: options, decoding of bodies, preconditions.
    "apply-no-manager",
    "apply-stale-rv",
    "apply-rv-absent-object",
    "apply-uid-absent-object",
    "apply-uid-mismatch",
    "apply-no-kind",
    "apply-wrong-kind",
    "apply-wrong-version",
    "apply-name-mismatch",
    "apply-no-name",
    "apply-bad-yaml",
    "apply-generate-name",
    "apply-invalid-object",
    "apply-deployment-missing-key",
)


def recorded(file: str) -> list[dict[str, Any]]:
    text = (WIRE / file).read_text()
    exchanges: list[dict[str, Any]] = yaml.load(text, yaml.CSafeLoader)["exchanges"]
    return exchanges


def copied(obj: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = orjson.loads(orjson.dumps(obj))
    return copy


def stored(obj: dict[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """What a server makes of an object before it tracks owners: unknown fields and empty optional ones dropped."""
    obj = copied({name: value for name, value in obj.items() if name in (*known, "apiVersion", "kind", "metadata")})
    metadata = obj["metadata"]
    for name in [name for name, value in metadata.items() if value in ({}, [], None, "")]:
        del metadata[name]
    if "data" in obj:
        obj["data"] = {name: value or "" for name, value in (obj["data"] or {}).items()}
        if not obj["data"]:
            del obj["data"]
    return obj


def body_of(request: dict[str, Any]) -> Any:
    if "body" in request:
        return request["body"]
    try:
        return yaml.load(request.get("bodyText", ""), yaml.CSafeLoader)
    except yaml.YAMLError:
        return None


class Player:
    """Plays the creates, patches and applies of one type, and keeps the objects as the recording has them."""

    def __init__(self, resource: str, version: str, node: Node, known: tuple[str, ...]) -> None:
        self.resource = f"/{resource}/"
        self.version = version
        self.node = node
        self.known = known
        self.objects: dict[str, dict[str, Any]] = {}
        self.judged: list[str] = []

    def create(self, path: str, body: dict[str, Any], answer: dict[str, Any] | None = None) -> None:
        path, _, query = path.partition("?")
        if not (path + "/").endswith(self.resource):
            return
        new = stored({**body, **{name: answer[name] for name in self.known if answer and name in answer}}, self.known)
        manager = Manager(dict(parse_qsl(query)).get("fieldManager", "client"), "Update", self.version)
        track_create(None, new, self.node, manager, TIME, STATUS)
        if answer:
            self.judge("create", new, answer)
        self.objects[new["metadata"]["name"]] = new

    def play(self, exchange: dict[str, Any]) -> None:
        for earlier in exchange.get("before", ()):
            method, path = earlier["request"].split(" ", 1)
            if method == "POST":
                self.create(path, earlier["body"])
        request, response = exchange["request"], exchange["response"]
        body = body_of(request)
        if request["method"] == "POST" and response["status"] == 201:
            self.create(request["path"], body, response["body"])
        if request["method"] != "PATCH" or exchange["name"] in ELSEWHERE or not isinstance(body, dict | list):
            return
        path, _, query = request["path"].partition("?")
        name = path.rpartition(self.resource)[2]
        options = dict(parse_qsl(query))
        media_type = (request.get("headers") or {}).get("Content-Type", "").partition(";")[0]
        if self.resource not in path or "/" in name or options.get("fieldValidation") == "Strict":
            return
        live = self.objects.get(name)
        manager = options.get("fieldManager", "client")
        before = copied(live) if live else None
        refused: dict[str, Any] | None = None
        try:
            if media_type == "application/apply-patch+yaml":
                who = Manager(manager, "Apply", self.version)
                result = apply(live, body, self.node, who, options.get("force") == "true", TIME, STATUS)
            elif live is not None and media_type in PATCHES:
                result = stored(PATCHES[media_type](live, body, self.node), self.known)
                track_update(live, result, self.node, Manager(manager, "Update", self.version), TIME, STATUS)
            else:
                return
        except StatusError as refusal:
            refused = refusal.status()
        assert live == before, f"{exchange['name']} changed its input"
        if refused is not None:
            assert refused == response["body"], exchange["name"]
            self.judged.append(exchange["name"])
            return
        if response["status"] not in (200, 201):
            return  # refused later, by checks that are not these functions'
        result = stored(result, self.known)
        self.judge(exchange["name"], result, response["body"])
        if options.get("dryRun") != "All":
            for part in self.known:
                if part in response["body"]:
                    result[part] = response["body"][part]
            for field in SERVER_SET:
                if field in response["body"].get("metadata", {}):
                    result["metadata"][field] = response["body"]["metadata"][field]
            self.objects[name] = result

    def judge(self, name: str, result: dict[str, Any], answer: dict[str, Any]) -> None:
        metadata = answer.get("metadata", {})
        owners = metadata.get("managedFields")
        for field in OWNED_METADATA if len(metadata) > 1 else metadata:
            if field == "managedFields":
                if owners != "<omitted>":
                    # The controller of the recorded server wrote in between.
                    expected = [entry for entry in owners or () if entry["manager"] != "kube-controller-manager"]
                    assert result["metadata"].get(field, []) == expected, name
            else:
                assert result["metadata"].get(field) == metadata.get(field), name
        for part in self.known:
            if part in answer:
                assert lean(result.get(part), answer[part]) == answer[part], name
        self.judged.append(name)


def lean(value: Any, answer: Any) -> Any:
    """A value with what the answer has beyond it, where that is a default a server has filled in."""
    if isinstance(value, dict) and isinstance(answer, dict):
        filled = {name: lean(value.get(name), inner) for name, inner in answer.items()}
        return {**filled, **{name: inner for name, inner in value.items() if name not in answer}}
    if isinstance(value, list) and isinstance(answer, list) and len(value) == len(answer):
        return [lean(one, other) for one, other in zip(value, answer, strict=True)]
    return answer if value is None else value


def played(player: Player, file: str, names: Callable[[str], bool] = lambda name: True) -> list[str]:
    for exchange in recorded(file):
        if "request" in exchange and names(exchange["name"]):
            player.play(exchange)
    return player.judged


def test_config_maps() -> None:
    judged = played(Player("configmaps", "v1", CONFIG_MAP, ("data",)), "k8s-patch-apply.yaml")
    assert {"json-patch", "apply-give-up", "apply-after-reset", "managedfields-bad", "apply-finalizer-remove"} <= set(
        judged
    )
    assert len(judged) >= 45


def test_deployments() -> None:
    judged = played(Player("deployments", "apps/v1", deployment(), ("spec",)), "k8s-patch-apply.yaml")
    assert {"strategic-env-delete", "strategic-element-order", "strategic-bad-order", "create"} <= set(judged)
    assert {"apply-deployment-second", "apply-deployment-conflict", "apply-deployment-duplicate"} <= set(judged)


def custom_lists() -> Node:
    """The custom resource of the recording that has every kind of list and map."""
    number = Node("integer")
    keyed = structure(k=text(), v=number, w=number)
    pair = structure(p=number, q=text(default="TCP"), v=number)
    spec = structure(
        m=Node("list", items=keyed, list_type="map", map_keys=("k",)),
        s=Node("list", items=text(), list_type="set"),
        a=Node("list", items=text()),
        am=Node("map", values=text(), map_type="atomic"),
        gm=Node("map", values=text()),
        m2=Node("list", items=pair, list_type="map", map_keys=("p", "q")),
    )
    return structure(apiVersion=text(), kind=text(), metadata=METADATA, spec=spec)


def test_lists_of_custom_resources() -> None:
    player = Player("lists", "t.example.com/v1", custom_lists(), ("spec",))
    judged = played(player, "k8s-crds.yaml", lambda name: name.startswith("list-types"))
    assert {"list-types-order", "list-types-conflict", "list-types-missing-key", "list-types-empty-list"} <= set(judged)


def custom_widgets() -> Node:
    number = Node("integer")
    spec = structure(
        size=number,
        color=text(),
        when=text(),
        tags=Node("list", items=text()),
        nested=structure(a=number, b=text()),
        free=Node("object", preserve=True),
        nul=text(),
        nonnul=text(),
    )
    return structure(apiVersion=text(), kind=text(), metadata=METADATA, spec=spec, status=ANY)


def test_custom_resources() -> None:
    player = Player("widgets", "t.example.com/v1", custom_widgets(), ("spec",))
    judged = played(player, "k8s-crds.yaml", lambda name: name == "cr-create" or name.startswith("cr-apply"))
    assert judged == ["create", "cr-apply", "cr-apply-conflict", "cr-apply-unknown"]


@pytest.mark.parametrize(
    ("file", "exchange", "type_name", "version"),
    [
        ("k8s-crud.yaml", "configmap-create", "io.k8s.api.core.v1.ConfigMap", "v1"),
        (
            "k8s-crds.yaml",
            "crd-create",
            "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
            "apiextensions.k8s.io/v1",
        ),
    ],
)
def test_created_built_in_types(file: str, exchange: str, type_name: str, version: str) -> None:
    answer = next(found for found in recorded(file) if found["name"] == exchange)["response"]["body"]
    new = copied(answer)
    del new["metadata"]["managedFields"]
    track_create(None, new, built_in_schemas()[type_name], Manager("client", "Update", version), TIME, STATUS)
    assert new == answer
