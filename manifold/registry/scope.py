"""What a view lets through of the objects of a type, and what may be changed through it.

A URL that shows only some objects, or lets only some of their fields change, gives its verbs a scope. The verbs stay
the same for every URL: what a scope does not see is not there (404, not in lists, DELETED in a watch once it has gone
from sight), and a change it refuses is refused with everything else that is wrong with an object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from manifold.base import errors
from manifold.base.fields import FieldError
from manifold.registry.served import Served
from manifold.storage.contract import Guard, Row, Snapshot
from manifold.types.resource import Object, ResourceType


class Scope(Protocol):
    """The reach of a view. Without state of a request; asked once per object."""

    @property
    def traces(self) -> tuple[bytes, ...]:
        """What the record of every object it sees contains; a record without all of them need not be parsed."""

    async def scan(self, snapshot: Snapshot, served: Served, start: bytes, end: bytes, limit: int) -> Sequence[Row]:
        """`Snapshot.scan` of a range of objects, which may leave out such as it does not see."""

    def sees(self, obj: Object) -> bool:
        """Whether an object is there for this view."""

    def complete(self, new: Object) -> str:
        """Give an object, before admission, what it needs to be seen. Why that cannot be; else empty."""

    def refusal(self, obj: Object) -> str:
        """Why an object as admission left it cannot be written through this view, or one that is there be deleted;
        else empty.
        """

    def prepare_update(self, new: Object, old: Object) -> None:
        """Take back from `new` what cannot be changed through this view."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """What is wrong with changing `old` to `new` through this view."""


class Ground(Protocol):
    """What gives a request the right to write through a view, where that is neither the caller's own nor the type's."""

    async def stands(self, snapshot: Snapshot) -> tuple[Scope | None, Sequence[Guard]]:
        """The reach that is given at a snapshot (None: all), and what must not have changed for that still to be so.

        Raises the 403 where nothing is given (any more).
        """


def complete(scope: Scope | None, kind: ResourceType, name: str, new: Object) -> None:
    """Let the scope of a request, if it has one, complete an object. Raises the 403 of one that cannot be."""
    if scope is not None:
        _refuse(kind, name, scope.complete(new))


def check(scope: Scope | None, kind: ResourceType, name: str, obj: Object) -> None:
    """Raise the 403 of an object that the scope of a request, if it has one, does not let be written or deleted."""
    if scope is not None:
        _refuse(kind, name, scope.refusal(obj))


def _refuse(kind: ResourceType, name: str, why: str) -> None:
    if why:
        raise errors.forbidden(kind.group, kind.resource, name, why)
