"""Update: PUT, every kind of patch, and apply, which differ only in how the new object is made from the old.

A change is a function from the live object to its successor; the rest (what may not change, generation, validation,
ownership, the commit) is the same for all. An update that changes nothing writes nothing and answers with the object
as it is (API conventions, "PUT", "PATCH"; KEP-555 for apply).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from manifold.admission.plugin import Admission
from manifold.base import clock, errors, fields
from manifold.registry.create import check_namespace, create
from manifold.registry.effects import Operation, Plan
from manifold.registry.large import LARGE, off_loop
from manifold.registry.options import WriteOptions, parse_revision
from manifold.registry.scope import check, complete
from manifold.registry.served import Served
from manifold.registry.writing import (
    CLUSTER_ANNOTATION,
    Environment,
    Result,
    Target,
    default_manager,
)
from manifold.schema.ownership import Manager, keep_times, track_update
from manifold.storage.contract import Guard, GuardFailed, Row, Write
from manifold.types import metadata as metadata_rules
from manifold.types.resource import Object
from manifold.types.versions import versions_of

KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation")

Change = Callable[[Object | None], Object]
"""From the live object (None: there is none) to the new one. Called anew at every attempt; the live object is its to
keep.
"""


@dataclass(frozen=True, slots=True)
class Update:
    """What an update asks for.

    `change` makes the successor; `put`: the body names everything, and a missing resourceVersion may be refused;
    `applied`: ownership is decided by `change`; `creates`: an absent object is created; `large`: `change` works on so
    much that it is not called on the event loop.
    """

    change: Change
    options: WriteOptions
    put: bool = False
    applied: bool = False
    creates: bool = False
    large: bool = False


async def update(environment: Environment, target: Target, wanted: Update) -> Result:
    """Replace an object by its successor. Raises 404, 409, 422, 403, or what `change` raises."""
    served = target.served
    operation = environment.operation(target, wanted.options.manager or default_manager(target.agent))
    key = served.key(target.cluster, target.namespace, target.name)

    async def once(attempt: int) -> Result:
        plan = Plan(await environment.store.snapshot())
        row = await plan.snapshot.get(key)
        if row is not None:
            return await _once(environment, target, wanted, operation, plan, row, attempt)
        if not wanted.creates or target.subresource:
            raise target.missing()
        return await _create_instead(environment, target, wanted, key)

    return await environment.change(target, key, once)


async def _create_instead(environment: Environment, target: Target, wanted: Update, key: bytes) -> Result:
    """Create what is not there to be changed. Raises GuardFailed where somebody else just has."""
    obj = await off_loop(wanted.change, None) if wanted.large else wanted.change(None)
    metadata = obj.setdefault("metadata", {})
    if wanted.applied and metadata.get("uid"):
        text = "uid mismatch: the provided object specified uid {}, and no existing object was found"
        kind = target.served.type
        raise errors.conflict(kind.group, kind.resource, target.name, text.format(metadata["uid"]))
    if wanted.applied:
        metadata.pop("resourceVersion", None)
    check_name(target, metadata.get("name") or "")
    try:
        return await create(environment, target, obj, wanted.options, applied=wanted.applied, large=wanted.large)
    except errors.StatusError as error:
        if error.reason != "AlreadyExists":
            raise
        row = await (await environment.store.snapshot()).get(key)
        if row is None:
            raise
        raise GuardFailed(Guard(key, 0), row.revision) from None


def check_name(target: Target, name: str) -> None:
    """Refuse an object that is not named as the URL says."""
    if not name:
        raise errors.bad_request(
            f"the name of the object ({target.name} based on URL) was undeterminable: name must be provided"
        )
    if name != target.name:
        text = f"the name of the object ({name}) does not match the name on the URL ({target.name})"
        raise errors.bad_request(text)


def _check_identity(target: Target, wanted: Update, metadata: Object, row: Row, uid: str) -> None:
    """Refuse a successor of another object, or of another state of this one."""
    kind = target.served.type
    check_name(target, metadata.get("name") or "")
    check_namespace(target, metadata)
    given = metadata.get("resourceVersion") or ""
    if given and given != "0":
        try:
            revision = parse_revision(given)
        except ValueError as error:
            raise errors.bad_request(str(error)) from None
        if revision != row.revision:
            raise errors.conflict(kind.group, kind.resource, target.name, errors.MODIFIED)
    elif wanted.put and not kind.unconditional_update:
        problem = fields.FieldError(
            fields.INVALID, "metadata.resourceVersion", "Invalid value: 0: must be specified for an update"
        )
        raise errors.invalid(kind.group, kind.resource, target.name, [problem])
    wanted_uid = metadata.get("uid") or ""
    if wanted.put and wanted_uid and wanted_uid != uid:
        text = f"Precondition failed: UID in precondition: {wanted_uid}, UID in object meta: {uid}"
        raise errors.conflict(kind.group, kind.resource, target.name, text)


async def _once(
    environment: Environment,
    target: Target,
    wanted: Update,
    operation: Operation,
    plan: Plan,
    row: Row,
    attempt: int,
) -> Result:
    served = target.served
    kind = served.type
    large = wanted.large or len(row.value) >= LARGE
    old = _read(served, row)
    scope = target.scope
    if scope is not None and not scope.sees(old):
        raise target.missing()
    live = old if wanted.put else _read(served, row)
    new = await off_loop(wanted.change, live) if large else wanted.change(live)
    old_metadata = old["metadata"]
    metadata = new.setdefault("metadata", {})
    _check_identity(target, wanted, metadata, row, old_metadata["uid"])
    for field in KEPT:
        if field == "uid" and not wanted.put and metadata.get("uid"):
            continue  # a patch that changes it is refused with everything else that is wrong
        if field in old_metadata:
            metadata[field] = old_metadata[field]
        else:
            metadata.pop(field, None)
    annotations = metadata.setdefault("annotations", {})
    if CLUSTER_ANNOTATION in annotations or CLUSTER_ANNOTATION in old_metadata.get("annotations", ()):
        annotations[CLUSTER_ANNOTATION] = target.cluster
    elif not annotations:
        del metadata["annotations"]
    new["apiVersion"], new["kind"] = old["apiVersion"], old["kind"]
    kind.strategy.default(new)
    part = kind.subresources.get(target.subresource) if target.subresource else None
    if part is not None:
        part.prepare_update(new, old)
    if scope is not None:
        scope.prepare_update(new, old)
        complete(scope, kind, target.name, new)
    request = Admission(
        "UPDATE",
        target.user,
        target.cluster,
        kind,
        served.identity,
        target.namespace,
        target.name,
        target.subresource,
        new,
        old,
        plan.snapshot,
        wanted.options.dry_run,
        plan.guards,
        authority=target.authority,
    )
    await environment.admission.admit(request)
    if part is None:
        kind.strategy.prepare_update(new, old)
    settled = served.settled(new)
    if kind.generation and _content(settled, kind.status) != _content(old, kind.status):
        metadata["generation"] = old_metadata.get("generation", 0) + 1
    found = metadata_rules.validate_update(metadata, old_metadata, kind.custom)
    validate = kind.strategy.validate_update if part is None else part.validate_update
    found += await off_loop(validate, new, old) if large else validate(new, old)
    if scope is not None:
        found += scope.validate_update(new, old)
    if found:
        raise errors.invalid(*kind.named_in_refusals, target.name, found)
    await environment.admission.validate(request)
    check(scope, kind, target.name, new)
    warnings = request.warnings + (kind.strategy.warnings(new, old) if part is None else [])
    if not wanted.applied:
        manager = Manager(operation.manager, "Update", kind.api_version, target.subresource)
        now = clock.format_seconds(operation.now)
        tracked = (old, new, kind.schema, manager, now, (), versions_of(kind))
        if large:
            await off_loop(track_update, *tracked)
        else:
            track_update(*tracked)
    metadata["resourceVersion"] = old_metadata["resourceVersion"]
    keep_times(old, settled)
    if settled == old and served.is_current(row.value):
        return Result(200, row.value, row.revision, warnings=warnings)
    effects = environment.effects_of(served)
    await effects.updating(operation, new, old, plan)
    plan.guards.append(Guard(row.key, row.revision))
    gone = "deletionTimestamp" in metadata and not metadata.get("finalizers") and effects.finished(new)
    if gone:
        await effects.removing(operation, new, plan)
        await environment.owners.leave(plan, row, old_metadata)
    elif metadata.get("ownerReferences") != old_metadata.get("ownerReferences"):
        await environment.owners.change(plan, row, old_metadata, metadata, attempt)
    finalizers = metadata.get("finalizers")
    if finalizers and not set(finalizers) <= set(old_metadata.get("finalizers") or ()):
        await environment.hold(target, plan)
    if wanted.options.dry_run:
        return Result(200, obj=settled, warnings=warnings)
    value = await off_loop(served.encode, new) if large else served.encode(new)
    revision = await environment.commit(target, Write(row.key, None if gone else value), plan)
    return Result(200, value, row.revision if gone else revision, warnings=warnings)


def _read(served: Served, row: Row) -> Object:
    """What is there, with the defaults of the version it is written in: it may have been stored with those of another,
    and keys of lists are among them.
    """
    obj = served.decode(row.value, row.revision)
    if served.type.convert is not None:
        served.type.strategy.default(obj)
    return obj


def _content(obj: Object, status: bool) -> Object:
    """What a generation counts changes of: everything but metadata, and status where it has a writer of its own."""
    return {name: value for name, value in obj.items() if name != "metadata" and not (status and name == "status")}
