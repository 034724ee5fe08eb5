"""The public test suite of RFC 6902, from its package, which is installed once and kept in `.cache`."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from manifold.base.errors import StatusError
from manifold.schema.patches import apply_json_patch

SUITE = Path(__file__).parent / "suite"
CACHE = SUITE.parents[2] / ".cache" / "patch-suite"
LENIENT = {"Out of bounds (lower)": '{"op": "add", "path": "/bar/-1", "value": "5"}',
           "missing 'value' parameter": '{"op": "test", "path": "/0"}'}  # fmt: skip
"""Refused by the RFC, and not by Kubernetes: see json_patch.py."""
REFUSED = object()


@pytest.fixture(scope="session")
def cases() -> list[dict[str, Any]]:
    """All cases that are not disabled."""
    assert shutil.which("npm"), "this test needs npm, to install the public test suite of JSON patch"
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / "node_modules" / "json-patch-test-suite"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (SUITE / "package-lock.json").read_text()
        kept = CACHE / "package-lock.json"
        if not folder.exists() or not kept.exists() or kept.read_text() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(SUITE / name, CACHE)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
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
