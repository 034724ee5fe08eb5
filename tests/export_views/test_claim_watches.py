"""Watches of claimed types go along with what is granted: what a client has kept equals a fresh list, always."""

import pytest
from provider_world import BINDINGS, CONFIGMAPS, EXPORTS, accepted, claim, config_map, place, wait_for

MINE = "app=mine"
SELECTED = "labelSelector=" + MINE.replace("=", "%3D")
OBJECTS = {"one": "red", "two": "blue", "three": "red", "four": "blue"}
RED, BLUE = {"matchLabels": {"color": "red"}}, {"matchLabels": {"color": "blue"}}


def told(obj):
    """An object as a list and an event both tell it: items of lists of built-in types do not say what they are."""
    return {key: value for key, value in obj.items() if key not in ("apiVersion", "kind")}


def where(obj):
    """What objects of all consumers are kept by."""
    return (*place(obj), obj["metadata"]["namespace"])


class Cache:
    """What a client keeps: a list, then events, one connection after the other."""

    def __init__(self, world, path):
        self._world, self._path = world, path
        status, found = world.send("GET", path)
        assert status == 200, found
        self.objects = {where(one): told(one) for one in found["items"]}
        self.revision = found["metadata"]["resourceVersion"]
        self.connect()

    def connect(self):
        joint = "&" if "?" in self._path else "?"
        query = f"watch=1&allowWatchBookmarks=true&resourceVersion={self.revision}"
        self._watch = self._world.watch(f"{self._path}{joint}{query}")

    def break_off(self):
        """Lose the connection."""
        self._watch.close()

    def follow(self, events=1):
        """Take in some events, which are no bookmarks."""
        while events:
            event = self._watch.event()
            assert event is not None
            assert event["type"] != "ERROR", event
            obj = event["object"]
            self.revision = obj["metadata"]["resourceVersion"]
            if event["type"] == "BOOKMARK":
                continue
            events -= 1
            if event["type"] == "DELETED":
                self.objects.pop(where(obj), None)
            else:
                self.objects[where(obj)] = told(obj)

    def matches(self):
        """Follow until what is kept is what a list has now."""
        for _ in range(200):
            fresh = self._world.send("GET", self._path)[1]["items"]
            if self.objects == {where(one): told(one) for one in fresh}:
                return True
            self.follow()
        return False


@pytest.fixture
def granted(world):
    """Two consumers with objects of two colours each; the first has granted all config maps, the second none."""
    wanted = claim()
    world.export(claims=[wanted])
    world.let_in()
    consumers = sorted((world.consumer() for _ in range(2)), key=lambda one: one.cluster)
    world.bind(consumers[0], claims=[accepted(wanted)])
    world.bind(consumers[1], claims=[accepted(wanted, "Rejected")])
    for consumer in consumers:
        for name, color in OBJECTS.items():
            world.make(consumer, config_map(name, {"color": color, "app": "mine"}))
    return consumers


def unmodified(watch):
    """The next event that is not the labelling of an object for its claim."""
    while (found := watch.told())[0] == "MODIFIED":
        pass
    return found


def accept(world, consumers):
    world.answer_claims(consumers[1], [accepted(claim())])


def reject(world, consumers):
    world.answer_claims(consumers[0], [accepted(claim(), "Rejected")])


def narrow(world, consumers):
    world.answer_claims(consumers[0], [accepted(claim(), selector=RED)])


def turn(world, consumers):
    """From one selector to another one that shares nothing with it."""
    world.answer_claims(consumers[0], [accepted(claim(), selector=RED)])
    world.answer_claims(consumers[0], [accepted(claim(), selector=BLUE)])


def unbind(world, consumers):
    assert consumers[0].request("DELETE", f"{BINDINGS}/b")[0] == 200
    wait_for(lambda: consumers[0].request("GET", f"{BINDINGS}/b")[0] == 404)


def give_up(world, consumers):
    world.change_export(permissionClaims=[claim(verbs=["get"])])


def widen(world, consumers):
    narrow(world, consumers)
    world.answer_claims(consumers[0], [accepted(claim())])


CHANGES = [accept, reject, narrow, turn, unbind, give_up, widen]


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("query", ["", f"?{SELECTED}"], ids=["all", "selected"])
def test_a_watch_follows_what_is_granted(world, granted, change, query):
    cache = Cache(world, world.view() + CONFIGMAPS + query)
    assert cache.objects
    change(world, granted)
    assert cache.matches()
    for consumer in granted:  # and it is a live watch of the right ones afterwards
        world.make(consumer, config_map("late", {"color": "red", "app": "mine"}))
        world.make(consumer, config_map("later", {"color": "blue", "app": "mine"}))
    assert cache.matches()


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_watch_that_breaks_off_in_the_middle_loses_nothing(world, granted, change, taken):
    """The connection goes after some of the events that the change brings, and meanwhile more happens."""
    cache = Cache(world, world.view() + CONFIGMAPS + f"?{SELECTED}")
    change(world, granted)
    cache.follow(taken)
    cache.break_off()
    world.make(granted[1], config_map("between", {"color": "red", "app": "mine"}))
    assert granted[0].request("DELETE", "/api/v1/namespaces/default/configmaps/one")[0] == 200
    cache.connect()
    assert cache.matches()


def test_a_bookmark_follows_a_change_of_reach(world, granted):
    revision = world.send("GET", world.view() + CONFIGMAPS)[1]["metadata"]["resourceVersion"]
    path = f"{world.view()}{CONFIGMAPS}?{SELECTED}&watch=1&resourceVersion={revision}"
    plain, marked = world.watch(path), world.watch(path + "&allowWatchBookmarks=true")
    accept(world, granted)
    added = sorted(("ADDED", granted[1].cluster, name) for name in OBJECTS)
    for watch in (plain, marked):
        assert watch.several(4) == added
    event = marked.event()
    assert event["type"] == "BOOKMARK"
    assert int(event["object"]["metadata"]["resourceVersion"]) > int(revision)
    world.make(granted[1], config_map("late", {"app": "mine"}))
    for watch in (plain, marked):
        assert unmodified(watch) == ("ADDED", granted[1].cluster, "late")
    plain.close()
    marked.close()


def test_initial_events_are_those_in_reach(world, granted):
    path = f"{world.view()}{CONFIGMAPS}?{SELECTED}&watch=1&allowWatchBookmarks=true"
    watch = world.watch(path + "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan")
    assert watch.several(4) == sorted(("ADDED", granted[0].cluster, name) for name in OBJECTS)
    event = watch.event()
    assert event["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    accept(world, granted)
    assert {watch.told()[:2] for _ in range(4)} == {("ADDED", granted[1].cluster)}
    watch.close()


def test_an_object_that_crosses_the_selector_of_its_claim(world, granted):
    narrow(world, granted)
    cluster = granted[0].cluster
    watch = world.watch(f"{world.view()}{CONFIGMAPS}?watch=1")
    assert watch.several(2) == [("ADDED", cluster, "one"), ("ADDED", cluster, "three")]
    path = "/api/v1/namespaces/default/configmaps/one"
    for color, kind in (("blue", "DELETED"), ("red", "ADDED")):
        assert world.patch(granted[0], path, {"metadata": {"labels": {"color": color}}})[0] == 200
        assert watch.told() == (kind, cluster, "one")
    assert world.patch(granted[0], path, {"data": {"a": "1"}})[0] == 200
    assert watch.told() == ("MODIFIED", cluster, "one")
    watch.close()


def test_a_watch_in_one_consumer_follows_its_claim_and_ends_with_it(world, granted):
    cluster = granted[0].cluster
    cache = Cache(world, world.view(cluster) + CONFIGMAPS + f"?{SELECTED}")
    narrow(world, granted)
    assert cache.matches()
    world.make(granted[0], config_map("late", {"color": "red", "app": "mine"}))
    assert cache.matches()
    reject(world, granted)
    while (event := cache._watch.event()) is not None:
        assert event["type"] in ("DELETED", "BOOKMARK")
    assert world.send("GET", world.view(cluster) + CONFIGMAPS)[0] == 403


def test_pages_of_a_claimed_list_are_of_one_revision(world, granted):
    accept(world, granted)
    path = f"{world.view()}{CONFIGMAPS}?{SELECTED}"
    whole = world.listed(path)
    assert len(whole) == 8
    status, page = world.send("GET", path + "&limit=2")
    reject(world, granted)
    world.make(granted[1], config_map("late", {"app": "mine"}))
    found = [place(one) for one in page["items"]]
    while token := page["metadata"].get("continue"):
        status, page = world.send("GET", f"{path}&limit=2&continue={token}")
        assert status == 200, page
        found += [place(one) for one in page["items"]]
    assert found == whole
    assert {cluster for cluster, _ in world.listed(path)} == {granted[1].cluster}


def test_a_watch_of_bindings_follows_those_of_the_export(world, granted):
    path = "/apis/apis.kcp.io/v1alpha1/apibindings"
    watch = world.watch(f"{world.view()}{path}?watch=1")
    assert watch.several(2) == sorted(("ADDED", one.cluster, "b") for one in granted)
    third = world.consumer()
    world.bind(third, "mine")
    assert watch.told() == ("ADDED", third.cluster, "mine")
    assert third.request("DELETE", f"{BINDINGS}/mine")[0] == 200
    told = watch.told()
    while told[0] == "MODIFIED":
        told = watch.told()
    assert told == ("DELETED", third.cluster, "mine")
    watch.close()


def test_a_watch_ends_with_the_right_to_it(world, granted):
    rule = {"apiGroups": ["apis.kcp.io"], "resources": ["apiexports/content"], "verbs": ["*"]}
    name = world.grant(world.provider, "alice", [rule, {"nonResourceURLs": ["/"], "verbs": ["access"]}])
    watches = [
        world.watch(f"{world.view()}{path}?watch=1&{SELECTED}", "alice")
        for path in (CONFIGMAPS, "/apis/example.io/v1/widgets")
    ]
    assert {watches[0].told()[1] for _ in range(4)} == {granted[0].cluster}
    assert world.provider.request("DELETE", f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{name}")[0] == 200
    assert [watch.told() for watch in watches] == [None, None]
    assert world.send("GET", world.view() + CONFIGMAPS, user="alice")[0] == 403


def test_a_watch_ends_with_its_export(world, granted):
    watch = world.watch(f"{world.view()}{CONFIGMAPS}?watch=1&{SELECTED}")
    assert watch.several(4)
    assert world.provider.request("DELETE", f"{EXPORTS}/ex")[0] == 200
    told = {watch.told() for _ in range(5)}
    assert None in told
    watch.close()
