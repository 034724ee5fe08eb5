"""Delete: one object, or every selected one of a range (API conventions, "DELETE"; finalizers and preconditions).

An object with finalizers stays, marked with its deletion timestamp, until the last one is taken off by an update.
Everything else is gone in the answering commit.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from manifold.admission.plugin import Admission
from manifold.base import clock, errors, keys
from manifold.registry.effects import Plan
from manifold.registry.options import DeleteOptions
from manifold.registry.scope import check
from manifold.registry.selection import Selection
from manifold.registry.writing import (
    Environment,
    Result,
    Target,
    default_manager,
)
from manifold.storage.contract import Guard, Row, Snapshot, Write
from manifold.types.metadata import FOREGROUND, ORPHAN
from manifold.types.resource import Object

PAGE = 200


def _check_preconditions(target: Target, options: DeleteOptions, row: Row, uid: str) -> None:
    kind = target.served.type
    if options.uid and options.uid != uid:
        text = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({uid}). "
            "The object might have been deleted and then recreated"
        )
        raise errors.conflict(kind.group, kind.kind, target.name, text)
    if options.resource_version and options.resource_version != str(row.revision):
        text = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match "
            f"the ResourceVersion in record ({row.revision}). The object might have been modified"
        )
        raise errors.conflict(kind.group, kind.kind, target.name, text)


def _finalizers(current: list[str], policy: str) -> list[str]:
    """The finalizers a propagation policy leaves an object with, before it is deleted."""
    if not policy:
        return current
    kept = [name for name in current if name not in (FOREGROUND, ORPHAN)]
    if policy == "Foreground":
        return [*kept, FOREGROUND]
    if policy == "Orphan":
        return [*kept, ORPHAN]
    return kept


async def delete(environment: Environment, target: Target, options: DeleteOptions) -> Result:
    """Delete one object. Answers a Status where it is gone, the object where it waits. Raises 404, 409, 403."""
    key = target.served.key(target.cluster, target.namespace, target.name)

    async def once(_: int) -> Result:
        plan = Plan(await environment.store.snapshot())
        row = await plan.snapshot.get(key)
        if row is None:
            raise target.missing()
        return await _once(environment, target, options, plan, row)

    return await environment.change(target, key, once)


async def _once(environment: Environment, target: Target, options: DeleteOptions, plan: Plan, row: Row) -> Result:
    served = target.served
    kind = served.type
    obj = served.decode(row.value, row.revision)
    metadata = obj["metadata"]
    check(target.scope, kind, target.name, obj)
    _check_preconditions(target, options, row, metadata["uid"])
    if environment.admission.concerns(kind):
        request = Admission(
            "DELETE",
            target.user,
            target.cluster,
            kind,
            served.identity,
            target.namespace,
            target.name,
            "",
            None,
            obj,
            plan.snapshot,
            options.dry_run,
            plan.guards,
            authority=target.authority,
        )
        await environment.admission.admit(request)
        await environment.admission.validate(request)
    operation = environment.operation(target, default_manager(target.agent))
    effects = environment.effects_of(served)
    was_deleting = "deletionTimestamp" in metadata
    before = list(metadata.get("finalizers") or ())
    kept = await effects.deleting(operation, obj, plan)
    finalizers = _finalizers(list(metadata.get("finalizers") or ()), options.policy)
    plan.guards.append(Guard(row.key, row.revision))
    if finalizers or kept:
        if finalizers:
            metadata["finalizers"] = finalizers
        else:
            metadata.pop("finalizers", None)
        if was_deleting and finalizers == before and not plan.writes:
            return Result(200, row.value, row.revision)
        if not was_deleting:
            metadata["deletionTimestamp"] = clock.format_seconds(operation.now)
            if effects.grace_period:
                metadata["deletionGracePeriodSeconds"] = 0
            if metadata.get("generation") and effects.counts_deletion:
                metadata["generation"] += 1
        if options.dry_run:
            return Result(200, obj=obj)
        if finalizers:
            environment.owners.propagate(plan, row.key, metadata)
        value = served.encode(obj)
        revision = await environment.commit(target, Write(row.key, value), plan)
        return Result(200, value, revision)
    await effects.removing(operation, obj, plan)
    await environment.owners.leave(plan, row, metadata)
    if not options.dry_run:
        await environment.commit(target, Write(row.key, None), plan)
    return Result(200, status=_success(target, obj))


def _success(target: Target, obj: Object) -> Object:
    kind = target.served.type
    details = {"name": target.name, "group": kind.group, "kind": kind.resource, "uid": obj["metadata"]["uid"]}
    if not kind.group:
        del details["group"]
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }


@dataclass(frozen=True, slots=True)
class Collection:
    """What is deleted together: what `selection` selects of the keys under `prefix`, at most `limit` objects of it (0:
    all), behind the key suffix `start`, as `snapshot` has them.
    """

    prefix: bytes
    selection: Selection
    snapshot: Snapshot
    start: bytes = b""
    limit: int = 0


async def delete_collection(
    environment: Environment, target: Target, collection: Collection, options: DeleteOptions
) -> tuple[list[Row], bytes]:
    """Delete every object of a collection. Gives each as it was found, but those that were gone already; and, where the
    limit has left some, the key suffix behind which these are.
    """
    served, prefix, selection = target.served, collection.prefix, collection.selection
    position, end = prefix + collection.start + b"\x00" if collection.start else prefix, keys.after(prefix)
    deleted: list[Row] = []
    met = 0
    last = b""
    while True:
        rows = await collection.snapshot.scan(position, end, PAGE)
        for row in rows:
            if not selection.everything and not selection.matches(served, served.decode(row.value, row.revision)):
                continue
            if collection.limit and met == collection.limit:
                return deleted, last
            met += 1
            last = row.key[len(prefix) :]
            place = keys.decode(row.key)
            one = Target(
                target.user,
                place.cluster,
                served,
                place.namespace,
                place.name,
                "",
                target.agent,
                target.scope,
                target.authority,
                target.ground,
            )
            try:
                await delete(environment, one, options)
            except errors.StatusError as refusal:
                if refusal.code != 404:
                    raise
                continue
            deleted.append(row)
        if len(rows) < PAGE:
            return deleted, b""
        position = rows[-1].key + b"\x00"
        await asyncio.sleep(0)
