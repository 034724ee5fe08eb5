"""Who the workspace commands are for a server: tokens, certificates, programs, other users."""

import base64
import stat
import subprocess
import sys
import time

import pytest
import yaml
from scripted_server import APIS, GROUPS
from support.server import running_server
from workspace_setting import IN_ROOT, Setting

from manifold.server import issuing

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
