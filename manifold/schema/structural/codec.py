"""The codec of custom types: metadata becomes an ObjectMeta, everything unknown goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manifold.base.errors import bad_request
from manifold.base.fields import quote
from manifold.schema.structural.metadata import MetadataError, coerce_metadata
from manifold.schema.structural.schema import Structural

MetadataWalk = Callable[[Any, str, list[str]], None]


class StructuralCodec:
    """Brings parsed JSON of a type with a structural schema into stored form; `kind` and `version` are for errors."""

    __slots__ = ("_refused", "_structural")

    def __init__(self, structural: Structural, kind: str, version: str) -> None:
        self._structural = structural
        self._refused = f'{kind} in version "{version}" cannot be handled as a {kind}: '

    def normalize(self, obj: dict[str, Any]) -> list[str]:
        """Prune `obj` in place and coerce its metadata and that of embedded resources.

        Returns `unknown field "spec.x"` for everything dropped, in alphabetical order as Kubernetes tells it. Raises
        the 400 `Status` of metadata that is none.
        """
        unknown: list[str] = []
        try:
            coerce_metadata(obj, "metadata", unknown)
            self._structural.prune_into(obj, unknown)
            embedded = self._structural.embedded
            if embedded is not None:
                embedded(obj, "", unknown)
        except MetadataError as error:
            raise bad_request(self._refused + str(error)) from None
        unknown.sort()
        return [f"unknown field {quote(path)}" for path in unknown]


def compile_embedded_metadata(schema: dict[str, Any]) -> MetadataWalk | None:
    """Coerces the metadata of all embedded resources `schema` describes; None where there are none."""
    own = bool(schema.get("x-kubernetes-embedded-resource"))
    described = schema.get("properties") or {}
    children = {
        name: found for name, child in described.items() if (found := compile_embedded_metadata(child)) is not None
    }
    additional = schema.get("additionalProperties")
    entries = compile_embedded_metadata(additional) if isinstance(additional, dict) else None
    nested = schema.get("items")
    items = compile_embedded_metadata(nested) if isinstance(nested, dict) else None
    if not own and not children and entries is None and items is None:
        return None

    def walk(value: Any, path: str, unknown: list[str]) -> None:
        if type(value) is dict:
            if own and "metadata" in value:
                coerce_metadata(value, f"{path}.metadata", unknown)
            for name, child in children.items():
                if name in value:
                    child(value[name], f"{path}.{name}" if path else name, unknown)
            if entries is not None:
                for name, entry in value.items():
                    if name not in described:
                        entries(entry, f"{path}.{name}", unknown)
        elif type(value) is list and items is not None:
            for position, item in enumerate(value):
                items(item, f"{path}[{position}]", unknown)

    return walk
