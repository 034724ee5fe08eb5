"""What OpenAPI needs to know of a served resource.

A description of its own, because this layer must not know resource types; the views make these from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Part:
    """A subresource: its name, the kind of its body, the verbs it knows (`create`, `get`, `patch`, `update`) and the
    name of the body's schema.
    """

    name: str
    group: str
    version: str
    kind: str
    verbs: tuple[str, ...]
    schema_name: str


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource in one version.

    - `schema_name`: full name of its schema. A built-in one is found by this name.
    - `custom`: for custom resources the OpenAPI schema of the objects, as its definition gives it, None for built-in
      ones.
    - `selectable`: for custom resources the fields objects can be selected by, those of metadata left out.
    - `protobuf`: whether bodies may also be protobuf; `strategic_merge`: whether a patch may be a strategic merge
      patch.
    """

    group: str
    version: str
    plural: str
    kind: str
    list_kind: str
    namespaced: bool
    verbs: tuple[str, ...]
    schema_name: str
    parts: tuple[Part, ...] = ()
    custom: Mapping[str, Any] | None = None  # a JSON schema
    selectable: tuple[str, ...] = ()
    protobuf: bool = False
    strategic_merge: bool = True

    @property
    def list_schema_name(self) -> str:
        """Full name of the schema of its lists."""
        return f"{self.schema_name.rpartition('.')[0]}.{self.list_kind or self.kind + 'List'}"
