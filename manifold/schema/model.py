"""The schema of a type, compiled once: a graph of nodes that every algorithm of this layer walks.

One model serves decoding, field ownership, strategic merge, apply, tables and OpenAPI, for built-in types and for
custom resources alike, so that they cannot disagree about what a list is. Nodes are built once per content and are
never changed afterwards; they may be cyclic (JSONSchemaProps contains itself), which is why they are compared by
identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["object", "map", "list", "string", "integer", "number", "boolean", "any"]
ListType = Literal["atomic", "set", "map"]
MapType = Literal["granular", "atomic"]


@dataclass(eq=False, slots=True)
class Node:
    """One place in an object.

    - `kind`: `object` has named `properties`, `map` has `values` under any key, `list` has `items`, `any` is JSON of
      any shape (RawExtension, preserve-unknown-fields), the rest are scalars.
    - `format`: of OpenAPI (`int32`, `int64`, `byte`, `date-time`, `int-or-string`, `quantity`, `micro-time`,
      `double`), empty where there is none. `byte` is base64 text.
    - `go`: the Go type a Kubernetes client names in decoding errors (`string`, `map[string]string`, `v1.LeaseSpec`).
    - `list_type`, `map_keys`: list topology for ownership and apply; `map_type`: of objects and maps.
    - `patch_strategy`, `patch_key`: strategic merge directives (`merge`, `replace`, `retainKeys`, comma-joined).
    - `required`: names of properties that must be there, as OpenAPI tells it; `default`: value where none is given.
    - `enum`: the values OpenAPI lists; built-in types do not enforce it when decoding.
    - `written`, `pointer`: what a Kubernetes server makes of an empty value (false, 0, empty text, list or map) in this
      place: put in when `written`, kept as given when `pointer`, left out otherwise. Only built-in types use them.
    - `preserve`: unknown properties are kept; `description`: prose for OpenAPI.
    """

    kind: Kind
    properties: dict[str, Node] = field(default_factory=dict)
    values: Node | None = None
    items: Node | None = None
    format: str = ""
    go: str = ""
    list_type: ListType = "atomic"
    map_keys: tuple[str, ...] = ()
    map_type: MapType = "granular"
    patch_strategy: str = ""
    patch_key: str = ""
    required: frozenset[str] = frozenset()
    default: Any = None  # any JSON value
    enum: tuple[str, ...] = ()
    written: bool = False
    pointer: bool = False
    preserve: bool = False
    nullable: bool = False
    type_name: str = ""
    description: str = ""

    def child(self, name: str) -> Node | None:
        """The node of the property or map entry `name`, or None where the schema knows none."""
        found = self.properties.get(name)
        return found if found is not None else self.values


ANY = Node("any", preserve=True)
"""Schema of what is not described: any JSON value, replaced as a whole."""

Schemas = Mapping[str, Node]
"""Compiled types by their full name, e.g. `io.k8s.api.core.v1.ConfigMap`."""
