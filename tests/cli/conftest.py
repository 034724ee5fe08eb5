"""Fixtures of the commands: a kubeconfig for the shared server, a server that plays a script, a provider of APIs."""

import http.server
import threading

import pytest
from providing import APIS, CLAIMS
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


@pytest.fixture
def provider(server, tmp_path):
    """A workspace with the exports `plain` (nothing) and `claiming` (widgets, and CLAIMS)."""
    created = server.create_workspace(directory=tmp_path)
    schema = {
        "apiVersion": "apis.kcp.io/v1alpha1", "kind": "APIResourceSchema",
        "metadata": {"name": "v1.widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"type": "object"}}],
        },
    }  # fmt: skip
    status, made = created.request("POST", "/apis/apis.kcp.io/v1alpha1/apiresourceschemas", schema)
    assert status == 201, made
    resource = {"group": "example.com", "name": "widgets", "schema": "v1.widgets.example.com"}
    for name, spec in (("plain", {}), ("claiming", {"resources": [resource], "permissionClaims": CLAIMS})):
        body = {"apiVersion": "apis.kcp.io/v1alpha2", "kind": "APIExport", "metadata": {"name": name}, "spec": spec}
        status, made = created.request("POST", f"{APIS}/apiexports", body)
        assert status == 201, made
    yield created
    created.delete()
