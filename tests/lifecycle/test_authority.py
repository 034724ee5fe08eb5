"""What a controller outside the server sees and may do, and as whom: as the owner, or as itself within rules."""

import pytest
from lifecycle_stage import LOGICAL_CLUSTER, MAPS, OWN_RULES, VERBS

WORKER = "system:serviceaccount:default:worker"
PROGRAMS = ["client-go", "kopf"]
ENDS = {"initializers": "initializer", "terminators": "terminator"}


def waiting(stage, field, name):
    """A workspace that waits for the controller."""
    made, cluster = stage.make_workspace(name)
    if field == "terminators":
        stage.delete(made)
    return made, cluster


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("field", sorted(ENDS))
def test_without_rules_it_is_the_owner_and_with_rules_itself(stage, program, field):
    role = ENDS[field]
    missing = OWN_RULES[0 if field == "initializers" else 1]
    free = stage.make_type("free", **{role: True})
    bound = stage.make_type("bound", **{role: True, f"{role}Permissions": OWN_RULES})
    narrow = stage.make_type(
        "narrow", **{role: True, f"{role}Permissions": [one for one in OWN_RULES if one is not missing]}
    )
    told = {}
    for name in (free, bound):
        controller = stage.controller(program, field, name)
        made, cluster = waiting(stage, field, name)
        told[name] = controller.until(at="worked", cluster=cluster)[-1]
        stage.wait_for(lambda made=made: stage.phase(made) in ("Ready", ""), lambda made=made: stage.phase(made))
        controller.stop()
    assert told[free]["user"] == "kcp-admin"
    assert "system:kcp:admin" in told[free]["groups"]
    assert told[bound]["user"] == WORKER
    assert f"system:kcp:{role}:{bound}" in told[bound]["groups"]

    # Where a rule is missing it gets no further, however often it tries.
    controller = stage.controller(program, field, narrow)
    made, cluster = waiting(stage, field, narrow)
    assert {controller.line()["at"] for _ in range(3)} == {"seen"}
    assert stage.phase(made) == {"initializers": "Initializing", "terminators": "Terminating"}[field]
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}}
    asked = ("POST", MAPS, body) if field == "initializers" else ("GET", "/api/v1/namespaces", None)
    status, answer = stage.view(asked[0], field, narrow, cluster, *asked[1:])
    wanted = "create on core/configmaps" if field == "initializers" else "list on core/namespaces"
    assert (status, answer["message"]) == (
        403,
        f'{role} "{narrow}" denied by {role}Permissions: no rule allows {wanted}',
    )


@pytest.mark.parametrize("field", sorted(ENDS))
def test_what_it_sees_and_what_it_is_refused(stage, field):
    """The view and nothing beside it: not the workspaces themselves, not those that wait for others."""
    role = ENDS[field]
    own = stage.make_type("own", **{role: True})
    other = stage.make_type("other", **{role: True, "extend": {"with": [{"name": "universal", "path": "root"}]}})
    _, mine = waiting(stage, field, own)
    _, theirs = waiting(stage, field, other)
    stage.make_workspace(own if field == "terminators" else other)

    status, listed = stage.view("GET", field, own, "*", LOGICAL_CLUSTER.rpartition("/")[0])
    assert status == 200
    assert [one["metadata"]["annotations"]["kcp.io/cluster"] for one in listed["items"]] == [mine]
    assert stage.view("GET", field, own, theirs, LOGICAL_CLUSTER)[0] == 404
    assert stage.view("GET", field, own, theirs, "/api/v1/namespaces")[0] == 403
    assert stage.view("GET", field, own, mine, "/api/v1/namespaces")[0] == 200
    headers = {"Authorization": f"Bearer {stage.token}"}
    for path in (f"/clusters/{mine}/api/v1/namespaces", f"/clusters/{mine}/api", f"/clusters/{theirs}/api"):
        assert stage.server.request("GET", path, user="", headers=headers)[0] == 403, path

    # What the right rests on is asked at each request.
    name = own.rpartition(":")[2]
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{name}"
    assert stage.provider.request("DELETE", path)[0] == 200
    status, refused = stage.view("GET", field, own, "*", LOGICAL_CLUSTER.rpartition("/")[0])
    assert (status, VERBS[field] in refused["message"]) == (403, False)
    assert stage.view("GET", field, own, mine, "/api/v1/namespaces")[0] == 403
