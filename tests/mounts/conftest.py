"""Two real servers: `front`, whose workspaces mount, and `behind`, which is mounted; and a `pair` of workspaces."""

import subprocess
import time

import pytest
from mounting import Pair
from support.server import running_server

from manifold.server import issuing


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    directory = tmp_path_factory.mktemp("mounts")
    authority = issuing.new_authority(time.time() - 60, time.time() + 2 * 365 * 86400)
    (directory / "ca.crt").write_bytes(authority.certificate_pem)
    (directory / "ca.key").write_bytes(authority.key_pem)
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for line in (
        f"req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=mounts "
        f"-keyout {directory / 'key'} -out {directory / 'request'}",
        f"x509 -req -in {directory / 'request'} -CA {directory / 'ca.crt'} -CAkey {directory / 'ca.key'} -days 1 "
        f"-CAcreateserial -out {directory / 'crt'} -extfile {directory / 'names'}",
    ):
        subprocess.run(["openssl", *line.split()], check=True, capture_output=True)
    with running_server(directory / "behind", "--client-ca-file", str(directory / "ca.crt")) as behind:
        trusted = directory / "trusted.crt"
        trusted.write_bytes(behind.authority.read_bytes() + authority.certificate_pem)
        flags = {
            "mount-proxy-client-cert-file": directory / "crt",
            "mount-proxy-client-key-file": directory / "key",
            "mount-proxy-ca-file": trusted,
        }
        words = [f"--{name}={value}" for name, value in flags.items()]
        with running_server(directory / "front", "--feature-gates", "WorkspaceMounts=true", *words) as front:
            yield front, behind
            assert front.process.poll() is None, front.log_text()
            assert front.stop() == 0, front.log_text()
            lines = [line for line in front.log_text().splitlines() if " ERROR " in line]
            assert not [line for line in lines if "left without its whole response" not in line], lines  # as told to


@pytest.fixture
def certificate(servers):
    """Certificate and key of a server on 127.0.0.1 that the front trusts."""
    front, _behind = servers
    directory = front.root.parent.parent
    return directory / "crt", directory / "key"


@pytest.fixture
def pair(servers, tmp_path):
    front, behind = servers
    made = Pair(
        front.create_workspace(directory=tmp_path / "."), behind.create_workspace(directory=tmp_path / ".", name="")
    )
    yield made
    made.front.delete()
    made.behind.delete()
