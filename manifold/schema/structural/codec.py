"""The codec of custom types: metadata becomes an ObjectMeta, everything unknown goes."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cached_property
from typing import Any

from manifold.base.errors import StatusError, bad_request
from manifold.base.fields import Path
from manifold.schema.decoding import DecodingError
from manifold.schema.structural.embedded import compile_decoding
from manifold.schema.structural.schema import OBJECT_META, Structural
from manifold.schema.structural.validation import json_type, unstructured
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
    def _embedded(self) -> Any:
        return compile_decoding(self._structural.schema)

    def normalize(self, obj: dict[str, Any]) -> list[str]:
        """Prune `obj` in place and decode its metadata.

        Returns `unknown field "spec.x"` for everything dropped, in the order in which Kubernetes tells it: metadata,
        then what the schema does not know, then the metadata of embedded resources. Raises the 400 `Status` of metadata
        that is none.
        """
        unknown: list[str] = []
        if obj.get("metadata") is None:
            obj.pop("metadata", None)
        else:
            unknown += self._decode(obj["metadata"], "metadata", self._refusal)
        dropped: list[str] = []
        self._structural.prune_into(obj, dropped)
        if dropped:
            dropped.sort()
            unknown += dropped
        if self._embedded is not None:
            embedded: list[str] = []
            self._embedded(obj, lambda holder, path: self._decode_embedded(holder, path, embedded), self._refusal)
            unknown += sorted(embedded)
        return [f'{_UNKNOWN}{path}"' for path in unknown]

    def _decode(self, metadata: Any, path: str, refusal: Callable[[str], StatusError]) -> list[str]:
        """Decode metadata in place, and give the paths of what is unknown. Raises the refusal of one that is none."""
        if type(metadata) is not dict:
            given = json_type(metadata)
            found = {"boolean": "bool", "integer": "number"}.get(given, given)
            raise refusal(f"json: cannot unmarshal {found} into Go value of type v1.ObjectMeta")
        try:
            problems = self._metadata.decode(metadata)
        except DecodingError as error:
            raise refusal(str(error)) from None
        return sorted(f"{path}.{problem[len(_UNKNOWN) : -1]}" for problem in problems)

    def _decode_embedded(self, holder: dict[str, Any], path: Path, unknown: list[str]) -> None:
        metadata = holder["metadata"]
        if metadata is None:
            holder["metadata"] = {}
            return
        given = deepcopy(metadata)
        place = path.child("metadata")
        unknown += self._decode(metadata, place, lambda why: self._refusal(str(unstructured(place, given, why))))

    def _refusal(self, why: object) -> StatusError:
        return bad_request(f'{self._kind} in version "{self._version}" cannot be handled as a {self._kind}: {why}')
