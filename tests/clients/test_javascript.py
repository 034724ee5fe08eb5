"""The JavaScript client `@kubernetes/client-node`: typed and custom objects, patches, apply, pages, informers."""

import pytest
from planet_requests import FILES, PLANETS, planet, send
from support.conversation import Conversation
from support.javascript import NODE, installed

MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
def start(astronomy, tmp_path):
    """Start a script in the workspace: a function of its name that gives a Conversation."""
    packages = installed(FILES / "javascript")
    started = []

    def starts(script: str) -> Conversation:
        errors = tmp_path / f"{script}.errors"
        started.append(Conversation(NODE, astronomy.kubeconfig, str(packages / script), errors))
        return started[-1]

    yield starts
    for one in started:
        one.stop()


def test_typed_objects(start):
    lines = {line["step"]: line for line in start("objects.mjs").finish()}
    assert lines["patched"]["data"] == {"sea": "green", "sun": "red"}
    assert (lines["patched"]["labels"], lines["patched"]["date"]) == ({"of": "paint"}, True)
    assert lines["refused"]["reasons"] == [[409, "Conflict"], [404, "NotFound"], [422, "Invalid"]]
    assert lines["applied"]["message"] == 'Apply failed with 1 conflict: conflict with "one": .data.a'
    assert lines["applied"]["manager"] == "one"
    assert (lines["pages"]["pages"], lines["pages"]["names"]) == (3, [f"secret-{number}" for number in range(5)])
    assert lines["left"]["count"] == 0
    assert (lines["asked"]["allowed"], lines["asked"]["minor"]) == (True, "36")


def test_custom_objects(start):
    lines = {line["step"]: line for line in start("custom.mjs").finish()}
    assert (lines["custom"]["spec"], lines["custom"]["status"]) == ({"moons": ["phobos"], "radius": 1}, {"moons": 1})
    assert lines["listed"]["names"] == ["mars"]
    assert lines["any"]["moons"] == ["charon", "nix"]
    assert "tests" in lines["any"]["managers"]
    assert lines["refused"]["code"] == 422
    assert lines["refused"]["message"].endswith("spec.radius in body should be greater than or equal to 1")
    assert lines["left"]["count"] == 0


def test_an_informer(astronomy, start):
    send(astronomy, "POST", PLANETS, planet("mars"))
    informer = start("informer.mjs")
    begin = informer.until(event="add")
    assert begin[-1]["name"] == "mars"
    if {"event": "connect"} not in begin:
        informer.until(event="connect")
    send(astronomy, "POST", PLANETS, planet("venus"))
    assert informer.until(event="add")[-1]["name"] == "venus"
    send(astronomy, "PATCH", f"{PLANETS}/mars", {"spec": {"moons": ["phobos"]}}, headers=MERGE)
    assert informer.until(event="update")[-1] == {"event": "update", "name": "mars", "moons": ["phobos"]}
    send(astronomy, "DELETE", f"{PLANETS}/venus")
    assert informer.until(event="delete")[-1]["name"] == "venus"
    informer.cue("cache")
    assert informer.until(event="cache")[-1]["names"] == ["mars"]
    informer.finish()
