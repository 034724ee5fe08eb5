"""A manager written with kcp's library for providers, multicluster-provider, serves all consumers of an export."""

from multicluster_world import MERGE, admit, asked, heard
from walk_world import eventually

ALL = "--accept-all-permission-claims"
READY = ("Ready", "")
EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"


def test_a_manager_serves_consumers_that_come_and_go(provide, consume, multicluster):
    provider = provide()
    manager = multicluster(admit(provider), "export")
    consumers = leaving, staying, late = consume(3)
    one, two, three = (consumer.workspace.cluster for consumer in consumers)
    for consumer, size in ((leaving, 3), (staying, 5)):
        consumer.bind(provider, ALL)
        consumer.make(provider, "same", size=size)
    said = heard(manager, ("built", one), ("built", two))
    assert {line["cluster"] for line in said if line["event"] == "engaged"} == {one, two}
    assert leaving.status(provider, "same") == staying.status(provider, "same") == READY
    assert leaving.config_maps() == {"same-widget": {"size": "3"}}
    assert staying.config_maps() == {"same-widget": {"size": "5"}}

    # Its recorder writes events where the object is.
    def told():
        found = staying.workspace.request("GET", EVENTS)[1]["items"]
        return [(each["regarding"]["name"], each["note"]) for each in found if each["reason"] == "Built"]

    eventually(told, [("same", "config map same-widget was created")])

    # Its caches are filled by one watch and tell the clusters apart; the index is over all of them.
    assert asked(manager, "size 3") == asked(manager, f"own {one}") == [f"{one}/same"]
    assert asked(manager, f"size 3 {two}") == []
    assert asked(manager, f"size 5 {two}") == asked(manager, f"own {two}") == [f"{two}/same"]

    # A consumer comes while it runs.
    late.bind(provider, ALL)
    heard(manager, ("engaged", three))
    late.make(provider, "late", size=3)
    manager.until(event="built", cluster=three, widget="late")
    assert late.status(provider, "late") == READY
    assert asked(manager, "size 3") == sorted([f"{one}/same", f"{three}/late"])

    # It hears of changes of what is its own, and of what it owns of the consumer's.
    status, found = leaving.workspace.request("PATCH", f"{WIDGETS}/same", {"spec": {"size": 4}}, headers=MERGE)
    assert status == 200, found
    manager.until(event="built", cluster=one, generation=2, result="updated")
    assert leaving.config_maps() == {"same-widget": {"size": "4"}}
    assert asked(manager, "size 3") == [f"{three}/late"]
    staying.workspace.kubectl("delete", "configmap", "same-widget")
    manager.until(event="built", cluster=two, result="created")
    assert staying.config_maps() == {"same-widget": {"size": "5"}}

    # A consumer goes: the binding waits for what the manager still has to do there, and then it is gone.
    leaving.unbind(provider)
    said = heard(manager, ("gone", one), ("scrapped", one))
    assert [(line["cluster"], line["widget"]) for line in said if line["event"] == "scrapped"] == [(one, "same")]
    eventually(leaving.config_maps, {})
    assert asked(manager, "size 4") == []
    staying.make(provider, "more", size=4)
    manager.until(event="built", cluster=two, widget="more")
    assert asked(manager, "size 4") == [f"{two}/more"]
    manager.finish()


def test_a_manager_finds_what_happened_while_it_was_away(provide, consume, multicluster):
    provider = provide()
    kubeconfig = admit(provider)
    first = multicluster(kubeconfig, "export")
    staying, leaving = consume(2)
    one, two = staying.workspace.cluster, leaving.workspace.cluster
    for consumer in (staying, leaving):
        consumer.bind(provider, ALL)
        consumer.make(provider, "before")
    heard(first, ("built", one), ("built", two))
    first.finish()
    staying.make(provider, "meanwhile")
    leaving.workspace.kubectl("delete", "apibinding", provider.export, "--wait=false")
    second = multicluster(kubeconfig, "paths")
    said = heard(second, ("gone", two), ("scrapped", two))
    assert [line["widget"] for line in said if line["event"] == "scrapped"] == ["before"]
    eventually(lambda: staying.status(provider, "meanwhile"), READY)
    assert set(staying.config_maps()) == {"before-widget", "meanwhile-widget"}
    # This one looks clusters up by their paths.
    assert asked(second, f"own {staying.workspace.path}") == [f"{one}/before", f"{one}/meanwhile"]
    second.finish()


def test_the_last_consumer_leaves_and_comes_back(provide, consume, multicluster):
    provider = provide()
    manager = multicluster(admit(provider), "export")
    [consumer] = consume(1)
    cluster = consumer.workspace.cluster
    for size in (3, 4):
        consumer.bind(provider, ALL)
        heard(manager, ("engaged", cluster))
        consumer.make(provider, "only", size=size)
        manager.until(event="built", cluster=cluster, widget="only")
        assert consumer.config_maps() == {"only-widget": {"size": str(size)}}
        consumer.unbind(provider)
        manager.until(event="gone", cluster=cluster)
        eventually(consumer.config_maps, {})
    manager.finish()
