"""Lists and watches of claimed types in one consumer, narrowed to a namespace or a name; revisions that are gone."""

import pytest
from provider_world import CONFIGMAPS, IN_DEFAULT, World, accepted, claim, config_map
from support.server import running_server

OWN = {"team": "a"}
SELECTOR = {"matchLabels": OWN}


@pytest.fixture
def consumer(world):
    world.export(claims=[claim()], schemas=[])
    world.let_in()
    found = world.consumer()
    world.bind(found, claims=[accepted(claim(), selector=SELECTOR)])
    world.make(found, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}, "/api/v1/namespaces")
    return found


def test_a_namespace(world, consumer):
    view = world.view(consumer.cluster) + IN_DEFAULT
    watch = world.watch(view + "?watch=1")
    world.make(consumer, config_map("elsewhere", OWN), "/api/v1/namespaces/other/configmaps")
    world.make(consumer, config_map("foreign"))
    for number in range(3):
        world.make(consumer, config_map(f"own{number}", OWN))
        assert watch.told() == ("ADDED", consumer.cluster, f"own{number}")
    world.answer_claims(consumer, [accepted(claim())])
    told = set()
    while (event := watch.told())[0] == "ADDED":
        told.add(event[2])
    assert told == {"foreign", "kube-root-ca.crt"}
    status, page = world.send("GET", view + "?limit=2")
    found = [one["metadata"]["name"] for one in page["items"]]
    while token := page["metadata"].get("continue"):
        status, page = world.send("GET", f"{view}?limit=2&continue={token}")
        assert status == 200
        found += [one["metadata"]["name"] for one in page["items"]]
    assert found == ["foreign", "kube-root-ca.crt", "own0", "own1", "own2"]
    watch.close()


@pytest.mark.parametrize("form", ["?watch=1&fieldSelector=metadata.name%3Done", "/watch"])
def test_a_name(world, consumer, form):
    view = world.view(consumer.cluster)
    old = view + "/api/v1/watch/namespaces/default/configmaps/one"
    watch = world.watch(old if form == "/watch" else view + IN_DEFAULT + form)
    world.make(consumer, config_map("two", OWN))
    world.make(consumer, config_map("one"))  # not in reach yet
    path = f"{IN_DEFAULT}/one"
    assert world.patch(consumer, path, {"metadata": {"labels": OWN}})[0] == 200
    assert watch.told() == ("ADDED", consumer.cluster, "one")
    world.answer_claims(consumer, [accepted(claim(), selector={"matchLabels": {"team": "b"}})])
    assert watch.told() == ("DELETED", consumer.cluster, "one")
    watch.close()


def test_a_name_over_all_consumers(world, consumer):
    world.make(consumer, config_map("one", OWN))
    world.make(consumer, config_map("two", OWN))
    query = "fieldSelector=metadata.name%3Done"
    assert world.listed(f"{world.view()}{CONFIGMAPS}?{query}") == [(consumer.cluster, "one")]
    watch = world.watch(f"{world.view()}{CONFIGMAPS}?watch=1&{query}")
    assert watch.told() == ("ADDED", consumer.cluster, "one")
    watch.close()


def test_a_revision_that_is_gone_or_to_come(tmp_path):
    """A watch from below the log is Expired, and one from ahead of it waits, then says so."""
    with running_server(tmp_path / "own", "--log-retention", "1s", "--log-retention-bytes", "0") as server:
        world = World(server, server.create_workspace(directory=tmp_path), tmp_path)
        world.export(claims=[claim()], schemas=[])
        world.let_in()
        consumer = world.consumer()
        world.bind(consumer, claims=[accepted(claim())])
        path = f"{world.view()}{CONFIGMAPS}?watch=1&resourceVersion="
        for number in range(60):
            world.make(consumer, config_map(f"c{number}"))
        event = world.watch(path + "5").event()
        while event is not None and event["type"] != "ERROR":
            world.make(consumer, config_map("again"))
            assert consumer.request("DELETE", f"{IN_DEFAULT}/again")[0] == 200
            event = world.watch(path + "5").event()
        assert event["object"]["reason"] == "Expired"
        event = world.watch(path + "99999999").event()
        assert (event["type"], event["object"]["code"]) == ("ERROR", 504)
