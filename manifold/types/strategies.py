"""What types have in common: a strategy that decides nothing, and the status subresource.

A type's own strategy overrides only what it decides. All are without state, so one instance serves every request.
"""

from __future__ import annotations

from manifold.base.fields import FieldError
from manifold.types.resource import Object


class PlainStrategy:
    """Anything goes: no defaults, nothing to prepare, nothing to refuse. The base of every other strategy.

    `validate` is for what must hold on create and on update alike; a type with immutable fields extends
    `validate_update`.
    """

    __slots__ = ()

    def default(self, new: Object) -> None:
        """Fill in what is absent and has a default."""

    def prepare_create(self, new: Object) -> None:
        """Drop or set what a creator may not decide."""

    def prepare_update(self, new: Object, old: Object) -> None:
        """Take over from `old` what a writer of the main resource may not change."""

    def validate(self, new: Object) -> list[FieldError]:
        """All that is wrong with an object, new or changed."""
        return []

    def validate_create(self, new: Object) -> list[FieldError]:
        """All that is wrong with a new object."""
        return self.validate(new)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """All that is wrong with `new` as the successor of `old`."""
        return self.validate(new)

    def warnings(self, new: Object, old: Object | None = None) -> list[str]:
        """Texts for Warning headers; none."""
        return []


def keep(new: Object, old: Object, *names: str) -> None:
    """Take top-level fields over from `old`, absent ones included."""
    for name in names:
        if name in old:
            new[name] = old[name]
        else:
            new.pop(name, None)


class StatusStrategy(PlainStrategy):
    """For built-in types whose status is written through its subresource only: emptied on create, kept on update."""

    __slots__ = ()

    def prepare_create(self, new: Object) -> None:
        """Empty the status; it is written even so, as it is for every built-in type."""
        new["status"] = {}

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep the status as it is."""
        keep(new, old, "status")


class StatusSubresource:
    """Writes `status`; everything else of the object stays as it is, but for metadata, which built-in types let change.

    A type with more to say overrides `validate_update`.
    """

    __slots__ = ()

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep everything but status and metadata."""
        for name in [name for name in new if name not in ("status", "metadata", "apiVersion", "kind")]:
            if name not in old:
                del new[name]
        for name, value in old.items():
            if name not in ("status", "metadata"):
                new[name] = value

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """All that is wrong with the new status."""
        return []
