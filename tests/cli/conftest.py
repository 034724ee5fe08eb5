"""Fixtures of the workspace commands: a kubeconfig for the shared server, and a server that plays a script."""

import http.server
import threading

import pytest
from scripted_server import Scripted
from workspace_setting import Setting


@pytest.fixture
def setting(server, tmp_path):
    """A kubeconfig for the shared server, with all that is needed but a user."""
    return Setting(
        tmp_path / "config", {"server": f"{server.url}/clusters/root", "certificate-authority": str(server.authority)}
    )


@pytest.fixture
def scripted(tmp_path):
    """A server that plays a script; its kubeconfig, the script to be filled, and the requests it has seen."""
    handler = type("Handler", (Scripted,), {"script": {}, "seen": []})
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{serving.server_address[1]}"
    handler.script["/clusters/root/apis/apis.kcp.io/v1alpha2/apibindings"] = [(200, {}, {"items": []})]
    yield Setting(tmp_path / "config", {"server": f"{url}/clusters/root"}), handler.script, handler.seen
    serving.shutdown()
    serving.server_close()
