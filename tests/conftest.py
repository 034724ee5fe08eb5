"""Fixtures of the end-to-end tests: `server`, one for the session, and `workspace`, a new one per test."""

import os

import pytest
from support.examples import load_profile
from support.server import Server, running_server

load_profile()
collect_ignore = [] if "MANIFOLD_SHARED" in os.environ else ["shared"]
"""What compares with the reference runs where there is one: `make test-shared`."""
_log_begins = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A running Manifold (support.server.Server) that all tests of the session share: leave `root` as it was."""
    with running_server(tmp_path_factory.mktemp("manifold")) as running:
        yield running
        assert running.process.poll() is None, f"the server ended during the tests:\n{running.log_text()}"
        assert running.stop() == 0, running.log_text()
        assert not running.mistakes(), running.mistakes()


@pytest.fixture
def workspace(server, tmp_path):
    """A new universal workspace in root (support.server.Workspace), deleted after the test."""
    created = server.create_workspace(directory=tmp_path)
    yield created
    created.delete()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show what the shared server wrote while a test ran that fails."""
    report = yield
    running = getattr(item, "funcargs", {}).get("server")
    if isinstance(running, Server):
        if report.passed and report.when == "setup":
            item.stash[_log_begins] = running.log.stat().st_size
        elif report.failed and (written := running.log_text(item.stash.get(_log_begins, 0))):
            report.sections.append(("log of the server", written))
    return report
