"""What a workspace must satisfy to be created or changed: the rules that rest on other objects.

The owner is whoever asks; the type is found, defaulted from the parent's type, and must be one the user may `use`
and that may lie in the parent (tenancy reference, section 3.2, whose texts are compared by clients). System users
may set what is the system's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import orjson

from manifold.admission.plugin import Admission, Plugin
from manifold.auth.attributes import Attributes
from manifold.auth.chain import Chain
from manifold.base import errors
from manifold.registry.objects import Kinds
from manifold.storage.contract import Guard
from manifold.types.resource import Object
from manifold.workspaces.content import (
    OWNER_ANNOTATION,
    PATH_ANNOTATION,
    REQUIRED_GROUPS_ANNOTATION,
    TYPE_ANNOTATION,
    annotations_in,
)
from manifold.workspaces.types import AT_ONCE, BrokenType, Closure, WorkspaceTypes, check_relation

GROUP = "tenancy.kcp.io"
_MOUNT_FIELDS = ("kind", "name", "namespace", "apiVersion")


def _has_shape(spec: object) -> bool:
    """Whether a spec, which is not validated yet, can be read for its type."""
    if not isinstance(spec, dict):
        return False
    kind = spec.get("type")
    if kind is None:
        return True
    return isinstance(kind, dict) and all(isinstance(kind.get(name) or "", str) for name in ("name", "path"))


class WorkspaceAdmission(Plugin):
    """The rules of workspaces. Needs the kinds of the server, the types, and the authorizer for `use`."""

    def __init__(self, kinds: Kinds, types: WorkspaceTypes, chain: Chain) -> None:
        self._logical_clusters = kinds.get("core.kcp.io", "logicalclusters")
        self._types = types
        self._chain = chain

    async def parent(self, request: Admission) -> Mapping[str, str]:
        """The annotations of the LogicalCluster a workspace is created in. The commit is bound to it."""
        key = self._logical_clusters.key(request.cluster, "", "cluster")
        row = await request.snapshot.get(key)
        if row is None:
            raise errors.forbidden(GROUP, "workspaces", request.name, "the logical cluster does not exist")
        guard = Guard(key, row.revision)
        if guard not in request.guards:
            request.guards.append(guard)
        return annotations_in(self._logical_clusters, row.value)

    async def admit(self, request: Admission) -> None:
        """Set the owner, required groups and the type of a new workspace."""
        if request.action != "CREATE":
            return
        new = request.object
        metadata, spec = new["metadata"], new.setdefault("spec", {})
        if not _has_shape(spec):
            return  # validation, which comes later, says what is wrong
        annotations = metadata.setdefault("annotations", {})
        given = await self.parent(request)
        if not request.user.privileged:
            annotations[OWNER_ANNOTATION] = orjson.dumps(request.user.info()).decode()
            required = given.get(REQUIRED_GROUPS_ANNOTATION)
            if required:
                annotations[REQUIRED_GROUPS_ANNOTATION] = required
            else:
                annotations.pop(REQUIRED_GROUPS_ANNOTATION, None)
        elif given.get(REQUIRED_GROUPS_ANNOTATION):
            annotations.setdefault(REQUIRED_GROUPS_ANNOTATION, given[REQUIRED_GROUPS_ANNOTATION])
        if spec.get("mount"):
            return
        await self._default_type(request, spec, given)
        kind = spec["type"]
        found = await self._types.find(request.snapshot, kind["path"], kind["name"])
        if found is None:
            text = f'Internal error occurred: workspacetypes.tenancy.kcp.io "{kind["path"]}:{kind["name"]}" not found'
            raise self._forbidden(request, text)
        for label, value in (found.spec.get("additionalWorkspaceLabels") or {}).items():
            metadata.setdefault("labels", {}).setdefault(label, value)

    async def _default_type(self, request: Admission, spec: Object, parent: Mapping[str, str]) -> None:
        kind = spec.get("type") or {}
        path, name = kind.get("path") or "", kind.get("name") or ""
        if not name:
            default = await self._default_child(request, parent)
            path, name = default.get("path") or "", default["name"]
        if not path:
            here = parent.get(PATH_ANNOTATION) or request.cluster
            found = await self._types.find_upwards(request.snapshot, here, name)
            if found is None:
                raise self._forbidden(request, f'workspace type "{name}" cannot be resolved')
            path = found.path
        spec["type"] = {"name": name, "path": path}

    async def _default_child(self, request: Admission, parent: Mapping[str, str]) -> Object:
        path, _, name = parent.get(TYPE_ANNOTATION, "").rpartition(":")
        found = await self._types.find(request.snapshot, path, name) if path else None
        default: Object | None = found.spec.get("defaultChildWorkspaceType") if found is not None else None
        if not default:
            text = f"spec.defaultChildWorkspaceType of workspace type {path}:{name} must be set"
            raise self._forbidden(request, text)
        return default

    def _forbidden(self, request: Admission, why: str) -> errors.StatusError:
        return errors.forbidden(GROUP, "workspaces", request.name, why)

    async def validate(self, request: Admission) -> None:
        """Refuse what may not be set, used, or changed."""
        if request.action == "CREATE":
            await self._validate_create(request)
        elif request.action == "UPDATE":
            self._validate_update(request)

    async def _validate_create(self, request: Admission) -> None:
        spec = request.object["spec"]
        if not request.user.privileged:
            if spec.get("cluster"):
                raise self._forbidden(request, "spec.Cluster can only be set by system privileged users")
            if spec.get("URL"):
                raise self._forbidden(request, "spec.URL can only be set by system privileged users")
        mount = spec.get("mount")
        if mount:
            reference = mount.get("ref") or {}
            for field in ("kind", "name", "apiVersion"):
                if not reference.get(field):
                    raise self._forbidden(request, f"spec.mount.{field} must be set")
            if spec.get("type"):
                raise self._forbidden(request, "spec.type cannot be set for mounted workspaces")
            return
        closure = await self.closure(request, spec["type"]["path"], spec["type"]["name"])
        for position, one in enumerate(closure.members):
            if position % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            asked = Attributes(request.user, "use", one.cluster, GROUP, "v1alpha1", "workspacetypes", "", "", one.name)
            if not (await self._chain.authorize_deep(asked)).allowed:
                text = f"unable to use workspace type {one.reference}: missing verb='use' permission on workspacetype"
                raise self._forbidden(request, text)
        parent = await self.parent(request)
        path, _, name = parent.get(TYPE_ANNOTATION, "").rpartition(":")
        if path:
            problem = check_relation(await self.closure(request, path, name), closure)
            if problem:
                raise self._forbidden(request, problem)

    async def closure(self, request: Admission, path: str, name: str) -> Closure:
        """The closure of a type. Raises the 403 of one that is broken or missing."""
        try:
            found = await self._types.closure(request.snapshot, path, name)
        except BrokenType as broken:
            raise self._forbidden(request, str(broken)) from None
        if found is None:
            raise self._forbidden(request, f'workspace type "{path}:{name}" cannot be resolved')
        return found

    def _validate_update(self, request: Admission) -> None:
        new, old = request.object.get("spec", {}), (request.old or {}).get("spec", {})
        privileged = request.user.privileged
        if old.get("cluster") and not new.get("cluster"):
            raise self._forbidden(request, "spec.cluster cannot be unset")
        if not privileged and new.get("cluster") != old.get("cluster"):
            raise self._forbidden(request, "spec.cluster can only be changed by system privileged users")
        if not privileged and new.get("URL") != old.get("URL"):
            raise self._forbidden(request, "spec.URL can only be changed by system privileged users")
        if new.get("type") != old.get("type"):
            raise self._forbidden(request, "spec.type is immutable")
        before = (old.get("mount") or {}).get("ref") or {}
        after = (new.get("mount") or {}).get("ref") or {}
        for field in _MOUNT_FIELDS:
            if before and after.get(field) != before.get(field):
                raise self._forbidden(request, f"spec.mount.{field} is immutable")
        if after and not before:  # it would be ignored: a workspace has a logical cluster or mounts something
            raise self._forbidden(request, "spec.mount is immutable")
        phase = request.object.get("status", {}).get("phase")
        if not new.get("mount") and phase == "Ready" and (request.old or {}).get("status", {}).get("phase") != "Ready":
            for field in ("cluster", "URL"):
                if not new.get(field):
                    raise self._forbidden(request, f"spec.{field} must be set for phase Ready")
