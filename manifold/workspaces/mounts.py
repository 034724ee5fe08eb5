"""Mounted workspaces: what the object says that a workspace mounts, and what follows from it for the workspace.

A mounted workspace has no logical cluster of its own. It names an object of the one it lies in, of any kind, whose
status says in `phase` whether there is something behind it and in `URL` where; nothing else of it is looked at (tenancy
reference, section 3.8). What can be read is read in the commit that creates the workspace; from then on the object is
followed (`manifold.registry.followed`). Where the kind is not served yet there is nothing to follow, and a controller
comes back.

The URL must be one of HTTPS without credentials, query and fragment: requests go there in users' names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from manifold.base import keys
from manifold.exports import conditions
from manifold.registry.effects import Operation, Plan
from manifold.registry.followed import Followed, follower_row
from manifold.storage.contract import Guard, Row, Snapshot
from manifold.types.resource import Object
from manifold.views.resolution import Resolver
from manifold.workspaces.lifecycle_labels import PHASE_LABEL

WORK = "mounts"
"""The controller of mounted workspaces."""
CONDITION = "WorkspaceMountReady"
NOT_FOUND, NOT_READY = "MountObjectNotFound", "MountObjectNotReady"
READY, UNAVAILABLE = "Ready", "Unavailable"
LONGEST_URL = 2048


@dataclass(frozen=True, slots=True)
class Reference:
    """The object a workspace mounts."""

    group: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a reference leads to: the object's key (empty: its kind is not served), its row and itself, where it is."""

    key: bytes = b""
    row: Row | None = None
    obj: Object | None = None

    def guards(self) -> list[Guard]:
        """What binds a commit to what was found."""
        return [Guard(self.key, self.row.revision if self.row is not None else 0)] if self.key else []


def mount_of(workspace: Object) -> Reference | None:
    """What a workspace mounts; None for one that does not."""
    mount = (workspace.get("spec") or {}).get("mount")
    if not mount:
        return None
    reference = mount.get("ref") or {}
    group = (reference.get("apiVersion") or "").rpartition("/")[0]
    return Reference(group, reference.get("kind") or "", reference.get("namespace") or "", reference.get("name") or "")


def work_row(cluster: str, name: str) -> bytes:
    """The work row of a mounted workspace that has to be looked at again."""
    return keys.work_key(WORK, cluster, name)


def usable_url(given: Any) -> str:
    """The URL of a mount without a slash at its end; empty where it cannot be used."""
    if not isinstance(given, str) or len(given) > LONGEST_URL or not given.isascii() or not given.isprintable():
        return ""
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme != "https" or not parts.hostname or port == 0 or "@" in parts.netloc or " " in given:
        return ""
    if "?" in given or "#" in given or any(segment in (".", "..") for segment in parts.path.split("/")):
        return ""
    return given.rstrip("/")


def judged(reference: Reference, obj: Object | None, now: str) -> tuple[Object, str]:
    """The condition of a workspace that mounts an object (None: it is not there), and the URL it says."""
    if obj is None:
        text = f'{reference.kind} "{reference.namespace}/{reference.name}" not found'
        return conditions.false(CONDITION, now, conditions.ERROR, NOT_FOUND, text), ""
    status = obj.get("status")
    status = status if isinstance(status, dict) else {}
    url = usable_url(status.get("URL"))
    if status.get("phase") != READY:
        text = f'Mount is not reporting ready. See {obj["kind"]} "{reference.name}" status for more details'
        return conditions.false(CONDITION, now, conditions.ERROR, NOT_READY, text), url
    if not url:
        text = f'Mount is reporting no usable URL. See {obj["kind"]} "{reference.name}" status for more details'
        return conditions.false(CONDITION, now, conditions.ERROR, NOT_READY, text), ""
    return conditions.true(CONDITION, now), url


def tell(workspace: Object, condition: Object, url: str) -> bool:
    """Bring a mounted workspace into agreement with its condition and URL. False: it says all of that already."""
    changed = conditions.with_one(workspace, condition)
    spec, status, metadata = workspace["spec"], workspace["status"], workspace["metadata"]
    if url and spec.get("URL") != url:
        spec["URL"] = url
        metadata["generation"] = metadata.get("generation", 0) + 1
        changed = True
    phase = READY if condition["status"] == "True" else UNAVAILABLE
    labels = metadata.setdefault("labels", {})
    if status.get("phase") != phase or labels.get(PHASE_LABEL) != phase:
        status["phase"] = labels[PHASE_LABEL] = phase
        changed = True
    return changed


def keep_condition(new: Object, old: Object) -> None:
    """Keep what the server says of a mount, whoever writes the status."""
    before = [one for one in (old.get("status") or {}).get("conditions") or () if one["type"] == CONDITION]
    status = new.setdefault("status", {})
    told = [one for one in status.get("conditions") or () if one.get("type") != CONDITION]
    if before or told:
        status["conditions"] = conditions.ordered([*told, *before])
    else:
        status.pop("conditions", None)


class Mounts:
    """Finds what is mounted, and binds workspaces to it."""

    def __init__(self, resolver: Resolver, followed: Followed) -> None:
        self._resolver = resolver
        self._followed = followed

    async def look(self, snapshot: Snapshot, cluster: str, reference: Reference) -> Found:
        """What a reference in a logical cluster leads to."""
        served = await self._resolver.kind(cluster, reference.group, reference.kind)
        if served is None:
            return Found()
        namespace = reference.namespace if served.type.namespaced else ""
        if "\x00" in namespace + reference.name:
            return Found()
        key = served.key(cluster, namespace, reference.name)
        row = await snapshot.get(key)
        return Found(key, row, served.decode(row.value, row.revision) if row is not None else None)

    async def create(self, operation: Operation, workspace: Object, reference: Reference, plan: Plan, now: str) -> None:
        """Say of a new workspace what its mount is like, and follow it. Where its kind is unknown, leave work."""
        found = await self.look(plan.snapshot, operation.cluster, reference)
        tell(workspace, *judged(reference, found.obj, now))
        name = workspace["metadata"]["name"]
        if found.key:
            plan.guards += found.guards()
            self._followed.follow(plan, found.key, WORK, name)
        else:
            plan.put(work_row(operation.cluster, name), b"{}")

    async def follow(self, plan: Plan, found: Found, name: str) -> bool:
        """Follow what was found, if that is not done yet. Whether it was not."""
        if not found.key or await plan.snapshot.get(follower_row(found.key, WORK, name)) is not None:
            return False
        self._followed.follow(plan, found.key, WORK, name)
        return True

    async def remove(self, cluster: str, workspace: Object, reference: Reference, plan: Plan) -> None:
        """Follow no longer: the workspace goes."""
        found = await self.look(plan.snapshot, cluster, reference)
        if not found.key:
            return
        row = await plan.snapshot.get(follower_row(found.key, WORK, workspace["metadata"]["name"]))
        if row is not None:
            plan.guards.append(Guard(row.key, row.revision))
            plan.delete(row.key)
