"""Conditions as kcp writes them: the summary `Ready` first, the others by type, a reason only where one is false.

They are not those of Kubernetes: there is a severity and no observed generation, and true ones say nothing more
(APIs reference, section 0). The time of a transition stays while the status does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from manifold.types.resource import Object

READY = "Ready"
ERROR, WARNING, INFO = "Error", "Warning", "Info"


def true(kind: str, timestamp: str) -> Object:
    """A condition that is true since `timestamp`."""
    return {"type": kind, "status": "True", "lastTransitionTime": timestamp}


def false(kind: str, timestamp: str, severity: str, reason: str, message: str) -> Object:
    """A condition that is false since `timestamp`."""
    return {
        "type": kind,
        "status": "False",
        "severity": severity,
        "lastTransitionTime": timestamp,
        "reason": reason,
        "message": message,
    }


def ordered(conditions: Iterable[Object]) -> list[Object]:
    """Conditions in their order."""
    return sorted(conditions, key=lambda one: (one["type"] != READY, str(one["type"])))


def succeeding(conditions: Iterable[Object], former: Sequence[Object]) -> list[Object]:
    """Conditions in their order, with the time of their last transition where the status is that of `former`."""
    before = {one.get("type"): one for one in former}
    found = []
    for one in conditions:
        known = before.get(one["type"])
        if known is not None and known.get("status") == one["status"] and known.get("lastTransitionTime"):
            one = {**one, "lastTransitionTime": known["lastTransitionTime"]}
        found.append(one)
    return ordered(found)


def with_one(obj: Object, condition: Object) -> bool:
    """Put a condition in its place in an object's status. False: it said the same already."""
    status = obj.setdefault("status", {})
    former = status.get("conditions") or []
    conditions = succeeding([*(one for one in former if one["type"] != condition["type"]), condition], former)
    if conditions == former:
        return False
    status["conditions"] = conditions
    return True
