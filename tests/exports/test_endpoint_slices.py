"""Endpoint slices follow what they refer to: an export that comes later, a partition that comes, changes or goes."""

from provider import (
    BINDINGS,
    EXPORTS,
    SLICES,
    binding,
    conditions,
    create,
    eventually,
    export,
    merge,
    offer,
    read,
    schema,
)

PARTITIONS = "/apis/topology.kcp.io/v1alpha1/partitions"
MISSING = 'partition.topology.kcp.io "p" not found'


def slice_of(name, exported, **spec):
    body = {"apiVersion": "apis.kcp.io/v1alpha1", "kind": "APIExportEndpointSlice", "metadata": {"name": name}}
    return {**body, "spec": {"export": {"name": exported}, **spec}}


def partition(shard):
    body = {"apiVersion": "topology.kcp.io/v1alpha1", "kind": "Partition", "metadata": {"name": "p"}}
    return {**body, "spec": {"selector": {"matchLabels": {"name": shard}}}}


def told(workspace, name):
    """Whether it has an endpoint, what it selects, and what is wrong with its partition."""
    status = read(workspace, f"{SLICES}/{name}")["status"]
    problem = conditions({"status": status})["PartitionValid"].get("message", "")
    return bool(status.get("endpoints")), status.get("shardSelector", ""), problem


def test_a_partition_that_comes_changes_and_goes(workspace):
    offer(workspace, "ex", schema())
    create(workspace, BINDINGS, binding("b", "", "ex"))
    for name in ("one", "two"):
        create(workspace, SLICES, slice_of(name, "ex", partition="p"))
    assert told(workspace, "one") == (False, "", MISSING)
    create(workspace, PARTITIONS, partition("root"))
    eventually(lambda: told(workspace, "one") == told(workspace, "two") == (True, "name=root", ""))
    merge(workspace, f"{PARTITIONS}/p", {"spec": {"selector": {"matchLabels": {"name": "other"}}}})
    eventually(lambda: told(workspace, "one") == told(workspace, "two") == (False, "name=other", ""))
    merge(workspace, f"{SLICES}/two", {"spec": {"partition": None}})
    assert told(workspace, "two") == (True, "", "")
    assert workspace.request("DELETE", f"{PARTITIONS}/p")[0] == 200
    eventually(lambda: told(workspace, "one") == (False, "", MISSING))
    assert told(workspace, "two") == (True, "", "")


def test_an_export_that_comes_later(workspace):
    create(workspace, SLICES, slice_of("early", "ex"))
    assert conditions(read(workspace, f"{SLICES}/early"))["APIExportValid"]["reason"] == "APIExportNotFound"
    create(workspace, EXPORTS, export("ex"))
    eventually(lambda: conditions(read(workspace, f"{SLICES}/early"))["APIExportValid"]["status"] == "True")
    create(workspace, BINDINGS, binding("b", "", "ex"))
    eventually(lambda: told(workspace, "early")[0])
