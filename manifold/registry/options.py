"""What a request asks for beside its object: the query parameters of each verb, checked.

The option objects are those of meta/v1 (ListOptions, CreateOptions, ...); refusals carry their kind, as clients expect
(`ListOptions.meta.k8s.io "" is invalid: ...`). Numbers and booleans are read as Go's strconv reads them, because
the texts of its errors are part of the wire.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from manifold.base import errors, fields
from manifold.registry.shards import PARAMETER
from manifold.schema.object_metadata import validate_manager

META_GROUP = "meta.k8s.io"
DRY_RUN_ALL = "All"
FIELD_VALIDATIONS = ("", "Ignore", "Strict", "Warn")
PROPAGATION_POLICIES = ("Foreground", "Background", "Orphan", "nil")
_LONGEST_NUMBER = 1000
"""Digits beyond which a number is out of range unread: Python refuses thousands of them, and leading zeros are rare."""

Query = Mapping[str, Sequence[str]]
"""Decoded query parameters: every value of each name, in order."""


def first(query: Query, name: str) -> str:
    """The first value of a parameter, empty where it is absent."""
    values = query.get(name)
    return values[0] if values else ""


def boolean(query: Query, name: str) -> bool:
    """A boolean parameter; like the Kubernetes API, everything but `false` and `0` (and absence) is true."""
    values = query.get(name)
    return values is not None and bool(values) and values[0] not in ("false", "0")


def integer(query: Query, name: str) -> int:
    """A signed 64-bit parameter, 0 where absent. Raises the 400 of a number that cannot be read."""
    text = first(query, name)
    if not text:
        return 0
    digits = text[1:] if text[0] in "+-" else text
    if not (digits.isascii() and digits.isdigit()):
        raise errors.bad_request(f"strconv.ParseInt: parsing {fields.quote(text)}: invalid syntax")
    value = int(text) if len(text) < _LONGEST_NUMBER else 1 << 63
    if not -(1 << 63) <= value < 1 << 63:
        raise errors.bad_request(f"strconv.ParseInt: parsing {fields.quote(text)}: value out of range")
    return value


def parse_revision(text: str) -> int:
    """A resourceVersion as a number. Raises ValueError with Go's text where it is none."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"strconv.ParseUint: parsing {fields.quote(text)}: invalid syntax")
    value = int(text) if len(text) < _LONGEST_NUMBER else 1 << 64
    if value >= 1 << 64:
        raise ValueError(f"strconv.ParseUint: parsing {fields.quote(text)}: value out of range")
    return value


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """CreateOptions, UpdateOptions or PatchOptions: `force` only for an apply."""

    dry_run: bool = False
    manager: str = ""
    validation: str = "Warn"
    force: bool = False


PLAIN_WRITE = WriteOptions()


def write_options(query: Query, kind: str, apply: bool = False) -> WriteOptions:
    """The options of a create, update or patch; `kind` is what refusals name (`CreateOptions`).

    Raises the 422 of options that are wrong (KEP-576 dry run, KEP-2885 field validation, KEP-555 apply).
    """
    if not query:
        if apply:
            raise errors.invalid(META_GROUP, kind, "", [fields.required("fieldManager", "is required for apply patch")])
        return PLAIN_WRITE
    found: list[fields.FieldError] = []
    force = query.get("force")
    dry_run = query.get("dryRun", ())
    manager = first(query, "fieldManager")
    validation = first(query, "fieldValidation")
    if force and not apply:
        found.append(fields.forbidden("force", "may not be specified for non-apply patch"))
    if apply and not manager:
        found.append(fields.required("fieldManager", "is required for apply patch"))
    found += validate_manager(manager, "fieldManager")
    found += _check_dry_run(dry_run)
    if validation not in FIELD_VALIDATIONS:
        found.append(fields.not_supported("fieldValidation", validation, FIELD_VALIDATIONS))
    if found:
        raise errors.invalid(META_GROUP, kind, "", found)
    return WriteOptions(bool(dry_run), manager, validation or "Warn", bool(force) and boolean(query, "force"))


def _check_dry_run(values: Sequence[str]) -> list[fields.FieldError]:
    if all(value == DRY_RUN_ALL for value in values):
        return []
    return [fields.not_supported("dryRun", list(values), (DRY_RUN_ALL,))]


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """How to delete: `uid` and `resource_version` are preconditions, `grace` in seconds or None, `policy` empty for
    default.
    """

    dry_run: bool = False
    uid: str = ""
    resource_version: str = ""
    grace: int | None = None
    policy: str = ""


PLAIN_DELETE = DeleteOptions()


def delete_options(query: Query, body: Mapping[str, Any] | None) -> DeleteOptions:
    """DeleteOptions from the body, or, where there is none, from the query, as Kubernetes does.

    Raises the 422 of options that are wrong.
    """
    if body is None:
        if not query:
            return PLAIN_DELETE
        dry_run: Sequence[str] = query.get("dryRun", ())
        policy = first(query, "propagationPolicy")
        orphan = boolean(query, "orphanDependents") if "orphanDependents" in query else None
        grace = integer(query, "gracePeriodSeconds") if first(query, "gracePeriodSeconds") else None
        preconditions: Mapping[str, Any] = {name: first(query, name) for name in ("uid", "resourceVersion")}
    else:
        dry_run = body.get("dryRun") or ()
        policy = body.get("propagationPolicy") or ""
        orphan = body.get("orphanDependents")
        grace = body.get("gracePeriodSeconds")
        preconditions = body.get("preconditions") or {}
    found = _check_dry_run(dry_run)
    if orphan is not None and policy:
        text = "orphanDependents and deletionPropagation cannot be both set"
        found.append(fields.invalid("propagationPolicy", policy, text))
    elif policy and policy not in PROPAGATION_POLICIES[:3]:
        found.append(fields.not_supported("propagationPolicy", policy, PROPAGATION_POLICIES))
    if found:
        raise errors.invalid(META_GROUP, "DeleteOptions", "", found)
    if orphan is not None:
        policy = "Orphan" if orphan else "Background"
    return DeleteOptions(
        bool(dry_run), preconditions.get("uid") or "", preconditions.get("resourceVersion") or "", grace, policy
    )


EXACT = "Exact"
NOT_OLDER = "NotOlderThan"


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What to list or watch. `revision` is None where the client named none, else the number; `limit` 0 means all.

    `timeout` is in seconds (0: the server's choice); `initial_events` is None where not asked about; `shards` is a
    shard selector.
    """

    labels: str = ""
    fields: str = ""
    limit: int = 0
    continuation: str = ""
    revision: int | None = None
    match: str = ""
    watch: bool = False
    bookmarks: bool = False
    initial_events: bool | None = None
    timeout: int = 0
    shards: str = ""


ALL = ListOptions()
EVERYTHING_NOW = ListOptions(watch=True)


def list_options(query: Query, watch: bool) -> ListOptions:
    """The options of a list or watch, checked as a whole (API conventions; KEP-2523 match, KEP-3157 initial events)."""
    if not query:
        return EVERYTHING_NOW if watch else ALL
    version = first(query, "resourceVersion")
    match = first(query, "resourceVersionMatch")
    initial = boolean(query, "sendInitialEvents") if "sendInitialEvents" in query else None
    continuation = first(query, "continue")
    limit = integer(query, "limit")
    timeout = integer(query, "timeoutSeconds")
    found = _check_match(watch, version, match, initial, continuation)
    if found:
        raise errors.invalid(META_GROUP, "ListOptions", "", found)
    revision = None
    if version:
        try:
            revision = parse_revision(version)
        except ValueError as error:
            text = f"resourceVersion: Invalid value: {fields.quote(version)}: {error}"
            raise errors.bad_request(text if watch else f"invalid resource version: {text}") from None
    if continuation and revision:
        raise errors.bad_request("specifying resource version is not allowed when using continue")
    return ListOptions(
        first(query, "labelSelector"),
        first(query, "fieldSelector"),
        max(limit, 0),
        continuation,
        revision,
        match,
        watch,
        boolean(query, "allowWatchBookmarks"),
        initial,
        max(timeout, 0),
        first(query, PARAMETER),
    )


def _check_match(
    watch: bool, version: str, match: str, initial: bool | None, continuation: str
) -> list[fields.FieldError]:
    field = "resourceVersionMatch"
    found = []
    if watch:
        if initial is not None and match != NOT_OLDER:
            text = f"sendInitialEvents requires setting resourceVersionMatch to {NOT_OLDER}"
            found.append(fields.forbidden(field, text))
        if match:
            if initial is None:
                text = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
                found.append(fields.forbidden(field, text))
            if match != NOT_OLDER:
                found.append(fields.not_supported(field, match, (NOT_OLDER,)))
        return found
    if initial is not None:
        found.append(fields.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    if match:
        if not version:
            found.append(
                fields.forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided")
            )
        if continuation:
            found.append(fields.forbidden(field, "resourceVersionMatch is forbidden when continue is provided"))
        if match not in (EXACT, NOT_OLDER):
            found.append(fields.not_supported(field, match, (EXACT, NOT_OLDER, "")))
        if match == EXACT and version == "0":
            text = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            found.append(fields.forbidden(field, text))
    return found
