"""Field paths and field errors: what is wrong in an object, and where, in the words clients match on.

A path is kept as its rendered string, because a path is built far more often in order to be thrown away than
to be shown, and rendering an element is one concatenation. Field errors carry the cause reason of the
`Status` (meta/v1 StatusCause) and the text after it; both are compared literally by clients and tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from manifold.base.go_text import json_text, number
from manifold.base.go_text import quote as quote

REQUIRED = "FieldValueRequired"
INVALID = "FieldValueInvalid"
NOT_SUPPORTED = "FieldValueNotSupported"
DUPLICATE = "FieldValueDuplicate"
FORBIDDEN = "FieldValueForbidden"
TOO_LONG = "FieldValueTooLong"
TOO_MANY = "FieldValueTooMany"
NOT_FOUND = "FieldValueNotFound"
TYPE_INVALID = "FieldValueTypeInvalid"


class Path(str):
    """A field path as clients read it: `spec.ports[0].name`, `data[a b]`. The empty path is the object itself."""

    __slots__ = ()

    def child(self, *names: str) -> Path:
        """The path of a named field below this one."""
        joined = ".".join(names)
        return Path(f"{self}.{joined}" if self else joined)

    def at(self, position: int) -> Path:
        """The path of the element at `position` of the list at this path."""
        return Path(f"{self}[{position}]")

    def key(self, name: str) -> Path:
        """The path of the entry `name` of the map at this path."""
        return Path(f"{self}[{name}]")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong in an object: a cause of a 422 `Status`.

    `reason` is one of the constants above, `field` the rendered path, `message` the whole text of the cause
    (`Invalid value: "x": must be ...`).
    """

    reason: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message

    def cause(self) -> dict[str, str]:
        """The StatusCause of this error (meta/v1)."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


def shown(value: object) -> str:
    """A bad value the way an error shows it: strings quoted, numbers and booleans plain, structures as JSON."""
    if isinstance(value, str):
        return quote(value)
    return number(value) if type(value) is float else json_text(value)


def required(field: str, detail: str = "") -> FieldError:
    """A value that must be there is not."""
    return FieldError(REQUIRED, field, f"Required value: {detail}" if detail else "Required value")


def invalid(field: str, value: object, detail: str) -> FieldError:
    """A value is malformed; `detail` says what it must be."""
    return FieldError(INVALID, field, f"Invalid value: {shown(value)}: {detail}")


def not_supported(field: str, value: object, supported: Iterable[str]) -> FieldError:
    """A value is not of an enumeration; `supported` are the allowed ones, in the order to be shown."""
    allowed = ", ".join(quote(item) for item in supported)
    tail = f": supported values: {allowed}" if allowed else ""
    return FieldError(NOT_SUPPORTED, field, f"Unsupported value: {shown(value)}{tail}")


def duplicate(field: str, value: object) -> FieldError:
    """A value that must be unique appears twice."""
    return FieldError(DUPLICATE, field, f"Duplicate value: {shown(value)}")


def forbidden(field: str, detail: str) -> FieldError:
    """A field may not be set, or not be changed, here."""
    return FieldError(FORBIDDEN, field, f"Forbidden: {detail}" if detail else "Forbidden")


def too_long(field: str, limit: int) -> FieldError:
    """A value is longer than `limit` bytes."""
    unit = "byte" if limit == 1 else "bytes"
    return FieldError(TOO_LONG, field, f"Too long: may not be more than {limit} {unit}")


def too_many(field: str, actual: int, limit: int) -> FieldError:
    """A list has more than `limit` elements."""
    return FieldError(
        TOO_MANY, field, f"Too many: {actual}: must have at most {limit} {'item' if limit == 1 else 'items'}"
    )


def not_found(field: str, value: object) -> FieldError:
    """A value refers to something that does not exist."""
    return FieldError(NOT_FOUND, field, f"Not found: {shown(value)}")


IMMUTABLE = "field is immutable"


def immutable(field: str, new: object, old: object) -> list[FieldError]:
    """One error if a field that may never change has changed, else none."""
    return [] if new == old else [invalid(field, new, IMMUTABLE)]
