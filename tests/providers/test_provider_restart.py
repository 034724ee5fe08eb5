"""A controller goes on when the server is killed and comes back: it hears of what it missed."""

import signal

import pytest
from multicluster_world import admit, asked, heard
from support.server import start_server
from walk_world import Consumer, Provider, eventually

ALL = "--accept-all-permission-claims"
READY = ("Ready", "")


@pytest.fixture
def restarting(tmp_path):
    """A server of its own, and a function that kills it and starts it again at the same address."""
    servers = [start_server(tmp_path / "server")]

    def restart():
        servers[-1].stop(signal.SIGKILL)
        servers.append(start_server(tmp_path / "server", "--secure-port", str(servers[-1].port)))

    yield servers[0], restart
    assert servers[-1].stop() == 0


def test_a_controller_outlives_a_server_that_is_killed(restarting, tmp_path):
    server, restart = restarting
    provider, consumer = Provider(server, tmp_path, "example.com", "Widget"), Consumer(server, tmp_path)
    provider.run_python()
    try:
        consumer.bind(provider, ALL)
        consumer.make(provider, "before")
        eventually(lambda: consumer.status(provider, "before"), READY)
        restart()
        consumer.make(provider, "after")
        eventually(lambda: consumer.status(provider, "after"), READY)
        assert set(consumer.config_maps()) == {"before-widget", "after-widget"}
    finally:
        provider.stop()


def test_a_manager_of_all_clusters_outlives_a_server_that_is_killed(restarting, multicluster, tmp_path):
    server, restart = restarting
    provider = Provider(server, tmp_path, "example.com", "Widget")
    first, second = (Consumer(server, tmp_path) for _ in range(2))
    manager = multicluster(admit(provider), "export")
    one, two = first.workspace.cluster, second.workspace.cluster
    first.bind(provider, ALL)
    first.make(provider, "before")
    heard(manager, ("engaged", one), ("built", one))
    restart()
    second.bind(provider, ALL)
    for consumer in (first, second):
        consumer.make(provider, "after")
    heard(manager, ("engaged", two), ("built", two))
    for consumer in (first, second):
        eventually(lambda consumer=consumer: consumer.status(provider, "after"), READY)
    assert asked(manager, "size 3") == sorted([f"{one}/after", f"{one}/before", f"{two}/after"])
    assert set(second.config_maps()) == {"after-widget"}
    first.unbind(provider)
    heard(manager, ("gone", one))
    manager.finish()
