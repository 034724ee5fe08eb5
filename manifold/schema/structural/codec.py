"""The codec of custom types: metadata becomes an ObjectMeta, everything unknown goes."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from manifold.base.errors import bad_request
from manifold.base.fields import quote
from manifold.schema.structural.pruning import compile_embedded_metadata
from manifold.schema.structural.schema import OBJECT_META, Structural
from manifold.schema.structural.validation import json_type
from manifold.schema.typed import TypedCodec

_UNKNOWN = 'unknown field "'


class StructuralCodec:
    """Brings parsed JSON of a type with a structural schema into stored form; `kind` and `version` are for errors.

    metadata is decoded as that of built-in types is (meta/v1 ObjectMeta), whatever the schema says of it, and so is the
    metadata of embedded resources.
    """

    def __init__(self, structural: Structural, kind: str, version: str) -> None:
        self._structural = structural
        self._kind = kind
        self._version = version

    @cached_property
    def _metadata(self) -> TypedCodec:
        from manifold.schema.loading import built_in_schemas

        return TypedCodec(built_in_schemas()[OBJECT_META], self._kind, self._version)

    @cached_property
    def _places(self) -> Any:
        return compile_embedded_metadata(self._structural.schema)

    def normalize(self, obj: dict[str, Any]) -> list[str]:
        """Prune `obj` in place and decode its metadata.

        Returns `unknown field "spec.x"` for everything dropped, in alphabetical order as Kubernetes tells it. Raises
        the 400 `Status` of metadata that is none.
        """
        problems: list[str] = []
        self._decode(obj, "metadata", problems)
        dropped: list[str] = []
        self._structural.prune_into(obj, dropped)
        if dropped:
            problems.extend(f"unknown field {quote(path)}" for path in dropped)
        if self._places is not None:
            self._places(obj, "", lambda holder, path: self._decode(holder, path, problems))
        if len(problems) > 1:
            problems.sort()
        return problems

    def _decode(self, holder: dict[str, Any], path: str, problems: list[str]) -> None:
        metadata = holder.get("metadata")
        if metadata is None:
            holder.pop("metadata", None)
            return
        if type(metadata) is not dict:
            given = json_type(metadata)
            found = {"boolean": "bool", "integer": "number"}.get(given, given)
            raise bad_request(
                f'{self._kind} in version "{self._version}" cannot be handled as a {self._kind}: '
                f"json: cannot unmarshal {found} into Go value of type v1.ObjectMeta"
            )
        for problem in self._metadata.normalize(metadata):
            problems.append(f"{_UNKNOWN}{path}.{problem[len(_UNKNOWN) :]}")
