"""The codec of custom types: metadata becomes an ObjectMeta, everything unknown goes."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from manifold.base.errors import bad_request
from manifold.base.fields import Path
from manifold.schema.decoding import DecodingError
from manifold.schema.structural.embedded import Decoding, EmbeddedError, compile_decoding, decode_metadata
from manifold.schema.structural.schema import Structural


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
    def _embedded(self) -> Decoding | None:
        return compile_decoding(self._structural.schema)

    def normalize(self, obj: dict[str, Any], applied: bool = False) -> list[str]:
        """Prune `obj` in place and decode its metadata. A null that is `applied` stays, as a value like any other.

        Returns `unknown field "spec.x"` for everything dropped, in the order in which Kubernetes tells it: metadata,
        then what the schema does not know, then the metadata of embedded resources. Raises the 400 `Status` of metadata
        that is none.
        """
        unknown: list[str] = []
        try:
            if obj.get("metadata") is None:
                obj.pop("metadata", None)
            else:
                unknown += decode_metadata(obj["metadata"], "metadata")
            dropped: list[str] = []
            self._structural.prune_into(obj, dropped, nulls=not applied)
            if dropped:
                dropped.sort()
                unknown += dropped
            if self._embedded is not None:
                unknown += self._embedded(obj, Path(""))
        except (DecodingError, EmbeddedError) as error:
            kind = self._kind
            text = f'{kind} in version "{self._version}" cannot be handled as a {kind}: {error}'
            raise bad_request(text) from None
        return [f'unknown field "{path}"' for path in unknown]
