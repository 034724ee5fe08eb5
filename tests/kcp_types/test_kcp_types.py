"""kcp's own types: what they are called, what they refuse, and in which words."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from manifold.base.errors import StatusError
from manifold.types.kcp import EXPORTED_TYPES, SYSTEM_TYPES, openapi_schema, schema_object_name
from manifold.types.kcp.core import LOGICAL_CLUSTERS, begin_initialization, refusal_of_change
from manifold.types.resource import ResourceType

ALL = {
    (kind.resource, kind.version): kind
    for kind in (*SYSTEM_TYPES, *(kind for kinds in EXPORTED_TYPES.values() for kind in kinds))
}
SKIPPED = (
    "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


def kind_of(resource: str, version: str = "v1alpha1") -> ResourceType:
    return ALL[resource, version]


def made(kind: ResourceType, spec: Any, name: str = "x", **more: Any) -> dict[str, Any]:
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}, **more}
    if spec is not None:
        obj["spec"] = copy.deepcopy(spec)
    kind.codec.normalize(obj)
    kind.strategy.default(obj)
    return obj


def create(kind: ResourceType, spec: Any, name: str = "x", **more: Any) -> tuple[list[str], dict[str, Any]]:
    obj = made(kind, spec, name, **more)
    kind.strategy.prepare_create(obj)
    try:
        return [str(error) for error in kind.strategy.validate_create(obj)], obj
    except StatusError as refusal:
        return [f"{refusal.code} {refusal.message}"], obj


def update(kind: ResourceType, new: Any, old: Any, part: str = "", name: str = "x") -> list[str]:
    before, after = made(kind, **old, name=name), made(kind, **new, name=name)
    writer: Any = kind.subresources[part] if part else kind.strategy
    writer.prepare_update(after, before)
    try:
        return [str(error) for error in writer.validate_update(after, before)]
    except StatusError as refusal:
        return [f"{refusal.code} {refusal.message}"]


def test_where_types_come_from() -> None:
    assert {kind.resource for kind in SYSTEM_TYPES} == {
        "apiexports",
        "apibindings",
        "apiexportendpointslices",
        "apiconversions",
        "apiresourceschemas",
        "logicalclusters",
        "clustercachedresources",
        "clustercachedresourceendpointslices",
    }
    assert {name: {kind.resource for kind in kinds} for name, kinds in EXPORTED_TYPES.items()} == {
        "shards.core.kcp.io": {"shards"},
        "tenancy.kcp.io": {"workspaces", "workspacetypes", "workspaceauthenticationconfigurations"},
        "topology.kcp.io": {"partitions", "partitionsets"},
        "cache.kcp.io": {"clustercachedresources", "clustercachedresourceendpointslices"},
        "migration.kcp.io": {"logicalclustermigrations", "logicalclusterdumps"},
    }


@pytest.mark.parametrize("kind", ALL.values(), ids=lambda kind: f"{kind.version}-{kind.resource}")
def test_every_type_is_a_custom_one(kind: ResourceType) -> None:
    assert kind.custom
    assert kind.generation
    assert kind.list_kind == f"{kind.kind}List"
    assert kind.namespaced == (kind.resource == "logicalclusterdumps")
    assert kind.categories == (("kcp",) if kind.resource != "logicalclusterdumps" else ())
    assert kind.verbs == (
        ("create",)
        if kind.storageless
        else ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
    )
    schema = openapi_schema(kind)
    assert schema["type"] == "object"
    assert kind.status == ("status" in schema["properties"]) or kind.storageless
    assert kind.columns[0].name == "Name"
    assert (kind.convert is not None) == (kind.stored_version != kind.version)


def test_names_of_published_schemas() -> None:
    assert schema_object_name(kind_of("workspaces")) == "v260522-2bf05df66.workspaces.tenancy.kcp.io"
    with pytest.raises(KeyError):
        schema_object_name(LOGICAL_CLUSTERS)


def test_columns() -> None:
    kind = kind_of("workspaces")
    now = datetime(2026, 1, 1, 0, 1, 5, tzinfo=UTC)
    obj = made(kind, {"type": {"name": "universal"}, "URL": "https://h/clusters/root:a"}, status={"phase": "Ready"})
    obj["metadata"].update(creationTimestamp="2026-01-01T00:00:00Z", labels={"region": "eu"})
    assert [column.name for column in kind.columns] == ["Name", "Type", "Region", "Phase", "URL", "Age"]
    cells = [column.cell(obj, now) for column in kind.columns]
    assert cells == ["x", "universal", "eu", "Ready", "https://h/clusters/root:a", "65s"]
    del obj["metadata"]["labels"]
    assert kind.columns[2].cell(obj, now) is None
    ready = kind_of("apibindings", "v1alpha2").columns[2]
    conditions = [{"type": "APIExportValid", "status": "False"}, {"type": "Ready", "status": "True"}]
    assert (ready.name, ready.cell({"status": {"conditions": conditions}}, now)) == ("Ready", "True")


def test_what_a_new_object_gets() -> None:
    errors, workspace = create(kind_of("workspaces"), None, status={"phase": "Ready"})
    assert errors == []
    assert workspace["spec"] == {}
    assert workspace["status"] == {"phase": "Scheduling"}
    _, kind = create(kind_of("workspacetypes"), {})
    assert kind["spec"] == {"defaultChildWorkspaceType": {"name": "universal", "path": "root"}}
    _, shard = create(kind_of("shards"), {"baseURL": "https://a", "externalURL": "https://b"})
    assert shard["spec"]["externalURL"] == "https://b"
    assert shard["spec"]["virtualWorkspaceURL"] == "https://a"
    _, export = create(
        kind_of("apiexports", "v1alpha2"), {"resources": [{"group": "", "name": "p", "schema": "v1.p.core"}]}
    )
    assert export["spec"]["resources"][0]["storage"] == {"crd": {}}
    assert "status" not in export


CRD = {"crd": {}}
RESOURCE = {"group": "ex.io", "name": "widgets", "schema": "v1.widgets.ex.io", "storage": CRD}
REFERENCE = {"reference": {"export": {"name": "ex.io", "path": "root:prov"}}}
CLAIM = {"group": "", "resource": "configmaps", "verbs": ["get"], "state": "Accepted", "selector": {"matchAll": True}}
SCHEMA = {
    "group": "ex.io",
    "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
    "scope": "Namespaced",
    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"type": "object"}}],
}


def bound(*claims: Any) -> dict[str, Any]:
    return {**REFERENCE, "permissionClaims": list(claims)}


def schema(**changes: Any) -> dict[str, Any]:
    return {**SCHEMA, **changes}


def version(**changes: Any) -> dict[str, Any]:
    return {"name": "v1", "served": True, "storage": True, "schema": {"type": "object"}, **changes}


PATH = "'^[a-z0-9]([-a-z0-9]*[a-z0-9])?(:[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'"


@pytest.mark.parametrize(
    ("resource", "spec", "name", "errors"),
    [
        ("workspaces/v1alpha1", {"type": {"name": "universal", "path": "root"}}, "a", []),
        (
            "workspaces/v1alpha1",
            {},
            "a.b",
            [
                'metadata.name: Invalid value: "a.b": metadata.name in body should match '
                "'^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'"
            ],
        ),
        ("workspaces/v1alpha1", {}, "a" * 64, ["metadata.name: Too long: may not be more than 63 bytes", SKIPPED]),
        (
            "workspaces/v1alpha1",
            {"mount": {"ref": {"kind": "", "name": "n", "apiVersion": "v1"}}},
            "a",
            ['403 workspaces.tenancy.kcp.io "a" is forbidden: spec.mount.kind must be set'],
        ),
        (
            "workspaces/v1alpha1",
            {"type": {"name": "t"}, "mount": {"ref": {"kind": "K", "name": "n", "apiVersion": "v1"}}},
            "a",
            ['403 workspaces.tenancy.kcp.io "a" is forbidden: spec.type cannot be set for mounted workspaces'],
        ),
        (
            "workspacetypes/v1alpha1",
            {"limitAllowedParents": {"none": True, "types": [{"name": "a", "path": "root"}]}},
            "a",
            [
                '<nil>: Invalid value: "": "spec.limitAllowedParents" must validate one and only one schema (oneOf). '
                "Found 2 valid alternatives"
            ],
        ),
        (
            "workspacetypes/v1alpha1",
            {"extend": {"with": [{"name": "x", "path": "Root:X"}]}},
            "a",
            [
                'spec.extend.with[0].path: Invalid value: "Root:X": spec.extend.with[0].path in body should match '
                + PATH
            ],
        ),
        (
            "workspacetypes/v1alpha1",
            {"defaultChildWorkspaceType": {"name": "a"}},
            "a",
            ['403 workspacetypes.tenancy.kcp.io "a" is forbidden: .spec.defaultChildWorkspaceType.path must be set'],
        ),
        (
            "workspacetypes/v1alpha1",
            {"limitAllowedChildren": {"types": [{"name": "a", "path": "root"}, {"name": "b"}]}},
            "a",
            [
                '403 workspacetypes.tenancy.kcp.io "a" is forbidden: '
                ".spec.limitAllowedChildren.types[1].path must be set"
            ],
        ),
        ("logicalclusters/v1alpha1", None, "cluster", []),
        (
            "logicalclusters/v1alpha1",
            None,
            "other",
            ['metadata.name: Unsupported value: "other": supported values: "cluster"'],
        ),
        (
            "logicalclusters/v1alpha1",
            {"initializers": ["root:universal", "system:apibindings", "root:x"]},
            "cluster",
            [
                'spec.initializers[2]: Invalid value: "root:x": spec.initializers[2] in body should match '
                "'^([a-z0-9]([-a-z0-9]*[a-z0-9])?(:[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
                "(:[a-z0-9][a-z0-9]([-a-z0-9]*[a-z0-9])?))|(system:.+)$'"
            ],
        ),
        ("shards/v1alpha1", {}, "a", ["spec.baseURL: Required value"]),
        (
            "shards/v1alpha1",
            {"baseURL": "::"},
            "a",
            [
                f'spec.{name}: Invalid value: "::": spec.{name} in body must be of type uri: "::"'
                for name in ("baseURL", "externalURL", "virtualWorkspaceURL")
            ],
        ),
        ("workspaceauthenticationconfigurations/v1alpha1", {}, "a", ["spec.jwt: Required value", SKIPPED]),
        (
            "workspaceauthenticationconfigurations/v1alpha1",
            {
                "jwt": [
                    {
                        "issuer": {"url": "https://i"},
                        "claimMappings": {
                            "username": {"claim": "a", "expression": "b"},
                            "groups": {"expression": "b", "prefix": "p"},
                            "uid": {},
                        },
                        "claimValidationRules": [{"claim": "a", "requiredValue": "b"}, {}],
                    }
                ]
            },
            "a",
            [
                "spec.jwt[0].claimMappings.groups: Invalid value: prefix can only be specified when claim is specified",
                "spec.jwt[0].claimMappings.username: Invalid value: claim and expression cannot both be specified",
                "spec.jwt[0].claimValidationRules[1]: Invalid value: either claim or expression must be specified",
                "spec.jwt[0].claimValidationRules[1]: Invalid value: "
                "requiredValue can only be specified when claim is specified",
                "spec.jwt[0].claimValidationRules[1]: Invalid value: "
                "message can only be specified when expression is specified",
            ],
        ),
        (
            "partitionsets/v1alpha1",
            {"shardSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
            "a",
            [
                "spec.shardSelector.matchExpressions[0]: Invalid value: There should be at least one value for In and "
                "NotIn operators. There should not be any value for Exists and DoesNotExist operators."
            ],
        ),
        ("partitionsets/v1alpha1", {"shardSelector": {"matchLabels": {"a/c": "d"}}}, "a", []),
        ("apiexports/v1alpha2", {"resources": [RESOURCE]}, "a", []),
        (
            "apiexports/v1alpha2",
            {"resources": [RESOURCE, RESOURCE]},
            "a",
            ['spec.resources[1]: Duplicate value: {"group":"ex.io","name":"widgets"}'],
        ),
        (
            "apiexports/v1alpha2",
            {"resources": [{**RESOURCE, "storage": {}}]},
            "a",
            [
                '<nil>: Invalid value: "": "spec.resources[0].storage" must validate one and only one schema (oneOf). '
                "Found none valid",
                "spec.resources[0].storage.crd: Required value",
                SKIPPED,
            ],
        ),
        (
            "apiexports/v1alpha2",
            {"resources": [{**RESOURCE, "group": "other.io"}]},
            "a",
            [
                '403 apiexports.apis.kcp.io "a" is forbidden: spec.resources[0].schema: Invalid value: '
                '"v1.widgets.ex.io": must end in .widgets.other.io'
            ],
        ),
        (
            "apiexports/v1alpha2",
            {"permissionClaims": [{"group": "other.io", "resource": "things", "verbs": ["get"]}]},
            "a",
            [
                '403 apiexports.apis.kcp.io "a" is forbidden: spec.permissionClaims[0].identityHash: '
                'Invalid value: "": identityHash is required for API types that are not built-in'
            ],
        ),
        (
            "apiexports/v1alpha1",
            {"permissionClaims": [{"resource": "configmaps"}]},
            "a",
            ['spec.permissionClaims[0]: Invalid value: either "all" or "resourceSelector" must be set'],
        ),
        (
            "apiexports/v1alpha1",
            {"permissionClaims": [{"resource": "configmaps", "resourceSelector": [{}]}]},
            "a",
            ["spec.permissionClaims[0].resourceSelector[0]: Invalid value: at least one field must be set"],
        ),
        ("apibindings/v1alpha2", bound(CLAIM), "a", []),
        ("apibindings/v1alpha2", {}, "a", ["spec.reference: Required value", SKIPPED]),
        (
            "apibindings/v1alpha2",
            {"reference": {}},
            "a",
            ['403 apibindings.apis.kcp.io "a" is forbidden: [spec.reference.export: Required value]'],
        ),
        (
            "apibindings/v1alpha2",
            bound({**CLAIM, "state": "Maybe"}),
            "a",
            [
                'spec.permissionClaims[0].state: Unsupported value: "Maybe": supported values: "Accepted", "Rejected"',
                SKIPPED,
            ],
        ),
        (
            "apibindings/v1alpha2",
            bound({name: value for name, value in CLAIM.items() if name != "selector"}),
            "a",
            [
                '403 apibindings.apis.kcp.io "a" is forbidden: [spec.permissionClaims[0].selector: Required value: '
                "either one of matchAll, matchLabels, or matchExpressions must be set]"
            ],
        ),
        (
            "apibindings/v1alpha2",
            bound({**CLAIM, "selector": {"matchAll": True, "matchLabels": {"a": "b"}}}),
            "a",
            [
                '403 apibindings.apis.kcp.io "a" is forbidden: [spec.permissionClaims[0].selector.matchLabels: '
                'Invalid value: {"matchLabels":{"a":"b"},"matchAll":true}: matchLabels cannot be used with matchAll]'
            ],
        ),
        ("apiresourceschemas/v1alpha1", SCHEMA, "v1.widgets.ex.io", []),
        ("apiresourceschemas/v1alpha1", schema(group=""), "v1.widgets.core", []),
        (
            "apiresourceschemas/v1alpha1",
            schema(group="core"),
            "v1.widgets.core",
            [
                '403 apiresourceschemas.apis.kcp.io "v1.widgets.core" is forbidden: [spec.group: '
                'Invalid value: "core": must be empty string for the core group]'
            ],
        ),
        (
            "apiresourceschemas/v1alpha1",
            SCHEMA,
            "widgets.ex.io",
            [
                '403 apiresourceschemas.apis.kcp.io "widgets.ex.io" is forbidden: [metadata.name: Invalid value: '
                '"widgets.ex.io": must end in .widgets.ex.io]'
            ],
        ),
        (
            "apiresourceschemas/v1alpha1",
            SCHEMA,
            "1.widgets.ex.io",
            [
                '403 apiresourceschemas.apis.kcp.io "1.widgets.ex.io" is forbidden: [metadata.name: Invalid value: '
                '"1.widgets.ex.io": must match ^[a-z]([-a-z0-9]*[a-z0-9])?$ in front of .widgets.ex.io]'
            ],
        ),
        (
            "apiresourceschemas/v1alpha1",
            schema(versions=[version(storage=False)]),
            "v1.widgets.ex.io",
            [
                '403 apiresourceschemas.apis.kcp.io "v1.widgets.ex.io" is forbidden: [spec.versions: Invalid value: '
                '[{"name":"v1","served":true,"storage":false,"schema":{"type":"object"},"subresources":{}}]: '
                "must have exactly one version marked as storage version]"
            ],
        ),
        (
            "apiresourceschemas/v1alpha1",
            schema(versions=[version(), version(name="v2", storage=False)]),
            "v1.widgets.ex.io",
            ["spec: Invalid value: Conversion must be specified when multiple versions exist"],
        ),
        (
            "apiresourceschemas/v1alpha1",
            schema(conversion={"strategy": "Webhook"}),
            "v1.widgets.ex.io",
            ["spec.conversion: Invalid value: Webhook must be specified if strategy=Webhook"],
        ),
        (
            "apiresourceschemas/v1alpha1",
            schema(versions=[version(schema={"type": "object", "properties": {"spec": {"properties": {}}}})]),
            "v1.widgets.ex.io",
            [
                '403 apiresourceschemas.apis.kcp.io "v1.widgets.ex.io" is forbidden: '
                "[spec.versions[0].schema.openAPIV3Schema.properties[spec].type: Required value: "
                "must not be empty for specified object fields]"
            ],
        ),
    ],
)
def test_creation(resource: str, spec: Any, name: str, errors: list[str]) -> None:
    plural, _, api_version = resource.partition("/")
    assert create(kind_of(plural, api_version), spec, name)[0] == errors


@pytest.mark.parametrize("name", ["any", "system"])
def test_reserved_names_of_workspace_types(name: str) -> None:
    with pytest.raises(StatusError) as refusal:
        create(kind_of("workspacetypes"), {}, name)
    assert refusal.value.code == 403
    assert refusal.value.message.endswith(f'metadata.name: Invalid value: "{name}": name is reserved')


OTHER = {"reference": {"export": {"name": "other"}}}
KEYED_CLAIM = {**CLAIM, "group": "ex.io", "identityHash": "h"}


@pytest.mark.parametrize(
    ("resource", "new", "old", "errors"),
    [
        (
            "workspaces/v1alpha1",
            {"type": {"name": "b", "path": "root"}},
            {"type": {"name": "a", "path": "root"}},
            ["spec.type: Invalid value: name is immutable"],
        ),
        (
            "workspaces/v1alpha1",
            {"type": {"name": "a"}},
            {"type": {"name": "a", "path": "root"}},
            ["spec.type: Invalid value: path is immutable"],
        ),
        (
            "workspaces/v1alpha1",
            {"cluster": "b"},
            {"cluster": "a"},
            ['spec.cluster: Invalid value: "b": cluster is immutable'],
        ),
        (
            "workspaces/v1alpha1",
            {},
            {"cluster": "a", "URL": "https://u"},
            ["spec: Invalid value: URL cannot be unset", "spec: Invalid value: cluster cannot be unset"],
        ),
        ("workspaces/v1alpha1", {"cluster": "a"}, {}, []),
        (
            "workspaces/v1alpha1",
            {"mount": {"ref": {"apiVersion": "v1", "kind": "K", "name": "m"}}},
            {"mount": {"ref": {"apiVersion": "v1", "kind": "K", "name": "n"}}},
            ["spec.mount: Invalid value: mount is immutable"],
        ),
        (
            "apibindings/v1alpha2",
            OTHER,
            REFERENCE,
            ["spec.reference: Invalid value: APIExport reference must not be changed"],
        ),
        (
            "apiexportendpointslices/v1alpha1",
            {"export": {"name": "b"}},
            {"export": {"name": "a"}},
            ["spec.export: Invalid value: APIExport reference must not be changed"],
        ),
        (
            "apibindings/v1alpha2",
            bound({**CLAIM, "selector": {"matchLabels": {"a": "b"}}}),
            bound(CLAIM),
            [],
        ),
        (
            "apibindings/v1alpha2",
            bound({**KEYED_CLAIM, "selector": {"matchLabels": {"a": "b"}}}),
            bound(KEYED_CLAIM),
            ["spec.permissionClaims[0].selector: Invalid value: Permission claim selector is immutable"],
        ),
        (
            "apiexports/v1alpha1",
            {"permissionClaims": [{"resource": "configmaps"}, {"resource": "secrets", "all": True}]},
            {"permissionClaims": [{"resource": "configmaps"}]},
            [],
        ),
    ],
)
def test_changes(resource: str, new: Any, old: Any, errors: list[str]) -> None:
    plural, _, api_version = resource.partition("/")
    assert update(kind_of(plural, api_version), {"spec": new}, {"spec": old}) == errors


def test_a_schema_never_changes() -> None:
    kind = kind_of("apiresourceschemas")
    (refusal,) = update(kind, {"spec": schema(scope="Cluster")}, {"spec": SCHEMA}, name="v1.widgets.ex.io")
    assert refusal == (
        '403 apiresourceschemas.apis.kcp.io "v1.widgets.ex.io" is forbidden: [spec: Invalid value: {"group":"ex.io",'
        '"names":{"plural":"widgets","singular":"widget","kind":"Widget","listKind":"WidgetList"},"scope":"Cluster",'
        '"versions":[{"name":"v1","served":true,"storage":true,"schema":{"type":"object"},"subresources":{}}],'
        '"nameValidation":"DNS1123Subdomain"}: is immutable]'
    )


@pytest.mark.parametrize(
    ("resource", "new", "old", "errors"),
    [
        (
            "workspaces/v1alpha1",
            {"status": {"phase": "Gone"}},
            {},
            [
                'status.phase: Unsupported value: "Gone": supported values: "Scheduling", "Initializing", "Ready", '
                '"Unavailable", "Inactive", "Terminating", "Deleting"',
                SKIPPED,
            ],
        ),
        (
            "workspaces/v1alpha1",
            {"status": {"phase": "Ready"}},
            {},
            ['403 workspaces.tenancy.kcp.io "x" is forbidden: spec.cluster must be set for phase Ready'],
        ),
        ("workspaces/v1alpha1", {"status": {"phase": "Ready"}}, {"spec": {"cluster": "c", "URL": "https://u"}}, []),
        (
            "apibindings/v1alpha2",
            {"status": {}},
            {"spec": REFERENCE, "status": {"phase": "Bound"}},
            [
                '403 apibindings.apis.kcp.io "x" is forbidden: [status.phase: Invalid value: "": '
                'cannot transition from "Bound" to ""]'
            ],
        ),
    ],
)
def test_status(resource: str, new: Any, old: Any, errors: list[str]) -> None:
    plural, _, api_version = resource.partition("/")
    kind = kind_of(plural, api_version)
    assert update(kind, {"spec": None, **new}, {"spec": None, **old}, "status") == errors


def test_the_status_subresource_changes_nothing_else() -> None:
    kind = kind_of("workspaces")
    old = made(kind, {"cluster": "c"})
    old["metadata"]["labels"] = {"a": "b"}
    new = made(kind, {"cluster": "d"}, status={"phase": "Deleting"})
    new["metadata"]["annotations"] = {"c": "d"}
    kind.subresources["status"].prepare_update(new, old)
    assert new["spec"] == {"cluster": "c"}
    assert new["metadata"] == {"name": "x", "labels": {"a": "b"}}
    assert new["status"] == {"phase": "Deleting"}


def cluster(phase: str, left: Any = (), wanted: Any = ("a:bb",), **annotations: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "cluster", "annotations": annotations},
        "spec": {"initializers": list(wanted)},
        "status": {"phase": phase, "initializers": list(left)},
    }


@pytest.mark.parametrize(
    ("new", "old", "reason"),
    [
        (cluster("Ready"), cluster("Ready"), ""),
        (cluster("Ready", wanted=()), cluster("Ready"), "spec.initializers is immutable"),
        (cluster("Initializing"), cluster("Scheduling"), "status.initializers do not equal spec.initializers"),
        (cluster("Initializing", ["a:bb"]), cluster("Scheduling"), ""),
        (cluster("Initializing", ["a:bb"]), cluster("Initializing"), "status.initializers must not grow"),
        (cluster("Ready", ["a:bb"]), cluster("Ready"), "status.initializers is immutable after initialization"),
        (cluster("Ready", ["a:bb"]), cluster("Initializing", ["a:bb"]), "status.initializers is not empty"),
        (cluster("Ready"), cluster("Initializing", ["a:bb"]), ""),
        (cluster("Scheduling"), cluster("Ready"), 'cannot transition from "Ready" to "Scheduling"'),
        (
            cluster("Scheduling", **{"core.kcp.io/inactive": "true"}),
            cluster("Scheduling"),
            'LogicalCluster can only be marked inactive in phase "Ready", but is in phase "Scheduling"',
        ),
        (cluster("Ready", **{"core.kcp.io/inactive": "true"}), cluster("Ready"), ""),
    ],
)
def test_changes_of_logical_clusters(new: Any, old: Any, reason: str) -> None:
    assert refusal_of_change(new, old) == reason


def test_a_logical_cluster_that_becomes_initializing_takes_over_what_is_to_be_done() -> None:
    new, old = cluster("Initializing"), cluster("Scheduling")
    begin_initialization(new, old)
    assert new["status"]["initializers"] == ["a:bb"]
    done = cluster("Initializing")
    begin_initialization(done, cluster("Initializing", ["a:bb"]))
    assert done["status"]["initializers"] == []


def test_a_writer_of_the_old_version_cannot_lose_what_annotations_say_of_the_status() -> None:
    kind = kind_of("apibindings")
    name = "apis.v1alpha2.kcp.io/status-applied-permission-claims"
    old = made(kind, REFERENCE)
    old["metadata"]["annotations"] = {name: "[]"}
    new = made(kind, REFERENCE)
    kind.strategy.prepare_update(new, old)
    assert new["metadata"]["annotations"] == {name: "[]"}
