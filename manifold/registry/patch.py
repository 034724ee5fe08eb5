"""The four kinds of patch, each as a change from the live object to its successor.

What a patch makes is brought into stored form like any body: unknown fields dropped (or refused), wrong types
refused. A strategic merge patch walks the type's schema and does not exist for custom resources; an apply merges by
the type's schema and decides field ownership itself (RFC 6902, RFC 7386, KEP-555).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from manifold.base import clock, errors, fields
from manifold.registry.options import WriteOptions
from manifold.registry.served import Served
from manifold.registry.update import Change
from manifold.schema.bodies import Body, check_type, strict_error, warnings
from manifold.schema.decoding import json_type
from manifold.schema.model import ANY
from manifold.schema.ownership import Manager, apply
from manifold.schema.patches.json_patch import apply_json_patch, unknown_members
from manifold.schema.patches.merge_patch import apply_merge_patch
from manifold.schema.patches.printing import printed
from manifold.schema.patches.showing import outcome_text
from manifold.schema.patches.strategic import apply_strategic_merge_patch
from manifold.types.apiextensions.instances import CustomStatus
from manifold.types.resource import Object
from manifold.types.versions import versions_of

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_YAML = "application/apply-patch+yaml"
ALL_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, APPLY_YAML)

Tell = Callable[[list[str]], None]
"""Takes texts for Warning headers."""


def finish(served: Served, body: Body, validation: str, tell: Tell) -> Object:
    """Bring a body into stored form, and treat what strict decoding would refuse as the request wishes."""
    kind = served.type
    unknown = kind.codec.normalize(body.obj)
    problems = body.duplicates + unknown if kind.custom else body.problems(unknown)
    if problems:
        if validation == "Strict":
            raise strict_error(kind.kind, kind.version, problems)
        if validation == "Warn":
            tell(warnings(problems))
    return body.obj


def applied_configuration(body: Any) -> Object:
    """The configuration in the parsed body of an apply; nothing is an empty one. Raises the 400 of no object."""
    if body is None:
        return {}
    if not isinstance(body, dict):
        go = f"json: cannot unmarshal {json_type(body)} into Go value of type map[string]interface {{}}"
        raise errors.bad_request(f"error decoding YAML: error unmarshaling JSON: while decoding JSON: {go}")
    return body


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch as it came: its media type, the parsed body, and what strict decoding says of the body's own keys.

    `body` is JSON of any shape; what it must be depends on the kind of patch.
    """

    media_type: str
    body: Any
    duplicates: list[str]
    options: WriteOptions
    manager: Manager
    now: datetime
    tell: Tell

    def change(self, served: Served) -> Change:
        """The change this patch stands for. Refusals of its shape are raised when it is made."""
        if self.media_type == APPLY_YAML:
            return lambda live: self._applied(served, live)
        return lambda live: self._patched(served, live)

    def _patched(self, served: Served, live: Object | None) -> Object:
        if live is None:
            raise errors.internal("a patch without an object")
        problems = list(self.duplicates)
        if self.media_type == JSON_PATCH:
            result = apply_json_patch(live, self.body)
            problems += unknown_members(self.body)
        elif self.media_type == MERGE_PATCH:
            result = apply_merge_patch(live, self.body)
        else:
            result = apply_strategic_merge_patch(live, self.body, served.type.schema)
        return self._finished(served, result, problems)

    def _finished(self, served: Served, result: Any, problems: list[str]) -> Object:
        if result is None:
            result = {}  # as Go decodes null; that it has no name is told later
        elif not isinstance(result, dict):  # a JSON patch of the whole document
            go = "map[string]interface {}" if served.type.custom else served.type.schema.go
            raise self._unfit(served, result, f"json: cannot unmarshal {json_type(result)} into Go value of type {go}")
        before = b"" if served.type.custom else orjson.dumps(result)  # what follows changes it in place
        try:
            self._check_type(served, result)
            problems = problems + served.type.codec.normalize(result)
        except errors.StatusError as refusal:
            if served.type.custom:
                raise
            raise self._unfit(served, orjson.loads(before), refusal.message.partition(": ")[2]) from None
        if problems and self.options.validation == "Strict":
            outcome = result if served.type.custom else orjson.loads(before)
            raise self._unfit(served, outcome, f"strict decoding error: {', '.join(problems)}")
        if problems and self.options.validation == "Warn":
            self.tell(warnings(problems))
        finished: Object = result
        return finished

    def _check_type(self, served: Served, result: Object) -> None:
        """Refuse what a patch has made another type of. A strategic merge patch has no say in that."""
        kind = served.type
        if self.media_type == STRATEGIC_MERGE_PATCH:
            return
        given = (result.get("apiVersion"), result.get("kind"))
        if kind.custom:
            if given != (kind.api_version, kind.kind) and not self.manager.subresource:
                raise self._other_type(served, result)
            return
        if given != (kind.api_version, kind.kind) and all(isinstance(one, str | None) for one in given):
            check_type(result, kind.api_version, kind.kind, kind.group)

    def _other_type(self, served: Served, result: Object) -> errors.StatusError:
        """The 422 of a custom resource that a patch has made something else."""
        kind, found = served.type, []
        for called, field, wanted in (("Kind", "kind", kind.kind), ("apiVersion", "apiVersion", kind.api_version)):
            given = result.get(field)
            if given in (None, ""):
                text = f"Object '{called}' is missing in '{outcome_text(result, self.body, ANY)}'"
                return self._unfit(served, result, text)
            if not isinstance(given, str):
                go = f"json: cannot unmarshal {json_type(given)} into Go struct field .{field} of type string"
                return self._unfit(served, result, f"couldn't get version/kind; json parse error: {go}")
            if given != wanted:
                found.append(fields.invalid(field, given, f"must be {wanted}"))
        metadata = result.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else ""
        group = result["apiVersion"].rpartition("/")[0]
        return errors.invalid(group, result["kind"], str(name or ""), found)

    def _unfit(self, served: Served, outcome: Any, why: str) -> errors.StatusError:
        """The 422 of a patch whose outcome is no object of the type; it is about no object in particular."""
        if self.media_type == STRATEGIC_MERGE_PATCH:
            value = printed(self.body)
        else:
            value = outcome_text(outcome, self.body, ANY if served.type.custom else served.type.schema)
        error = fields.invalid("patch", value, why)
        refusal = errors.invalid("", "", "", [error])
        refusal.details = {"causes": [error.cause()]}
        return refusal

    def _applied(self, served: Served, live: Object | None) -> Object:
        kind = served.type
        configuration = applied_configuration(self.body)
        check_type(configuration, kind.api_version, kind.kind, kind.group, applied=True)
        if self.options.validation in ("Strict", "Warn"):
            self._check_configuration(served, configuration)
        reset = _beyond_reach(served, self.manager.subresource, configuration, live)
        now = clock.format_seconds(self.now)
        merged = apply(
            live, configuration, kind.schema, self.manager, self.options.force, now, reset, versions_of(kind)
        )
        kind.codec.normalize(merged, applied=True)
        return merged

    def _check_configuration(self, served: Served, configuration: Object) -> None:
        if not self.duplicates:
            return
        if self.options.validation == "Strict":
            raise errors.bad_request(f"error strict decoding YAML: {', '.join(self.duplicates)}")
        self.tell(warnings(self.duplicates))


def _beyond_reach(
    served: Served, subresource: str, configuration: Object, live: Object | None
) -> list[tuple[str, ...]]:
    """The top-level fields an apply cannot set here, so that it neither owns them nor is in conflict about them."""
    if subresource != "status":
        return [("status",)] if served.type.status else []
    within = {"apiVersion", "kind", "status"}
    if not isinstance(served.type.subresources.get(subresource), CustomStatus):
        within.add("metadata")
    return [(name,) for name in sorted({*configuration, *(live or ())} - within)]
