"""How the workspace commands reach a server: whom they trust, who they are, what they do when it goes wrong."""

import base64
import http.server
import json
import socket
import stat
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from support.server import kubectl, running_server

from manifold.cli.workspaces.entering import claims_left_open
from manifold.server import issuing


@dataclass
class Setting:
    """A kubeconfig with one context, to be changed by a test: the values of its cluster and its user."""

    path: Path
    cluster: dict = field(default_factory=dict)
    user: dict = field(default_factory=dict)

    def ws(self, *arguments, **options):
        """Run `kubectl ws`."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": self.cluster}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": self.user}],
        }
        self.path.write_text(yaml.safe_dump(document))
        return kubectl("ws", *arguments, kubeconfig=self.path, check=False, **options)


@pytest.fixture
def setting(server, tmp_path):
    """A kubeconfig for the shared server, with all that is needed but a user."""
    return Setting(
        tmp_path / "config", {"server": f"{server.url}/clusters/root", "certificate-authority": str(server.authority)}
    )


IN_ROOT = "Current workspace is 'root' (type root).\n"
ANONYMOUS = 'Error: access to workspace "root" denied\n'


def test_nobody_is_anonymous(setting):
    assert setting.ws(":root").stderr == ANONYMOUS


def test_token(server, setting):
    setting.user = {"token": server.token()}
    assert setting.ws(":root").stdout == IN_ROOT


def test_token_of_a_file_beside_the_kubeconfig(server, setting):
    (setting.path.parent / "token").write_text(server.token() + "\n")
    setting.user = {"tokenFile": "token", "token": "stale"}
    assert setting.ws(":root").stdout == IN_ROOT


def test_flags_win(server, setting):
    setting.user = {"token": "wrong"}
    setting.cluster = {"server": "https://nowhere.invalid/clusters/root", "certificate-authority": "absent"}
    done = setting.ws(
        ":root", "--token", server.token(), "--server", f"{server.url}/clusters/root",
        "--certificate-authority", str(server.authority),
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (IN_ROOT, "")
    written = yaml.safe_load(setting.path.read_text())
    assert written["clusters"][1]["cluster"] == {
        "server": f"{server.url}/clusters/root",
        "certificate-authority": str(server.authority),
    }
    assert [entry["name"] for entry in written["users"]] == ["u"]
    assert server.token() not in setting.path.read_text()


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


def test_client_certificates(tmp_path):
    moment = time.time()
    authority = issuing.new_authority(moment - 60, moment + 3600)
    (tmp_path / "client-ca.crt").write_bytes(authority.certificate_pem)
    made = {name: tmp_path / name for name in ("key", "request", "crt", "ca.key")}
    made["ca.key"].write_bytes(authority.key_pem)
    for line in (
        f"req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /O=system:masters/CN=cert-user "
        f"-keyout {made['key']} -out {made['request']}",
        f"x509 -req -in {made['request']} -CA {tmp_path / 'client-ca.crt'} -CAkey {made['ca.key']} -days 1 "
        f"-CAcreateserial -out {made['crt']}",
    ):
        subprocess.run(["openssl", *line.split()], check=True, capture_output=True)
    with running_server(tmp_path / "server", "--client-ca-file", str(tmp_path / "client-ca.crt")) as server:
        setting = Setting(
            tmp_path / "config",
            {"server": f"{server.url}/clusters/root", "certificate-authority": str(server.authority)},
        )
        setting.user = {"client-certificate": "crt", "client-key": "key"}
        assert setting.ws(":root").stdout == IN_ROOT
        data = {name: base64.b64encode(made[name].read_bytes()).decode() for name in ("crt", "key")}
        setting.user = {"client-certificate-data": data["crt"], "client-key-data": data["key"]}
        assert setting.ws(":root").stdout == IN_ROOT
        setting.user["client-key-data"] = data["crt"]
        assert setting.ws(":root").stderr == "Error: the client certificate and key of the user are no PEM pair\n"


def plugin(directory, body):
    """An exec credential plugin in the folder of the kubeconfig."""
    program = directory / "login"
    program.write_text(f"#!{sys.executable}\nimport json, os, sys\n{body}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def exec_user(**more):
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./login", **more}}


def test_credentials_of_a_program(server, setting):
    plugin(
        setting.path.parent,
        'told = json.loads(os.environ["KUBERNETES_EXEC_INFO"])\n'
        'assert sys.argv[1:] == ["--for", "8443"], sys.argv\n'
        'assert told["apiVersion"] == "client.authentication.k8s.io/v1"\n'
        'assert told["spec"]["interactive"] is False\n'
        'assert "BEGIN CERT" in __import__("base64").b64decode(\n'
        '    told["spec"]["cluster"]["certificate-authority-data"]).decode()\n'
        'print(json.dumps({**told, "spec": {}, "status": {"token": os.environ["GIVEN"]}}))\n',
    )
    setting.user = exec_user(
        args=["--for", 8443], env=[{"name": "GIVEN", "value": server.token()}], provideClusterInfo=True,
        interactiveMode="IfAvailable",
    )  # fmt: skip
    done = setting.ws(":root", input="")
    assert (done.stdout, done.stderr) == (IN_ROOT, "")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("sys.exit(3)", "login failed with exit code 3"),
        ("print('hello')", "login wrote no ExecCredential"),
        ("print('[]')", "login wrote no ExecCredential"),
        (
            'print(\'{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1beta1"}\')',
            "login wrote a ExecCredential of client.authentication.k8s.io/v1beta1, "
            "asked for an ExecCredential of client.authentication.k8s.io/v1",
        ),
        (
            'print(\'{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": {}}\')',
            "login gave neither a token nor a client certificate with its key",
        ),
    ],
)
def test_a_program_that_gives_nothing(setting, body, text):
    plugin(setting.path.parent, body)
    setting.user = exec_user()
    done = setting.ws(":root")
    assert (done.returncode, done.stdout) == (1, "")
    assert text in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("user", "text"),
    [
        ({"token": "a\nb"}, "have characters that a request cannot have\n"),
        ({"token": "t", "as-groups": "g"}, "as-groups or as-user-extra has the wrong shape"),
        ({"token": "t", "as-user-extra": {"k": "v"}}, "as-groups or as-user-extra has the wrong shape"),
        (exec_user(env={"a": "b"}), "exec.args or exec.env is no list"),
        (exec_user(env=[{"name": "a"}]), "exec.env must have names and values"),
        (exec_user(args=7), "exec.args or exec.env is no list"),
        (exec_user(command="./absent", installHint="get it"), "absent: no such file or directory\n\nget it\n"),
        (exec_user(apiVersion="v9"), "exec.apiVersion must be one of"),
        (exec_user(interactiveMode="Always"), "needs a terminal"),
        (exec_user(interactiveMode="Maybe"), "exec.interactiveMode must be one of"),
        ({"exec": {}}, "exec.command is missing"),
        ({"exec": "login"}, "exec.command is missing"),
        ({"auth-provider": {"name": "gcp"}}, "auth-provider is not supported"),
        ({"client-certificate": "absent"}, "client-certificate: "),
        ({"client-certificate-data": "a"}, "client-certificate-data is not base64"),
        ({"client-certificate-data": "YQ=="}, "are no PEM pair"),
        ({"tokenFile": "absent"}, "tokenFile: "),
    ],
)
def test_a_user_that_cannot_be_used(setting, user, text):
    setting.user = user
    done = setting.ws(":root", input="")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert text in done.stderr


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


class Scripted(http.server.BaseHTTPRequestHandler):
    """Answers with what stands in the script for a path, and the last of it again and again."""

    protocol_version = "HTTP/1.1"
    script: dict
    seen: list

    def do_GET(self):
        self.seen.append((self.path, self.headers))
        answers = self.script[self.path.partition("?")[0]]
        code, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        content = json.dumps(body).encode() if isinstance(body, dict) else body.encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json" if isinstance(body, dict) else "text/plain")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        if headers.get("X-Then") == "close":  # without having said so
            self.close_connection = True

    do_CONNECT = do_GET

    def log_message(self, *arguments):
        pass


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


GROUPS = {"kind": "APIGroupList", "groups": [{"name": "g"}]}
APIS = "/clusters/root/apis"


def test_what_is_wanted_later_is_asked_again(scripted):
    setting, script, seen = scripted
    script[APIS] = [
        (429, {"Retry-After": "0"}, "busy"),
        (503, {"Retry-After": "0", "X-Then": "close"}, "busy"),
        (200, {"Warning": '299 - "be \\"careful\\""'}, GROUPS),
    ]
    done = setting.ws(":root")
    assert (done.returncode, done.stdout, done.stderr) == (0, IN_ROOT, 'Warning: be "careful"\n')
    assert [path for path, _ in seen].count(APIS) == 3


def test_there_is_an_end_to_asking_again(scripted):
    setting, script, seen = scripted
    script[APIS] = [(429, {"Retry-After": "0"}, "busy")]
    done = setting.ws(":root")
    assert done.stderr == ("Error: the server has received too many requests and has asked us to try again later\n")
    assert len(seen) == 11


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((500, {}, "broken"), 'an error on the server ("broken") has prevented the request from succeeding'),
        ((503, {}, "Not available."), "the server is currently unable to handle the request"),
        ((404, {}, "no"), "the server could not find the requested resource"),
        ((403, {}, {"kind": "Status", "message": "no"}), 'access to workspace "root" denied'),
        ((200, {}, {"kind": "APIGroupList", "groups": []}), 'access to workspace "root" denied'),
        (
            (200, {}, "<html>"),
            "the server answered with something that is no Kubernetes object; is its URL right?",
        ),
        (
            (302, {"Location": "/"}, ""),
            "the server responded with the status code 302 but did not return more information",
        ),
    ],
)
def test_refusals(scripted, answer, text):
    setting, script, _ = scripted
    script[APIS] = [answer]
    assert setting.ws(":root").stderr == f"Error: {text}\n"


def test_acting_as_another(scripted):
    setting, script, seen = scripted
    script[APIS] = [(200, {}, GROUPS)]
    setting.user = {"username": "u", "password": "p", "as-user-extra": {"a/b": ["x", "y"]}, "as-groups": ["file"]}
    setting.ws(":root", "--as", "alice", "--as-uid", "7", "--as-group", "g", "--as-group", "h")
    headers = seen[0][1]
    assert headers.get_all("Authorization") == ["Basic dTpw"]
    assert headers.get_all("Impersonate-User") == ["alice"]
    assert headers.get_all("Impersonate-Uid") == ["7"]
    assert headers.get_all("Impersonate-Group") == ["g", "h"]
    assert headers.get_all("Impersonate-Extra-a%2Fb") == ["x", "y"]


def test_an_expired_list_goes_on(scripted):
    setting, script, seen = scripted

    def page(names, **metadata):
        return {
            "kind": "WorkspaceList",
            "metadata": metadata,
            "items": [{"metadata": {"name": name}} for name in names],
        }

    expired = {"kind": "Status", "code": 410, "reason": "Expired", "metadata": {"continue": "now"}, "message": "old"}
    path = "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces"
    script[path] = [(200, {}, page("ab", **{"continue": "then"})), (410, {}, expired), (200, {}, page("cd"))]
    assert setting.ws("list", "-o", "name").stdout.split() == [f"workspace.tenancy.kcp.io/{name}" for name in "abcd"]
    assert [path.partition("?")[2] for path, _ in seen] == [
        "limit=500",
        "limit=500&continue=then",
        "limit=500&continue=now",
    ]
    script[path] = [(200, {}, page("ab", **{"continue": "then"})), (410, {}, {**expired, "metadata": {}})]
    assert setting.ws("list", "-o", "name").stderr == "Error: old\n"


def test_a_workspace_without_a_cluster_or_with_a_mount_is_a_leaf(scripted):
    """Such ones have no workspaces to be asked for."""
    setting, script, seen = scripted
    path = "/clusters/root/apis/tenancy.kcp.io/v1alpha1/workspaces"
    items = [
        {
            "metadata": {"name": "mounted"},
            "spec": {"mount": {"ref": {}}, "URL": "https://x"},
            "status": {"phase": "Ready"},
        },
        {"metadata": {"name": "unscheduled"}, "spec": {}, "status": {"phase": "Unavailable"}},
    ]
    script[path] = [(200, {}, {"kind": "WorkspaceList", "metadata": {}, "items": items})]
    assert setting.ws("tree").stdout == ".\n└── root\n    ├── mounted [m]\n    └── unscheduled\n\n"
    assert len(seen) == 1
    script["/clusters/root/apis/core.kcp.io/v1alpha1/logicalclusters/cluster"] = [(403, {}, "no")]
    assert setting.ws("tree", "--wide").stdout == (
        ".\n└── root  ws=-  lc=Unknown\n    ├── mounted  ws=Ready  lc=Unknown [m]\n"
        "    └── unscheduled  ws=Unavailable  lc=Unknown\n\n"
    )


def claim(resource, group="", verbs=("*",), **more):
    return {"resource": resource, "group": group, "verbs": list(verbs), **more}


@pytest.mark.parametrize(
    ("exported", "specified", "warnings"),
    [
        ([], [], []),
        ([claim("secrets")], [claim("secrets", state="Accepted")], []),
        ([claim("secrets")], [claim("secrets", state="Rejected")], []),
        (
            [claim("gizmos", "g.io")], [],
            [
                "Warning: claim for gizmos.g.io exported but not specified on APIBinding b",
                "Add this claim to the APIBinding's Spec.",
            ],
        ),
        (
            [claim("secrets")], [claim("secrets")],
            ["Warning: claim for secrets specified on APIBinding b but not accepted or rejected."],
        ),
        (
            [claim("secrets", verbs=["get", "list"])], [claim("secrets", verbs=["get"], state="Accepted")],
            [
                "Warning: allowed verbs (get) on claim for secrets on APIBinding b "
                "do not match expected verbs (get,list)."
            ],
        ),
        (
            [claim("x", "g", identityHash="1")], [claim("x", "g", identityHash="2", state="Accepted")],
            [
                "Warning: claim for x.g exported but not specified on APIBinding b",
                "Add this claim to the APIBinding's Spec.",
            ],
        ),
    ],
)  # fmt: skip
def test_claims_left_open(exported, specified, warnings):
    binding = {
        "metadata": {"name": "b"},
        "spec": {"permissionClaims": specified},
        "status": {"exportPermissionClaims": exported},
    }
    assert list(claims_left_open(binding)) == warnings


def test_claims_left_open_are_told_on_entering(scripted):
    setting, script, _ = scripted
    script[APIS] = [(200, {}, GROUPS)]
    binding = {"metadata": {"name": "b"}, "status": {"exportPermissionClaims": [claim("secrets")]}}
    script["/clusters/root/apis/apis.kcp.io/v1alpha2/apibindings"] = [(200, {}, {"items": [binding]})]
    done = setting.ws(":root")
    assert done.stdout == IN_ROOT
    assert done.stderr.startswith("Warning: claim for secrets exported but not specified on APIBinding b\n")
