"""Claims that are accepted and rejected while what they are about is being created."""

import pytest
from provider_world import BINDINGS, IN_DEFAULT, accepted, claim, wait_for
from support.racing import racers, together

ROUNDS = 12
EACH = 6
LABEL = "claimed.internal.apis.kcp.io/"
QUOTA = {"metadata": {"name": "many"}, "spec": {"hard": {"configmaps": "1000"}}}


def labelled(consumer):
    """Which config maps are: True for those that have a label of a claim, False for others."""
    found = consumer.request("GET", IN_DEFAULT)[1]["items"]
    return {any(LABEL in key for key in one["metadata"].get("labels") or {}) for one in found}


@pytest.mark.parametrize("counted", [False, True])
def test_whatever_is_made_meanwhile_has_the_labels_of_the_claims_there_are(world, server, counted):
    world.export(claims=[claim()], schemas=[])
    world.let_in()
    consumer = world.consumer()
    world.bind(consumer, claims=[accepted(claim(), "Rejected")])
    if counted:
        assert consumer.request("POST", "/api/v1/namespaces/default/resourcequotas", QUOTA)[0] == 201
    here = f"/clusters/{consumer.path}"

    def make(racer):
        made = [racer.ask("POST", f"{here}{IN_DEFAULT}", {"metadata": {"generateName": "m"}}) for _ in range(EACH)]
        return next((answer for answer in made if answer[0] != 201), made[-1])

    with racers(server, 5) as (user, *makers):
        for number in range(ROUNDS):
            state = "Rejected" if number % 2 else "Accepted"
            body = {"spec": {"permissionClaims": [accepted(claim(), state)]}}
            answers = together(
                lambda body=body: user.merge(f"{here}{BINDINGS}/b", body),
                *(lambda one=one: make(one) for one in makers),
            )
            assert [status for status, _ in answers] == [200, 201, 201, 201, 201], answers
            wait_for(lambda state=state: labelled(consumer) == {state == "Accepted"})
            assert user.ask("DELETE", f"{here}{IN_DEFAULT}")[0] == 200
