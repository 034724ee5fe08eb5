"""Requests through a mounted workspace: who passes, as whom, what comes through, and what does not."""

import json
import threading

import pytest
from mounting import (
    DEFINITIONS,
    ENTER,
    EVERY_PATH,
    EVERYTHING,
    IMPERSONATE,
    MAPS,
    MERGE,
    WORKSPACES,
    grant,
    opened,
    run_kubectl,
    until,
    workspace_of,
)

LIST = f"{MAPS}?labelSelector=mine"


def config_map(name, **data):
    metadata = {"name": name, "labels": {"mine": ""}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_kubectl_works_through_a_mount(pair):
    place = pair.mount()
    run_kubectl(place, "create", "configmap", "seed", "--from-literal=a=b")
    assert pair.behind.request("GET", f"{MAPS}/seed")[1]["data"] == {"a": "b"}
    assert run_kubectl(place, "get", "configmaps", "-o", "name").stdout.splitlines() == [
        "configmap/kube-root-ca.crt",
        "configmap/seed",
    ]
    crd = json.loads(json.dumps(pair.front.request("GET", f"{DEFINITIONS}/landings.mounts.example.dev")[1]))
    crd["metadata"] = {"name": crd["metadata"]["name"]}
    crd.pop("status")
    run_kubectl(place, "apply", "-f", "-", input=json.dumps(crd))
    run_kubectl(place, "wait", "--for=condition=Established", "crd/landings.mounts.example.dev")
    run_kubectl(
        place, "apply", "--server-side", "-f", "-",
        input=json.dumps({"apiVersion": "mounts.example.dev/v1", "kind": "Landing", "metadata": {"name": "x"}}),
    )  # fmt: skip
    assert "landing.mounts.example.dev/x" in run_kubectl(place, "get", "landings", "-o", "name").stdout
    run_kubectl(place, "delete", "configmap", "seed")
    assert pair.behind.request("GET", f"{MAPS}/seed")[0] == 404
    assert "ConfigMap" in run_kubectl(place, "explain", "configmap").stdout


def test_watches_come_through_event_by_event(pair):
    place = pair.mount()
    with opened(place, f"{LIST}&watch=1") as stream:
        assert stream.status == 200
        for name in ("one", "two"):
            assert pair.behind.request("POST", MAPS, config_map(name))[0] == 201
            event = json.loads(stream.readline())
            assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", name)


@pytest.mark.parametrize("end", ["unmount", "unready", "right"])
def test_watches_end_with_the_mount_and_with_the_right_to_it(pair, end):
    place = pair.mount()
    with opened(place, f"{LIST}&watch=1") as stream:
        assert pair.behind.request("POST", MAPS, config_map("one"))[0] == 201
        assert stream.readline()
        if end == "unmount":
            assert pair.front.request("DELETE", f"{WORKSPACES}/mnt")[0] == 200
        elif end == "unready":
            pair.say(phase="Unknown")
        else:
            path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/enter-alice"
            assert pair.front.request("DELETE", path)[0] == 200
        assert stream.read() == b""


def test_watches_end_behind_when_the_client_goes(pair):
    place = pair.mount()

    def open_watches():
        _, text = pair.behind.server.request("GET", "/metrics", user="shard-admin")
        return next(line for line in text.splitlines() if line.startswith("manifold_connections "))

    before = open_watches()
    with opened(place, f"{LIST}&watch=1") as stream:
        assert pair.behind.request("POST", MAPS, config_map("one"))[0] == 201
        assert stream.readline()
        assert open_watches() != before
    until(lambda: open_watches() == before)


def test_who_passes_is_decided_here_and_what_they_may_do_there(pair):
    place = pair.mount()
    status, found = place.request("GET", MAPS, user="bob")
    assert status == 403
    assert found["message"].endswith('in the namespace "default": access denied')
    assert place.request("GET", MAPS, user=None)[0] == 403
    assert place.request("GET", MAPS, user=None, headers={"Authorization": "Bearer wrong"})[0] == 401
    grant(pair.front, "enter-bob", "bob", ENTER)
    status, found = place.request("GET", MAPS, user="bob")
    assert status == 403
    assert 'User "bob" cannot list resource "configmaps"' in found["message"]
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    status, found = place.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review, user="alice")
    told = found["status"]["userInfo"]
    assert (told["username"], told["groups"]) == ("alice", ["team-a", "system:authenticated"])


def test_nothing_of_the_callers_credentials_gets_out(pair):
    """A caller's token is known behind the mount, too, and would do more there than the introduction."""
    place = pair.mount()
    assert pair.behind.server.token("master") == pair.front.server.token("master")
    status, found = place.request("GET", MAPS, user="master")
    assert status == 403
    assert 'User "master" cannot list' in found["message"]


@pytest.mark.parametrize("identity", ["service account", "impersonated", "system user"])
def test_names_that_mean_nothing_elsewhere_stay_here(pair, identity):
    place = pair.mount()
    headers = {"Impersonate-User": "alice"}
    if identity == "service account":
        path = "/api/v1/namespaces/default/serviceaccounts/default/token"
        status, found = pair.front.request("POST", path, {"apiVersion": "authentication.k8s.io/v1"})
        assert status == 201, found
        grant(pair.front, "enter-account", "system:serviceaccount:default:default", ENTER)
        headers = {"Authorization": f"Bearer {found['status']['token']}"}
    elif identity == "system user":
        headers = {"Impersonate-User": "system:kube-scheduler"}
        grant(pair.front, "enter-system", "system:kube-scheduler", ENTER)
    user = {"service account": None, "impersonated": "kcp-admin", "system user": "shard-admin"}[identity]
    status, found = place.request("GET", MAPS, user=user, headers=headers)
    assert status == 403, found
    assert found["message"].endswith("is not known outside of this server")


def test_unavailable_mounts(pair):
    place = pair.mount()
    pair.say(phase="Connecting")
    until(lambda: pair.state()[0] == "Unavailable")
    status, found = place.request("GET", MAPS, user="alice")
    assert (status, found["reason"], found["message"]) == (503, "ServiceUnavailable", "Not available.")
    assert place.request("GET", MAPS, user="bob")[0] == 403
    assert place.request("GET", "/healthz", user="alice")[0] == 503


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://127.0.0.1:1", "it cannot be reached"),
        ("https://localhost.invalid", "it cannot be reached"),
        ("front", "it has a certificate that is not trusted"),
    ],
)
def test_servers_that_do_not_answer(pair, url, why):
    place = pair.mount()
    pair.land("two", pair.front.server.url if url == "front" else url)
    assert pair.front.request("POST", WORKSPACES, workspace_of("bad", "two"))[1]["status"]["phase"] == "Ready"
    status, found = pair.through("bad").request("GET", MAPS, user="alice")
    assert (status, found["message"]) == (503, f"error trying to reach the mounted server: {why}")
    assert place.request("GET", MAPS, user="alice")[0] == 200


def test_paths_below_lead_on_where_the_mount_is_a_workspace(pair):
    place = pair.mount()
    child = pair.behind.server.create_workspace("below", parent=pair.behind.path, directory=pair.front.directory)
    grant(child, "all", "alice", EVERYTHING, EVERY_PATH)
    grant(child, "mounts", "mounts", ENTER, IMPERSONATE)
    below = pair.through("mnt:below")
    assert below.request("POST", MAPS, config_map("deep"), user="alice")[0] == 201
    assert child.request("GET", f"{MAPS}/deep")[0] == 200
    assert pair.through("mnt:nothing").request("GET", MAPS, user="alice")[0] == 403
    pair.land("plain", pair.behind.server.url)
    assert pair.front.request("POST", WORKSPACES, workspace_of("plain", "plain"))[0] == 201
    assert pair.through("plain:below").request("GET", MAPS, user="alice")[0] == 404
    assert place.request("GET", MAPS, user="alice")[0] == 200


@pytest.mark.parametrize("path", ["/api/v1/../../x", "/api/v1/%2e%2e/x", "/./api"])
def test_no_request_climbs_out_of_the_mount(pair, path):
    status, found = pair.mount().request("GET", path, user="alice")
    assert status == 400, found


def test_large_bodies_both_ways(pair):
    place = pair.mount()
    data = {"text": "x" * 900_000}
    assert place.request("POST", MAPS, config_map("large", **data), user="alice")[0] == 201
    assert place.request("GET", f"{MAPS}/large", user="alice")[1]["data"] == data
    status, found = place.request("POST", MAPS, config_map("larger", text="x" * (4 << 20)), user="alice")
    assert status == 413, found
    change = json.dumps({"data": {"text": None, "other": "y" * 900_000}})
    assert place.request("PATCH", f"{MAPS}/large", change, user="alice", headers=MERGE)[0] == 200


def test_many_at_once(pair):
    place = pair.mount()
    answers = []

    def ask(number):
        answers.append(place.request("POST", MAPS, config_map(f"map-{number}"), user="alice")[0])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201] * 20
    assert len(pair.behind.request("GET", LIST)[1]["items"]) == 20


def test_redirects_are_not_followed_and_circles_end(pair):
    pair.mount()
    pair.land("plain", pair.behind.server.url)
    assert pair.front.request("POST", WORKSPACES, workspace_of("plain", "plain"))[0] == 201
    plain = pair.through("plain")
    status, found = plain.request("GET", "/services", user="alice")
    assert (status, found["message"].partition("it ")[2]) == (503, "answers with a redirect, which is not followed")
    headers = {"X-Manifold-Mount-Hops": "3"}
    status, found = plain.request("GET", "/version", user="alice", headers=headers)
    assert (status, found["reason"]) == (508, "LoopDetected")
