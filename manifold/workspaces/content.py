"""What an empty workspace contains, as writes of one commit.

A LogicalCluster, the creator's ClusterRoleBinding, the namespaces `default` and `kube-system` with their content, a
binding per default export of the type, and the row that says what is served. They are real objects, because clients
watch, label and delete them (tenancy reference, sections 3.5, 5.1 and 8.5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import orjson

from manifold.auth.rbac.subjects import global_name
from manifold.base.user import User
from manifold.exports import bindings, statuses
from manifold.exports import conditions as kcp_conditions
from manifold.exports.bindings import Export
from manifold.registry.objects import Author
from manifold.registry.served import Served
from manifold.storage.contract import Write
from manifold.types.resource import Object
from manifold.views.rows import row_key, row_value
from manifold.views.waiting import waiting_row
from manifold.workspaces import entries
from manifold.workspaces.lifecycle_labels import HAS_TERMINATORS, lifecycle_labels
from manifold.workspaces.namespaces import namespace

LOGICAL_CLUSTER = "cluster"
DELETION_FINALIZER = "core.kcp.io/logicalcluster-deletion"
OWNER_ANNOTATION = "experimental.tenancy.kcp.io/owner"
TYPE_ANNOTATION = "internal.tenancy.kcp.io/type"
PATH_ANNOTATION = "kcp.io/path"
SHARD_ANNOTATION = "core.kcp.io/shard"
REQUIRED_GROUPS_ANNOTATION = "authorization.kcp.io/required-groups"
REPLICATE_ANNOTATION = "internal.kcp.io/replicate"
READY, INITIALIZING = "Ready", "Initializing"
APIBINDINGS_INITIALIZER = "system:apibindings"
APIBINDINGS_INITIALIZED = "APIBindingsInitialized"
CREATE_ONLY = {"bootstrap.kcp.io/create-only": "true"}


@dataclass(frozen=True, slots=True)
class Birth:
    """A logical cluster to be made.

    `owner` is the spec.owner of its LogicalCluster (None for one without a workspace), `creator` who becomes its
    administrator. `initializers` are all of the type, `pending` those that controllers outside the server must still
    remove. `exports` are those of the server itself that it binds; `bound`: those of users are bound in the same
    commit. `universal` says whether it has the content of the universal type.
    """

    cluster: str
    path: str
    type_reference: str
    shard: str
    external_url: str
    creator: User
    owner: Object | None
    initializers: Sequence[str]
    pending: Sequence[str]
    universal: bool
    required_groups: str = ""
    terminators: Sequence[str] = ()
    exports: Sequence[Export] = ()
    bound: bool = False


@lru_cache(200)
def annotations_in(kind: Served, value: bytes) -> Mapping[str, str]:
    """The annotations in a record of a LogicalCluster. Many workspaces in a row have the same parent."""
    return MappingProxyType(kind.decode(value, 0)["metadata"].get("annotations") or {})


def administrator_binding(author: Author, user: User) -> Write:
    """The ClusterRoleBinding that makes a user the administrator of a logical cluster. A service account of another one
    is known there by its global name; by the name it has at home, a namesake would be the administrator.
    """
    group = "rbac.authorization.k8s.io"
    return author.write(
        author.kinds.get(group, "clusterrolebindings"),
        "workspace-admin",
        {
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": group, "kind": "User", "name": global_name(user) or user.name}],
        },
        annotations={REPLICATE_ANNOTATION: "apis.kcp.io,tenancy.kcp.io"},
    )


def binding_writes(author: Author, path: str, bound: Sequence[tuple[str, Export]]) -> list[Write]:
    """The bindings of a logical cluster and its resolution row; (binding name, export)."""
    kind = author.kinds.get("apis.kcp.io", "apibindings")
    writes = [
        author.write(
            kind,
            name,
            {"spec": bindings.spec(export), "status": statuses.bound_status(export, author.timestamp)},
            labels=bindings.labels(export.cluster, export.name),
            annotations={PATH_ANNOTATION: path},
            finalizers=[bindings.FINALIZER],
        )
        for name, export in bound
    ]
    writes.append(Write(row_key(author.cluster), row_value([export.bound() for _, export in bound])))
    return writes


def logical_cluster(author: Author, birth: Birth, bound: Sequence[tuple[str, Export]]) -> Write:
    """The LogicalCluster of a birth."""
    phase = INITIALIZING if birth.pending else READY
    owner = {"username": birth.creator.name} if phase == READY else birth.creator.info()
    annotations = {
        SHARD_ANNOTATION: birth.shard,
        OWNER_ANNOTATION: orjson.dumps(owner).decode(),
        TYPE_ANNOTATION: birth.type_reference,
        PATH_ANNOTATION: birth.path,
    }
    if bound:
        annotations[bindings.LOCKS_ANNOTATION] = bindings.locks(bound)
    if birth.required_groups:
        annotations[REQUIRED_GROUPS_ANNOTATION] = birth.required_groups
    spec: Object = {"createdBy": birth.creator.info(), "directlyDeletable": False}
    if birth.initializers:
        spec["initializers"] = list(birth.initializers)
    if birth.terminators:
        spec["terminators"] = list(birth.terminators)
    if birth.owner is not None:
        spec["owner"] = birth.owner
    status: Object = {"URL": f"{birth.external_url}/clusters/{birth.cluster}", "phase": phase}
    found = conditions(author, birth.pending)
    if APIBINDINGS_INITIALIZER in birth.pending:
        found.append(_missing_exports(author))
    elif birth.bound:
        found.append(author.condition(APIBINDINGS_INITIALIZED))
    status["conditions"] = kcp_conditions.ordered(found)
    if birth.pending:
        status["initializers"] = list(birth.pending)
    if birth.terminators:
        status["terminators"] = list(birth.terminators)
    return author.write(
        author.kinds.get("core.kcp.io", "logicalclusters"),
        LOGICAL_CLUSTER,
        {"spec": spec, "status": status},
        labels=lifecycle_labels(phase, birth.pending, birth.terminators),
        annotations=annotations,
        finalizers=[DELETION_FINALIZER, HAS_TERMINATORS] if birth.terminators else [DELETION_FINALIZER],
    )


def _missing_exports(author: Author) -> Object:
    """What a logical cluster says whose type brings a binding of an export that is not there or not served."""
    message = "unable to complete initialization: unable to find at least 1 APIExport"
    return kcp_conditions.false(
        APIBINDINGS_INITIALIZED, author.timestamp, kcp_conditions.ERROR, "APIBindingErrors", message
    )


def conditions(author: Author, pending: Sequence[str], scheduled: bool = False) -> list[Object]:
    """The conditions of a logical cluster, or (with `scheduled`) of a workspace; sorted by type."""
    initialized: Object = author.condition("WorkspaceInitialized")
    if pending:
        initialized = {
            "type": "WorkspaceInitialized",
            "status": "False",
            "severity": "Info",
            "lastTransitionTime": author.timestamp,
            "reason": "InitializerExists",
            "message": f"Initializers still exist: [{' '.join(pending)}]",
        }
    if scheduled:
        return [initialized, author.condition("WorkspaceScheduled")]
    return [author.condition("APIBindingsReconciled"), initialized] if not pending else [initialized]


def build(author: Author, birth: Birth, root_ca: str) -> list[Write]:
    """Everything a new logical cluster contains. `author` writes in it."""
    bound = [
        (bindings.default_binding_name(birth.cluster, export.path, export.name), export) for export in birth.exports
    ]
    administrator = administrator_binding(author, birth.creator)
    writes = [logical_cluster(author, birth, bound), administrator]
    writes += [Write(row, b"") for row in entries.rows_of(administrator.key, administrator.value or b"")]
    if bound:
        writes += binding_writes(author, birth.path, bound)
    writes += [Write(waiting_row("initializers", name, birth.cluster), b"") for name in birth.pending]
    if birth.universal:
        writes += namespace(author, "default", root_ca, CREATE_ONLY)
        writes += namespace(author, "kube-system", root_ca, CREATE_ONLY)
    return writes
