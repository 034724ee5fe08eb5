"""What a server starts with: the objects of `system:admin`, `system:shard` and `root`.

They are written in a few commits at the first start, and brought up to date when the server, its URLs or its
batteries have changed; a start that finds its mark in the foundation row writes nothing. Objects marked create-only,
and whatever else exists and is not the server's to overwrite, stay as they are (tenancy reference, sections 1.5, 1.7
to 1.10).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from manifold import __version__
from manifold.auth.rbac.bootstrap import bootstrap_objects, root_policy_objects
from manifold.base import keys
from manifold.exports import bindings
from manifold.exports.bindings import Export
from manifold.exports.export_effects import IDENTITIES
from manifold.registry.followed import follow_writes, object_row, work_row
from manifold.registry.objects import Author, Kinds
from manifold.registry.totals import usage_row
from manifold.registry.writing import Clock
from manifold.schema import records
from manifold.storage.contract import MAX_WRITES, Store, Write
from manifold.types.kcp import EXPORTED_TYPES
from manifold.types.kcp.catalog import openapi_schema, printed_columns, schema_object_name
from manifold.types.resource import Object, ResourceType
from manifold.workspaces import content, entries
from manifold.workspaces.foundation import KEY, ROOT, TENANCY, Foundation, encode
from manifold.workspaces.lifecycle_labels import PHASE_LABEL
from manifold.workspaces.namespaces import namespace
from manifold.workspaces.server_types import TYPE_BINDINGS, WORKSPACE_TYPES_BATTERY, type_writes

ADMIN, SHARD = "system:admin", "system:shard"
SYSTEM_NAMESPACE = "kcp-system"
BOOTSTRAPPER = "system:kcp-bootstrapper"
METRICS_BATTERY = "metrics-viewer"
ROOT_BINDINGS = ("shards.core.kcp.io", *TYPE_BINDINGS)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the objects depend on: the shard and its URLs, the batteries, who may have a home, the CA in PEM."""

    shard: str
    base_url: str
    external_url: str
    virtual_workspace_url: str
    batteries: frozenset[str]
    home_creators: tuple[str, ...]
    root_ca: str

    def mark(self) -> str:
        """A mark that changes whenever the objects would."""
        parts = [__version__, self.shard, self.base_url, self.external_url, self.virtual_workspace_url]
        parts += [*sorted(self.batteries), *self.home_creators, self.root_ca]
        return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


async def bootstrap(store: Store, clock: Clock, foundation: Foundation, kinds: Kinds, setting: Setting) -> None:
    """Write what is missing or out of date."""
    if foundation.written == setting.mark():
        return
    now = clock.now()
    admin = Author(kinds, clock, ADMIN, now)
    shard = Author(kinds, clock, SHARD, now)
    root = Author(kinds, clock, ROOT, now)
    exports = foundation.exports()
    writes = [
        *_policy(admin, bootstrap_objects()),
        *(
            write
            for name in ("default", "kube-public", "kube-system")
            for write in namespace(admin, name, setting.root_ca)
        ),
        *_shard_objects(shard, exports, setting),
        *_root_objects(root, foundation, exports, setting),
    ]
    await _write(store, writes)
    await store.commit([Write(KEY, encode(foundation, setting.mark()))])


async def _write(store: Store, writes: Iterable[Write]) -> None:
    """Write what does not exist, and what exists with another content and may be overwritten. Where a logical cluster
    that is limited has got something, what is used there is counted anew.
    """
    snapshot = await store.snapshot()
    due: list[Write] = []
    grown: set[str] = set()
    for write in {one.key: one for one in writes}.values():
        row = await snapshot.get(write.key)
        if row is None:
            due.append(write)
            if write.key.startswith(keys.OBJECT):
                grown.add(keys.decode(write.key).cluster)
        elif write.value is not None and not write.key.startswith(b"o"):
            if row.value != write.value:
                due.append(write)
        elif write.value is not None and _overwritten(row.value):
            merged = _successor(row.value, write.value)
            if merged != row.value:
                due.append(Write(write.key, merged))
    bindings_of = keys.type_prefix(*entries.BINDINGS)
    for write in [one for one in due if one.key.startswith(bindings_of)]:
        row = await snapshot.get(write.key)
        due += await entries.written(snapshot, write.key, row.value if row is not None else None, write.value)
    counted = [usage_row(cluster) for cluster in sorted(grown)]
    due += [Write(key, None) for key in counted if await snapshot.get(key) is not None]
    for write in [one for one in due if one.key.startswith(keys.type_prefix("", "secrets"))]:
        if await snapshot.get(object_row(write.key)) is not None:
            due.append(Write(work_row(write.key, IDENTITIES), b"{}"))
    for start in range(0, len(due), MAX_WRITES):
        await store.commit(due[start : start + MAX_WRITES])


def _overwritten(value: bytes) -> bool:
    return b'"bootstrap.kcp.io/create-only":"true"' not in value


def _successor(old: bytes, new: bytes) -> bytes:
    """The new content with the identity (uid, creation time, generation) and foreign labels of what exists."""
    opening = b'{"metadata":{"resourceVersion":"'
    before, after = records.decode(old, 0, opening), records.decode(new, 0, opening)
    kept = before["metadata"]
    metadata = after["metadata"]
    for field in ("uid", "creationTimestamp", "generation", "managedFields"):
        if field in kept:
            metadata[field] = kept[field]
    for field in ("labels", "annotations"):
        if kept.get(field) or metadata.get(field):
            metadata[field] = {**(kept.get(field) or {}), **(metadata.get(field) or {})}
    if {k: v for k, v in before.items() if k not in ("metadata", "status")} == {
        k: v for k, v in after.items() if k not in ("metadata", "status")
    } and kept == {**metadata, "resourceVersion": kept["resourceVersion"]}:
        return old
    if "status" in before:
        after["status"] = before["status"]
    return records.encode(after, records.version(new), records.schema_hash(new))


def _policy(author: Author, objects: Sequence[Object]) -> list[Write]:
    writes = []
    for obj in objects:
        group, _, _ = obj["apiVersion"].rpartition("/")
        resource = obj["kind"].lower() + "s"
        served = author.kinds.get(group, resource)
        metadata = obj["metadata"]
        body = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind", "metadata")}
        writes.append(
            author.write(
                served,
                metadata["name"],
                body,
                namespace=metadata.get("namespace", ""),
                labels=metadata.get("labels"),
                annotations=metadata.get("annotations"),
            )
        )
    return writes


def _logical_cluster(author: Author, setting: Setting, annotations: dict[str, str]) -> Write:
    """The object of the author's own logical cluster, which nobody may delete."""
    return author.write(
        author.kinds.get("core.kcp.io", "logicalclusters"),
        content.LOGICAL_CLUSTER,
        {
            "spec": {"directlyDeletable": False},
            "status": {
                "URL": f"{setting.external_url}/clusters/{author.cluster}",
                "conditions": content.conditions(author, ()),
                "phase": content.READY,
            },
        },
        labels={PHASE_LABEL: content.READY},
        annotations=annotations,
        finalizers=[content.DELETION_FINALIZER],
    )


def _shard_objects(author: Author, exports: Sequence[Export], setting: Setting) -> list[Write]:
    bound = [(export.name, export) for export in exports]
    return [
        _logical_cluster(author, setting, {bindings.LOCKS_ANNOTATION: bindings.locks(bound)}),
        *namespace(author, "default", setting.root_ca),
        *content.binding_writes(author, SHARD, bound),
    ]


def _root_objects(author: Author, foundation: Foundation, exports: Sequence[Export], setting: Setting) -> list[Write]:
    bound = [(export.name, export) for export in exports if export.name in ROOT_BINDINGS]
    owner = orjson.dumps({"username": BOOTSTRAPPER}).decode()
    annotations = {
        content.SHARD_ANNOTATION: setting.shard,
        content.OWNER_ANNOTATION: owner,
        bindings.LOCKS_ANNOTATION: bindings.locks(bound),
        content.REPLICATE_ANNOTATION: "apis.kcp.io,tenancy.kcp.io",
        content.TYPE_ANNOTATION: "root:root",
    }
    return [
        _logical_cluster(author, setting, annotations),
        *namespace(author, "default", setting.root_ca, content.CREATE_ONLY),
        *namespace(author, SYSTEM_NAMESPACE, setting.root_ca),
        *_exports(author, foundation, exports),
        *content.binding_writes(author, ROOT, bound),
        *_policy(author, root_policy_objects(setting.home_creators)),
        *type_writes(author, WORKSPACE_TYPES_BATTERY in setting.batteries, setting.virtual_workspace_url),
        *_batteries(author, setting),
        author.write(
            author.kinds.get("core.kcp.io", "shards"),
            setting.shard,
            {
                "spec": {
                    "baseURL": setting.base_url,
                    "externalURL": setting.external_url,
                    "virtualWorkspaceURL": setting.virtual_workspace_url,
                }
            },
            labels={"name": setting.shard},
        ),
    ]


def _exports(author: Author, foundation: Foundation, exports: Sequence[Export]) -> list[Write]:
    schemas = author.kinds.get("apis.kcp.io", "apiresourceschemas")
    kind = author.kinds.get("apis.kcp.io", "apiexports")
    secrets = author.kinds.get("", "secrets")
    writes = []
    for export in exports:
        for one in EXPORTED_TYPES[export.name]:
            name = schema_object_name(one)
            body = {"spec": _schema_spec(one)}
            writes.append(author.write(schemas, name, body, uid=foundation.schemas[name]))
        key = base64.b64encode(foundation.keys[export.name].encode()).decode()
        secret = {"data": {"key": key}, "type": "Opaque"}
        writes.append(author.write(secrets, export.name, secret, namespace=SYSTEM_NAMESPACE))
        writes += follow_writes(writes[-1].key, IDENTITIES, export.name)
        spec: Object = {
            "identity": {"secretRef": {"name": export.name, "namespace": SYSTEM_NAMESPACE}},
            "resources": [
                {"group": one.group, "name": one.resource, "schema": one.schema, "storage": {"crd": {}}}
                for one in sorted(export.resources, key=lambda one: one.schema.split(".", 1)[1])
            ],
        }
        if export.name == TENANCY:
            spec["maximalPermissionPolicy"] = {"local": {}}
        status = {"conditions": [author.condition("IdentityValid")], "identityHash": export.identity}
        writes.append(
            author.write(
                kind, export.name, {"spec": spec, "status": status}, annotations={content.PATH_ANNOTATION: ROOT}
            )
        )
    return writes


def _schema_spec(one: ResourceType) -> Object:
    version: Object = {"name": one.version, "schema": openapi_schema(one), "served": True, "storage": True}
    columns = printed_columns(one)
    if columns:
        version["additionalPrinterColumns"] = columns
    version["subresources"] = {"status": {}} if one.status else {}
    names: Object = {
        "kind": one.kind,
        "listKind": one.list_kind or f"{one.kind}List",
        "plural": one.resource,
        "singular": one.singular,
    }
    if one.categories:
        names["categories"] = list(one.categories)
    if one.short_names:
        names["shortNames"] = list(one.short_names)
    return {
        "group": one.group,
        "names": names,
        "scope": "Namespaced" if one.namespaced else "Cluster",
        "versions": [version],
    }


def _batteries(author: Author, setting: Setting) -> list[Write]:
    if METRICS_BATTERY not in setting.batteries:
        return []
    group = "rbac.authorization.k8s.io"
    marked = {"bootstrap.kcp.io/battery": METRICS_BATTERY}
    role = author.write(
        author.kinds.get(group, "clusterroles"),
        METRICS_BATTERY,
        {"rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]},
        annotations=marked,
    )
    binding = author.write(
        author.kinds.get(group, "clusterrolebindings"),
        METRICS_BATTERY,
        {
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": METRICS_BATTERY},
            "subjects": [
                {"kind": "ServiceAccount", "name": "metrics", "namespace": "default"},
                {"apiGroup": group, "kind": "User", "name": METRICS_BATTERY},
            ],
        },
        annotations=marked,
    )
    account = author.write(
        author.kinds.get("", "serviceaccounts"), "metrics", {}, namespace="default", annotations=marked
    )
    return [role, binding, account]
