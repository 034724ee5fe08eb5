"""The bootstrap policy and the refusals of access against recorded ones.

Needs the environment variable MANIFOLD_SHARED, which names the folder of recordings.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifold.auth.attributes import Attributes
from manifold.auth.denial import denial
from manifold.auth.rbac.bootstrap import bootstrap_objects, root_policy_objects
from manifold.base.user import User

SHARED = os.environ["MANIFOLD_SHARED"]
REFERENCE = Path(SHARED) / "reference"


def load(path: Path) -> Any:
    with path.open() as stream:
        return yaml.load(stream, Loader=yaml.CSafeLoader)


def known(obj: dict[str, Any]) -> dict[str, Any]:
    """An object without what a server adds."""
    metadata = {key: value for key, value in obj["metadata"].items() if key in ("name", "labels", "annotations")}
    annotations = {key: value for key, value in metadata.get("annotations", {}).items() if key != "kcp.io/cluster"}
    metadata.pop("annotations", None)
    return {**obj, "metadata": {**metadata, **({"annotations": annotations} if annotations else {})}}


@pytest.mark.parametrize(
    ("name", "objects"), [("rbac-system-admin", bootstrap_objects()), ("rbac-root", root_policy_objects())]
)
def test_the_policy_is_the_recorded_one(name: str, objects: list[dict[str, Any]]) -> None:
    recorded = {
        (obj["kind"], obj["metadata"]["name"]): known(obj)
        for obj in load(REFERENCE / "objects" / f"{name}.yaml")["items"]
    }
    ours = {(obj["kind"], obj["metadata"]["name"]): obj for obj in objects}
    assert ours.keys() == recorded.keys()
    for key, obj in recorded.items():
        assert ours[key] == obj


def refusals() -> Iterator[dict[str, Any]]:
    for path in sorted((REFERENCE / "wire").glob("kcp-*.yaml")):
        for exchange in load(path).get("exchanges", ()):
            body = (exchange.get("response") or {}).get("body")
            if (
                isinstance(body, dict)
                and body.get("code") == 403
                and str(body.get("message")).endswith("access denied")
            ):
                yield body


PATH = re.compile(r'forbidden: User "(?P<user>[^"]*)" cannot (?P<verb>\S+) path "(?P<path>[^"]*)": access denied')
RESOURCE = re.compile(
    r'\S+ (?:"(?P<name>[^"]*)" )?is forbidden: User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource '
    r'"(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)" (?:in the namespace "(?P<namespace>[^"]*)"|at the cluster '
    r"scope): access denied"
)


def test_refusals_are_told_as_recorded() -> None:
    count = 0
    for body in refusals():
        parts = PATH.fullmatch(body["message"]) or RESOURCE.fullmatch(body["message"])
        assert parts is not None, body["message"]
        found = {key: value or "" for key, value in parts.groupdict().items()}
        user, verb = User(found.pop("user")), found.pop("verb")
        resource, _, subresource = found.pop("resource", "").partition("/")
        status = denial(Attributes(user, verb, "c", resource=resource, subresource=subresource, **found)).status()
        assert status == body
        count += 1
    assert count > 40
