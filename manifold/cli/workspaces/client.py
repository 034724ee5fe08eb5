"""A small HTTP client of the Kubernetes API: JSON over one kept connection.

It is http.client of the standard library, because a command makes a handful of requests and starts in the time that
other clients take to be imported. It waits where a server says Retry-After, repeats a read whose kept connection had
been closed, and shows the warnings that come in headers, as client-go does.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from manifold.cli.workspaces.failures import CommandError, ServerError

if TYPE_CHECKING:
    import ssl

    from manifold.cli.workspaces.access import Access

RETRIES = 10
"""How often a request is repeated that the server wants later."""
TIMEOUT = 32.0
"""Seconds to wait for an answer, which is what client-go gives discovery."""


class _Secure(http.client.HTTPSConnection):
    """A TLS connection that can expect another name in the certificate than the host's."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, name: str, timeout: float) -> None:
        super().__init__(host, port, context=context, timeout=timeout)
        self._tls = context
        self._name = name
        self._reached = host

    def set_tunnel(self, host: str, port: int | None = None, headers: Any = None) -> None:
        super().set_tunnel(host, port, headers)
        self._reached = host

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name or self._reached)


@dataclass(slots=True)
class Client:
    """Talks to one server. `base` is its URL before the path of a request; not for several threads at once."""

    base: str
    access: Access
    warn: Callable[[str], None]
    verbosity: int = 0
    timeout: float = TIMEOUT
    retries: int = RETRIES
    agent: str = "kubectl-ws"
    """What the client calls itself: it becomes the manager of fields that it sets."""
    _connection: http.client.HTTPConnection | None = None

    def another(self) -> Client:
        """A client of the same server with a connection of its own, for another thread."""
        return Client(self.base, self.access, self.warn, self.verbosity, self.timeout, self.retries, self.agent)

    def get(self, path: str, accept: str = "application/json") -> dict[str, Any]:
        """Read. `path` begins with `/`. Raises ServerError for a refusal, CommandError if there is no answer."""
        return self._ask("GET", path, None, accept)

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST an object to a collection; what has been made. Errors as for `get`."""
        return self._ask("POST", path, body, "application/json")

    def update(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """PUT an object in the place of another; what has been made of it. Errors as for `get`."""
        return self._ask("PUT", path, body, "application/json")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None, accept: str) -> dict[str, Any]:
        for attempt in range(self.retries + 1):
            begun = time.monotonic()
            answer = self._exchange(method, path, body, accept)
            content = self._received(answer)
            if self.verbosity >= 6:
                taken = round((time.monotonic() - begun) * 1000)
                print(f"{method} {self.base}{path} {answer.status} in {taken} milliseconds", file=sys.stderr)
            for warning in answer.headers.get_all("Warning", ()):
                _, _, quoted = warning.partition('"')
                self.warn("Warning: " + quoted.removesuffix('"').replace('\\"', '"'))
            wait = answer.headers.get("Retry-After", "")
            if (answer.status == 429 or answer.status >= 500) and wait.isdigit() and attempt < self.retries:
                time.sleep(min(int(wait), 30))
                continue
            break
        return _read(answer.status, answer.headers.get("Content-Type", ""), content)

    def _exchange(self, method: str, path: str, body: dict[str, Any] | None, accept: str) -> http.client.HTTPResponse:
        headers = [*self.access.headers, ("Accept", accept), ("User-Agent", self.agent)]
        sent = b""
        if body is not None:
            sent = json.dumps(body).encode()
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(sent)))]
        kept = self._connection is not None
        prefix = urlsplit(self.base).path
        try:
            if self._connection is None:
                self._connection = self._connect()
            self._connection.putrequest(method, prefix + path, skip_accept_encoding=True)
            for name, value in headers:
                self._connection.putheader(name, value)
            self._connection.endheaders(sent or None)
            return self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if kept and (method == "GET" or isinstance(error, http.client.CannotSendRequest)):
                return self._exchange(method, path, body, accept)
            raise CommandError(self._unreachable(error)) from None
        except ValueError:  # its text would show the value
            self.close()
            raise CommandError("the credentials or the URL have characters that a request cannot have") from None

    def _received(self, answer: http.client.HTTPResponse) -> bytes:
        try:
            return answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise CommandError(self._unreachable(error)) from None

    def close(self) -> None:
        """Give the connection up; the next request makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.base)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CommandError(f'the server "{self.base}" is no URL of http or https')
        secure = parts.scheme == "https"
        try:
            port = parts.port or (443 if secure else 80)
        except ValueError:
            raise CommandError(f'the server "{self.base}" has no valid port') from None
        proxy = self.access.proxy or _proxy_of_environment(parts.scheme, parts.hostname)
        host, at = parts.hostname, port
        if proxy:
            through = urlsplit(proxy)
            if through.scheme != "http" or not through.hostname:
                raise CommandError(
                    f'the proxy "{through.hostname or proxy}" is not supported: it must be an http:// URL'
                )
            host, at = through.hostname, through.port or 80
        connection: http.client.HTTPConnection
        if secure:
            connection = _Secure(host, at, self.access.tls(), self.access.server_name, self.timeout)
        else:
            connection = http.client.HTTPConnection(host, at, timeout=self.timeout)
        if proxy:
            connection.set_tunnel(parts.hostname, port)
        return connection

    def _unreachable(self, error: Exception) -> str:
        import ssl

        parts = urlsplit(self.base)
        server = f"{parts.scheme}://{parts.netloc}"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the certificate of the server {server} cannot be trusted: {error.verify_message}"
        if isinstance(error, socket.gaierror):
            return f"the server {server} cannot be found: {(error.strerror or str(error)).lower()}"
        if isinstance(error, TimeoutError):
            return f"the server {server} did not answer in {self.timeout:g} seconds"
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
        return f"the server {server} cannot be reached: {reason[:1].lower()}{reason[1:]}"


def _read(status: int, content_type: str, content: bytes) -> dict[str, Any]:
    """The object of an answer. Raises ServerError for what is none."""
    is_json = content_type.startswith("application/json")
    try:
        parsed = json.loads(content) if is_json else None
    except ValueError:
        parsed = None
    if 200 <= status < 300:
        if isinstance(parsed, dict):
            return parsed
        raise CommandError("the server answered with something that is no Kubernetes object; is its URL right?")
    if isinstance(parsed, dict) and parsed.get("kind") == "Status":
        metadata = parsed.get("metadata") or {}
        continuation = metadata.get("continue") or ""
        raise ServerError(status, parsed.get("reason") or "", parsed.get("message") or "", continuation)
    text = content[:2048].decode(errors="replace").strip() if content_type.startswith("text/") else ""
    raise ServerError(status, "", "" if status == 404 else text)


def _proxy_of_environment(scheme: str, host: str) -> str:
    """The proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY tell; none for this machine itself, as in Go."""
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper())
    proxy = next((os.environ[name] for name in names if os.environ.get(name)), "")
    if not proxy or host in ("localhost", "::1") or host.startswith("127."):
        return ""
    from urllib.request import proxy_bypass

    return "" if proxy_bypass(host) else proxy if "://" in proxy else f"http://{proxy}"
