"""A real Manifold, started as its users start it, for the tests that speak to it over the wire.

One process serves a whole test session (the fixture `server`), because a test that needs its own world takes a
workspace of its own (the fixture `workspace`), as users do. A test that must stop the server, or needs flags, starts
one with `running_server`. A server that does not start, and a test that fails, are shown with the server's log.
"""

import contextlib
import http.client
import itertools
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

TOKENS = {"alice": ("alice", "team-a"), "bob": ("bob", "team-b"), "master": ("master", "system:masters")}
"""Name of the user, which is also its token, to its user name and group: users beside those of the admin kubeconfig.
They are contexts of the kubeconfig, too, on the cluster `root`."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `kubeconfig` is one for the tests: the admin kubeconfig and the users of TOKENS."""

    root: Path
    process: "subprocess.Popen[str]"
    url: str
    kubeconfig: Path
    log: Path

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def authority(self) -> Path:
        """The PEM certificate that clients trust."""
        return self.root / "ca.crt"

    def token(self, user: str = "kcp-admin") -> str:
        """The bearer token of a user of the kubeconfig: kcp-admin, shard-admin, user, or one of TOKENS."""
        return next(entry["user"]["token"] for entry in _parsed(self.kubeconfig)["users"] if entry["name"] == user)

    def request(self, method: str, path: str, body=None, user="kcp-admin", headers=None) -> tuple[int, dict | str]:
        """One request: status, and the body parsed if it is JSON. `body` is a dict (sent as JSON), str or bytes."""
        sent = {"Authorization": f"Bearer {self.token(user)}"} if user else {}
        if isinstance(body, dict | list):
            body, sent["Content-Type"] = json.dumps(body), "application/json"
        with contextlib.closing(self.connection()) as connection:
            connection.request(method, path, body=body, headers={**sent, **(headers or {})})
            answer = connection.getresponse()
            text = answer.read().decode()
        is_json = answer.getheader("Content-Type", "").startswith("application/json")
        return answer.status, json.loads(text) if is_json else text

    def connection(self, patience: float | None = 60) -> http.client.HTTPSConnection:
        """A connection, closed by whoever asks for it. A read waits for `patience` seconds at most (None: for ever)."""
        context = ssl.create_default_context(cafile=str(self.authority))
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=patience)

    @contextlib.contextmanager
    def opened(
        self, path: str, user="kcp-admin", headers=None, patience: float | None = 20
    ) -> Iterator[http.client.HTTPResponse]:
        """A GET for the length of a block, whose answer, such as a watch, is read as it comes."""
        with contextlib.closing(self.connection(patience)) as connection:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token(user)}", **(headers or {})})
            yield connection.getresponse()

    def kubectl(self, *arguments: str, **options) -> "subprocess.CompletedProcess[str]":
        """Run kubectl with this server's kubeconfig; see `kubectl`."""
        return kubectl(*arguments, **{"kubeconfig": self.kubeconfig, **options})

    def create_workspace(
        self, name="", *, parent="root", type="universal", directory: Path | None = None, user="kcp-admin"
    ):
        """Create a workspace (with a fresh name unless given) of a type in root, and wait until it is Ready."""
        name = name or f"e2e-{os.getpid()}-{next(_numbers)}"
        workspaces = f"/clusters/{parent}/apis/tenancy.kcp.io/v1alpha1/workspaces"
        body = {
            "apiVersion": "tenancy.kcp.io/v1alpha1",
            "kind": "Workspace",
            "metadata": {"name": name},
            "spec": {"type": {"name": type, "path": "root"}},
        }
        status, found = self.request("POST", workspaces, body, user=user)
        assert status == 201, found
        deadline = time.monotonic() + 30
        while found["status"].get("phase") != "Ready":
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
            status, found = self.request("GET", f"{workspaces}/{name}", user=user)
            assert status == 200, found
        path = f"{parent}:{name}"
        kubeconfig = (directory or self.root.parent) / f"{name}.kubeconfig"
        write_kubeconfig(self, kubeconfig, path)
        return Workspace(self, name, path, found["spec"]["cluster"], kubeconfig)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the process by a signal (if it still runs) and wait; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the server did not end within 20 s of signal {number}:\n{self.log_text()}") from None

    def log_text(self, after: int = 0, limit: int = 20_000) -> str:
        """What the server wrote after that many bytes, the last `limit` of them."""
        return self.log.read_bytes()[after:][-limit:].decode(errors="replace")

    def mistakes(self) -> list[str]:
        """What the server calls errors of its own in the last it wrote: no request and no controller may cause any."""
        return [line for line in self.log_text().splitlines() if " ERROR " in line]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace made for a test. `kubeconfig` has its path as the cluster of the context `root` and of all users."""

    server: Server
    name: str
    path: str
    cluster: str
    kubeconfig: Path
    directory: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "directory", self.kubeconfig.parent)

    @property
    def url(self) -> str:
        return f"{self.server.url}/clusters/{self.path}"

    def kubectl(self, *arguments: str, **options) -> "subprocess.CompletedProcess[str]":
        """Run kubectl inside this workspace; see `kubectl`."""
        return kubectl(*arguments, **{"kubeconfig": self.kubeconfig, **options})

    def request(self, method: str, path: str, body=None, **options) -> tuple[int, dict | str]:
        """One request to a Kubernetes path of this workspace; see `Server.request`."""
        return self.server.request(method, f"/clusters/{self.path}{path}", body, **options)

    def opened(self, path: str, **options) -> contextlib.AbstractContextManager[http.client.HTTPResponse]:
        """A GET of a Kubernetes path of this workspace, read as it comes; see `Server.opened`."""
        return self.server.opened(f"/clusters/{self.path}{path}", **options)

    def delete(self) -> None:
        """Delete it (it may be gone, as the workspace it is in may be)."""
        parent, _, name = self.path.rpartition(":")
        path = f"/clusters/{parent}/apis/tenancy.kcp.io/v1alpha1/workspaces/{name}"
        status, answer = self.server.request("DELETE", path)
        assert status in (200, 202, 403, 404), answer


def kubectl(
    *arguments: str,
    kubeconfig: Path,
    context="",
    input: str | None = None,
    check=True,
    environment=None,
    directory=None,
) -> "subprocess.CompletedProcess[str]":
    """Run the real kubectl, with the plugins of this checkout on its PATH, and give what it did (text, exit code).

    `kubeconfig` comes by the environment, so that plugins get it, too; `context` must not be given for plugins, because
    kubectl refuses flags before their name. With `check` a failure is an AssertionError that shows stderr.
    """
    surroundings = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(Path(kubeconfig).parent),
        "KUBECONFIG": str(kubeconfig),
        **(environment or {}),
    }
    chosen = ["--context", context] if context else []
    done = subprocess.run(
        ["kubectl", *chosen, *arguments], env=surroundings, input=input, capture_output=True, text=True, timeout=120,
        check=False, cwd=directory,
    )  # fmt: skip
    assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done


def write_kubeconfig(server: Server, to: Path, path: str) -> None:
    """A copy of the server's kubeconfig in which what led to the workspace `root` leads to the one at `path`."""
    document = _parsed(server.kubeconfig)
    for entry in document["clusters"]:
        if entry["name"] == "root":
            entry["cluster"]["server"] = f"{server.url}/clusters/{path}"
    to.write_text(yaml.safe_dump(document))
    to.chmod(0o600)


def start_server(directory: Path, *flags: str, timeout: float = 60) -> Server:
    """Start a server that keeps everything in `directory` (made if missing), on a free port; ready when this returns.

    A directory used before is opened again, so that a restart can be tested.
    """
    root, log = directory / "root", directory / "server.log"
    directory.mkdir(parents=True, exist_ok=True)
    tokens = directory / "tokens.csv"
    tokens.write_text("".join(f'{token},{name},uid-{name},"{group}"\n' for token, (name, group) in TOKENS.items()))
    command = [sys.executable, "-m", "manifold.cli.main", "start", "--root-directory", str(root)]
    with log.open("a") as output:
        begun = output.tell()
        process = subprocess.Popen(
            [*command, "--secure-port", "0", "--batteries-included", "+user", "--token-auth-file", str(tokens), *flags],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    server = None
    deadline = time.monotonic() + timeout
    try:
        while not (server := _ready(process, directory, log, begun)):
            assert process.poll() is None, f"the server ended with code {process.returncode}"
            assert time.monotonic() < deadline, "the server was not ready in time"
            time.sleep(0.02)
    except BaseException as error:
        process.kill()
        process.wait()
        error.add_note(f"its log:\n{log.read_text()[begun:]}")
        raise
    return server


@contextlib.contextmanager
def running_server(directory: Path, *flags: str) -> Iterator[Server]:
    """A server of one's own for the length of a block, with more `flags`; see `start_server`."""
    server = start_server(directory, *flags)
    try:
        yield server
    finally:
        server.stop()


def _ready(process, directory: Path, log: Path, begun: int) -> Server | None:
    """The server, once it has said where it listens and /readyz says ok."""
    lines = [line for line in log.read_text()[begun:].splitlines() if " is ready, listening on " in line]
    if not lines:
        return None
    kubeconfig = directory / "kubeconfig"
    server = Server(directory / "root", process, lines[0].rpartition(" ")[2], kubeconfig, log)
    document = _parsed(server.root / "admin.kubeconfig")
    for token in TOKENS:
        document["users"].append({"name": token, "user": {"token": token}})
        document["contexts"].append({"name": token, "context": {"cluster": "root", "user": token}})
    kubeconfig.write_text(yaml.safe_dump(document))
    kubeconfig.chmod(0o600)
    status, _ = server.request("GET", "/readyz", user="")
    return server if status == 200 else None


def _parsed(kubeconfig: Path) -> dict:
    return yaml.load(kubeconfig.read_bytes(), Loader=yaml.CSafeLoader)
