"""The older URLs of watches (`/watch/` before the resource) are for watching whole objects, and for nothing else."""

import pytest

MAPS = "/api/v1/namespaces/default/configmaps"
OLD = "/api/v1/watch/namespaces/default/configmaps"
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [OLD, f"{OLD}/one"])
def test_nothing_is_written_through_them(workspace, method, path):
    workspace.request("POST", MAPS, MAP)
    status, refused = workspace.request(method, f"{path}?dryRun=All", {**MAP, "data": {"a": "b"}})
    assert (status, refused["reason"]) == (405, "MethodNotAllowed"), refused
    workspace.request(method, path, {**MAP, "data": {"a": "b"}})
    status, found = workspace.request("GET", f"{MAPS}/one")
    assert (status, "data" in found) == (200, False)


def test_parts_of_objects_are_not_watched(workspace):
    for path in ("namespaces/default/status", "namespaces/default/finalize"):
        assert workspace.request("GET", f"/api/v1/watch/{path}?timeoutSeconds=1")[0] == 404
    ended = "/api/v1/watch/namespaces/default?timeoutSeconds=1"
    with workspace.opened(ended) as answer:
        assert b'"type":"ADDED"' in answer.read()
