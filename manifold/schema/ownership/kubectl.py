"""Moving from client-side apply to server-side apply with kubectl, and back.

Client-side apply keeps what it applied last in an annotation and writes as an updater. When the manager `kubectl`
applies on the server, it is not in conflict over fields that annotation names and the object still has as it says; and
where the annotation exists it is kept up to date, so that a return to client-side apply knows what it may prune. Other
managers are left alone. Behaviour of kube-apiserver; specified by KEP-555, section "Upgrade/Downgrade Strategy".
"""

from __future__ import annotations

from typing import Any

import orjson

from manifold.schema.model import Node
from manifold.schema.ownership.comparison import compared
from manifold.schema.ownership.configuration import Misfit, configured
from manifold.schema.ownership.fields import Fields, difference, without_removed

MANAGER = "kubectl"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MAX_ANNOTATIONS = 256 << 10


def last_applied(obj: dict[str, Any]) -> str:
    """The annotation of client-side apply, empty where there is none."""
    annotations = obj.get("metadata", {}).get("annotations")
    found = annotations.get(LAST_APPLIED) if isinstance(annotations, dict) else None
    return found if isinstance(found, str) else ""


def still_client_side(live: dict[str, Any], node: Node, api_version: str) -> Fields:
    """What client-side apply has set and the object still has, which is no conflict for kubectl; empty if untold."""
    try:
        configuration = orjson.loads(last_applied(live))
        if not isinstance(configuration, dict) or configuration.get("apiVersion") != api_version:
            return {}
        named = configured(configuration, node)
    except (ValueError, Misfit):
        return {}
    changed, removed = compared(configuration, live, node)
    return without_removed(difference(named, changed), removed)


def kept_up_to_date(obj: dict[str, Any], configuration: dict[str, Any]) -> dict[str, Any]:
    """The object with the annotation, if it has one, telling of `configuration`; empty where that would be too long."""
    before = last_applied(obj)
    if not before:
        return obj
    metadata = dict(configuration.get("metadata") or {})
    metadata.pop("managedFields", None)
    if metadata.get("annotations"):
        metadata["annotations"] = {
            name: value for name, value in metadata["annotations"].items() if name != LAST_APPLIED
        }
    text = orjson.dumps({**configuration, "metadata": metadata}, option=orjson.OPT_SORT_KEYS).decode() + "\n"
    if len(text) > MAX_ANNOTATIONS:
        text = ""
    if text == before:
        return obj
    annotations = {**obj["metadata"]["annotations"], LAST_APPLIED: text}
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}
