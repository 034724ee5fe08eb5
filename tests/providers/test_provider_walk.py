"""Two providers, three consumers, a controller in Python and one in Go: from the first binding to the last."""

from walk_world import eventually

ALL = "--accept-all-permission-claims"
NONE = "--reject-all-permission-claims"
READY = ("Ready", "")
WAITING = ("Waiting", "the claim on configmaps is not accepted")


def test_one_controller_in_python_serves_every_consumer(provide, consume):
    provider = provide()
    provider.run_python()
    accepting, rejecting, leaving = consume(3)
    for consumer, answer in ((accepting, ALL), (rejecting, NONE), (leaving, ALL)):
        consumer.bind(provider, answer)
        consumer.make(provider, "same", size=len(answer))
    eventually(lambda: accepting.status(provider, "same"), READY)
    eventually(lambda: rejecting.status(provider, "same"), WAITING)
    eventually(lambda: leaving.status(provider, "same"), READY)
    assert accepting.config_maps() == {"same-widget": {"size": str(len(ALL))}}
    assert rejecting.config_maps() == {}

    # What is accepted later is done later, and what is taken back is no longer done.
    rejecting.workspace.kubectl("kcp", "claims", "accept", provider.export, "--all")
    eventually(lambda: rejecting.status(provider, "same"), READY)
    assert rejecting.config_maps() == {"same-widget": {"size": str(len(NONE))}}
    accepting.workspace.kubectl("kcp", "claims", "reject", provider.export, "--all")
    accepting.make(provider, "later")
    eventually(lambda: accepting.status(provider, "later"), WAITING)
    assert "later-widget" not in accepting.config_maps()

    # One leaves, and takes along what is its own; the others notice nothing.
    leaving.unbind(provider)
    eventually(leaving.config_maps, {})
    clusters = {accepting.workspace.cluster: ["later", "same"], rejecting.workspace.cluster: ["same"]}
    eventually(provider.seen, sorted((cluster, name) for cluster, names in clusters.items() for name in names))
    rejecting.make(provider, "more")
    eventually(lambda: rejecting.status(provider, "more"), READY)


def test_a_controller_that_was_away_finds_everything(provide, consume):
    provider = provide()
    [consumer] = consume(1)
    consumer.bind(provider, ALL)
    consumer.make(provider, "before")
    provider.run_python()
    eventually(lambda: consumer.status(provider, "before"), READY)
    provider.stop()
    consumer.make(provider, "meanwhile")
    consumer.workspace.kubectl("delete", "widget", "before")
    provider.run_python()
    eventually(lambda: consumer.status(provider, "meanwhile"), READY)
    eventually(lambda: set(consumer.config_maps()), {"meanwhile-widget"})


def test_the_last_consumer_leaves_and_another_comes(provide, consume):
    provider = provide()
    provider.run_python()
    first, second = consume(2)
    for consumer in (first, second):
        consumer.bind(provider, ALL)
        consumer.make(provider, "one")
        eventually(lambda consumer=consumer: consumer.status(provider, "one"), READY)
        consumer.unbind(provider)
        eventually(consumer.config_maps, {})


def test_one_controller_in_go_serves_every_consumer(provide, consume, go_provider):
    """With client-go's informers over all of them, of its own type and of one that it claims."""
    provider = provide("go.example.org", "Gadget")
    provider.run(str(go_provider), provider.export, provider.group, provider.plural)
    accepting, rejecting, second = consume(3)
    for consumer, answer in ((accepting, ALL), (rejecting, NONE), (second, ALL)):
        consumer.bind(provider, answer)
        consumer.make(provider, "same")
    counted = len(accepting.workspace.request("GET", "/api/v1/configmaps")[1]["items"])
    eventually(lambda: accepting.status(provider, "same"), ("Counted", f"{counted} config maps"))
    eventually(lambda: second.status(provider, "same"), ("Counted", f"{counted} config maps"))
    eventually(lambda: rejecting.status(provider, "same"), ("Counted", "0 config maps"))
    for name in ("one", "two"):
        accepting.workspace.kubectl("create", "configmap", name)
        rejecting.workspace.kubectl("create", "configmap", name)
    eventually(lambda: accepting.status(provider, "same"), ("Counted", f"{counted + 2} config maps"))
    accepting.workspace.kubectl("delete", "configmap", "one")
    eventually(lambda: accepting.status(provider, "same"), ("Counted", f"{counted + 1} config maps"))
    assert second.status(provider, "same") == ("Counted", f"{counted} config maps")
    assert rejecting.status(provider, "same") == ("Counted", "0 config maps")
    rejecting.workspace.kubectl("kcp", "claims", "accept", provider.export, "--resource", "configmaps")
    eventually(lambda: rejecting.status(provider, "same"), ("Counted", f"{counted + 2} config maps"))


def test_two_providers_in_one_workspace_know_nothing_of_each_other(provide, consume, go_provider):
    python, go = provide(), provide("go.example.org", "Gadget")
    python.run_python()
    go.run(str(go_provider), go.export, go.group, go.plural)
    [consumer] = consume(1)
    consumer.bind(python, ALL)
    consumer.bind(go, NONE)
    consumer.make(python, "mine")
    consumer.make(go, "mine")
    eventually(lambda: consumer.status(python, "mine"), READY)
    eventually(lambda: consumer.status(go, "mine"), ("Counted", "0 config maps"))
    assert python.seen() == go.seen() == [(consumer.workspace.cluster, "mine")]
    consumer.unbind(go)
    eventually(go.seen, [])
    assert python.seen() == [(consumer.workspace.cluster, "mine")]


def test_a_consumer_changes_its_provider(provide, consume):
    """The same type by another provider begins empty, and the one before sees nothing of it."""
    old, new = provide(), provide()
    for provider in (old, new):
        provider.run_python()
    changing, staying = consume(2)
    for consumer in (changing, staying):
        consumer.bind(old, ALL)
        consumer.make(old, "kept")
    eventually(lambda: changing.status(old, "kept"), READY)
    changing.unbind(old)
    changing.bind(new, ALL)
    path = "/apis/example.com/v1/widgets"
    assert changing.workspace.request("GET", path)[1]["items"] == []
    changing.make(new, "fresh", size=7)
    eventually(lambda: changing.status(new, "fresh"), READY)
    eventually(changing.config_maps, {"fresh-widget": {"size": "7"}})
    assert new.seen() == [(changing.workspace.cluster, "fresh")]
    eventually(old.seen, [(staying.workspace.cluster, "kept")])
