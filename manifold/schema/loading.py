"""The schemas of the built-in Kubernetes types, made from a data file of our own on first use.

`data/types.json` holds one line per type: its Go name (decoding errors name it), the group, version and kind it is
served as, and its fields in the order of their declaration. It holds facts only, no prose. A field is a type
expression, or a pair of one and what else OpenAPI says of the field (list topology, merge directives, enumerations):

    string bool int32 int64 float64 bytes time micro-time quantity     scalars; `string:types.UID` names the Go type
    []T  {}T                       list, map from string; `=v1.ResourceList` at the end names the (inner) Go type
    #io.k8s.api.core.v1.Secret     another type
    *T  T!  T?                     pointer; written even when empty; left out when it is the zero value

A type is built when it is first asked for, so that a start pays for reading the file and no more. Nodes of a type share
one dictionary of properties wherever the type is used; a place has a node of its own, because directives, defaults and
what becomes of an empty value belong to the place. Types may contain themselves (JSONSchemaProps does).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

from manifold.schema.model import Kind, Node, Schemas

_SCALARS: dict[str, tuple[Kind, str, str]] = {
    "string": ("string", "", "string"),
    "bool": ("boolean", "", "bool"),
    "int32": ("integer", "int32", "int32"),
    "int64": ("integer", "int64", "int64"),
    "float64": ("number", "double", "float64"),
    "bytes": ("string", "byte", "[]uint8"),
    "time": ("string", "date-time", "v1.Time"),
    "micro-time": ("string", "micro-time", "v1.MicroTime"),
    "quantity": ("string", "quantity", "resource.Quantity"),
}
_TYPE_NAMES = {
    "time": "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
    "micro-time": "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
    "quantity": "io.k8s.apimachinery.pkg.api.resource.Quantity",
}
_ZEROES: dict[str, Any] = {"string": "", "bool": False, "int32": 0, "int64": 0, "float64": 0}
_SCHEMA = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"


class _BuiltIn(Mapping[str, Node]):
    """All built-in types by full name; each is built when first looked up."""

    def __init__(self, table: dict[str, dict[str, Any]]) -> None:
        self._table = table
        self._built: dict[str, Node] = {}

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def __getitem__(self, name: str) -> Node:
        node = self._built.get(name)
        return node if node is not None else self._build(name)

    def kinds(self, name: str) -> tuple[tuple[str, str, str], ...]:
        """Group, version and kind the type is served as; several for the types every group has, none for parts."""
        return tuple((group, version, kind) for group, version, kind in self._table[name].get("kinds", ()))

    def _build(self, name: str) -> Node:
        row = self._table[name]
        opaque = row.get("opaque")
        if opaque is not None:
            node = Node("any", preserve=True, go=row["go"], type_name=name)
            self._built[name] = node
            if opaque != "any":
                node.format = opaque
            if opaque.startswith("schema-"):
                node.items = self[_SCHEMA]
            return node
        fields = {field: (given, {}) if isinstance(given, str) else given for field, given in row["fields"].items()}
        required = frozenset(
            field for field, (given, extra) in fields.items() if extra.get("required", given[-1] == "!")
        )
        node = Node("object", go=row["go"], type_name=name, map_type=row.get("map", "granular"), required=required)
        # Entered before its fields are, so that a type that contains itself finds this very dictionary of properties.
        self._built[name] = node
        for field, (given, extra) in fields.items():
            node.properties[field] = self._place(given, extra)
        return node

    def _place(self, expression: str, extra: dict[str, Any]) -> Node:
        """The node of a field: its type, with what belongs to this place."""
        pointer = expression[0] == "*"
        omit_zero = expression[-1] == "?"
        written = expression[-1] == "!"
        core = expression[pointer : len(expression) - (omit_zero or written)]
        node = self._type(core)
        structure = core[0] == "#" and node.kind == "object"
        default: Any = None
        if not pointer:
            # Go's omitempty never leaves a struct out, and OpenAPI tells a struct's default as the empty object.
            default = {} if structure else _ZEROES.get(core.partition(":")[0]) if written else None
            written = written or ((core in ("time", "micro-time") or structure) and not omit_zero)
        return replace(
            node,
            pointer=pointer,
            written=written,
            default=extra.get("default", default),
            enum=tuple(extra.get("enum", ())),
            list_type=extra.get("list", node.list_type),
            map_keys=tuple(extra.get("keys", ())),
            map_type=extra.get("map", node.map_type),
            patch_strategy=extra.get("strategy", ""),
            patch_key=extra.get("key", ""),
        )

    def _type(self, expression: str) -> Node:
        if expression[0] == "#":
            return self[expression[1:]]
        if expression[:2] in ("[]", "{}"):
            inner, go = expression[2:], ""
            if inner[:2] not in ("[]", "{}"):
                inner, _, go = inner.partition("=")
            element = self._element(inner)
            if expression[0] == "[":
                return Node("list", items=element, go=go or f"[]{element.go}")
            return Node("map", values=element, go=go or f"map[string]{element.go}")
        scalar, _, go = expression.partition(":")
        kind, form, usual = _SCALARS[scalar]
        return Node(kind, format=form, go=go or usual, type_name=_TYPE_NAMES.get(scalar, ""))

    def _element(self, expression: str) -> Node:
        """The node of list elements and map values, whose zero value OpenAPI tells as their default."""
        node = self._type(expression)
        if expression[0] == "#":
            return replace(node, default={}) if node.kind == "object" else node
        node.default = _ZEROES.get(expression.partition(":")[0])
        return node


@cache
def _built_in() -> _BuiltIn:
    data = files("manifold.schema").joinpath("data/types.json").read_bytes()
    return _BuiltIn(orjson.loads(data))


def built_in_schemas() -> Schemas:
    """The built-in types by full name (`io.k8s.api.core.v1.ConfigMap`); KeyError for names there are not.

    The mapping and its nodes are shared by everyone and must not be changed.
    """
    return _built_in()


def kinds_of(name: str) -> tuple[tuple[str, str, str], ...]:
    """(group, version, kind) of each kind that is served under the type `name`; empty for types that are only parts."""
    return _built_in().kinds(name)


@cache
def _by_kind() -> dict[tuple[str, str, str], str]:
    table = _built_in()
    return {kind: name for name in table for kind in table.kinds(name)}


def schema_name(group: str, version: str, kind: str) -> str:
    """The full name of the built-in type served as this kind, empty where there is none."""
    return _by_kind().get((group, version, kind), "")
