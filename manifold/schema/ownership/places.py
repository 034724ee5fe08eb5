"""What a place in an object is to its owners: owned piece by piece or as a whole, by anybody or by nobody.

Content without a schema is taken as Kubernetes takes it: maps are granular, lists atomic. Some of the metadata has no
owner: what identifies the object, and what only the server sets.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from manifold.schema.model import ANY, Node
from manifold.schema.patches.equality import equal

CLUSTER_ANNOTATION = "kcp.io/cluster"
UNOWNED_METADATA = frozenset(
    (
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    )
)


def granular(node: Node) -> bool:
    """Whether an object in this place is owned entry by entry."""
    kind = node.kind
    if kind == "object" or kind == "map":
        return node.map_type == "granular"
    return kind == "any" and node.preserve and node.map_type == "granular"


def associative(node: Node) -> bool:
    """Whether a list in this place is owned member by member."""
    return node.kind == "list" and node.list_type != "atomic"


@lru_cache(maxsize=4096)
def _typed(node: Node) -> bool:
    """Whether a schema describes all that can be in this place, so that true cannot stand where 1 stood."""
    seen: set[Node] = set()
    waiting = [node]
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        if place.kind == "any" or place.preserve or (place.kind == "object" and not place.properties):
            return False
        waiting += place.properties.values()
        if place.kind == "map" or place.values is not None:
            waiting.append(place.values or ANY)
        if place.kind == "list":
            waiting.append(items(place))
    return True


def same(before: Any, after: Any, node: Node) -> bool:
    """Whether two values of this place are one."""
    if before is after:
        return True
    if before != after:
        return False
    if isinstance(before, dict | list):
        return _typed(node) or equal(before, after)
    return isinstance(before, bool) == isinstance(after, bool)


def child(node: Node, name: str) -> Node:
    """The node of an entry; of entries no schema knows, the node of anything."""
    return node.properties.get(name) or node.values or ANY


def items(node: Node) -> Node:
    """The node of a list's members."""
    return node.items or ANY


def zero(node: Node) -> Any:
    """What a built-in type writes in a place of this node that nobody has set."""
    if node.kind == "object":
        return {name: zero(inner) for name, inner in node.properties.items() if inner.written}
    if node.kind == "string":
        return None if node.format in ("date-time", "micro-time") else ""
    if node.kind == "integer" or node.kind == "number":
        return 0
    return False if node.kind == "boolean" else None


def owned_annotations(annotations: Any) -> Any:
    """Annotations without the one that only says where the object is; None where none is left."""
    if isinstance(annotations, dict) and CLUSTER_ANNOTATION in annotations:
        if len(annotations) == 1:
            return None
        return {name: value for name, value in annotations.items() if name != CLUSTER_ANNOTATION}
    return annotations
