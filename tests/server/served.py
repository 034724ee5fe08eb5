"""Starts the trivial shard as a process and speaks to it over raw TLS: what the tests of serving share."""

import contextlib
import hashlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PROGRAM = Path(__file__).with_name("trivial_shard.py")


class Process:
    """A running process; `root` is its root directory, `port` where it listens."""

    def __init__(self, root: Path, *flags: str, program=(sys.executable, str(PROGRAM))) -> None:
        self.root = root
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # it lives as long as the process
        self.child = subprocess.Popen(
            [*program, "--root-directory", str(root), "--secure-port", "0", *flags],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.greeting = self.child.stdout.readline()
        if " is ready, listening on " not in self.greeting:
            raise AssertionError(f"it did not start: {self.wait()}")
        self.port = int(self.greeting.rpartition(":")[2])

    def stop(self, number=signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal; exit code, rest of stdout, stderr."""
        self.child.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str, str]:
        """Wait for the end: exit code, rest of stdout, stderr."""
        out = self.child.stdout.read()
        code = self.child.wait(30)
        self._errors.seek(0)
        return code, out, self._errors.read()

    def kubeconfig(self) -> dict:
        return yaml.safe_load((self.root / "admin.kubeconfig").read_text())

    def connect(self, host="127.0.0.1", certificate=None, alpn=None, version=None) -> ssl.SSLSocket:
        """A TLS connection that trusts the CA of the kubeconfig."""
        context = ssl.create_default_context(cafile=str(self.root / "ca.crt"))
        if certificate:
            context.load_cert_chain(*certificate)
        if alpn:
            context.set_alpn_protocols(alpn)
        if version:
            context.minimum_version = context.maximum_version = version
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        try:
            return context.wrap_socket(raw, server_hostname=host)
        except BaseException:
            raw.close()
            raise


@contextlib.contextmanager
def running(root: Path, *flags: str):
    """A process for the length of a block; it must end well."""
    process = Process(root, *flags)
    try:
        yield process
    finally:
        if process.child.poll() is None:
            process.stop()


def request(path: str, method="GET", headers=(), body=b"", version="1.1") -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/{version}", "Host: test", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Reader:
    """Reads HTTP answers from a connection."""

    def __init__(self, connection) -> None:
        self.file = connection.makefile("rb")

    def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of the next answer."""
        status = int(self.file.readline().split()[1])
        headers = {}
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers

    def chunk(self) -> bytes:
        """The next chunk; empty for the last."""
        data = self.file.read(int(self.file.readline(), 16))
        assert self.file.readline() == b"\r\n"
        return data

    def answer(self, method="GET") -> tuple[int, dict[str, str], bytes]:
        """The next answer with its whole body."""
        status, headers = self.head()
        if method == "HEAD":
            return status, headers, b""
        if headers.get("transfer-encoding") == "chunked":
            return status, headers, b"".join(iter(self.chunk, b""))
        if "content-length" in headers:
            return status, headers, self.file.read(int(headers["content-length"]))
        return status, headers, self.file.read()

    def ended(self) -> bool:
        """Whether the server has closed the connection."""
        try:
            return self.file.read(1) == b""
        except OSError:
            return True


def client_certificate(directory, authority, name):
    """A client certificate of `name` in group `team` signed by `authority`: its two files, and its digest."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(
            x509.Name(
                [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "team"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
            )
        )
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    certificate, private = directory / f"{name}.crt", directory / f"{name}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return (certificate, private), hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()
