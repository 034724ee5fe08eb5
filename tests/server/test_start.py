"""`manifold start` as its users meet it: kubectl, test harnesses, restarts."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families
from served import Process, Reader, client_certificate, request

from manifold.server import issuing

PROGRAM = (sys.executable, "-m", "manifold.cli.main", "start")
CONFIGMAPS = "/clusters/root/api/v1/namespaces/default/configmaps"


def kubectl(process, *arguments, context="root", stdin=""):
    """Run kubectl as a user of the kubeconfig; its stdout. It must succeed."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(process.root),
        "KUBECONFIG": str(process.root / "admin.kubeconfig"),
    }
    done = subprocess.run(
        ["kubectl", "--context", context, *arguments], env=environment, input=stdin, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(process, path, method="GET", token="", body=b""):
    """One request; status and body."""
    headers = [f"Authorization: Bearer {token}"] if token else []
    with process.connect() as connection:
        connection.sendall(request(path, method, [*headers, "Content-Type: application/json"], body))
        status, _, answer = Reader(connection).answer()
    return status, answer


def token(process, name):
    return next(user["user"]["token"] for user in process.kubeconfig()["users"] if user["name"] == name)


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    started = Process(tmp_path_factory.mktemp("start") / "root", program=PROGRAM)
    yield started
    code, _, errors = started.stop()
    assert code == 0
    assert "Traceback" not in errors


def test_the_command_it_says_to_type_works(process):
    assert "organization" in kubectl(process, "get", "workspacetypes")
    kubectl(process, "get", "workspaces")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz", "/clusters/root/healthz", "/livez/ping"])
def test_anyone_may_ask_for_health(process, path):
    assert ask(process, path) == (200, b"ok")


def test_readyz_verbose(process):
    status, body = ask(process, "/readyz?verbose")
    assert status == 200
    assert body.startswith(b"[+]ping ok\n")
    assert body.endswith(b"readyz check passed\n")


def test_version(process):
    shown = json.loads(kubectl(process, "version", "-o", "json"))
    assert shown["serverVersion"]["gitVersion"].startswith("v1.36.0+manifold-")
    assert ask(process, "/version")[0] == 403


def test_metrics(process):
    status, body = ask(process, "/metrics", token=token(process, "shard-admin"))
    assert status == 200
    names = {family.name for family in text_string_to_metric_families(body.decode())}
    assert {"apiserver_request", "apiserver_request_duration_seconds", "manifold_loop_lag_seconds"} <= names
    assert ask(process, "/metrics")[0] == 403


def test_objects_tokens_and_context_survive_a_restart(tmp_path):
    root = tmp_path / "root"
    first = Process(root, program=PROGRAM)
    admin = token(first, "kcp-admin")
    body = json.dumps({"metadata": {"name": "kept"}, "data": {"a": "b"}}).encode()
    assert ask(first, CONFIGMAPS, "POST", admin, body)[0] == 201
    kubectl(first, "config", "use-context", "base")
    kubectl(first, "config", "set-context", "mine", "--cluster", "base", "--user", "kcp-admin")
    before = first.kubeconfig()
    assert first.stop()[0] == 0
    second = Process(root, "--secure-port", str(first.port), program=PROGRAM)
    assert second.kubeconfig() == before
    assert before["current-context"] == "base"
    status, answer = ask(second, f"{CONFIGMAPS}/kept", token=admin)
    assert (status, json.loads(answer)["data"]) == (200, {"a": "b"})
    assert second.stop()[0] == 0


def test_a_killed_process_starts_again(tmp_path):
    root = tmp_path / "root"
    first = Process(root, program=PROGRAM)
    admin = token(first, "kcp-admin")
    assert ask(first, CONFIGMAPS, "POST", admin, b'{"metadata":{"name":"kept"}}')[0] == 201
    first.stop(signal.SIGKILL)
    second = Process(root, program=PROGRAM)
    assert ask(second, f"{CONFIGMAPS}/kept", token=admin)[0] == 200
    assert second.stop()[0] == 0


def test_a_stop_ends_watches_cleanly(tmp_path):
    process = Process(tmp_path / "root", program=PROGRAM)
    admin = token(process, "kcp-admin")
    with process.connect() as connection:
        connection.sendall(request(f"{CONFIGMAPS}?watch=true", headers=[f"Authorization: Bearer {admin}"]))
        reader = Reader(connection)
        assert reader.head()[0] == 200
        time.sleep(0.3)
        begun = time.monotonic()
        process.child.send_signal(signal.SIGTERM)
        while reader.chunk():
            pass  # what exists; the stream must end with the empty chunk, not with the connection
    assert process.wait()[0] == 0
    assert time.monotonic() - begun < 5


def test_the_flags_of_the_end_to_end_harness(tmp_path):
    now = time.time()
    authority = issuing.new_authority(now - 60, now + 3600)
    (tmp_path / "client-ca.crt").write_bytes(authority.certificate_pem)
    (tmp_path / "tokens").write_text(
        'user-1-token,user-1,1111-1111,"team-1"\nadmin-token,admin,5555,"system:masters"\n'
    )
    (tmp_path / "audit.yaml").write_text("")
    process = Process(
        tmp_path / "root",
        "--embedded-etcd-client-port", "1", "--embedded-etcd-peer-port", "2", "--embedded-etcd-wal-size-bytes=5000",
        f"--kubeconfig-path={tmp_path}/root/admin.kubeconfig", "--audit-log-path", str(tmp_path / "audit.log"), "--v=4",
        "--feature-gates=WorkspaceMounts=false", "--bind-address=127.0.0.1",
        "--token-auth-file", str(tmp_path / "tokens"),
        "--audit-policy-file", str(tmp_path / "audit.yaml"), "--client-ca-file", str(tmp_path / "client-ca.crt"),
        program=PROGRAM,
    )  # fmt: skip
    assert ask(process, "/livez") == (200, b"ok")
    assert ask(process, "/readyz") == (200, b"ok")
    assert ask(process, "/clusters/system:admin/api/v1/namespaces", token="admin-token")[0] == 200
    assert ask(process, "/clusters/system:admin/api/v1/namespaces", token="user-1-token")[0] == 403
    alice, _ = client_certificate(tmp_path, authority, "alice")
    review = b'{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'
    path = "/clusters/root/apis/authentication.k8s.io/v1/selfsubjectreviews"
    with process.connect(certificate=alice) as connection:
        connection.sendall(request(path, "POST", ["Content-Type: application/json"], review))
        status, _, answer = Reader(connection).answer()
    user = json.loads(answer)["status"]["userInfo"]
    assert (status, user["username"], user["groups"]) == (201, "alice", ["team", "system:authenticated"])
    code, _, errors = process.stop()
    assert code == 0
    assert errors.count("has no effect here") == 5


@pytest.mark.parametrize("name", ["store.sqlite", "sa.key"])
def test_a_file_that_is_not_what_it_should_be_is_one_line(tmp_path, name):
    root = tmp_path / "root"
    Process(root, program=PROGRAM).stop()
    (root / name).write_bytes(b"this is something else, and long enough to be looked at" * 100)
    done = subprocess.run(
        [*PROGRAM, "--root-directory", str(root), "--secure-port", "0", "--v", "0"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("manifold: ")
    assert f"/{name}" in done.stderr
