"""The form of an answer: what was negotiated, with what the query says of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from manifold.base import errors
from manifold.registry import binary
from manifold.registry.options import first
from manifold.registry.representation import METADATA_ONLY, PLAIN, Representation, Table
from manifold.server.negotiation import PROTOBUF, Accepted
from manifold.server.request import Request
from manifold.types.resource import ResourceType


def representation(request: Request, accepted: Accepted, now: Callable[[], datetime]) -> Representation:
    """The form of an answer, with what the query says of it. Raises the 400 of a query that says it wrongly."""
    if accepted.media == PROTOBUF:
        return binary.METADATA_ONLY if accepted.form == "metadata" else binary.PLAIN
    if accepted.form == "table":
        include = first(request.query, "includeObject")
        if include not in ("", "Metadata", "Object", "None"):
            raise errors.bad_request(
                f'Unable to convert to Table as requested: includeObject: Invalid value: "{include}": '
                "must be 'Metadata', 'Object', 'None', or empty"
            )
        return Table(include or "Metadata", now())
    return METADATA_ONLY if accepted.form == "metadata" else PLAIN


def check_listed(accepted: Accepted, kind: ResourceType, a_list: bool) -> None:
    """Raises the 406 of asking for the metadata of one object where the answer is `a_list`, or the other way round."""
    if accepted.form != "metadata" or accepted.listed == a_list:
        return
    wanted = "PartialObjectMetadataList" if accepted.listed else "PartialObjectMetadata"
    found = "a list" if a_list else "not a list"
    text = f"you requested {wanted}, but the requested object is {found} ({_go_type(kind, a_list)})"
    raise errors.StatusError(406, "NotAcceptable", text)


def _go_type(kind: ResourceType, a_list: bool) -> str:
    """What Kubernetes calls a type in such a refusal: by the package it is in there."""
    if kind.custom:
        return f"*unstructured.Unstructured{'List' if a_list else ''}"
    package = kind.group.partition(".")[0] if kind.group not in ("", "events.k8s.io") else "core"
    return f"*{package}.{kind.list_kind if a_list else kind.kind}"
