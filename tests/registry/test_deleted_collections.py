"""Deleting a collection deletes what a list with the same parameters shows, and no more."""

MAPS = "/api/v1/namespaces/default/configmaps"
MINE = "labelSelector=mine"


def create(workspace, count=5):
    for number in range(count):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"m{number}", "labels": {"mine": ""}}}
        assert workspace.request("POST", MAPS, body)[0] == 201


def names(found):
    return [one["metadata"]["name"] for one in found["items"]]


def test_a_limit_holds(workspace):
    create(workspace)
    status, deleted = workspace.request("DELETE", f"{MAPS}?{MINE}&limit=2")
    assert (status, names(deleted)) == (200, ["m0", "m1"])
    assert names(workspace.request("GET", f"{MAPS}?{MINE}")[1]) == ["m2", "m3", "m4"]
    token = deleted["metadata"]["continue"]
    status, deleted = workspace.request("DELETE", f"{MAPS}?{MINE}&limit=2&continue={token}")
    assert (status, names(deleted)) == (200, ["m2", "m3"])
    token = deleted["metadata"]["continue"]
    status, deleted = workspace.request("DELETE", f"{MAPS}?{MINE}&limit=2&continue={token}")
    assert (status, names(deleted)) == (200, ["m4"])
    assert "continue" not in deleted["metadata"]
    assert names(workspace.request("GET", f"{MAPS}?{MINE}")[1]) == []


def test_a_limit_counts_what_is_selected(workspace):
    create(workspace, 2)
    status, deleted = workspace.request("DELETE", f"{MAPS}?{MINE}&limit=2&dryRun=All")
    assert (status, names(deleted), "continue" in deleted["metadata"]) == (200, ["m0", "m1"], False)
    status, deleted = workspace.request("DELETE", f"{MAPS}?{MINE}&limit=9")
    assert names(deleted) == ["m0", "m1"]
    assert workspace.request("GET", f"{MAPS}/kube-root-ca.crt")[0] == 200


def test_a_precondition_holds_for_each(workspace):
    create(workspace, 2)
    for wrong in ("uid=other", "resourceVersion=999999"):
        assert workspace.request("DELETE", f"{MAPS}?{MINE}&{wrong}")[0] in (409, 504)
    assert names(workspace.request("GET", f"{MAPS}?{MINE}")[1]) == ["m0", "m1"]
    assert workspace.request("DELETE", f"{MAPS}?continue=nonsense")[0] == 400


def test_preconditions_may_stand_in_the_url(workspace):
    create(workspace, 1)
    live = workspace.request("GET", f"{MAPS}/m0")[1]["metadata"]
    for wrong, said in (
        ("uid=other", "the UID in the precondition (other) does not match the UID in record"),
        ("resourceVersion=1", "the ResourceVersion in the precondition (1) does not match the ResourceVersion"),
        (f"uid={live['uid']}&resourceVersion=1", "the ResourceVersion in the precondition (1) does not match"),
    ):
        status, refused = workspace.request("DELETE", f"{MAPS}/m0?{wrong}")
        assert (status, refused["reason"], said in refused["message"]) == (409, "Conflict", True), refused
    right = f"uid={live['uid']}&resourceVersion={live['resourceVersion']}"
    assert workspace.request("DELETE", f"{MAPS}/m0?{right}")[0] == 200
    assert workspace.request("GET", f"{MAPS}/m0")[0] == 404
