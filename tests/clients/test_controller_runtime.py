"""Controllers written with controller-runtime and its defaults: manager, cache, leader election, client."""

from planet_requests import MAPS, PLANETS, gone, planet, send, until

EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/default/leases/planets"
MERGE = {"Content-Type": "application/merge-patch+json"}


def test_a_reconciler_keeps_what_it_owns_and_the_status(astronomy, controller):
    manager = controller("manager")
    manager.until(event="elected")
    send(astronomy, "POST", PLANETS, planet("mars", moons=["phobos", "deimos"]))
    manager.until(event="charted", planet="mars", result="created")
    manager.until(event="reconciled", planet="mars", generation=1)

    found = send(astronomy, "GET", f"{PLANETS}/mars")
    assert found["metadata"]["finalizers"] == ["astronomy.example.com/atlas"]
    assert (found["status"]["moons"], found["status"]["observedGeneration"]) == (2, 1)
    assert [(one["type"], one["status"]) for one in found["status"]["conditions"]] == [("Ready", "True")]
    chart = send(astronomy, "GET", f"{MAPS}/mars-moons")
    assert chart["data"] == {"count": "2"}
    (owner,) = chart["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Planet", found["metadata"]["uid"], True)

    send(astronomy, "PATCH", f"{PLANETS}/mars", {"spec": {"moons": ["phobos"]}}, headers=MERGE)
    manager.until(event="charted", result="updated")
    manager.until(event="reconciled", generation=2)
    assert send(astronomy, "GET", f"{PLANETS}/mars")["status"]["observedGeneration"] == 2
    send(astronomy, "DELETE", f"{MAPS}/mars-moons")
    manager.until(event="charted", result="created")
    assert send(astronomy, "GET", f"{MAPS}/mars-moons")["data"] == {"count": "1"}

    listed = astronomy.kubectl("get", "planets").stdout.split()
    assert listed[:4] == ["NAME", "MOONS", "mars", "1"]
    charted = until(lambda: [one for one in send(astronomy, "GET", EVENTS)["items"] if one["reason"] == "Charted"])
    assert {(one["regarding"]["name"], one["action"], one["type"]) for one in charted} == {("mars", "Chart", "Normal")}

    manager.cue("media")
    (told,) = manager.until(event="media")[-1:]
    media = set(told["media"])
    assert {  # built-in types in protobuf, custom ones in JSON, whatever the manager did with them
        "GET configmaps application/vnd.kubernetes.protobuf;stream=watch",
        "POST configmaps application/vnd.kubernetes.protobuf",
        "PUT leases application/vnd.kubernetes.protobuf",
        "POST events application/vnd.kubernetes.protobuf",
        "GET planets application/json",
        "PUT planets application/json",
    } <= media
    assert not [one for one in media if one.split()[1] in ("configmaps", "leases") and "json" in one]

    send(astronomy, "DELETE", f"{PLANETS}/mars")
    manager.until(event="leaving", planet="mars")
    until(gone(astronomy, f"{PLANETS}/mars"))
    until(gone(astronomy, f"{MAPS}/mars-moons"))
    manager.finish()


def test_the_elected_manager_works_and_the_other_follows(astronomy, controller):
    first = controller("manager", "first")
    first.until(event="elected")
    second = controller("manager", "second")
    send(astronomy, "POST", PLANETS, planet("venus"))
    assert first.until(event="reconciled")[-1]["planet"] == "venus"
    holder = send(astronomy, "GET", LEASE)["spec"]["holderIdentity"]
    first.finish()
    assert second.until(event="elected") == [{"event": "elected"}], "both worked at once"
    lease = send(astronomy, "GET", LEASE)["spec"]
    assert lease["holderIdentity"] != holder
    assert lease["leaseTransitions"] == 1
    send(astronomy, "POST", PLANETS, planet("mars"))
    second.until(event="reconciled", planet="mars")
    second.finish()


def test_the_client(controller):
    lines = {line["step"]: line for line in controller("client").finish()}
    assert (lines["patched"]["radius"], lines["patched"]["moons"]) == (1, ["phobos", "deimos"])
    assert (lines["patched"]["counted"], lines["patched"]["generation"]) == (2, 2)
    assert (lines["refused"]["conflict"], lines["refused"]["invalid"]) == (True, True)
    assert lines["refused"]["text"] == (
        'Planet.astronomy.example.com "mars" is invalid: spec.radius: Invalid value: -1: '
        "spec.radius in body should be greater than or equal to 1"
    )
    assert lines["dry run"]["missing"]
    assert (lines["applied"]["radius"], lines["applied"]["manager"]) == (6, "tests")
    assert lines["applied"]["operation"] == "Apply"
    assert lines["token"]["given"]
    assert lines["pages"]["pages"] == 3
    assert lines["pages"]["names"] == ["mars", *(f"outer-{number}" for number in range(5)), "venus"]
    assert (lines["left"]["names"], lines["left"]["count"]) == (["venus"], 1)
    outer = [f"outer-{number}" for number in range(5)]
    assert lines["watched"]["events"] == [
        "ADDED mars", "MODIFIED mars", "MODIFIED mars", "ADDED venus", *(f"ADDED {one}" for one in outer),
        "DELETED mars", *(f"DELETED {one}" for one in outer),
    ]  # fmt: skip


def test_caches(controller):
    lines = {line["step"]: line for line in controller("cache").finish()}
    assert (lines["index"]["name"], lines["index"]["count"]) == ("saturn", 1)
    assert lines["unstructured"]["count"] == 3
    assert lines["metadata"]["names"] == ["kube-root-ca.crt"]
