"""Logical clusters, shards and sets of partitions: what they refuse, and how a logical cluster comes of age."""

from __future__ import annotations

from typing import Any

import pytest
from kcp_objects import create, kind_of

from manifold.types.kcp.core import begin_initialization, refusal_of_change


@pytest.mark.parametrize(
    ("resource", "spec", "name", "errors"),
    [
        ("logicalclusters", None, "cluster", []),
        (
            "logicalclusters",
            None,
            "other",
            ['metadata.name: Unsupported value: "other": supported values: "cluster"'],
        ),
        (
            "logicalclusters",
            {"initializers": ["root:universal", "system:apibindings", "root:x"]},
            "cluster",
            [
                'spec.initializers[2]: Invalid value: "root:x": spec.initializers[2] in body should match '
                "'^([a-z0-9]([-a-z0-9]*[a-z0-9])?(:[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
                "(:[a-z0-9][a-z0-9]([-a-z0-9]*[a-z0-9])?))|(system:.+)$'"
            ],
        ),
        ("shards", {}, "a", ["spec.baseURL: Required value"]),
        (
            "shards",
            {"baseURL": "::"},
            "a",
            [
                f'spec.{name}: Invalid value: "::": spec.{name} in body must be of type uri: "::"'
                for name in ("baseURL", "externalURL", "virtualWorkspaceURL")
            ],
        ),
        (
            "partitionsets",
            {"shardSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
            "a",
            [
                "spec.shardSelector.matchExpressions[0]: Invalid value: There should be at least one value for In and "
                "NotIn operators. There should not be any value for Exists and DoesNotExist operators."
            ],
        ),
        ("partitionsets", {"shardSelector": {"matchLabels": {"a/c": "d"}}}, "a", []),
    ],
)
def test_creation(resource: str, spec: Any, name: str, errors: list[str]) -> None:
    assert create(kind_of(resource), spec, name)[0] == errors


def cluster(phase: str, left: Any = (), wanted: Any = ("a:bb",), **annotations: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "cluster", "annotations": annotations},
        "spec": {"initializers": list(wanted)},
        "status": {"phase": phase, "initializers": list(left)},
    }


@pytest.mark.parametrize(
    ("new", "old", "reason"),
    [
        (cluster("Ready"), cluster("Ready"), ""),
        (cluster("Ready", wanted=()), cluster("Ready"), "spec.initializers is immutable"),
        (cluster("Initializing"), cluster("Scheduling"), "status.initializers do not equal spec.initializers"),
        (cluster("Initializing", ["a:bb"]), cluster("Scheduling"), ""),
        (cluster("Initializing", ["a:bb"]), cluster("Initializing"), "status.initializers must not grow"),
        (cluster("Ready", ["a:bb"]), cluster("Ready"), "status.initializers is immutable after initialization"),
        (cluster("Ready", ["a:bb"]), cluster("Initializing", ["a:bb"]), "status.initializers is not empty"),
        (cluster("Ready"), cluster("Initializing", ["a:bb"]), ""),
        (cluster("Scheduling"), cluster("Ready"), 'cannot transition from "Ready" to "Scheduling"'),
        (
            cluster("Scheduling", **{"core.kcp.io/inactive": "true"}),
            cluster("Scheduling"),
            'LogicalCluster can only be marked inactive in phase "Ready", but is in phase "Scheduling"',
        ),
        (cluster("Ready", **{"core.kcp.io/inactive": "true"}), cluster("Ready"), ""),
    ],
)
def test_changes_of_logical_clusters(new: Any, old: Any, reason: str) -> None:
    assert refusal_of_change(new, old) == reason


def test_a_logical_cluster_that_becomes_initializing_takes_over_what_is_to_be_done() -> None:
    new, old = cluster("Initializing"), cluster("Scheduling")
    begin_initialization(new, old)
    assert new["status"]["initializers"] == ["a:bb"]
    done = cluster("Initializing")
    begin_initialization(done, cluster("Initializing", ["a:bb"]))
    assert done["status"]["initializers"] == []
