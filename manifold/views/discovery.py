"""Discovery: what a client may ask for, derived from the types a logical cluster serves.

Two forms of the same facts. The legacy one (meta/v1 APIVersions, APIGroupList, APIGroup, APIResourceList) takes a
request per group and version; the aggregated one (apidiscovery.k8s.io/v2, KEP-3352) takes one and carries an ETag.
The Accept header decides which one a client gets. All documents are pure functions of the types, so a caller keeps
them per shape. Content and order follow the tenancy reference, section 5.3; both paths serve the aggregated form,
and the storage version hash is the one an unmodified Kubernetes would publish.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

import orjson

from manifold.base.errors import not_acceptable
from manifold.base.versions import version_rank as version_rank
from manifold.types.resource import Object, ResourceType
from manifold.views.document import JSON, Document, content_tag
from manifold.views.subresources import Shown, shown

Representation = Literal["legacy", "yaml", "v2"]

AGGREGATED_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
AGGREGATED_CACHING = "public"
YAML = "application/yaml"

_OFFERED = (JSON, YAML, "application/vnd.kubernetes.protobuf")
_FIRST_GROUPS = (
    "authentication.k8s.io",
    "authorization.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "rbac.authorization.k8s.io",
    "admissionregistration.k8s.io",
    "events.k8s.io",
    "apiextensions.k8s.io",
)
_RANK = {name: position for position, name in enumerate(_FIRST_GROUPS)}
_CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")


@lru_cache(maxsize=256)
def negotiate_discovery(accept: str, has_aggregated: bool = True) -> Representation:
    """Which form of discovery an Accept header asks for: of the clauses served here the best by quality, then place.

    `legacy` and `yaml` are the documents per group and version as JSON and YAML, `v2` is the aggregated one, which only
    `/api` and `/apis` have. An absent or empty header means legacy JSON. Raises the 406 `Status` where nothing fits.
    """
    if not accept.strip():
        return "legacy"
    best: Representation | None = None
    best_quality = 0.0
    for clause in accept.split(","):
        media, *parameters = (part.strip() for part in clause.split(";"))
        values = {}
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            values[name.strip()] = value.strip()
        found = _representation(media.lower(), values)
        if found == "v2" and not has_aggregated:
            continue
        try:
            quality = float(values.get("q", "1"))
        except ValueError:
            quality = 0.0
        if found is not None and quality > best_quality:
            best, best_quality = found, quality
    if best is None:
        raise not_acceptable(_OFFERED)
    return best


def _representation(media: str, parameters: dict[str, str]) -> Representation | None:
    wanted = parameters.get("as", "")
    if wanted:
        version = (wanted, parameters.get("g", ""), parameters.get("v", ""))
        aggregated = version == ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2")
        return "v2" if aggregated and media in (JSON, "*/*") else None
    if media in (JSON, "*/*"):
        return "legacy"
    return "yaml" if media == YAML else None


def storage_version_hash(resource_type: ResourceType) -> str:
    """The hash by which clients see that objects are stored in another version: base64 of the first eight bytes of the
    SHA-256 of `group/version/kind` as stored.
    """
    group = resource_type.stored_group if resource_type.stored_resource else resource_type.group
    stored = f"{group}/{resource_type.stored_version or resource_type.version}/{resource_type.kind}"
    return base64.b64encode(hashlib.sha256(stored.encode()).digest()[:8]).decode()


def group_names(types: Iterable[ResourceType]) -> list[str]:
    """The named groups of `types` in discovery order: built-in ones in their fixed order, then others by name."""
    names = {resource_type.group for resource_type in types} - {""}
    return sorted(names, key=lambda name: (_RANK.get(name, len(_RANK)), name))


def versions_of(types: Iterable[ResourceType], group: str) -> list[str]:
    """The versions of one group, the preferred one first."""
    return sorted({kind.version for kind in types if kind.group == group}, key=version_rank)


def api_versions(address: str = "") -> Document:
    """`/api`: the versions of the core group (meta/v1 APIVersions). `address` is the server's host and port."""
    body: Object = {"kind": "APIVersions", "versions": ["v1"]}
    body["serverAddressByClientCIDRs"] = _addresses(address) if address else []
    return _legacy(body)


def group_list(types: Sequence[ResourceType], address: str = "") -> Document:
    """`/apis`: all groups with their versions (meta/v1 APIGroupList). With an `address`, groups that are not of custom
    resources name it.
    """
    groups = [_group(types, name, address) for name in group_names(types)]
    return _legacy({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})


def group(types: Sequence[ResourceType], name: str, address: str = "") -> Document | None:
    """`/apis/<name>`: one group (meta/v1 APIGroup), None where it is not served."""
    if not name or not versions_of(types, name):
        return None
    return _legacy({"kind": "APIGroup", "apiVersion": "v1", **_group(types, name, address)})


def resource_list(
    types: Sequence[ResourceType], group_name: str, version: str, *, virtual: bool = False
) -> Document | None:
    """`/api/v1` and `/apis/<group>/<version>`: the resources of one version (meta/v1 APIResourceList), None where it
    is not served. `virtual` lists verbs by name also for custom resources, as virtual workspaces do.
    """
    found = _in_version(types, group_name, version)
    if not found:
        return None
    body: Object = {"kind": "APIResourceList"}
    if group_name:
        body["apiVersion"] = "v1"
    body["groupVersion"] = f"{group_name}/{version}" if group_name else version
    resources: list[Object] = []
    for kind in found:
        resources.append(_resource(kind, virtual))
        resources.extend(_subresource(kind, entry) for entry in shown(kind))
    body["resources"] = resources
    return _legacy(body)


def aggregated(types: Sequence[ResourceType], core: bool, *, virtual: bool = False) -> Document:
    """`/api` (`core`) or `/apis` in one document (apidiscovery.k8s.io/v2 APIGroupDiscoveryList), with its ETag."""
    items = []
    for name in [""] if core else group_names(types):
        versions = [
            {
                "version": version,
                "resources": [_aggregated_resource(kind, virtual) for kind in _in_version(types, name, version)],
                "freshness": "Current",
            }
            for version in versions_of(types, name)
        ]
        if versions:
            items.append({"metadata": {"name": name} if name else {}, "versions": versions})
    body = orjson.dumps(
        {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": "apidiscovery.k8s.io/v2",
            "metadata": {},
            "items": items,
        }
    )
    return Document(body + b"\n", AGGREGATED_TYPE, content_tag(body), AGGREGATED_CACHING, "Accept")


def as_yaml(document: Document) -> Document:
    """The same document in YAML, for a client that asked for it."""
    import yaml  # here, because hardly any client of discovery wants YAML

    body = yaml.dump(orjson.loads(document.body), Dumper=yaml.CSafeDumper, sort_keys=False).encode()
    return Document(body, YAML, document.etag, document.cache_control, document.vary)


def discovery(
    types: Sequence[ResourceType], path: str, accept: str = "", address: str = "", *, virtual: bool = False
) -> Document | None:
    """The document at `path` below the logical cluster (`/api`, `/apis/apps/v1`, with or without a final slash).

    None where `path` is not a discovery path of `types`: unknown groups and versions are the caller's 404. Raises the
    406 `Status` where `accept` fits no representation.
    """
    segments = path.strip("/").split("/")
    wanted = negotiate_discovery(accept, has_aggregated=len(segments) == 1)
    document: Document | None = None
    match segments:
        case ["api"] | ["apis"] if wanted == "v2":
            return aggregated(types, segments[0] == "api", virtual=virtual)
        case ["api"]:
            document = api_versions(address)
        case ["apis"]:
            document = group_list(types, address)
        case ["api", version]:
            document = resource_list(types, "", version, virtual=virtual)
        case ["apis", name]:
            document = group(types, name, address)
        case ["apis", name, version] if name:
            document = resource_list(types, name, version, virtual=virtual)
    return as_yaml(document) if document is not None and wanted == "yaml" else document


def _legacy(body: Object) -> Document:
    return Document(orjson.dumps(body) + b"\n")


def _addresses(address: str) -> list[Object]:
    return [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]


def _in_version(types: Iterable[ResourceType], group_name: str, version: str) -> list[ResourceType]:
    found = [kind for kind in types if kind.group == group_name and kind.version == version]
    found.sort(key=lambda kind: kind.resource)
    return found


def _group(types: Sequence[ResourceType], name: str, address: str) -> Object:
    versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions_of(types, name)]
    body: Object = {"name": name, "versions": versions, "preferredVersion": versions[0]}
    if address and not any(kind.custom for kind in types if kind.group == name):
        body["serverAddressByClientCIDRs"] = _addresses(address)
    return body


def _verbs(kind: ResourceType, virtual: bool) -> list[str]:
    if not kind.custom or virtual:
        return sorted(kind.verbs)
    return [verb for verb in _CUSTOM_VERBS if verb in kind.verbs]


def _resource(kind: ResourceType, virtual: bool) -> Object:
    entry: Object = {
        "name": kind.resource,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": _verbs(kind, virtual),
    }
    _add_names(entry, kind)
    if not kind.storageless:
        entry["storageVersionHash"] = storage_version_hash(kind)
    return entry


def _add_names(entry: Object, kind: ResourceType) -> None:
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)


def _subresource(kind: ResourceType, entry: Shown) -> Object:
    body: Object = {"name": f"{kind.resource}/{entry.name}", "singularName": "", "namespaced": kind.namespaced}
    if entry.version:
        body["group"], body["version"] = entry.group, entry.version
    body["kind"] = entry.kind
    # A list that a Go server leaves nil is written as null, and clients were recorded to get exactly that.
    body["verbs"] = list(entry.verbs) or None
    return body


def _response_kind(kind: ResourceType, name: str, group_name: str = "", version: str = "") -> Object:
    if kind.custom and not version:
        group_name, version = kind.group, kind.version
    return {"group": group_name, "version": version, "kind": name}


def _aggregated_resource(kind: ResourceType, virtual: bool) -> Object:
    entry: Object = {
        "resource": kind.resource,
        "responseKind": _response_kind(kind, kind.kind),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": _verbs(kind, virtual),
    }
    _add_names(entry, kind)
    subresources = [
        {
            "subresource": part.name,
            "responseKind": _response_kind(kind, part.kind, part.group, part.version),
            "verbs": list(part.verbs),
        }
        for part in shown(kind)
    ]
    if subresources:
        entry["subresources"] = subresources
    return entry
