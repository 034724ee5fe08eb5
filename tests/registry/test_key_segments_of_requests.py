"""No part of a request reaches into the next segment of a storage key."""

import pytest

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/default%00kube-root-ca.crt/configmaps",
        f"{MAPS}/kube-root-ca.crt%00",
        f"{MAPS}?fieldSelector=metadata.name%3Dkube-root-ca.crt%00",
        "/api/v1/configmaps?fieldSelector=metadata.namespace%3Ddefault%00kube-root-ca.crt",
        f"{MAPS}?fieldSelector=metadata.namespace%3Ddefault%00kube-root-ca.crt",
        "/api/v1/namespaces?fieldSelector=metadata.name%3Ddefault%00",
        "/api/v1/configmaps?labelSelector=a%00",
    ],
)
def test_a_nul_byte_finds_nothing(workspace, path):
    status, answer = workspace.request("GET", path)
    assert status == 400 or (status, answer["items"]) == (200, [])
    initial = "watch=1&timeoutSeconds=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    watched = f"{path}{'&' if '?' in path else '?'}{initial}"
    with workspace.opened(watched, headers={"Accept": "application/json"}, patience=30) as answer:
        assert b"ADDED" not in answer.read()


@pytest.mark.parametrize("name", ["a%2Fb", "..", "%2e%2e", "a%00b", "%ff", "A", "a%20b"])
def test_names_that_are_none_can_be_neither_read_nor_written(workspace, name):
    assert workspace.request("GET", f"{MAPS}/{name}")[0] in (400, 404)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    assert workspace.request("PUT", f"{MAPS}/{name}", body)[0] in (400, 404, 422)
    assert workspace.request("POST", MAPS, body)[0] == 422
