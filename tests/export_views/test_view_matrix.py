"""Who may do what through the view of an export: each verb, in each state that a consumer can be in.

Denied is what no table below allows by name. What an answer is, the tables say as a code; where the code says yes, the
object is looked at afterwards, and where it says no, it has to be what it was.
"""

import pytest
from provider_world import APPLY, BINDINGS, MERGE, World, accepted, claim, config_map, widget

STATES = ("no binding", "another export", "rejected", "pending", "accepted", "mismatch", "ending")
VERBS = (
    "get", "list", "watch", "create", "update", "patch", "apply", "apply new", "delete", "deletecollection",
    "get status", "patch status",
)  # fmt: skip
CONFIGMAPS, WIDGETS = "/api/v1/namespaces/default/configmaps", "/apis/example.io/v1/namespaces/default/widgets"
OWN, SELECTOR = {"team": "a"}, {"matchLabels": {"team": "a"}}
FORBIDDEN = 403

GRANTED = {
    "get": 200, "list": 200, "watch": 200, "create": 201, "update": 200, "patch": 200, "apply": 200, "apply new": 201,
    "delete": 200, "deletecollection": 200,
}  # fmt: skip
CLAIMED = {
    "accepted": {**GRANTED, "get status": 404, "patch status": 404},
    "ending": {**GRANTED, "get status": 404, "patch status": 404},
    # What is there is of another team: it cannot be seen, nor touched; what is made without a team is of the own one.
    "mismatch": {
        "get": 404, "list": 200, "watch": 200, "update": 404, "patch": 404, "apply": 404, "apply new": 201,
        "deletecollection": 200, "get status": 404, "patch status": 404,
    },
}  # fmt: skip
SERVED = {**GRANTED, "get status": 200, "patch status": 200}
EXPORTED = {
    **dict.fromkeys(("rejected", "pending", "accepted", "mismatch"), SERVED),
    # A binding on its way out takes no new objects.
    "ending": {verb: code for verb, code in SERVED.items() if verb not in ("create", "apply new")},
}
EVERYWHERE = {"list": 200, "watch": 200}
"""At `*`, whatever the state: what is listed is another matter. Every other verb is a 405."""


@pytest.fixture(scope="module")
def states(server, tmp_path_factory):
    """The view's world, and a consumer in each state, with an object of each type per verb."""
    directory = tmp_path_factory.mktemp("matrix")
    world = World(server, server.create_workspace(directory=directory), directory)
    wanted = claim()
    world.export(claims=[wanted])
    world.let_in()
    other = world.consumer()
    world.export("other", claims=[wanted], where=other)
    world.let_in(export="other", where=other)
    world.other = other
    consumers = {state: world.consumer() for state in STATES}
    world.bind(consumers["another export"], export="other", where=other, claims=[accepted(wanted)])
    world.bind(consumers["rejected"], claims=[accepted(wanted, "Rejected")])
    world.bind(consumers["pending"])
    world.bind(consumers["accepted"], claims=[accepted(wanted)])
    world.bind(consumers["mismatch"], claims=[accepted(wanted, selector=SELECTOR)])
    world.bind(consumers["ending"], claims=[accepted(wanted)])
    for state, consumer in consumers.items():
        for verb in VERBS:
            labels = {"verb": verb.replace(" ", "-"), "team": "b"}
            world.make(consumer, config_map(name_of(verb), labels), CONFIGMAPS)
            if state != "no binding":
                held = {"finalizers": ["example.io/held"]} if state == "ending" else {}
                world.make(consumer, widget(name_of(verb), labels=labels, **held), WIDGETS)
    assert consumers["ending"].request("DELETE", f"{BINDINGS}/b")[0] == 200
    held = consumers["ending"].request("GET", f"{BINDINGS}/b")
    assert held[0] == 200, held
    yield world, consumers
    world.close()
    world.provider.delete()


def name_of(verb):
    return verb.replace(" ", "-")


def attempt(world, path, verb, user="bob"):
    """Do one verb to the object made for it; the code of the answer."""
    name = name_of(verb)
    one = f"{path}/{name}"
    body = config_map("x") if path.endswith("configmaps") else widget("x")
    kind = {key: body[key] for key in ("apiVersion", "kind")}
    change = {"metadata": {"annotations": {"touched": verb}}}
    if verb == "watch":
        return watched(world, f"{path}?watch=1&timeoutSeconds=1", user)
    if verb == "create":
        return world.send("POST", path, {**body, "metadata": {"name": "created", "labels": {"team": "b"}}}, user)[0]
    if verb == "update":
        return world.send("PUT", one, {**body, "metadata": {"name": name, "resourceVersion": "1"}}, user)[0]
    if verb == "patch":
        return world.send("PATCH", one, change, user, MERGE)[0]
    if verb in ("apply", "apply new"):
        name = name if verb == "apply" else "applied"
        query = "?fieldManager=ctl&force=true"
        return world.send(
            "PATCH",
            f"{path}/{name}{query}",
            {**kind, "metadata": {"name": name, "annotations": {"touched": verb}}},
            user,
            APPLY,
        )[0]
    if verb == "deletecollection":
        return world.send("DELETE", f"{path}?labelSelector=verb%3Ddeletecollection", None, user)[0]
    if verb == "get status":
        return world.send("GET", f"{one}/status", None, user)[0]
    if verb == "patch status":
        return world.send("PATCH", f"{one}/status", {"status": {"a": 1}}, user, MERGE)[0]
    method, path = {"get": ("GET", one), "list": ("GET", path), "delete": ("DELETE", one)}[verb]
    return world.send(method, path, None, user)[0]


def watched(world, path, user):
    """The code of a watch, which is not read further."""
    with world.server.opened(path, user) as answer:
        return answer.status


def snapshot(consumer, path):
    """What a logical cluster has of a type, as its own administrator sees it."""
    status, found = consumer.request("GET", path)
    return found["items"] if status == 200 else None


def code(table, state, verb):
    allowed = table.get(state, {}).get(verb, FORBIDDEN)
    return 409 if verb == "update" and allowed == 200 else allowed  # it comes with a revision that has passed


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("path", "table"), [(CONFIGMAPS, CLAIMED), (WIDGETS, EXPORTED)], ids=["claimed", "exported"])
def test_in_one_consumer(states, path, table, state, verb):
    world, consumers = states
    before = snapshot(consumers[state], path)
    found = attempt(world, world.view(consumers[state].cluster) + path, verb)
    assert found == code(table, state, verb)
    if found >= 400 or ((state, verb) == ("mismatch", "deletecollection") and table is CLAIMED):
        assert snapshot(consumers[state], path) == before


@pytest.mark.parametrize("verb", [*VERBS, "named list"])
@pytest.mark.parametrize("path", [CONFIGMAPS, WIDGETS], ids=["claimed", "exported"])
def test_in_all_consumers(states, path, verb):
    world, _ = states
    path = path.replace("/namespaces/default", "")
    if verb == "named list":
        assert world.send("GET", f"{world.view()}/api/v1/namespaces/default/configmaps")[0] == 400
        return
    wanted = EVERYWHERE.get(verb, 405)
    if verb.endswith("status") and path.endswith("configmaps"):
        wanted = 404
    assert attempt(world, world.view() + path, verb) == wanted


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("path", [CONFIGMAPS, WIDGETS], ids=["claimed", "exported"])
def test_without_the_right_to_content(states, path, verb):
    """Whoever may not use the content of the export is refused the same everywhere, whatever consumers grant."""
    world, consumers = states
    for cluster in ("*", *(one.cluster for one in consumers.values()), "nosuchcluster"):
        assert attempt(world, world.view(cluster) + path, verb, "alice") == 403


def test_a_list_of_all_has_what_is_granted(states):
    world, consumers = states
    by_cluster = {one.cluster: state for state, one in consumers.items()}
    path = "/api/v1/configmaps?labelSelector=verb%3Dlist"
    found = {by_cluster.get(cluster) for cluster, _ in world.listed(world.view() + path)}
    assert found == {"accepted", "ending"}
    found = {by_cluster.get(cluster) for cluster, _ in world.listed(world.view() + "/apis/example.io/v1/widgets")}
    assert found == {"rejected", "pending", "accepted", "mismatch", "ending"}
    found = {
        by_cluster.get(cluster) for cluster, _ in world.listed(world.view() + "/apis/apis.kcp.io/v1alpha2/apibindings")
    }
    assert found == {"rejected", "pending", "accepted", "mismatch", "ending"}


@pytest.mark.parametrize("state", STATES)
def test_a_claim_granted_to_one_export_is_never_honoured_for_another(states, state):
    world, consumers = states
    view = world.view(consumers[state].cluster, "other", world.other)
    for verb in VERBS:
        wanted = FORBIDDEN if state != "another export" else code(CLAIMED, "accepted", verb)
        assert attempt(world, view + CONFIGMAPS, verb) == wanted
    found = world.listed(world.view("*", "other", world.other) + "/api/v1/configmaps")
    assert {cluster for cluster, _ in found} == {consumers["another export"].cluster}


def test_a_provider_never_reaches_where_it_has_no_binding(states):
    """Nor into its own workspace, into root, into one of the system, or into none."""
    world, consumers = states
    for cluster in (
        world.provider.cluster,
        world.other.cluster,
        "root",
        "nosuchcluster",
        consumers["no binding"].cluster,
    ):
        for user in ("bob", "kcp-admin", "master"):
            for path in (CONFIGMAPS, WIDGETS, "/apis/apis.kcp.io/v1alpha2/apibindings", "/api/v1/secrets"):
                status, answer = world.send("GET", world.view(cluster) + path, user=user)
                assert status == 403, (cluster, user, path, answer)
    for cluster in ("system:admin", "root:x", world.provider.path):
        assert world.send("GET", world.view(cluster) + CONFIGMAPS)[0] == 403
        assert world.send("GET", world.view(cluster) + CONFIGMAPS, user="master")[0] == 404


@pytest.mark.parametrize(
    ("of_export", "of_binding", "verb", "allowed"),
    [
        (["*"], ["get"], "get", True),
        (["*"], ["get"], "delete", False),
        (["get"], ["*"], "get", True),
        (["get"], ["*"], "delete", False),
        (["get", "list"], ["list", "delete"], "list", True),
        (["get", "list"], ["list", "delete"], "get", False),
        (["get", "list"], ["list", "delete"], "delete", False),
        (["*"], ["*"], "delete", True),
    ],
)
def test_a_verb_must_be_claimed_and_granted(world, of_export, of_binding, verb, allowed):
    wanted = claim(verbs=of_export)
    world.export(claims=[wanted], schemas=[])
    world.let_in()
    consumer = world.consumer()
    world.bind(consumer, claims=[accepted(wanted, verbs=of_binding)])
    world.make(consumer, config_map(name_of(verb)))
    status = attempt(world, world.view(consumer.cluster) + CONFIGMAPS, verb)
    assert (status == 200) is allowed
    listed = world.listed(world.view() + "/api/v1/configmaps")
    reads = all(("*" in verbs or "list" in verbs) for verbs in (of_export, of_binding))
    assert bool(listed) is reads


def test_the_selector_of_a_claim_holds_for_what_is_written(world):
    wanted = claim()
    world.export(claims=[wanted], schemas=[])
    world.let_in()
    consumer = world.consumer()
    selector = {"matchLabels": {"team": "a"}, "matchExpressions": [{"key": "secret", "operator": "DoesNotExist"}]}
    world.bind(consumer, claims=[accepted(wanted, selector=selector)])
    view = world.view(consumer.cluster) + CONFIGMAPS
    status, made = world.send("POST", view, config_map("plain"))
    assert (status, made["metadata"]["labels"]["team"]) == (201, "a")
    protected = "protected label team must have value a"
    unmatched = "object does not match required labels"
    status, found = world.send("POST", view, config_map("other", {"team": "b"}))
    assert (status, found["reason"]) == (403, "Forbidden")
    assert found["message"] == f'configmaps "other" is forbidden: {protected}'
    status, found = world.send("POST", view, config_map("hidden", {"secret": "yes"}))
    assert (status, found["message"]) == (403, f'configmaps "hidden" is forbidden: {unmatched}')
    for labels, why in (({"team": "b"}, protected), ({"secret": "yes"}, unmatched)):
        status, found = world.send("PATCH", f"{view}/plain", {"metadata": {"labels": labels}}, media=MERGE)
        assert (status, found["message"]) == (403, f'configmaps "plain" is forbidden: {why}')
    status, found = world.send("PATCH", f"{view}/plain", {"metadata": {"labels": {"team": None}}}, media=MERGE)
    assert (status, found["metadata"]["labels"]["team"]) == (200, "a")
    world.make(consumer, config_map("foreign", {"team": "b"}))
    status, found = world.send("DELETE", f"{view}/foreign")
    assert (status, found["message"]) == (403, f'configmaps "foreign" is forbidden: {unmatched}')
    assert world.send("DELETE", view)[0] == 200
    left = {one["metadata"]["name"] for one in consumer.request("GET", CONFIGMAPS)[1]["items"]}
    assert "foreign" in left
    assert "plain" not in left
