"""The limit on all objects of a logical cluster: the annotation `core.kcp.io/max-total-objects`."""

import json

import pytest
from limited import LOGICAL_CLUSTER, MERGE, Limited, at_once

MOST = "core.kcp.io/max-total-objects"


@pytest.fixture
def limited(workspace):
    return Limited(workspace)


def annotate(workspace, value, user="shard-admin"):
    body = {"metadata": {"annotations": {MOST: value}}}
    status, found = workspace.request("PATCH", LOGICAL_CLUSTER, json.dumps(body), headers=MERGE, user=user)
    assert status == 200, found
    return found["metadata"]["annotations"].get(MOST)


def refusal(limited, name):
    status, found = limited.create(name)
    assert status == 403, found
    opening = f'configmaps "{name}" is forbidden: logical cluster "{limited.workspace.cluster}" '
    assert found["message"].startswith(opening)
    return found["message"].removeprefix(opening)


def test_a_logical_cluster_takes_so_many_objects_and_no_more(limited):
    workspace = limited.workspace
    annotate(workspace, "1")
    text = refusal(limited, "over")
    count = int(text.partition("limit (")[2].partition("/")[0])
    assert text == (f"has reached its total object count limit ({count}/1 objects); delete objects to free up capacity")
    annotate(workspace, str(count + 2))
    answers = at_once(lambda number: limited.create(f"map-{number}")[0], range(12))
    assert answers.count(201) == 2
    assert f"({count + 2}/{count + 2} objects)" in refusal(limited, "over")
    limited.delete(f"map-{answers.index(201)}")
    assert limited.create("fits")[0] == 201
    status, found = workspace.request("POST", "/api/v1/namespaces", {"metadata": {"name": "more"}})
    assert status == 403, found
    annotate(workspace, "0")
    assert workspace.request("POST", "/api/v1/namespaces", {"metadata": {"name": "more"}})[0] == 201
    annotate(workspace, str(count + 5))
    assert f"({count + 5}/{count + 5} objects)" in refusal(limited, "over")


def test_only_the_system_sets_it(limited):
    assert annotate(limited.workspace, "1", "kcp-admin") is None
    annotate(limited.workspace, "1")
    assert annotate(limited.workspace, "100", "kcp-admin") == "1"
    assert annotate(limited.workspace, None, "kcp-admin") == "1"
    refusal(limited, "over")
