"""Strategies of Hypothesis for objects of a type: mostly of the shape its schema asks for, anywhere of another."""

from functools import cache

from hypothesis import strategies as st

from manifold.schema.model import Node
from manifold.types.resource import ResourceType

WORDS = (
    "", "a", "x-1", "default", "*", "system:masters", "kcp.io/x", "a/b/c", "1", "-1", "10Mi", "1e400",
    "99999999999999999999",
    "2020-01-01T00:00:00Z", "2020-01-01T00:00:00.123456Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:60+23:59",
    "https://example.com/x?y", "https://[", "10.0.0.0/8", "YQ==", "a" * 300, "\u0000", "\n", "ü\U0001f600", "{}", "[",
    "object.spec.x == 1", "self.x", "^(a+)+$", "(", "root:org:team", "v1", "Namespaced", "Cluster", "create", "get",
    "apiregistration.k8s.io", "today.widgets.example.com", "widgets", "Widget", "..", "true", "Equals", "In", "Exists",
    "rbac.authorization.k8s.io", "ClusterRole", "Role", "User", "Group", "ServiceAccount", "string", "array", "object",
    "JSONPath", ".spec", ".spec.replicas", "$", "Accepted", "Rejected", "Delete", "Orphan", "Foreground",
)  # fmt: skip
NUMBERS = (0, 1, -1, 2, 65535, 65536, 2**31 - 1, 2**31, -(2**31) - 1, 2**63 - 1, 2**63, -(2**63), 1.5, 1e300, -0.0)

words = st.sampled_from(WORDS)
scalars = st.one_of(st.none(), st.booleans(), words, st.sampled_from(NUMBERS))
junk = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2), max_leaves=4
)
"""JSON of any shape."""


def values(node: Node, depth: int = 0) -> st.SearchStrategy:
    """Values for a place in an object; one in eight is of any shape whatever."""
    return _values(_Ref(node), min(depth, 7))


class _Ref:
    """A node by identity, as a key of a cache: nodes do not compare by value and may contain themselves."""

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node = node

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Ref) and other.node is self.node

    def __hash__(self) -> int:
        return id(self.node)


@cache
def _values(ref: _Ref, depth: int) -> st.SearchStrategy:
    return st.integers(0, 15).flatmap(lambda dice: junk if dice == 7 else _proper(ref.node, depth))


def _proper(node: Node, depth: int) -> st.SearchStrategy:
    kind = node.kind
    if kind == "object":
        return structure(node, depth)
    if kind == "map":
        inner = values(node.values, depth + 1) if node.values else junk
        return st.dictionaries(words, inner, max_size=2) if depth < 7 else st.just({})
    if kind == "list":
        inner = values(node.items, depth + 1) if node.items else junk
        return st.lists(inner, max_size=3) if depth < 7 else st.just([])
    if kind == "boolean":
        return st.booleans()
    if kind in ("integer", "number"):
        return st.sampled_from(NUMBERS)
    if kind == "string":
        return words | st.sampled_from(node.enum) if node.enum else words
    if node.items is not None and depth < 7:
        return values(node.items, depth + 1)
    return junk


def structure(node: Node, depth: int) -> st.SearchStrategy:
    """An object with some of its fields, the required ones more often than not."""
    names = sorted(node.properties)
    if not names or depth >= 7:
        return st.just({})
    chosen = st.lists(st.sampled_from(names), max_size=4, unique=True)
    required = sorted(node.required & set(names))

    def made(draw_required: bool, drawn: list[str]) -> st.SearchStrategy:
        wanted = dict.fromkeys([*(required if draw_required else ()), *drawn])
        return st.fixed_dictionaries({name: values(node.properties[name], depth + 1) for name in wanted})

    return st.tuples(st.sampled_from((True, True, True, False)), chosen).flatmap(lambda both: made(*both))


def bodies(kind: ResourceType, name: str) -> st.SearchStrategy:
    """Bodies for a type: metadata names the object, the rest is made from the schema; some of it is spoilt."""
    fields = {
        field: node for field, node in kind.schema.properties.items() if field not in ("apiVersion", "kind", "metadata")
    }
    metadata = kind.schema.properties.get("metadata")

    def whole(parts: tuple) -> dict:
        drawn, extra, spoilt = parts
        body = {"apiVersion": kind.api_version, "kind": kind.kind, **drawn}
        if spoilt == 0:
            body["metadata"] = extra
        else:
            body["metadata"] = {**(extra if isinstance(extra, dict) and spoilt < 3 else {}), "name": name}
        return body

    content = st.fixed_dictionaries({field: values(node, 1) for field, node in fields.items()})
    return st.tuples(content, values(metadata, 1) if metadata is not None else junk, st.integers(0, 5)).map(whole)
