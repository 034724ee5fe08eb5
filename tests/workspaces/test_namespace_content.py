"""What every namespace has comes back when it is deleted, and the root CA says what it said, whoever writes it."""

import json
import time

import pytest

CONFIG_MAP = "/api/v1/namespaces/{}/configmaps/kube-root-ca.crt"
SERVICE_ACCOUNT = "/api/v1/namespaces/{}/serviceaccounts/default"
MERGE, APPLY = "application/merge-patch+json", "application/apply-patch+yaml"
DESCRIPTION = "kubernetes.io/description"


def found(workspace, path):
    status, obj = workspace.request("GET", path)
    assert status == 200, obj
    return obj


def another(workspace, path, uid):
    """The object once it is there again, as another one."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        status, obj = workspace.request("GET", path)
        if status == 200 and obj["metadata"]["uid"] != uid:
            return obj
        assert status in (200, 404), obj
        time.sleep(0.02)
    raise AssertionError(f"{path} did not come back")


def plain(obj):
    """An object without what another one of the same name has of its own."""
    own = ("uid", "resourceVersion", "creationTimestamp")
    return {**obj, "metadata": {name: value for name, value in obj["metadata"].items() if name not in own}}


@pytest.mark.parametrize("path", [CONFIG_MAP, SERVICE_ACCOUNT])
@pytest.mark.parametrize("namespace", ["default", "made"])
def test_what_is_deleted_comes_back_as_it_was(workspace, path, namespace):
    if namespace == "made":
        assert workspace.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})[0] == 201
    path = path.format(namespace)
    before = found(workspace, path)
    for _ in range(3):
        assert workspace.request("DELETE", path)[0] == 200
        after = another(workspace, path, before["metadata"]["uid"])
        assert plain(after) == plain(before)
        before = after


def test_it_comes_back_after_a_deletion_of_everything_and_after_one_that_waited(workspace):
    path = CONFIG_MAP.format("default")
    uid = found(workspace, path)["metadata"]["uid"]
    assert workspace.request("DELETE", path.rpartition("/")[0])[0] == 200
    uid = another(workspace, path, uid)["metadata"]["uid"]
    held, let_go = ({"metadata": {"finalizers": one}} for one in (["a.example/held"], None))
    for body in (held, let_go):
        if body is let_go:
            assert workspace.request("DELETE", path)[0] == 200
            assert found(workspace, path)["metadata"]["deletionTimestamp"]
        answer = workspace.request("PATCH", path, json.dumps(body), headers={"Content-Type": MERGE})
        assert answer[0] == 200, answer
    another(workspace, path, uid)


def test_watchers_see_the_old_one_go_and_the_new_one_come(workspace):
    path = CONFIG_MAP.format("default")
    before = found(workspace, path)
    selected = "watch=1&timeoutSeconds=2&fieldSelector=metadata.name%3Dkube-root-ca.crt"
    assert workspace.request("DELETE", path)[0] == 200
    after = another(workspace, path, before["metadata"]["uid"])
    since = before["metadata"]["resourceVersion"]
    raw = f"/clusters/{workspace.path}{path.rpartition('/')[0]}?{selected}&resourceVersion={since}"
    events = [json.loads(line) for line in workspace.kubectl("get", "--raw", raw).stdout.splitlines()]
    told = [(event["type"], event["object"]["metadata"]["uid"]) for event in events]
    assert told == [("DELETED", before["metadata"]["uid"]), ("ADDED", after["metadata"]["uid"])]


def test_the_root_ca_cannot_be_made_to_say_something_else(workspace):
    path = CONFIG_MAP.format("default")
    before = found(workspace, path)
    wrong = {"data": {"ca.crt": "wrong", "more": "1"}, "metadata": {"annotations": {DESCRIPTION: None}}}
    status, answer = workspace.request("PATCH", path, json.dumps(wrong), headers={"Content-Type": MERGE})
    assert (status, answer) == (200, before)
    status, answer = workspace.request("PUT", path, {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": ""}})
    assert (status, answer["data"]) == (200, before["data"])
    wrong = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": "x"}}
    sent = f"{path}?fieldManager=m&force=true"
    status, answer = workspace.request("PATCH", sent, json.dumps(wrong), headers={"Content-Type": APPLY})
    assert (status, answer["data"]) == (200, before["data"])
    assert workspace.request("DELETE", path)[0] == 200
    status, answer = workspace.request("POST", path.rpartition("/")[0], wrong)
    assert status in (201, 409), answer
    assert another(workspace, path, before["metadata"]["uid"])["data"] == before["data"]


def test_it_can_be_labelled_and_made_immutable(workspace):
    path = CONFIG_MAP.format("default")
    before = found(workspace, path)
    for body in ({"metadata": {"labels": {"a": "b"}}}, {"immutable": True}, {"metadata": {"labels": {"a": "c"}}}):
        status, answer = workspace.request("PATCH", path, json.dumps(body), headers={"Content-Type": MERGE})
        assert (status, answer["data"]) == (200, before["data"])
    assert answer["metadata"]["labels"] == {"a": "c"}


def test_a_namespace_that_ends_gets_nothing_back(workspace):
    assert workspace.request("POST", "/api/v1/namespaces", {"metadata": {"name": "ends"}})[0] == 201
    path = CONFIG_MAP.format("ends")
    body = json.dumps({"metadata": {"finalizers": ["a.example/held"]}})
    assert workspace.request("PATCH", path, body, headers={"Content-Type": MERGE})[0] == 200
    assert workspace.request("DELETE", "/api/v1/namespaces/ends")[0] == 200
    deadline = time.monotonic() + 20
    while "deletionTimestamp" not in found(workspace, path)["metadata"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    body = json.dumps({"metadata": {"finalizers": None}})
    assert workspace.request("PATCH", path, body, headers={"Content-Type": MERGE})[0] == 200
    workspace.kubectl("wait", "namespace/ends", "--for=delete", "--timeout=30s")
    assert workspace.request("GET", path)[0] == 404


def test_a_quota_keeps_it_away_and_nobody_else_is_told(server, workspace):
    quotas = "/api/v1/namespaces/default/resourcequotas"
    path = CONFIG_MAP.format("default")
    uid = found(workspace, path)["metadata"]["uid"]
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"configmaps": "0"}}}
    assert workspace.request("POST", quotas, quota)[0] == 201
    begun = server.log.stat().st_size
    assert workspace.request("DELETE", path)[0] == 200
    deadline = time.monotonic() + 20
    while "exceeded quota: none" not in (told := server.log_text(begun)):
        assert " ERROR " not in told, told
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for _ in range(20):
        assert workspace.request("POST", path.rpartition("/")[0], {"metadata": {"name": "mine"}})[0] == 403
    assert workspace.request("DELETE", f"{quotas}/none")[0] == 200
    another(workspace, path, uid)
    assert " ERROR " not in server.log_text(begun)
