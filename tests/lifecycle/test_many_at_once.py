"""Many workspaces begin and end while the server and both of their controllers are killed again and again."""

import random
import time

import pytest

COUNT = 12
CRASHES = 4


@pytest.mark.parametrize(("beginner", "ender"), [("client-go", "kopf"), ("kopf", "client-go")])
def test_all_come_to_their_ends(stage, beginner, ender):
    chance = random.Random(beginner)
    name = stage.make_type("both", initializer=True, terminator=True)

    def start():
        return [
            stage.controller(beginner, "initializers", name, way="json"),
            stage.controller(ender, "terminators", name, way="merge"),
        ]

    def disturbed(controllers):
        """Kill the server or the controllers, a few times, at moments nobody has chosen."""
        for _ in range(CRASHES):
            time.sleep(chance.uniform(0.05, 0.6))
            if chance.random() < 0.7:
                stage.crash()
            else:
                for one in controllers:
                    one.stop()
                controllers = start()
        return controllers

    controllers = start()
    made = [stage.make_workspace(name) for _ in range(COUNT)]
    controllers = disturbed(controllers)
    begun = [stage.beginning(*one) for one in made]
    assert all(one == begun[0] for one in begun)
    assert begun[0]["maps"] == {"seed-1": {"of": name}, "seed-2": {"of": name}}

    for one in controllers:
        one.stop()
    controllers = start()
    for one, _ in made:
        stage.delete(one)
    disturbed(controllers)
    for one in made:
        assert stage.ending(*one) == {"of": name}
