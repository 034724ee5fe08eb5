"""Create: a new object, or the refusal of one (API conventions, "POST").

The order is Kubernetes': metadata of the server's own, mutating admission, defaults, preparation, validation,
validating admission, field ownership, commit. Everything the commit depends on (name free, namespace and logical
cluster alive) is a guard of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from manifold.admission.plugin import Admission
from manifold.base import clock, errors, names
from manifold.registry.attempts import repeatedly
from manifold.registry.clusters import held_row
from manifold.registry.effects import Operation, Plan
from manifold.registry.large import off_loop
from manifold.registry.options import WriteOptions
from manifold.registry.owners import considered
from manifold.registry.scope import check, complete
from manifold.registry.writing import (
    CLUSTER_ANNOTATION,
    Environment,
    Result,
    Target,
    contended,
    default_manager,
)
from manifold.schema import records
from manifold.schema.ownership import Manager, track_create
from manifold.storage.contract import Guard, GuardFailed, Write
from manifold.types import metadata as metadata_rules
from manifold.types.resource import Object

_STATUS = (("status",),)
SERVER_OWNED = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")
NAMESPACE_MISMATCH = "the namespace of the provided object does not match the namespace sent on the request"


def check_namespace(target: Target, metadata: Object) -> None:
    """Give the object the request's namespace. Raises the 400 of an object that names another."""
    given = metadata.get("namespace") or ""
    if not target.served.type.namespaced:
        metadata.pop("namespace", None)
    elif given != target.namespace:
        if given:
            raise errors.bad_request(NAMESPACE_MISMATCH)
        metadata["namespace"] = target.namespace


async def create(
    environment: Environment,
    target: Target,
    obj: Object,
    options: WriteOptions,
    *,
    applied: bool = False,
    large: bool = False,
) -> Result:
    """Create `obj` (already in stored form; owned by this call).

    `applied` tells that field ownership has been decided by an apply; `large` that there is so much of it that what
    walks all of it must not do so on the event loop. Raises 409 AlreadyExists, 422, 403, 404 for a missing namespace.
    """
    served = target.served
    kind = served.type
    metadata = obj.setdefault("metadata", {})
    if metadata.get("resourceVersion"):
        raise errors.bad_request("resourceVersion should not be set on objects to be created")
    check_namespace(target, metadata)
    for field in SERVER_OWNED:
        metadata.pop(field, None)
    complete(target.scope, kind, metadata.get("name") or "", obj)
    generated = not metadata.get("name") and bool(metadata.get("generateName"))
    operation = environment.operation(target, options.manager or default_manager(target.agent))
    given = await off_loop(_copied, obj) if large else _copied(obj)

    async def once(attempt: int) -> Result:
        new = obj
        if attempt:  # what the server has completed in vain is not what the client wants
            new = await off_loop(_copied, given) if large else _copied(given)
        metadata = new["metadata"]
        plan = Plan(await environment.store.snapshot())
        if generated:
            metadata["name"] = names.generate_name(metadata["generateName"], environment.clock.random_below)
        await environment.cluster_guard(target, plan)
        made = await make(environment, target, new, options, operation, plan, applied=applied, large=large)
        key, name = made.write.key, metadata.get("name") or ""
        if options.dry_run:
            await _check_free(plan, key, target, name)
            plan.guards.append(Guard(key, 0))
            await environment.limits.check(target.cluster, [made.write, *plan.writes], plan.guards)
            return Result(201, obj=target.served.settled(new), warnings=made.warnings)
        if metadata.get("ownerReferences"):
            await environment.owners.refer(plan, key, considered(metadata), attempt)
        if metadata.get("finalizers"):
            plan.point(held_row(target.cluster), b"")
        plan.guards.insert(0, Guard(key, 0))  # first, so that a taken name is what a refusal is about
        try:
            revision = await environment.commit(target, made.write, plan)
        except GuardFailed as failed:
            if failed.guard.key == key and not generated:
                await _check_free(Plan(await environment.store.snapshot()), key, target, name)
            raise
        return Result(201, made.write.value or b"", revision, warnings=made.warnings)

    try:
        return await repeatedly(once)
    except GuardFailed:
        raise contended(target) from None


@dataclass(frozen=True, slots=True)
class Made:
    """A new object as it is to be written, and what its writer is to be warned of."""

    write: Write
    warnings: Sequence[str]


async def make(
    environment: Environment,
    target: Target,
    obj: Object,
    options: WriteOptions,
    operation: Operation,
    plan: Plan,
    *,
    applied: bool = False,
    large: bool = False,
) -> Made:
    """Complete `obj`, and add to the plan what its creation brings and rests on, but for its own write. Raises 422,
    403, 404 for a missing namespace.
    """
    served = target.served
    kind = served.type
    metadata = obj["metadata"]
    name = metadata.get("name") or ""
    now = clock.format_seconds(operation.now)
    if target.namespace:
        await environment.namespace_guard(target, plan, name)
    metadata["uid"] = environment.clock.uid()
    metadata["creationTimestamp"] = now
    kind.strategy.default(obj)
    if not applied:
        # Before admission and preparation: a client owns what it sent and what was defaulted, nothing else.
        manager = Manager(operation.manager, "Update", kind.api_version)
        tracked = (None, obj, kind.schema, manager, now, _STATUS if kind.status else ())
        if large:
            await off_loop(track_create, *tracked)
        else:
            track_create(*tracked)
    kind.strategy.prepare_create(obj)
    if kind.set_creator is not None:
        kind.set_creator(obj, target.user)
    request = Admission(
        "CREATE",
        target.user,
        target.cluster,
        kind,
        served.identity,
        target.namespace,
        name,
        "",
        obj,
        None,
        plan.snapshot,
        options.dry_run,
        plan.guards,
        authority=target.authority,
    )
    await environment.admission.admit(request)
    if kind.generation:
        metadata["generation"] = 1
    found = metadata_rules.validate_create(metadata, kind.namespaced, kind.check_name, kind.custom)
    validate = kind.strategy.validate_create
    found += await off_loop(validate, obj) if large else validate(obj)
    if found:
        raise errors.invalid(*kind.named_in_refusals, name, found)
    await environment.admission.validate(request)
    check(target.scope, kind, name, obj)
    warnings = request.warnings + kind.strategy.warnings(obj)
    await environment.effects_of(served).creating(operation, obj, plan)
    annotations = metadata.get("annotations")
    if annotations is None:
        metadata["annotations"] = {CLUSTER_ANNOTATION: target.cluster}
    else:
        annotations[CLUSTER_ANNOTATION] = target.cluster
    value = await off_loop(served.encode, obj) if large else served.encode(obj)
    return Made(Write(served.key(target.cluster, target.namespace, name), value), warnings)


def _copied(value: Any) -> Any:
    """A copy of what JSON can say."""
    if type(value) is dict:
        return {key: _copied(one) for key, one in value.items()}
    return [_copied(one) for one in value] if type(value) is list else value


async def _check_free(plan: Plan, key: bytes, target: Target, name: str) -> None:
    """Raise the 409 where the name is taken."""
    row = await plan.snapshot.get(key)
    if row is not None:
        kind = target.served.type
        refusal = errors.already_exists(kind.group, kind.resource, name)
        if records.flags(row.value) & records.DELETING:
            refusal.message = f"object is being deleted: {refusal.message}"
        raise refusal
