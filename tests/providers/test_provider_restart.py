"""A controller goes on when the server is killed and comes back: it hears of what it missed."""

import signal

import pytest
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
