"""JSON merge patch (RFC 7386): an object laid over a document, where null takes away."""

from __future__ import annotations

from typing import Any

from manifold.base.errors import bad_request
from manifold.schema.patches.printing import json_kind


def apply_merge_patch(document: dict[str, Any], patch: object) -> dict[str, Any]:
    """The document with the patch merged in; it shares unchanged parts with both.

    Raises StatusError 400 where the patch is not an object: a whole API object cannot be replaced by something else.
    """
    if patch is None:
        return document
    if not isinstance(patch, dict):
        what = json_kind(patch)
        raise bad_request(
            f"error decoding patch: json: cannot unmarshal {what} into Go value of type map[string]interface {{}}"
        )
    result: dict[str, Any] = merged(document, patch)
    return result


def merged(target: Any, patch: Any) -> Any:
    """The algorithm of RFC 7386, section 2, for any two JSON values."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            result[name] = merged(result.get(name), value)
        else:
            result[name] = value
    return result
