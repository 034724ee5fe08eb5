"""The four kinds of patch, each as a change from the live object to its successor.

What a patch makes is brought into stored form like any body: unknown fields dropped (or refused), wrong types
refused. A strategic merge patch walks the type's schema and does not exist for custom resources; an apply merges by
the type's schema and decides field ownership itself (RFC 6902, RFC 7386, KEP-555).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from manifold.base import clock, errors
from manifold.registry.options import WriteOptions
from manifold.registry.served import Served
from manifold.registry.update import Change
from manifold.schema.bodies import check_type, strict_error
from manifold.schema.ownership import Manager, apply
from manifold.schema.patches.json_patch import apply_json_patch
from manifold.schema.patches.merge_patch import apply_merge_patch
from manifold.schema.patches.strategic import apply_strategic_merge_patch
from manifold.types.resource import Object

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_YAML = "application/apply-patch+yaml"
APPLY_CBOR = "application/apply-patch+cbor"
ALL_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, APPLY_YAML)

Tell = Callable[[str], None]
"""Takes a text for a Warning header."""


def finish(served: Served, obj: Object, validation: str, tell: Tell, duplicates: list[str]) -> Object:
    """Bring a new object into stored form, and treat what strict decoding would refuse as the request wishes."""
    kind = served.type
    problems = duplicates + kind.codec.normalize(obj)
    if problems:
        if validation == "Strict":
            raise strict_error(kind.kind, kind.version, problems)
        if validation == "Warn":
            for problem in problems:
                tell(problem)
    return obj


def change(
    served: Served,
    media_type: str,
    patch: Any,  # parsed JSON of any shape: what it must be depends on the kind of patch
    options: WriteOptions,
    manager: Manager,
    now: datetime,
    duplicates: list[str],
    tell: Tell,
) -> Change:
    """The change a patch body stands for. `patch` is the parsed body; refusals of its shape are raised by the
    change.
    """
    kind = served.type
    if media_type == APPLY_YAML:
        if not isinstance(patch, dict):
            raise errors.bad_request(f"error decoding YAML: expected an object, got {type(patch).__name__}")

        def apply_configuration(live: Object | None) -> Object:
            configuration = finish(served, dict(patch), options.validation, tell, duplicates)
            check_type(configuration, kind.api_version, kind.kind, kind.group)
            reset = (("status",),) if kind.status and manager.subresource != "status" else ()
            return apply(live, configuration, kind.schema, manager, options.force, clock.format_seconds(now), reset)

        return apply_configuration

    def patched(live: Object | None) -> Object:
        if live is None:
            raise errors.internal("a patch without an object")
        if media_type == JSON_PATCH:
            result = apply_json_patch(live, patch)
        elif media_type == MERGE_PATCH:
            result = apply_merge_patch(live, patch)
        else:
            result = apply_strategic_merge_patch(live, patch, kind.schema)
        return finish(served, result, options.validation, tell, duplicates)

    return patched
