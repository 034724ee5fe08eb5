"""Informers and watches of client-go, which must know what is there whatever happens to the server in between."""

import contextlib
import socket

import yaml
from support.server import Workspace, running_server, write_kubeconfig

MAPS = "/api/v1/namespaces/default/configmaps"


def config_map(name: str, **data: str) -> dict:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def put(workspace: Workspace, name: str, **data: str) -> None:
    status, answer = workspace.request("PUT", f"{MAPS}/{name}", config_map(name, **data))
    assert status == 200, answer


def post(workspace: Workspace, name: str, **data: str) -> None:
    status, answer = workspace.request("POST", MAPS, config_map(name, **data))
    assert status == 201, answer


def own(lines: list[dict]) -> list[tuple]:
    """The handler calls of lines, as (event, name, data)."""
    return [(line["event"], line["name"], line.get("data")) for line in lines if line.get("name") != "kube-root-ca.crt"]


def test_an_informer_follows(workspace, converse):
    post(workspace, "first", a="1")
    informer = converse("informers", workspace.kubeconfig)
    begin = informer.until(event="synced")
    begin += [] if any(line.get("name") == "first" for line in begin) else informer.until(name="first")
    assert [line["initial"] for line in begin if line.get("name") == "first"] == [True]
    post(workspace, "second", a="1")
    put(workspace, "second", a="2")
    workspace.request("DELETE", f"{MAPS}/first")
    assert own(informer.until(event="delete")) == [  # in this order, because they came over one watch
        ("add", "second", {"a": "1"}),
        ("update", "second", {"a": "2"}),
        ("delete", "first", None),
    ]
    informer.cue("resync")
    assert informer.line()["event"] == "resync"
    informer.cue("list")
    assert informer.line()["objects"].keys() == {"kube-root-ca.crt", "second"}
    assert informer.finish() == []


def test_an_informer_is_served_by_a_watch_in_protobuf_alone(workspace, converse):
    post(workspace, "first", a="1")
    informer = converse("informers", workspace.kubeconfig)
    if not any(line.get("name") == "first" for line in informer.until(event="synced")):
        informer.until(name="first")  # handlers may hear of what is synced after it
    informer.cue("media")
    assert informer.until(event="media")[-1]["media"] == ["received application/vnd.kubernetes.protobuf;stream=watch"]
    informer.cue("list")
    assert informer.until(event="cache")[-1]["objects"]["first"] == {"a": "1"}
    assert informer.finish() == []


def test_metadata_informers_of_a_built_in_and_of_a_custom_type(workspace, converse):
    post(workspace, "first", a="1")
    informer = converse("partial", workspace.kubeconfig)
    begin = informer.until(event="synced")
    found = {(line["resource"], line["name"]) for line in begin if line["event"] == "add"}
    while ("configmaps", "first") not in found:  # handlers may hear of what is synced after it
        line = informer.line()
        found.add((line["resource"], line["name"]))
    child = {
        "apiVersion": "tenancy.kcp.io/v1alpha1",
        "kind": "Workspace",
        "metadata": {"name": "child", "labels": {"of": "partial"}},
    }
    assert workspace.request("POST", "/apis/tenancy.kcp.io/v1alpha1/workspaces", child)[0] == 201
    told = informer.until(event="add", resource="workspaces", name="child")[-1]
    assert told["labels"]["of"] == "partial"
    assert workspace.request("DELETE", f"{MAPS}/first")[0] == 200
    informer.until(event="delete", resource="configmaps", name="first")
    informer.cue("media")
    assert informer.until(event="media")[-1]["media"] == ["received application/vnd.kubernetes.protobuf;stream=watch"]
    informer.finish()


def test_metadata_informers_of_everything(server, workspace, converse):
    """Workspaces are of an export, whose identity the client does not name."""
    kubeconfig = workspace.directory / "everything.kubeconfig"
    write_kubeconfig(server, kubeconfig, "*")
    document = yaml.safe_load(kubeconfig.read_text())
    document["current-context"] = "master"
    kubeconfig.write_text(yaml.safe_dump(document))
    other = server.create_workspace(directory=workspace.directory)
    informer = converse("partial", kubeconfig)
    begin = informer.until(event="synced")
    begin += (
        []
        if any(line["name"] == other.name for line in begin if "name" in line)
        else informer.until(event="add", resource="workspaces", name=other.name)
    )
    late = server.create_workspace(directory=workspace.directory)
    informer.until(event="add", resource="workspaces", name=late.name)
    for one in (late, other):
        one.delete()
        informer.until(event="delete", resource="workspaces", name=one.name)
    informer.cue("media")
    assert informer.until(event="media")[-1]["media"] == ["received application/vnd.kubernetes.protobuf;stream=watch"]
    informer.finish()


def test_an_informer_survives_restarts_of_the_server(tmp_path, converse):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = str(free.getsockname()[1])
    flags = ("--secure-port", port)
    with running_server(tmp_path / "server", *flags) as server:
        workspace = server.create_workspace(directory=tmp_path)
        post(workspace, "stays", a="1")
        post(workspace, "goes", a="1")
        informer = converse("informers", workspace.kubeconfig)
        informer.until(event="synced")
    with running_server(tmp_path / "server", *flags) as server:
        again = Workspace(server, workspace.name, workspace.path, workspace.cluster, tmp_path / "again.kubeconfig")
        write_kubeconfig(server, again.kubeconfig, workspace.path)
        workspace.kubectl("get", "configmaps", "stays")  # with the credentials from before
        put(again, "stays", a="2")
        assert again.request("DELETE", f"{MAPS}/goes")[0] == 200
        post(again, "comes", a="1")
        missing = {("update", "stays", "2"), ("delete", "goes", ""), ("add", "comes", "1")}
        while missing:  # in any order: an informer that has lost its watch compares two lists
            line = informer.line()
            missing.discard((line["event"], line["name"], (line.get("data") or {}).get("a", "")))
        informer.cue("list")
        assert informer.until(event="cache")[-1]["objects"].keys() == {"kube-root-ca.crt", "stays", "comes"}
        assert informer.finish() == []


def test_a_watch_that_resumes_by_itself(workspace, converse):
    watching = converse("watch", workspace.kubeconfig)
    watching.until(step="watching")
    for number in range(5):
        put(workspace, f"watched-{number}", a="1")
    watching.cue("go on")
    events = [watching.line() for _ in range(10)]
    assert [(line["type"], line["name"]) for line in events] == [
        *[("ADDED", f"watched-{number}") for number in range(5)],
        *[("MODIFIED", f"watched-{number}") for number in range(5)],
    ]
    future = watching.line()
    assert (future["type"], future["timeout"]) == ("ERROR", True)
    assert future["text"].startswith("Timeout: Too large resource version: 99999999, current: ")
    past = watching.line()
    assert past["expired"], past["text"]
