"""What the creation, change and end of an export do, in the same commit.

A new export has its identity in the answer: a secret in `kcp-system`, made or adopted, whose hash keeps the objects of
equal APIs apart; and an endpoint slice of its name. The hash is set once: a secret that says something else later is a
condition, not another identity. What an export offers reaches those who have bound it by a work row (APIs reference,
sections 2.3 and 3.5).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable, Sequence

from manifold.base import clock, errors, keys
from manifold.base.fields import Path, forbidden
from manifold.exports import conditions
from manifold.exports.bindings import EXTRA_PREFIX
from manifold.exports.offering import schemas_row
from manifold.exports.slices import Slices, slice_rows, slices_prefix
from manifold.exports.statuses import Referred
from manifold.registry.effects import Effects, Operation, Plan
from manifold.registry.followed import Followed, follower_row
from manifold.registry.objects import Author, Kinds
from manifold.registry.owners import index_row, mark
from manifold.registry.served import Served
from manifold.registry.writing import Clock
from manifold.schema import records
from manifold.storage.contract import Guard, Row, Write
from manifold.types.kcp.schemas import rules_at
from manifold.types.resource import Object
from manifold.views.consumers import IDENTITY_INDEX, consumers_in, consumers_prefix, export_row, slices_row

GROUP = "apis.kcp.io"
SYSTEM_NAMESPACE = "kcp-system"
SECRET_KEY = "key"
IDENTITY_VALID = "IdentityValid"
SKIP_SLICE = "apiexports.apis.kcp.io/skip-endpointslice"
IDENTITIES = "identities"
"""The controller of identities, which follow their secrets."""
FAILED = "IdentityVerificationFailed"

NewNamespace = Callable[[Author, str], Sequence[Write]]
"""A new namespace with what comes with it."""


def identity_key(identity: str, cluster: str, name: str) -> bytes:
    """The key of the index row of an export by its identity."""
    return keys.index_key(IDENTITY_INDEX, identity, cluster, name)


def reference_of(export: Object) -> tuple[str, str] | None:
    """Namespace and name of the secret an export names."""
    found = ((export.get("spec") or {}).get("identity") or {}).get("secretRef") or {}
    return (found.get("namespace") or "", found["name"]) if found.get("name") else None


def secret_key(secrets: Served, cluster: str, reference: tuple[str, str] | None) -> bytes | None:
    """The storage key of the secret an export names; None where it cannot be the name of any. `secrets` is the stored
    form of the type.
    """
    return None if reference is None or "\x00" in "".join(reference) else secrets.key(cluster, *reference)


def judged(former: Object, secret: Object | None, name: str, now: str) -> Object:
    """The status of an export: its identity hash, once there is one, and whether its secret (None: there is none) still
    says so. `name` is the secret's.
    """
    told = {key: value for key, value in former.items() if key in ("identityHash", "virtualWorkspaces")}
    problem = ""
    try:
        key = base64.b64decode(((secret or {}).get("data") or {}).get(SECRET_KEY) or "", validate=True)
    except binascii.Error:
        key = b""
    if secret is None:
        problem = f'secrets "{name}" not found'
    elif not key:
        problem = "secret is missing data.key"
    else:
        found = hashlib.sha256(key).hexdigest()
        known = told.setdefault("identityHash", found)
        if found != known:
            problem = f'hash mismatch: identity secret hash "{found}" must match status.identityHash "{known}"'
    condition = conditions.true(IDENTITY_VALID, now)
    if problem:
        condition = conditions.false(IDENTITY_VALID, now, conditions.ERROR, FAILED, problem)
    before = former.get("conditions") or ()
    others = [one for one in before if one.get("type") != IDENTITY_VALID]
    told["conditions"] = conditions.succeeding([*others, condition], before)
    return told


class ExportEffects(Effects):
    """Gives exports their identity, and tells those who have bound them."""

    def __init__(
        self, kinds: Kinds, clock: Clock, slices: Slices, new_namespace: NewNamespace, followed: Followed
    ) -> None:
        self._followed = followed
        self._kinds = kinds
        self._clock = clock
        self._slices = slices
        self._new_namespace = new_namespace
        self._secrets = kinds.get("", "secrets")

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """Give it an identity and an endpoint slice."""
        new["status"] = {}
        await self._identify(operation, new, plan)
        await self._slice(operation, new, plan)
        await self._tell(operation, new, plan)
        waiting = slices_prefix(operation.cluster, new["metadata"]["name"])
        if await plan.snapshot.scan(waiting, keys.after(waiting), 1):
            plan.point(slices_row(operation.cluster, new["metadata"]["name"]), b"{}")

    async def updating(self, operation: Operation, new: Object, old: Object, plan: Plan) -> None:
        """Look at the identity again, and tell those who have bound it what has changed for them."""
        new["status"] = old.get("status") or {}
        await self._identify(operation, new, plan, old)
        if _offered(new) != _offered(old):
            await self._tell(operation, new, plan)

    async def removing(self, operation: Operation, old: Object, plan: Plan) -> None:
        """Take it out of the indexes, and tell those who have bound it."""
        for key in self.index_rows(operation.cluster, old):
            if await plan.snapshot.get(key) is not None:
                plan.delete(key)
        await self._unfollow(operation, old, plan)
        await self._tell(operation, old, plan)
        plan.point(slices_row(operation.cluster, operation.name), b"{}")

    def index_rows(self, cluster: str, export: Object) -> list[bytes]:
        """The keys of the index rows of an export."""
        identity = (export.get("status") or {}).get("identityHash")
        return [identity_key(identity, cluster, export["metadata"]["name"])] if identity else []

    async def _identify(self, operation: Operation, new: Object, plan: Plan, old: Object | None = None) -> None:
        cluster, name = operation.cluster, new["metadata"]["name"]
        now = clock.format_seconds(operation.now)
        reference = reference_of(new)
        made = reference is None
        if reference is None:
            reference = (SYSTEM_NAMESPACE, name)
            spec = new["spec"] = new.get("spec") or {}
            spec["identity"] = {"secretRef": {"name": name, "namespace": SYSTEM_NAMESPACE}}
        place = secret_key(self._secrets, cluster, reference)
        row = await plan.snapshot.get(place) if place is not None else None
        secret = self._secrets.decode(row.value, row.revision) if row is not None else None
        if row is None and made:
            secret = await self._made(operation, name, plan)
        elif place is not None:
            plan.guards.append(Guard(place, row.revision if row is not None else 0))
        new["status"] = judged(new["status"], secret, reference[1], now)
        for key in self.index_rows(cluster, new):
            if await plan.snapshot.get(key) is None:
                plan.put(key, b"")
        if place is not None and await plan.snapshot.get(follower_row(place, IDENTITIES, name)) is None:
            self._followed.follow(plan, place, IDENTITIES, name)
        if old is not None and reference_of(old) != reference:
            await self._unfollow(operation, old, plan)

    async def _unfollow(self, operation: Operation, export: Object, plan: Plan) -> None:
        """Follow the secret of an export no longer."""
        place = secret_key(self._secrets, operation.cluster, reference_of(export))
        key = follower_row(place, IDENTITIES, operation.name) if place is not None else b""
        row = await plan.snapshot.get(key) if key else None
        if row is not None:
            plan.guards.append(Guard(row.key, row.revision))
            plan.delete(row.key)

    async def _made(self, operation: Operation, name: str, plan: Plan) -> Object:
        """A new secret, with its namespace where there is none."""
        cluster = operation.cluster
        author = Author(self._kinds, self._clock, cluster, operation.now)
        namespaces = self._kinds.get("", "namespaces")
        row = await plan.snapshot.get(namespaces.key(cluster, "", SYSTEM_NAMESPACE))
        if row is not None and records.flags(row.value) & records.DELETING:
            text = f"its secret cannot be created in the namespace {SYSTEM_NAMESPACE}, which is being terminated"
            raise errors.forbidden(GROUP, operation.served.type.resource, name, text)
        if row is not None:
            plan.guards.append(Guard(row.key, row.revision))
        else:
            for write in self._new_namespace(author, SYSTEM_NAMESPACE):
                plan.create(write.key, write.value or b"")
        key = base64.b64encode(secrets.token_urlsafe(32).encode()).decode()
        body: Object = {"data": {SECRET_KEY: key}, "type": "Opaque"}
        write = author.write(self._secrets, name, body, namespace=SYSTEM_NAMESPACE)
        plan.create(write.key, write.value or b"")
        return body

    async def _slice(self, operation: Operation, new: Object, plan: Plan) -> None:
        metadata, cluster = new["metadata"], operation.cluster
        name = metadata["name"]
        annotations = metadata.get("annotations") or {}
        kind = self._kinds.get("apis.kcp.io", "apiexportendpointslices")
        if SKIP_SLICE in annotations:
            return
        owner = {"apiVersion": "apis.kcp.io/v1alpha1", "kind": "APIExport", "name": name, "uid": metadata["uid"]}
        row = await plan.snapshot.get(kind.key(cluster, "", name))
        if row is not None:
            self._adopt(plan, kind, row, owner)
            return
        path = annotations.get("kcp.io/path") or cluster
        body: Object = {"spec": {"export": {"name": name, "path": path}}}
        author = Author(self._kinds, self._clock, cluster, operation.now)
        await self._slices.tell(plan.snapshot, cluster, body, Referred(cluster, name, "", True, None), author.timestamp)
        write = author.write(kind, name, body, owners=[owner])
        plan.create(write.key, write.value or b"")
        plan.writes += slice_rows((cluster, name), cluster, name)
        self._own(plan, write.key, metadata["uid"])

    def _adopt(self, plan: Plan, kind: Served, row: Row, owner: Object) -> None:
        """Take over the slice of an export of the same name that has gone, before it is collected with that."""
        slice_ = kind.decode(row.value, row.revision)
        references = slice_["metadata"].get("ownerReferences") or ()
        same = [{**owner, "uid": one["uid"]} for one in references] == [dict(one) for one in references]
        if len(references) != 1 or not same or records.flags(row.value) & records.DELETING:
            return
        slice_["metadata"]["ownerReferences"] = [owner]
        plan.guards.append(Guard(row.key, row.revision))
        plan.put(row.key, kind.encode(slice_))
        self._own(plan, row.key, owner["uid"])

    def _own(self, plan: Plan, key: bytes, uid: str) -> None:
        """Note that the object at `key` depends on an export."""
        cluster = keys.decode(key).cluster
        plan.point(index_row(cluster, uid, key), b"")
        plan.point(mark(cluster, "", uid), b"")

    async def _tell(self, operation: Operation, export: Object, plan: Plan) -> None:
        """Leave the work of telling those who have bound the export, if anybody has."""
        name = export["metadata"]["name"]
        prefix = consumers_prefix(operation.cluster, name)
        if await plan.snapshot.scan(prefix, keys.after(prefix), 1):
            plan.point(export_row(operation.cluster, name), b"{}")
        else:
            plan.vacant(prefix)


def _offered(export: Object) -> tuple[object, ...]:
    """What bindings take from an export."""
    spec, told = export.get("spec") or {}, export.get("status") or {}
    annotations = export["metadata"].get("annotations") or {}
    extra = {key: value for key, value in annotations.items() if key.startswith(EXTRA_PREFIX)}
    return spec.get("resources"), spec.get("permissionClaims"), told.get("identityHash"), extra


class SchemaEffects(Effects):
    """Has the exports of a logical cluster looked at when a schema comes or goes. `refuse_rules`: refuse schemas with
    rules, because they are not enforced.
    """

    def __init__(self, refuse_rules: bool) -> None:
        self._refuse_rules = refuse_rules

    async def creating(self, operation: Operation, new: Object, plan: Plan) -> None:
        """An export may have waited for it."""
        found = rules_at(new) if self._refuse_rules else []
        if found:
            text = "this server does not enforce x-kubernetes-validations, and is told to refuse them"
            problems = [forbidden(Path("spec").child("versions").at(one).child("schema"), text) for one in found]
            raise errors.invalid(GROUP, "APIResourceSchema", new["metadata"]["name"], problems)
        await self._look(operation, new, plan)

    async def removing(self, operation: Operation, old: Object, plan: Plan) -> None:
        """Exports that offer it cannot be bound any more."""
        await self._look(operation, old, plan)

    async def _look(self, operation: Operation, schema: Object, plan: Plan) -> None:
        plan.point(schemas_row(operation.cluster), b"")
        prefix = consumers_in(operation.cluster)
        if await plan.snapshot.scan(prefix, keys.after(prefix), 1):
            plan.point(schema_row(operation.cluster, schema["metadata"]["name"]), b"{}")
        else:
            plan.vacant(prefix)


SCHEMAS = "schemas"


def schema_row(cluster: str, name: str) -> bytes:
    """The key of the work row that has the exports of a schema looked at."""
    return keys.work_key(SCHEMAS, cluster, name)
