"""What every type with a structural schema decides about its objects: custom resources, and kcp's own types.

Rules in CEL are not evaluated here; whoever has them, compiled or written as code, gives them as a function. As in
Kubernetes they run only where the schema itself found nothing that blocks them, and where they are kept from running
the answer says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from manifold.base.fields import INVALID, FieldError, quote, shown
from manifold.schema.object_metadata import STANDARD_FINALIZERS
from manifold.schema.structural import ABSENT, RULES_SKIPPED, Structural, blocks_rules
from manifold.types.apiextensions import scale_fields
from manifold.types.resource import Object
from manifold.types.strategies import PlainStrategy, keep

CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
"""The verbs of custom types, in the order their discovery tells them."""
_QUALIFIED = "a domain-qualified finalizer name"
Rules = Callable[[Object, Object | None], list[FieldError]]
"""The errors of a type's rules about a new object and, on update, its predecessor."""


def broken_rule(field: str, value: Any, message: str) -> FieldError:
    """An object breaks a rule: scalars are shown, lists and objects are not (KEP-2876)."""
    if isinstance(value, (dict, list)):
        return FieldError(INVALID, field, f"Invalid value: {message}")
    return FieldError(INVALID, field, f"Invalid value: {shown(value)}: {message}")


class CustomStrategy(PlainStrategy):
    """Defaults, status and validation of a type with a structural schema.

    `status`: whether it is a subresource, so that writers of the main resource cannot set it. `rules`: see `Rules`.
    `scale`: the CustomResourceSubresourceScale of a type that has one.
    """

    __slots__ = ("_completes_status", "_rules", "_status", "scale", "structural")

    def __init__(
        self, structural: Structural, status: bool, rules: Rules | None = None, scale: Object | None = None
    ) -> None:
        self.structural = structural
        self.scale = scale
        self._status = status
        self._rules = rules
        described = (structural.schema.get("properties") or {}).get("status") or {}
        self._completes_status = status and described.get("default") is not None

    def default(self, new: Object) -> None:
        """Fill in the schema's defaults."""
        self.structural.default(new)

    def prepare_create(self, new: Object) -> None:
        """Drop the status a creator sent; what the schema gives every object stays."""
        if self._status:
            new.pop("status", None)
            if self._completes_status:
                self.structural.default(new)

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep the status as it is."""
        if self._status:
            keep(new, old, "status")

    def validate_create(self, new: Object) -> list[FieldError]:
        """What the schema says, then the rules."""
        return self.ruled(self.structural.validate(new) + self._scale_errors(new), new, None)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What the schema says of what has changed, then the rules."""
        return self.ruled(self.structural.validate(new, old) + self._scale_errors(new), new, old)

    def warnings(self, new: Object, old: Object | None = None) -> list[str]:
        """That finalizers which are new have names others may have, too."""
        finalizers = new["metadata"].get("finalizers")
        if not finalizers:
            return []
        before = old["metadata"].get("finalizers") or () if old is not None else ()
        return [
            f"metadata.finalizers: {quote(name)}: {_unqualified(name)}"
            for name in sorted(set(finalizers) - set(before) - STANDARD_FINALIZERS)
            if "/" not in name
        ]

    def _scale_errors(self, new: Object) -> list[FieldError]:
        if self.scale is None:
            return []
        return scale_fields.spec_errors(self.scale, new) + scale_fields.status_errors(self.scale, new)

    def ruled(self, errors: list[FieldError], new: Object, old: Object | None) -> list[FieldError]:
        """`errors` of the schema with those of the rules, or with the note that the rules were not looked at."""
        if not self.structural.has_rules:
            return errors
        if errors and blocks_rules(errors):
            errors.append(RULES_SKIPPED)
        elif self._rules is not None:
            errors.extend(self._rules(new, old))
        return errors


def _unqualified(finalizer: str) -> str:
    wanted = "a domain-qualified finalizer name including a path (/)" if "." in finalizer else _QUALIFIED
    return f"prefer {wanted} to avoid accidental conflicts with other finalizer writers"


class CustomStatus:
    """The status subresource of a custom type: only status changes, metadata included in what does not."""

    __slots__ = ("_strategy",)

    def __init__(self, strategy: CustomStrategy) -> None:
        self._strategy = strategy

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep everything but status; of metadata only what the server keeps itself changes."""
        keep(new, old, *[name for name in {**old, **new} if name not in ("status", "metadata")])
        metadata, former = new["metadata"], old["metadata"]
        keep(metadata, former, *[name for name in {**former, **metadata} if name not in _KEPT_BY_SERVER])

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What the schema says of the new status, then the rules of the whole object."""
        strategy = self._strategy
        part = strategy.structural.property("status")
        errors: list[FieldError] = []
        if part is not None and "status" in new:
            errors += part.check(new["status"], old.get("status", ABSENT), "status")
        if strategy.scale is not None:
            errors += scale_fields.status_errors(strategy.scale, new)
        errors += strategy.structural.list_errors(new, old)
        return strategy.ruled(errors, new, old)


_KEPT_BY_SERVER = frozenset(("managedFields", "resourceVersion"))
