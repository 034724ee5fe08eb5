"""The public test suite of RFC 6902, from its package, which is installed once and kept in `.cache`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.javascript import installed

from manifold.base.errors import StatusError
from manifold.schema.patches import apply_json_patch

SUITE = Path(__file__).parent / "suite"
LENIENT = {"Out of bounds (lower)": '{"op": "add", "path": "/bar/-1", "value": "5"}',
           "missing 'value' parameter": '{"op": "test", "path": "/0"}'}  # fmt: skip
"""Refused by the RFC, and not by Kubernetes: see json_patch.py."""
REFUSED = object()


@pytest.fixture(scope="session")
def cases() -> list[dict[str, Any]]:
    """All cases that are not disabled."""
    folder = installed(SUITE) / "node_modules" / "json-patch-test-suite"
    found = [case for name in ("spec_tests", "tests") for case in json.loads((folder / f"{name}.json").read_text())]
    return [case for case in found if "doc" in case and "patch" in case and not case.get("disabled")]


def outcome(case: dict[str, Any]) -> Any:
    try:
        return apply_json_patch(case["doc"], case["patch"])
    except StatusError as refusal:
        assert refusal.code in (400, 422)  # noqa: PT017 either outcome is right
        return REFUSED


def test_public_suite(cases: list[dict[str, Any]]) -> None:
    assert len(cases) > 90
    wrong = []
    lenient = set()
    for case in cases:
        found = outcome(case)
        if "error" in case and found is not REFUSED and LENIENT.get(case["error"]) in map(json.dumps, case["patch"]):
            lenient.add(case["error"])
        elif (found is REFUSED) != ("error" in case) or found != case.get("expected", found):
            wrong.append(case)
    assert wrong == []
    assert lenient == set(LENIENT)
