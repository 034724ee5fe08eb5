"""Leases: what is refused, dropped and shown."""

from __future__ import annotations

import pytest
from type_writes import NOW, refused

from manifold.types.coordination import LEASES
from manifold.types.resource import Object


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        ({"leaseDurationSeconds": 1, "leaseTransitions": 0}, []),
        (
            {"leaseDurationSeconds": 0, "leaseTransitions": -1},
            [
                "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
                "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
            ],
        ),
    ],
)
def test_leases(spec: Object, errors: list[str]) -> None:
    assert refused(LEASES, {"spec": spec}) == errors


def test_a_lease_drops_what_is_not_served() -> None:
    lease: Object = {
        "metadata": {"name": "x"},
        "spec": {"strategy": "Nope", "preferredHolder": "a", "holderIdentity": "h"},
    }
    assert refused(LEASES, lease) == []
    assert lease["spec"] == {"holderIdentity": "h"}
    assert [column.cell(lease, NOW) for column in LEASES.columns] == ["x", "h", "<unknown>"]
    assert not LEASES.unconditional_update
    assert LEASES.create_on_update
