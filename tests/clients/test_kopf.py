"""Operators written with kopf: handlers of changes, finalizers, timers, daemons, events, and what they missed."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from planet_requests import FILES, MAPS, PLANETS, gone, planet, send, until

MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
def operator(astronomy, tmp_path):
    """Run the operator for the length of a block: a context manager that gives its log."""

    @contextlib.contextmanager
    def runs(*flags: str):
        log = tmp_path / "operator.log"
        command = [str(Path(sys.executable).parent / "kopf"), "run", *flags, str(FILES / "planet_operator.py")]
        environment = {**os.environ, "KUBECONFIG": str(astronomy.kubeconfig), "HOME": str(tmp_path)}
        with log.open("a") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            yield log
            process.terminate()
            assert process.wait(60) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()
        assert "Traceback" not in log.read_text(), log.read_text()

    return runs


def found(workspace, path=f"{PLANETS}/mars"):
    """A planet as it is."""
    return send(workspace, "GET", path)


def status(workspace, key, path=f"{PLANETS}/mars"):
    """A check what the status of a planet says."""
    return lambda: found(workspace, path).get("status", {}).get(key)


def test_the_life_of_an_object(astronomy, operator):
    with operator("--namespace", "default") as log:
        send(astronomy, "POST", PLANETS, planet("mars", moons=["phobos"]))
        assert until(status(astronomy, "chart")) == {"map": "mars-chart"}
        chart = send(astronomy, "GET", f"{MAPS}/mars-chart")
        mars = found(astronomy)
        assert chart["data"] == {"moons": "phobos"}
        assert chart["metadata"]["ownerReferences"][0]["uid"] == mars["metadata"]["uid"]
        assert mars["metadata"]["finalizers"] == ["kopf.zalando.org/KopfFinalizerMarker"]

        more = {"spec": {"moons": ["phobos", "deimos"]}, "metadata": {"labels": {"observed": "yes"}}}
        send(astronomy, "PATCH", f"{PLANETS}/mars", more, headers=MERGE)
        assert until(status(astronomy, "discovered")) == ["deimos"]
        until(lambda: "the observer is there" in log.read_text())
        orbits = until(status(astronomy, "orbits"))
        until(lambda: found(astronomy)["status"]["orbits"] > orbits)

        events = until(lambda: send(astronomy, "GET", "/api/v1/namespaces/default/events")["items"])
        assert {one["involvedObject"]["name"] for one in events} == {"mars"}
        until(lambda: "Charted" in astronomy.kubectl("events", "--for=planet/mars").stdout)

        send(astronomy, "DELETE", f"{PLANETS}/mars")
        until(gone(astronomy, f"{PLANETS}/mars"))
        until(gone(astronomy, f"{MAPS}/mars-chart"))
        said = log.read_text()
        assert "not yet" in said
        assert "departed" in said
        assert "the observer is gone" in said


def test_what_happened_while_the_operator_was_away(astronomy, operator):
    with operator("--all-namespaces"):
        send(astronomy, "POST", PLANETS, planet("mars"))
        until(status(astronomy, "chart"))
    send(astronomy, "POST", PLANETS, planet("venus"))
    assert send(astronomy, "DELETE", f"{PLANETS}/mars", {"propagationPolicy": "Background"})["metadata"]["finalizers"]
    with operator("--all-namespaces"):
        until(gone(astronomy, f"{PLANETS}/mars"))
        until(status(astronomy, "chart", f"{PLANETS}/venus"))
        send(astronomy, "DELETE", f"{PLANETS}/venus")
        until(gone(astronomy, f"{PLANETS}/venus"))


def test_all_namespaces_and_those_that_come_later(astronomy, operator):
    outer = PLANETS.replace("default", "outer")
    with operator("--all-namespaces"):
        send(astronomy, "POST", PLANETS, planet("mars"))
        until(status(astronomy, "chart"))
        send(astronomy, "POST", "/api/v1/namespaces", {"metadata": {"name": "outer"}})
        send(astronomy, "POST", outer, planet("pluto"))
        until(status(astronomy, "chart", f"{outer}/pluto"))
    send(astronomy, "PATCH", f"{PLANETS}/mars", {"spec": {"moons": ["deimos"]}}, headers=MERGE)
    with operator("--all-namespaces"):
        assert until(status(astronomy, "discovered")) == ["deimos"]
        assert until(status(astronomy, "resumed"))
        for path in (f"{PLANETS}/mars", f"{outer}/pluto"):
            send(astronomy, "DELETE", path)
            until(gone(astronomy, path))
