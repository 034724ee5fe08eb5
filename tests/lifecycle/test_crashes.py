"""A controller outside the server, or the server itself, is killed in every phase: the workspace comes to one end."""

import pytest
from lifecycle_stage import PHASES, WAYS

PROGRAMS = ["client-go", "kopf"]
ENDS = {
    "initializers": ("initializer", "initializerPermissions"),
    "terminators": ("terminator", "terminatorPermissions"),
}


class Run:
    """Workspaces of one type, one after the other, each brought to where the controller works on it."""

    def __init__(self, stage, program, field):
        self.stage, self.program, self.field = stage, program, field
        self.name = stage.make_type("worked", **{ENDS[field][0]: True})
        self.count = 0

    def controller(self, *pauses):
        self.count += 1
        way = WAYS[self.count % len(WAYS)]
        return self.stage.controller(self.program, self.field, self.name, pauses, way)

    def begin(self):
        """A workspace that waits for the controller."""
        name, cluster = self.stage.make_workspace(self.name)
        if self.field == "terminators":
            assert self.stage.phase(name) == "Ready"
            assert self.stage.delete(name)["status"]["phase"] == "Terminating"
        else:
            assert self.stage.phase(name) == "Initializing"
        return name, cluster

    def end(self, name, cluster):
        """What it has come to."""
        if self.field == "terminators":
            return self.stage.ending(name, cluster)
        return self.stage.beginning(name, cluster)


@pytest.fixture(params=PROGRAMS)
def program(request):
    return request.param


@pytest.fixture(params=sorted(ENDS))
def run(stage, program, request):
    return Run(stage, program, request.param)


def undisturbed(run):
    """What a workspace comes to that nothing happens to; the controller is ended."""
    controller = run.controller()
    name, cluster = run.begin()
    steps = [line["at"] for line in controller.until(at="left", cluster=cluster)]
    assert steps == list(PHASES)
    found = run.end(name, cluster)
    controller.stop()
    if run.field == "initializers":
        assert found["maps"] == {"seed-1": {"of": run.name}, "seed-2": {"of": run.name}}
        assert ("Worked", "True") in found["cluster"][5]
    else:
        assert found == {"of": run.name}
    return found


def test_a_controller_that_is_killed(run):
    wanted = undisturbed(run)
    for phase in PHASES:
        controller = run.controller(phase)
        name, cluster = run.begin()
        controller.until(at=phase, cluster=cluster)
        controller.stop()
        assert run.stage.phase(name) in (
            {"Ready", ""}
            if phase == "left" and run.field == "initializers"
            else {"Initializing", "Terminating", "Deleting", ""}
        )
        successor = run.controller()
        assert run.end(name, cluster) == wanted, phase
        successor.stop()


def test_a_server_that_is_killed(run):
    """Under a controller that goes on as if nothing had happened."""
    wanted = undisturbed(run)
    for killed_at in (*PHASES, "leaving"):
        controller = run.controller(*PHASES)
        name, cluster = run.begin()
        for phase in PHASES:
            controller.until(at=phase, cluster=cluster)
            if phase == killed_at:
                run.stage.crash()
            controller.cue("go on")
            if (phase, killed_at) == ("told", "leaving"):
                run.stage.crash()
        assert run.end(name, cluster) == wanted, killed_at
        controller.stop()


def test_both_are_killed(run):
    wanted = undisturbed(run)
    for phase in ("seed-1", "told"):
        controller = run.controller(phase)
        name, cluster = run.begin()
        controller.until(at=phase, cluster=cluster)
        controller.stop()
        run.stage.crash()
        successor = run.controller()
        assert run.end(name, cluster) == wanted, phase
        successor.stop()
