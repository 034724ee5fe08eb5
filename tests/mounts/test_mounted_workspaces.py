"""A workspace that mounts: what becomes of it as the mounted object changes, and what cannot be asked of it."""

import json
from dataclasses import replace

import pytest
from mounting import DEFINITIONS, LANDINGS, MAPS, MERGE, WORKSPACES, Pair, until, workspace_of
from support.server import running_server

CONDITION = "WorkspaceMountReady"


def test_ready_in_the_answer(pair):
    pair.define()
    pair.land()
    status, made = pair.front.request("POST", WORKSPACES, workspace_of("mnt"))
    assert status == 201, made
    assert made["spec"]["URL"] == pair.behind.url
    assert "cluster" not in made["spec"]
    assert "type" not in made["spec"]
    assert "finalizers" not in made["metadata"]
    assert made["status"]["phase"] == made["metadata"]["labels"]["tenancy.kcp.io/phase"] == "Ready"
    assert [(one["type"], one["status"]) for one in made["status"]["conditions"]] == [(CONDITION, "True")]


def test_the_workspace_follows_the_object(pair):
    pair.define()
    body = {"apiVersion": "mounts.example.dev/v1", "kind": "Landing", "metadata": {"name": "one"}}
    status, made = pair.front.request("POST", WORKSPACES, workspace_of("mnt"))
    assert (status, made["status"]["phase"]) == (201, "Unavailable")
    told = made["status"]["conditions"][0]
    assert (told["status"], told["severity"], told["reason"]) == ("False", "Error", "MountObjectNotFound")
    assert told["message"] == 'Landing "/one" not found'

    not_ready = 'Mount is not reporting ready. See Landing "one" status for more details'
    assert pair.front.request("POST", LANDINGS, body)[0] == 201
    told = until(lambda: _reason(pair, "MountObjectNotReady"))
    assert (told["severity"], told["message"]) == ("Error", not_ready)
    pair.say(phase="Connecting", URL=pair.behind.url)
    until(lambda: pair.front.request("GET", f"{WORKSPACES}/mnt")[1]["spec"].get("URL") == pair.behind.url)
    assert pair.state()[0] == "Unavailable"
    pair.say(phase="Ready")
    until(lambda: pair.state()[0] == "Ready")
    assert "reason" not in pair.state()[1][CONDITION]
    pair.say(phase="Unknown")
    until(lambda: pair.state()[0] == "Unavailable")
    pair.say(phase="Ready")
    until(lambda: pair.state()[0] == "Ready")
    assert pair.front.request("DELETE", f"{LANDINGS}/one")[0] == 200
    until(lambda: _reason(pair, "MountObjectNotFound"))
    pair.land()
    until(lambda: pair.state()[0] == "Ready")


def _reason(pair, reason):
    told = pair.state()[1].get(CONDITION, {})
    return told if told.get("reason") == reason else None


def test_a_kind_that_is_not_served_yet(pair):
    status, made = pair.front.request("POST", WORKSPACES, workspace_of("mnt"))
    assert (status, made["status"]["conditions"][0]["reason"]) == (201, "MountObjectNotFound")
    pair.define()
    pair.land()
    until(lambda: pair.state()[0] == "Ready")
    pair.say(phase="Unknown")
    until(lambda: pair.state()[0] == "Unavailable")
    assert pair.front.request("DELETE", f"{DEFINITIONS}/landings.mounts.example.dev")[0] == 200
    until(lambda: _reason(pair, "MountObjectNotFound"))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "https://user:password@127.0.0.1:1",
        "https://127.0.0.1:1/?a=b",
        "https://127.0.0.1:1/#a",
        "https://127.0.0.1:99999",
        "https:///path",
        "https://127.0.0.1:1/a/../b",
        "https://127.0.0.1:1/a b",
        "file:///etc/passwd",
        7,
    ],
)
def test_urls_that_nobody_is_sent_to(pair, url):
    pair.define()
    pair.land(url=url)
    status, made = pair.front.request("POST", WORKSPACES, workspace_of("mnt"))
    assert (status, made["status"]["phase"]) == (201, "Unavailable")
    told = made["status"]["conditions"][0]
    assert told["reason"] == "MountObjectNotReady"
    assert told["message"] == 'Mount is reporting no usable URL. See Landing "one" status for more details'
    assert "URL" not in made["spec"]


def test_two_workspaces_mount_one_object(pair):
    pair.define()
    pair.land()
    for name in ("mnt", "other"):
        assert pair.front.request("POST", WORKSPACES, workspace_of(name))[1]["status"]["phase"] == "Ready"
    assert pair.front.request("DELETE", f"{WORKSPACES}/other")[0] == 200
    assert pair.front.request("GET", f"{WORKSPACES}/other")[0] == 404
    pair.say(phase="Unknown")
    until(lambda: pair.state()[0] == "Unavailable")
    assert pair.front.request("DELETE", f"{WORKSPACES}/mnt")[0] == 200
    pair.say(phase="Ready")
    assert pair.front.request("POST", WORKSPACES, workspace_of("mnt"))[1]["status"]["phase"] == "Ready"


def test_the_state_of_a_mount_is_the_servers(pair):
    pair.define()
    pair.land()
    assert pair.front.request("POST", WORKSPACES, workspace_of("mnt"))[0] == 201
    status = {"phase": "Unavailable", "conditions": []}
    code, found = pair.front.request("PATCH", f"{WORKSPACES}/mnt/status", json.dumps({"status": status}), headers=MERGE)
    assert (code, found["status"]["phase"]) == (200, "Ready")
    assert [one["type"] for one in found["status"]["conditions"]] == [CONDITION]
    code, found = pair.front.request(
        "PATCH", f"{WORKSPACES}/mnt", json.dumps({"spec": {"URL": "https://x"}}), headers=MERGE
    )
    assert (code, found["message"].partition("forbidden: ")[2]) == (
        403,
        "spec.URL can only be changed by system privileged users",
    )


def test_any_kind_can_be_mounted_and_most_are_not_ready(pair):
    assert pair.front.request("POST", MAPS, {"metadata": {"name": "plain"}})[0] == 201
    body = workspace_of("mnt", "plain", "ConfigMap", "v1")
    body["spec"]["mount"]["ref"]["namespace"] = "default"
    status, made = pair.front.request("POST", WORKSPACES, body)
    assert (status, made["status"]["conditions"][0]["reason"]) == (201, "MountObjectNotReady")
    assert pair.front.request("DELETE", f"{MAPS}/plain")[0] == 200
    told = until(lambda: _reason(pair, "MountObjectNotFound"))
    assert told["message"] == 'ConfigMap "default/plain" not found'


def test_without_the_gate_a_mount_waits(workspace):
    status, made = workspace.request("POST", WORKSPACES, workspace_of("mnt"))
    assert (status, made["status"]["phase"]) == (201, "Scheduling")
    status, found = workspace.server.request("GET", f"/clusters/{workspace.path}:mnt/api")
    assert status == 404, found


def test_mounts_are_followed_after_a_restart(tmp_path):
    gate = ("--feature-gates", "WorkspaceMounts=true")
    with running_server(tmp_path / "server") as server:
        around = server.create_workspace(directory=tmp_path)
        assert around.request("POST", WORKSPACES, workspace_of("early"))[1]["status"]["phase"] == "Scheduling"
    with running_server(tmp_path / "server", *gate) as server:
        pair = Pair(replace(around, server=server), replace(around, server=server))
        pair.define()
        pair.land()
        assert pair.front.request("POST", WORKSPACES, workspace_of("mnt"))[1]["status"]["phase"] == "Ready"
        until(lambda: pair.state("early")[0] == "Ready")
    with running_server(tmp_path / "server", *gate) as server:
        pair = Pair(replace(around, server=server), replace(around, server=server))
        pair.say(phase="Unknown")
        for name in ("mnt", "early"):
            until(lambda name=name: pair.state(name)[0] == "Unavailable")
