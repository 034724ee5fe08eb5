"""Parameters of operations: what may stand in the path and the query, with what it means.

Each operation carries its parameters itself. That makes documents longer, but kubectl looks for `fieldValidation` and
`dryRun` among the parameters of an operation and does not follow references.
"""

from __future__ import annotations

from typing import Any

Parameter = dict[str, Any]  # OpenAPI's Parameter object


def _query(name: str, kind: str, description: str) -> Parameter:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "schema": {"type": kind, "uniqueItems": True},
    }


def in_path(name: str, description: str) -> Parameter:
    """A part of the path."""
    return {
        "name": name,
        "in": "path",
        "description": description,
        "required": True,
        "schema": {"type": "string", "uniqueItems": True},
    }


PRETTY = _query("pretty", "string", "`true` indents the answer.")
NAMESPACE = in_path("namespace", "Namespace of the objects.")

_DRY_RUN = _query("dryRun", "string", "`All` goes through every step but stores nothing; the only value.")
_MANAGER = _query(
    "fieldManager",
    "string",
    "Name under which the written fields are owned, at most 128 characters; must be given for apply, derived from the "
    "User-Agent otherwise.",
)
_VALIDATION = _query(
    "fieldValidation",
    "string",
    "What becomes of unknown and duplicate fields: Ignore drops them, Warn drops them and says so, Strict refuses the "
    "request; Warn when empty.",
)
_FORCE = _query(
    "force", "boolean", "Takes fields over from other managers instead of refusing as a conflict; only for apply."
)

_SELECT = (
    _query("continue", "string", "Token of the page before, as it was received; the first page when empty."),
    _query("fieldSelector", "string", "Restricts the objects by their fields; all of them when empty."),
    _query("labelSelector", "string", "Restricts the objects by their labels; all of them when empty."),
    _query("limit", "integer", "Largest number of objects on a page; no limit when 0."),
    _query(
        "resourceVersion",
        "string",
        "Revision to read at or to watch from; `resourceVersionMatch` says how.",
    ),
    _query(
        "resourceVersionMatch",
        "string",
        "Exact reads at that revision, NotOlderThan at it or a later one; only together with `resourceVersion`.",
    ),
    _query(
        "sendInitialEvents",
        "boolean",
        "Begins a watch with an ADDED event for every object and a bookmark that tells when these are complete.",
    ),
    _query("timeoutSeconds", "integer", "Seconds after which a list or watch ends, whatever its state."),
)
_BOOKMARKS = _query(
    "allowWatchBookmarks", "boolean", "Lets a watch send BOOKMARK events, which tell a revision and nothing else."
)
_WATCH = _query("watch", "boolean", "Streams changes instead of listing.")

LIST = (_BOOKMARKS, *_SELECT, _WATCH)
CREATE = (_DRY_RUN, _MANAGER, _VALIDATION)
UPDATE = CREATE
PATCH = (_DRY_RUN, _MANAGER, _VALIDATION, _FORCE)
DELETE = (
    _DRY_RUN,
    _query("gracePeriodSeconds", "integer", "Seconds the object may take to go, 0 meaning at once."),
    _query(
        "ignoreStoreReadErrorWithClusterBreakingPotential",
        "boolean",
        "Deletes an object that can no longer be read from storage, passing over finalizers and preconditions.",
    ),
    _query("orphanDependents", "boolean", "Older form of `propagationPolicy`, true standing for Orphan; excludes it."),
    _query(
        "propagationPolicy",
        "string",
        "What becomes of dependents: Orphan leaves them, Background deletes them afterwards, Foreground before.",
    ),
)
DELETE_COLLECTION = (*_SELECT, *DELETE)
