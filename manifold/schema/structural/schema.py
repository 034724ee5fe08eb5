"""A compiled structural schema: the one thing types, codecs and validators hold.

`compile_schema` costs about as much as reading the schema once; each of the parts (pruner, defaulter, validator, node)
is made when it is first needed, because a served version that nobody writes needs no validator. The caller keeps the
result per content hash; it holds no state of a request and can be shared by everybody.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from manifold.base.fields import (
    INVALID,
    NOT_SUPPORTED,
    REQUIRED,
    TOO_LONG,
    TOO_MANY,
    TYPE_INVALID,
    FieldError,
)
from manifold.schema.model import Node
from manifold.schema.structural.compiling import NOTHING, Compiled
from manifold.schema.structural.defaulting import Defaulter, compile_defaulter
from manifold.schema.structural.embedded import OBJECT_META, compile_embedded
from manifold.schema.structural.nodes import build_node
from manifold.schema.structural.pruning import NullPruner, Pruner, compile_null_pruner, compile_pruner
from manifold.schema.structural.topology import Walk, compile_lists
from manifold.schema.structural.validation import NO_FIELD

ABSENT: Any = NOTHING
"""The old value of something that is new."""
_BLOCKING = frozenset((REQUIRED, NOT_SUPPORTED, TOO_LONG, TOO_MANY, TYPE_INVALID))
RULES_SKIPPED = FieldError(
    INVALID,
    "<nil>",
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
)
"""What is told where errors of the schema keep rules from being evaluated."""


def blocks_rules(errors: list[FieldError]) -> bool:
    """Whether rules are not evaluated because of these errors: types, lengths, enumerations or required fields."""
    return any(error.reason in _BLOCKING for error in errors)


class Structural:
    """One schema, for whole objects (`root`) or for a part of them."""

    def __init__(self, schema: dict[str, Any], root: bool = True) -> None:
        self.schema = schema
        self.root = root

    def prune(self, obj: Any) -> list[str]:
        """Drop what the schema does not know, and nulls that mean nothing. Returns the dropped paths, sorted.

        The metadata of a whole object stays as it is.
        """
        dropped: list[str] = []
        self.prune_into(obj, dropped)
        dropped.sort()
        return dropped

    def prune_into(self, obj: Any, dropped: list[str], nulls: bool = True) -> None:
        """As `prune`, but adds the paths to `dropped`, in no order. Without `nulls` these stay."""
        if self._pruner is not None:
            self._pruner(obj, "", dropped)
        if nulls and self._null_pruner is not None:
            self._null_pruner(obj)

    def prune_fields(self, obj: Any) -> None:
        """Drop what the schema does not know, but no nulls."""
        if self._pruner is not None:
            self._pruner(obj, "", [])

    def default(self, obj: Any) -> None:
        """Fill in defaults, in place."""
        if self._defaulter is not None:
            self._defaulter(obj)

    def validate(self, new: Any, old: Any = ABSENT) -> list[FieldError]:
        """All that the schema has against `new`, rules left out: `check`, `embedded_errors`, `list_errors`."""
        return [*self.check(new, old), *self.embedded_errors(new), *self.list_errors(new, old)]

    def check(self, new: Any, old: Any = ABSENT, field: str = "") -> list[FieldError]:
        """What OpenAPI says of `new`. With `old`, what is unchanged since then is let through (KEP-4008).

        `field` is put before the fields of errors, but not into their texts, as Kubernetes does for a part.
        """
        errors: list[FieldError] = []
        check = self._compiled.check
        if check is not None:
            check(new, "", "", errors)
            if errors and old is not ABSENT:
                errors.clear()
                self._compiled.ratchet(new, old, "", "", errors)
        return _below(field, list(dict.fromkeys(errors))) if errors else errors

    def embedded_errors(self, new: Any, path: str = "") -> list[FieldError]:
        """What is wrong with objects embedded in `new`, which lies at `path`."""
        errors: list[FieldError] = []
        if self._embedded is not None:
            self._embedded(new, path, errors)
        return errors

    def list_errors(self, new: Any, old: Any = ABSENT) -> list[FieldError]:
        """Repeated elements of sets and keys of map-like lists; objects that had some before may go on having some."""
        errors: list[FieldError] = []
        if self._lists is not None:
            self._lists(new, "", errors)
            if errors and old is not ABSENT:
                before: list[FieldError] = []
                self._lists(old, "", before)
                if before:
                    return []
        return errors

    def property(self, name: str) -> Structural | None:
        """The schema of one property on its own, `status` say; None where there is none."""
        return self._parts.get(name)

    @cached_property
    def has_rules(self) -> bool:
        """Whether there are rules in CEL (x-kubernetes-validations) anywhere in the schema."""
        return _has_rules(self.schema)

    @cached_property
    def node(self) -> Node:
        """The schema as the model that ownership, apply and OpenAPI walk."""
        return build_node(self.schema, _object_meta, self.root)

    @cached_property
    def _parts(self) -> dict[str, Structural]:
        described: dict[str, Any] = self.schema.get("properties") or {}
        return {name: Structural(child, root=False) for name, child in described.items()}

    @cached_property
    def _pruner(self) -> Pruner | None:
        return compile_pruner(_without_metadata(self.schema) if self.root else self.schema, self.root)

    @cached_property
    def _null_pruner(self) -> NullPruner | None:
        return compile_null_pruner(_without_metadata(self.schema) if self.root else self.schema)

    @cached_property
    def _defaulter(self) -> Defaulter | None:
        return compile_defaulter(_without_metadata(self.schema) if self.root else self.schema)

    @cached_property
    def _compiled(self) -> Compiled:
        return Compiled(self.schema)

    @cached_property
    def _lists(self) -> Walk[FieldError] | None:
        return compile_lists(self.schema)

    @cached_property
    def _embedded(self) -> Walk[FieldError] | None:
        return compile_embedded(self.schema)


def compile_schema(schema: dict[str, Any]) -> Structural:
    """The compiled form of the `openAPIV3Schema` of a CRD version, or of an APIResourceSchema's version.

    The schema must be structural (checked where it is written) and must not change afterwards.
    """
    return Structural(schema)


def _below(field: str, errors: list[FieldError]) -> list[FieldError]:
    """Errors of what lies at `field`; those that name no field are about that."""
    if not errors:
        return errors
    return [FieldError(error.reason, _join(field, error.field), error.message) for error in errors]


def _join(field: str, name: str) -> str:
    name = name.removeprefix(".")
    if name == NO_FIELD or not name:
        return field or NO_FIELD
    return f"{field}.{name}" if field else name


def _object_meta() -> Node:
    from manifold.schema.loading import built_in_schemas

    return built_in_schemas()[OBJECT_META]


def _without_metadata(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without what it says of the root's metadata, which is an ObjectMeta whatever that is."""
    described = schema.get("properties") or {}
    skipped = ("metadata", "apiVersion", "kind")
    return {**schema, "properties": {name: child for name, child in described.items() if name not in skipped}}


def _has_rules(schema: Any) -> bool:
    if isinstance(schema, dict):
        if schema.get("x-kubernetes-validations"):
            return True
        return (
            any(_has_rules(child) for child in (schema.get("properties") or {}).values())
            or _has_rules(schema.get("items"))
            or _has_rules(schema.get("additionalProperties"))
        )
    return False
