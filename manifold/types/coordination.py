"""Leases: who holds what, until when (Kubernetes API reference, Lease v1).

Coordinated election (KEP-4355) is not served: its two fields are dropped, as on a server whose feature is off.
"""

from __future__ import annotations

from datetime import datetime

from manifold.base.fields import FieldError, Path, invalid
from manifold.types.declaring import AGE, NAME, built_in
from manifold.types.resource import Column, Object
from manifold.types.strategies import PlainStrategy

_SPEC = Path("spec")
_UNSERVED = ("strategy", "preferredHolder")


class LeaseStrategy(PlainStrategy):
    """Durations are positive, transitions are counted from zero."""

    __slots__ = ()

    def prepare_create(self, new: Object) -> None:
        """Drop what is not served."""
        spec = new.get("spec")
        if spec:
            for field in _UNSERVED:
                spec.pop(field, None)

    def prepare_update(self, new: Object, old: Object) -> None:
        """Drop what is not served."""
        self.prepare_create(new)

    def validate(self, new: Object) -> list[FieldError]:
        """What is wrong with the spec."""
        spec = new.get("spec") or {}
        errors = []
        duration, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
        if duration is not None and duration <= 0:
            errors.append(invalid(_SPEC.child("leaseDurationSeconds"), duration, "must be greater than 0"))
        if transitions is not None and transitions < 0:
            text = "must be greater than or equal to 0"
            errors.append(invalid(_SPEC.child("leaseTransitions"), transitions, text))
        return errors


def _holder(obj: Object, now: datetime) -> str:
    return (obj.get("spec") or {}).get("holderIdentity") or ""


LEASES = built_in(
    "coordination.k8s.io",
    "v1",
    "leases",
    "Lease",
    LeaseStrategy(),
    namespaced=True,
    columns=(NAME, Column("Holder", _holder, description="Who holds the lease"), AGE),
    create_on_update=True,
    unconditional_update=False,
)

TYPES = (LEASES,)
