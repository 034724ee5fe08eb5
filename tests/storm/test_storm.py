"""A storm: many users write about few names, all kinds of things at once, while others watch and the server is killed.

Whatever happens, in whatever order, some things hold: nobody is answered what is not right for what they asked; every
watcher has in the end what a list says; what was acknowledged is there, or gone; what exports, bindings, slices, claims
and quotas tell of each other agrees when all is at rest; nothing waits for what nobody can name; and when all of it is
deleted nothing is left in the store. `make fuzz` sends other storms at each run, and as many as it is told.
"""

import contextlib
import signal
import threading
import time
from random import Random, SystemRandom

import pytest
from storm_requests import (
    BINDINGS,
    BOUND,
    CONSUMERS,
    CORE,
    CUSTOM,
    DEFINITIONS,
    EXPORTED,
    EXPORTS,
    HOLD,
    MERGE,
    NAMESPACES,
    PREFIXES,
    SCHEMAS,
    SLICES,
    WORKSPACES,
    Place,
    binding,
    export,
    own_definition,
    schema,
    workspace,
)
from storm_users import USER, Watcher, Writer
from support.examples import FUZZ
from support.racing import Racer
from support.server import start_server
from support.traces import at_rest, segments

SECONDS = 3
WRITERS = 6
STORMS = range(max(FUZZ, 1))
LABEL = "claimed.internal.apis.kcp.io/"
CLUSTERED = [DEFINITIONS, BINDINGS, f"{CORE}/namespaces"]
NAMESPACED = [f"{CORE}/configmaps", f"{CUSTOM}/widgets", f"{CUSTOM}/gadgets"]


def until(question, patience=30):
    """Wait until nothing is wrong any more; what is wrong is shown."""
    deadline = time.monotonic() + patience
    while wrong := question():
        assert time.monotonic() < deadline, wrong
        time.sleep(0.1)


class Storm:
    """A server, and the places the storm goes over."""

    def __init__(self, directory):
        self._directory = directory
        self._down = threading.Event()
        self.server = start_server(directory)
        self.ask = Racer(self.server, USER).ask
        below = self.make("/clusters/root" + WORKSPACES, workspace("storm"))["spec"]["cluster"]
        self.place = Place("root:storm", {"": below})
        for name in ("p", *CONSUMERS):
            made = self.make(f"/clusters/root:storm{WORKSPACES}", workspace(name))
            self.place.clusters[name] = made["spec"]["cluster"]
        for name in CONSUMERS:
            for namespace in (*NAMESPACES, "kept"):
                self.make(f"{self.place.inside(name)}{CORE}/namespaces", {"metadata": {"name": namespace}})
        self.offer()

    def running(self):
        """The server, for those who are out. Raises an OSError while there is none."""
        if self._down.is_set():
            raise ConnectionError
        return self.server

    def make(self, path, body):
        status, made = self.ask("POST", path, body)
        assert status == 201, made
        return made

    def offer(self):
        for prefix in PREFIXES:
            self.ask("POST", self.place.inside("p") + SCHEMAS, schema(prefix))
        for name in EXPORTED:
            self.ask("POST", self.place.inside("p") + EXPORTS, export(name, "v1"))

    def kill(self):
        """Kill the server and start it again."""
        self._down.set()
        self.server.stop(signal.SIGKILL)
        self.server = start_server(self._directory)
        self._down.clear()
        self.ask = Racer(self.server, USER).ask

    def items(self, path):
        status, found = self.ask("GET", path)
        assert status in (200, 404), found
        return found["items"] if status == 200 else []

    def let_go(self):
        """Take off the finalizers that were put on. What still ends is given back."""
        ending = []
        for name in CONSUMERS:
            here = self.place.inside(name)
            for path in (*CLUSTERED, *NAMESPACED):
                for one in self.items(here + path):
                    metadata = one["metadata"]
                    if "deletionTimestamp" in metadata:
                        ending.append((name, path, metadata["name"]))
                    if HOLD in (metadata.get("finalizers") or ()):
                        base, _, resource = path.rpartition("/")
                        left = [held for held in metadata["finalizers"] if held != HOLD]
                        object_path = f"{here}{base}/namespaces/{metadata['namespace']}/{resource}/{metadata['name']}"
                        self.ask("PATCH", object_path, {"metadata": {"finalizers": left or None}}, MERGE)
        return ending

    def disagreements(self):
        """What is told of each other and does not agree."""
        wrong = []
        provider = self.place.inside("p")
        exports = {one["metadata"]["name"]: one for one in self.items(provider + EXPORTS)}
        schemas = {one["metadata"]["name"]: one["metadata"]["uid"] for one in self.items(provider + SCHEMAS)}
        consumed = set()
        for consumer in CONSUMERS:
            here = self.place.inside(consumer)
            bindings = [one for one in self.items(here + BINDINGS) if one["metadata"]["name"] in BOUND]
            wrong += [one for one in bindings if not agrees(one, exports, schemas)]
            consumed |= {one["spec"]["reference"]["export"]["name"] for one in bindings}
            maps = self.items(f"{here}{CORE}/configmaps")
            wrong += [one["metadata"] for one in maps if labels(one) != claiming(one, bindings)]
            for quota in self.items(f"{here}{CORE}/resourcequotas"):
                namespace = quota["metadata"]["namespace"]
                count = sum(one["metadata"]["namespace"] == namespace for one in maps)
                if quota["status"]["used"]["configmaps"] != str(count):
                    wrong.append((quota, count))
        for name in consumed & set(exports):
            status, slice_ = self.ask("GET", f"{provider}{SLICES}/{name}")
            if status != 200 or not slice_["status"].get("endpoints"):
                wrong.append((name, slice_))
        return wrong

    def begin_anew(self):
        """Take all of it away and make it again: everything is bound, established and empty at once."""
        for consumer in CONSUMERS:
            here = self.place.inside(consumer)
            paths = [f"{BINDINGS}/{name}" for name in BOUND] + [f"{CORE}/namespaces/{name}" for name in NAMESPACES]
            for path in (*paths, f"{DEFINITIONS}/gadgets.example.io"):
                assert self.ask("DELETE", here + path)[0] in (200, 404)
        until(self.let_go)
        self.offer()
        for consumer in CONSUMERS:
            here = self.place.inside(consumer)
            for name in NAMESPACES:
                self.make(f"{here}{CORE}/namespaces", {"metadata": {"name": name}})
                [only] = self.items(f"{here}{CORE}/namespaces/{name}/configmaps")
                assert only["metadata"]["name"] == "kube-root-ca.crt"
            made = self.make(here + DEFINITIONS, own_definition())
            assert ("Established", "True") in {(one["type"], one["status"]) for one in made["status"]["conditions"]}
            made = self.make(here + BINDINGS, binding("b0", "root:storm", "e0", []))
            assert made["status"]["phase"] == "Bound", made
            assert self.items(f"{here}{CUSTOM}/widgets") + self.items(f"{here}{CUSTOM}/gadgets") == []


def agrees(one, exports, schemas):
    """Whether a binding says of its export what there is of it now, and serves it."""
    found = exports.get(one["spec"]["reference"]["export"]["name"])
    offered = [each["schema"] for each in found["spec"]["resources"]] if found else []
    there = found is not None and all(each in schemas for each in offered)
    told = {each["type"]: each["status"] for each in one["status"]["conditions"]}
    if (told["APIExportValid"] == "True") != there or one["status"]["phase"] != "Bound":
        return (told["APIExportValid"] == "True") == there
    bound = {each["schema"]["name"]: each["schema"]["UID"] for each in one["status"].get("boundResources", ())}
    return not there or all(bound.get(each) == schemas[each] for each in offered)


def labels(one):
    """How many labels of claims an object has."""
    return sum(key.startswith(LABEL) for key in one["metadata"].get("labels") or {})


def claiming(one, bindings):
    """How many exports have an accepted claim on a config map."""
    red = (one["metadata"].get("labels") or {}).get("color") == "red"
    return len(
        {
            each["spec"]["reference"]["export"]["name"]
            for each in bindings
            for claim in each["spec"].get("permissionClaims") or ()
            if claim["state"] == "Accepted" and (red or claim["selector"].get("matchAll"))
        }
    )


@pytest.fixture
def storm(tmp_path):
    """A storm before it begins. The server ends with the test, whichever it is then and whatever has failed."""
    made = Storm(tmp_path)
    yield made
    made.server.stop()


@pytest.mark.storm
@pytest.mark.parametrize("number", STORMS)
def test_what_holds_after_a_storm(storm, number):
    seed = SystemRandom().randrange(1 << 32) if FUZZ else number
    print(f"the seed is {seed}")
    place, clusters = storm.place, storm.place.clusters
    view = f"/services/apiexport/{clusters['p']}/e0/clusters/*"
    watched = [f"{place.inside('c0')}{CORE}/configmaps", f"{place.inside('c1')}{BINDINGS}"]
    watched += [f"/clusters/*{CORE}/configmaps", f"/clusters/root:storm{WORKSPACES}"]
    watched += [f"{place.inside('c0')}{CUSTOM}/gadgets"]
    watchers = [Watcher(storm.running, path) for path in watched]
    watchers += [Watcher(storm.running, f"{view}{path}", moving=True) for path in NAMESPACED[:2]]
    writers = [Writer(number, seed, storm.running, place) for number in range(WRITERS)]
    with contextlib.ExitStack() as out:
        for one in (*watchers, *writers):
            out.callback(one.come_in)
            one.start()
        before = Random(seed).uniform(0.3, 0.7) * SECONDS
        time.sleep(before)
        storm.kill()
        time.sleep(SECONDS - before)
        for one in writers:
            one.come_in()
        comparing = out.enter_context(contextlib.closing(Racer(storm.server, USER)))
        until(lambda: [one.path for one in watchers if one.cache != one.listed(comparing)[0]])
    assert [one.mistakes for one in (*watchers, *writers)] == [[] for _ in (*watchers, *writers)]
    for writer in writers:
        assert [path for path in writer.kept if storm.ask("GET", path)[0] != 200] == []
        assert [path for path in writer.deleted if storm.ask("GET", path)[0] != 404] == []
    until(storm.let_go)
    until(storm.disagreements)
    storm.begin_anew()
    assert storm.ask("DELETE", f"/clusters/root{WORKSPACES}/storm")[0] == 200
    until(lambda: storm.ask("GET", f"/clusters/root{WORKSPACES}/storm")[0] != 404)
    until(lambda: not at_rest(storm.server))
    assert storm.server.mistakes() == []
    assert storm.server.stop() == 0
    assert segments(storm.server.root) & set(clusters.values()) == set()
