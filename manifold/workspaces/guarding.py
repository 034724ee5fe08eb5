"""Rules of single types that rest on who asks or on other objects, as admission plugins.

Roles and bindings may not give more than their writer has; a namespace every workspace needs cannot be deleted; a
path annotation tells the truth (tenancy reference, sections 2.3, 2.5, 4.5, 5.1).
"""

from __future__ import annotations

from manifold.admission.plugin import Admission, Plugin
from manifold.auth.chain import Chain
from manifold.auth.escalation import check_binding, check_role
from manifold.auth.logical_clusters import logical_cluster_key
from manifold.base import errors
from manifold.registry.clusters import GROUP, RESOURCE
from manifold.schema import records
from manifold.types.kcp.core import refusal_of_change
from manifold.types.kcp.rules import at
from manifold.types.resource import Object

IMMORTAL_NAMESPACES = frozenset(("default", "kube-system", "kube-public"))
PATH_ANNOTATION = "kcp.io/path"
PATH_KINDS = frozenset(
    (
        ("apis.kcp.io", "apiexports"),
        ("apis.kcp.io", "apibindings"),
        ("tenancy.kcp.io", "workspacetypes"),
        ("cache.kcp.io", "clustercachedresources"),
    )
)
LOGICAL_CLUSTER_ADMINS = frozenset(
    (
        "system:masters",
        "system:kcp:logical-cluster-admin",
        "system:kcp:external-logical-cluster-admin",
        "system:kcp:tenancy:workspace-bootstrapper",
    )
)
OWNERSHIP = ("createdBy", "owner", "terminators")
"""Of the spec of a LogicalCluster, what says by whose right others act in it, and to whom its state is told."""


class RoleGuard(Plugin):
    """Nobody grants what they do not have."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    async def validate(self, request: Admission) -> None:
        """Check a role or binding that is created or changed."""
        if request.new is None or request.subresource:
            return
        resource = request.type.resource
        check = check_binding if resource.endswith("bindings") else check_role
        giver = request.authority or request.user
        await check(self._chain, giver, request.cluster, resource, request.namespace, request.new, request.old)


class NamespaceGuard(Plugin):
    """Keeps the namespaces that must be there while their logical cluster is."""

    async def validate(self, request: Admission) -> None:
        """Refuse to delete them."""
        if request.action != "DELETE" or request.name not in IMMORTAL_NAMESPACES:
            return
        key = logical_cluster_key(request.cluster)
        row = await request.snapshot.get(key)
        if row is not None and records.flags(row.value) & records.DELETING:
            return
        raise errors.forbidden("", "namespaces", request.name, "this namespace may not be deleted")


class PathGuard(Plugin):
    """Keeps the path annotation of objects that others refer to by path."""

    async def admit(self, request: Admission) -> None:
        """Write the canonical path."""
        if request.new is None or request.cluster.startswith("system:"):
            return
        annotations = request.new["metadata"].get("annotations") or {}
        kind = (request.type.group, request.type.resource)
        if kind not in PATH_KINDS and PATH_ANNOTATION not in annotations:
            return
        if kind == (GROUP, RESOURCE):
            return
        path = await logical_cluster_path(request)
        if kind in PATH_KINDS:
            request.new["metadata"]["annotations"] = {**annotations, PATH_ANNOTATION: path}
        elif annotations[PATH_ANNOTATION] != path:
            text = f'annotation for {request.name}, "{PATH_ANNOTATION}" must match canonical path "{path}"'
            raise errors.forbidden(request.type.group, request.type.resource, request.name, text)


async def logical_cluster_path(request: Admission) -> str:
    """The path of the logical cluster a request writes into; its name where it has none."""
    key = logical_cluster_key(request.cluster)
    row = await request.snapshot.get(key)
    if row is None:
        return request.cluster
    obj = records.decode(row.value, row.revision, records.ITEM_HEAD)
    path: str = obj["metadata"].get("annotations", {}).get(PATH_ANNOTATION) or request.cluster
    return path


class LogicalClusterGuard(Plugin):
    """What only the system may do with a LogicalCluster."""

    async def validate(self, request: Admission) -> None:
        """Refuse creation, deletion and changes that are not a user's (tenancy reference, section 2.5)."""
        if LOGICAL_CLUSTER_ADMINS.intersection(request.user.groups):
            return
        if request.action == "CREATE":
            raise self._forbidden(request, "LogicalCluster cannot be created")
        old = request.old or {}
        if request.action == "DELETE":
            if not old.get("spec", {}).get("directlyDeletable"):
                raise self._forbidden(request, "LogicalCluster cannot be deleted")
            return
        problem = self._problem(request.object, old)
        if problem:
            raise self._forbidden(request, problem)

    def _problem(self, new: Object, old: Object) -> str:
        for name in OWNERSHIP:
            if at(new, "spec", name) != at(old, "spec", name):
                return f"spec.{name} is immutable"
        why = refusal_of_change(new, old)
        if why:
            return why
        left, before = at(new, "status", "terminators") or (), at(old, "status", "terminators") or ()
        return "" if set(left) <= set(before) else "status.terminators must not grow"

    def _forbidden(self, request: Admission, why: str) -> errors.StatusError:
        return errors.forbidden(GROUP, RESOURCE, request.name, why)
