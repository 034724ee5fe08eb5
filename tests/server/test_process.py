"""The life of a process: what it writes, says and returns; how it stops; what survives a restart."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from served import PROGRAM, Process, Reader, request, running


def attempt(*flags, cwd=None):
    """A start that is expected to fail: (exit code, stderr)."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *flags], capture_output=True, text=True, timeout=60, cwd=cwd, check=False
    )
    return done.returncode, done.stderr


def test_it_says_how_to_go_on(tmp_path):
    process = Process(tmp_path / "with space")
    code, out, errors = process.stop()
    assert code == 0
    assert f"export KUBECONFIG='{tmp_path}/with space/admin.kubeconfig'" in out
    assert "kubectl get workspaces" in out
    assert out.endswith("closed\n")
    assert "Traceback" not in errors


def test_the_root_directory_is_private_and_holds_what_it_should(tmp_path):
    with running(tmp_path / "deep" / "root") as process:
        assert process.root.stat().st_mode & 0o777 == 0o700
        assert {path.name for path in process.root.iterdir()} == {
            "admin.kubeconfig", ".admin-token-store", "ca.crt", "ca.key", "apiserver.crt", "apiserver.key",
            "apiserver.json",
        }  # fmt: skip


def test_tokens_context_and_certificates_survive_a_restart(tmp_path):
    root = tmp_path / "root"
    with running(root) as process:
        first = process.kubeconfig()
        port = process.port
    (root / "admin.kubeconfig").write_text(json.dumps({**first, "current-context": "shard-base"}))
    certificate = (root / "apiserver.crt").read_bytes()
    with running(root, "--secure-port", str(port)) as process:
        assert process.kubeconfig() == {**first, "current-context": "shard-base"}
        assert (root / "apiserver.crt").read_bytes() == certificate
        token = next(user["user"]["token"] for user in first["users"] if user["name"] == "kcp-admin")
        with process.connect() as connection:
            connection.sendall(request("/", headers=[f"Authorization: Bearer {token}"]))
            shown = json.loads(Reader(connection).answer()[2])
    assert shown["user"]["username"] == "kcp-admin"
    assert shown["user"]["groups"] == ["system:kcp:admin", "system:authenticated"]


def test_without_battery_admin_there_are_no_credentials(tmp_path):
    with running(tmp_path / "root", "--batteries-included", "workspace-types") as process:
        names = {path.name for path in process.root.iterdir()}
    assert "admin.kubeconfig" not in names
    assert ".admin-token-store" not in names


def test_urls(tmp_path):
    with running(tmp_path / "root", "--shard-base-url", "https://cp.example:443") as process:
        servers = [entry["cluster"]["server"] for entry in process.kubeconfig()["clusters"]]
        assert servers[0] == "https://cp.example:443"
        with process.connect("cp.example") as connection:
            connection.sendall(request("/"))
            assert json.loads(Reader(connection).answer()[2])["baseURL"] == "https://cp.example:443"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_time_with_a_watch_an_idle_connection_and_requests_under_way(tmp_path, number):
    process = Process(tmp_path / "root")
    with process.connect() as watch, process.connect() as idle, process.connect() as slow, process.connect() as hung:
        idle.sendall(request("/"))
        assert Reader(idle).answer()[0] == 200
        watch.sendall(request("/watch"))
        watching = Reader(watch)
        watching.head()
        watching.chunk()
        slow.sendall(request("/slow"))
        hung.sendall(request("/hang"))
        time.sleep(0.2)
        begun = time.monotonic()
        process.child.send_signal(number)
        assert watching.chunk() == b'{"last":true}\n'
        assert watching.chunk() == b""
        status, headers, _ = Reader(slow).answer()
        assert (status, headers["connection"]) == (200, "close")
        code, out, errors = process.wait()
        assert time.monotonic() - begun < 5
    assert code == 0
    assert out.endswith("closed\n")
    assert "Traceback" not in errors


def test_it_stops_accepting_first(tmp_path):
    process = Process(tmp_path / "root")
    with process.connect() as slow:
        slow.sendall(request("/slow"))
        time.sleep(0.2)
        process.child.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(OSError):  # noqa: PT011  # refused or reset, as the kernel likes
            process.connect()
        assert Reader(slow).answer()[0] == 200
    assert process.wait()[0] == 0


def test_a_port_in_use(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, errors = attempt("--root-directory", str(tmp_path / "root"), "--secure-port", str(port))
    assert code == 1
    assert errors.count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in errors
    assert not (tmp_path / "root").exists()


def test_an_address_that_is_not_ours(tmp_path):
    code, errors = attempt("--root-directory", str(tmp_path / "root"), "--bind-address", "192.0.2.1")
    assert (code, errors.count("\n")) == (1, 1)
    assert "cannot listen on 192.0.2.1:6443" in errors


def test_a_root_directory_has_one_process(tmp_path):
    with running(tmp_path / "root") as process:
        before = process.kubeconfig()
        code, errors = attempt("--root-directory", str(tmp_path / "root"), "--secure-port", "0")
        assert (code, errors.count("\n")) == (1, 1)
        assert "is in use by another process" in errors
        assert process.kubeconfig() == before


def test_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    code, errors = attempt("--root-directory", str(tmp_path / "file" / "root"), "--secure-port", "0")
    assert (code, errors.count("\n")) == (1, 1)
    assert "cannot make the directory" in errors


def test_a_lost_kubeconfig_is_one_line(tmp_path):
    with running(tmp_path / "root"):
        pass
    (tmp_path / "root" / "admin.kubeconfig").unlink()
    code, errors = attempt("--root-directory", str(tmp_path / "root"), "--secure-port", "0")
    assert (code, errors.count("\n")) == (1, 1)
    assert "cannot create the 'admin.kubeconfig' file with an empty token" in errors


def test_flags_without_effect_are_told(tmp_path):
    process = Process(tmp_path / "root", "--audit-log-path", "/dev/null")
    _, _, errors = process.stop()
    assert "--audit-log-path has no effect here" in errors


def test_a_given_certificate_is_served_and_trusted(tmp_path):
    with running(tmp_path / "first"):
        pass
    chain, key = tmp_path / "first" / "apiserver.crt", tmp_path / "first" / "apiserver.key"
    with running(tmp_path / "root", "--tls-cert-file", str(chain), "--tls-private-key-file", str(key)) as process:
        assert not (process.root / "ca.crt").exists()
        (process.root / "ca.crt").write_bytes((tmp_path / "first" / "ca.crt").read_bytes())
        with process.connect() as connection:
            connection.sendall(request("/"))
            assert Reader(connection).answer()[0] == 200


def test_metrics_of_a_running_process(tmp_path):
    with running(tmp_path / "root") as process, process.connect() as connection:
        connection.sendall(request("/metrics"))
        text = Reader(connection).answer()[2].decode()
        assert "\nmanifold_connections 1\n" in text


def test_many_connections_at_once(tmp_path):
    with running(tmp_path / "root") as process:
        results = []

        def ask():
            with process.connect() as connection:
                reader = Reader(connection)
                for _ in range(20):
                    connection.sendall(request("/bytes/1000"))
                    results.append(len(reader.answer()[2]))

        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [1000] * 400


def test_nobody_has_to_read_what_it_says(tmp_path):
    child = subprocess.Popen(
        [sys.executable, str(PROGRAM), "--root-directory", str(tmp_path / "root"), "--secure-port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    child.stdout.close()
    time.sleep(1.5)
    assert child.poll() is None
    child.kill()
    child.wait(30)
