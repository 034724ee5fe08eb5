"""How the workspace commands reach a server: whom they trust, through which proxy, and what they say where none is."""

import base64
import socket

import pytest
from workspace_setting import IN_ROOT, Setting


def test_certificate_authority_as_data(server, setting):
    data = base64.b64encode(server.authority.read_bytes()).decode()
    setting.cluster = {"server": setting.cluster["server"], "certificate-authority-data": data}
    setting.user = {"token": server.token()}
    assert setting.ws(":root").stdout == IN_ROOT


def test_a_server_that_is_not_trusted(server, setting):
    setting.user = {"token": server.token()}
    setting.cluster["tls-server-name"] = "other.example"
    done = setting.ws(":root")
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"Error: the certificate of the server {server.url} cannot be trusted: Hostname mismatch"
    )
    setting.cluster["tls-server-name"] = "localhost"
    assert setting.ws(":root").stdout == IN_ROOT
    setting.cluster = {"server": setting.cluster["server"]}
    assert "cannot be trusted" in setting.ws(":root").stderr
    assert setting.ws(":root", "--insecure-skip-tls-verify").stdout == IN_ROOT


@pytest.mark.parametrize(
    ("cluster", "text"),
    [
        ({}, 'Error: cluster "c" has no server\n'),
        ({"server": "ftp://h/clusters/root"}, 'Error: the server "ftp://h" is no URL of http or https\n'),
        ({"server": "https://h:x/clusters/root"}, 'Error: the server "https://h:x" has no valid port\n'),
        (
            {"server": "https://no-such-host.invalid/clusters/root"},
            "Error: the server https://no-such-host.invalid cannot be found: ",
        ),
        (
            {"server": "https://h/clusters/root", "certificate-authority": "absent"},
            'Error: "c": certificate-authority: ',
        ),
        (
            {"server": "https://h/clusters/root", "certificate-authority-data": "YQ=="},
            "Error: the certificate authority of the cluster is no PEM certificate\n",
        ),
        (
            {"server": "https://h/clusters/root", "proxy-url": "socks5://p"},
            'Error: the proxy "p" is not supported: it must be an http:// URL\n',
        ),
    ],
)
def test_a_cluster_that_cannot_be_reached(tmp_path, cluster, text):
    done = Setting(tmp_path / "config", cluster).ws(":root")
    assert (done.returncode, done.stdout, done.stderr[: len(text)]) == (1, "", text)


def test_a_port_where_nobody_is(tmp_path):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        done = Setting(tmp_path / "config", {"server": f"{url}/clusters/root"}).ws(":root")
    assert done.stderr == f"Error: the server {url} cannot be reached: connection refused\n"


def test_a_proxy_that_refuses(scripted, tmp_path):
    other, script, seen = scripted
    script["host.invalid:443"] = [(403, {}, "no")]
    setting = Setting(tmp_path / "mine", {"server": "https://host.invalid/clusters/root"})
    setting.cluster["proxy-url"] = other.cluster["server"].removesuffix("/clusters/root")
    done = setting.ws(":root")
    assert (
        done.stderr
        == "Error: the server https://host.invalid cannot be reached: tunnel connection failed: 403 Forbidden\n"
    )
    del setting.cluster["proxy-url"]
    proxy = {"HTTPS_PROXY": other.cluster["server"].removesuffix("/clusters/root")}
    assert setting.ws(":root", environment=proxy).stderr == done.stderr
    assert "cannot be found" in setting.ws(":root", environment={**proxy, "NO_PROXY": ".invalid"}).stderr
    assert len(seen) == 2
