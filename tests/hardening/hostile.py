"""Speaks to a server as no well-behaved client would, and judges its answers: what the hardening tests share.

Requests are written to the TLS socket as they are given, because HTTP libraries refuse or mend what is tested here. An
answer is good when it comes promptly, is never the server's own fault, and, where it is a refusal, is a `Status` whose
code and reason belong together.
"""

import http.client
import io
import json
import socket
import ssl
import time
from dataclasses import dataclass

import yaml

http.client._MAXHEADERS = 300  # an answer may carry a hundred warnings, as Kubernetes' do

REASONS = {
    400: {"BadRequest"},
    401: {"Unauthorized"},
    403: {"Forbidden"},
    404: {"NotFound"},
    405: {"MethodNotAllowed"},
    406: {"NotAcceptable"},
    409: {"AlreadyExists", "Conflict"},
    410: {"Expired"},
    413: {"RequestEntityTooLarge"},
    415: {"UnsupportedMediaType"},
    422: {"Invalid"},
    429: {"TooManyRequests"},
    504: {"Timeout"},
}
"""What a refusal may be; everything else, 500 and 503 above all, is a bug."""
PROMPT_SECONDS = 5.0
"""How long a request may take. A revision that lies ahead is waited for three seconds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: `body` is as it was sent, `seconds` how long it took."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float
    asked: str

    def json(self):
        return json.loads(self.body)

    def judged(self, *expected: int) -> "Answer":
        """This answer, after it was found to be a good one (with one of the `expected` codes, if any are given)."""
        told = f"{self.asked}\n-> {self.status} {self.body[:600]!r}"
        assert self.seconds < PROMPT_SECONDS, f"{self.seconds:.1f} s: {told}"
        if self.status == 500 and self.asked.startswith("PATCH "):
            # Kubernetes answers a patch that does not fit the schema so; a failure of the server's own has a reason.
            status = self.json()
            assert status["kind"] == "Status", told
            assert "reason" not in status, told
            return self
        assert self.status < 500 or self.status == 504, told
        assert not expected or self.status in expected, f"expected {expected}: {told}"
        if self.status >= 400 and not self.asked.startswith("HEAD "):
            media = self.headers.get("Content-Type")
            if media == "application/vnd.kubernetes.protobuf" and media in self.asked:
                assert self.body.startswith(b"k8s\0"), told
                assert any(reason.encode() in self.body for reason in REASONS[self.status]), told
                return self
            assert media in ("application/json", "application/yaml"), told
            assert media == "application/json" or "application/yaml" in self.asked, told
            status = self.json() if media == "application/json" else yaml.load(self.body, Loader=yaml.CSafeLoader)
            assert (status["kind"], status["apiVersion"], status["status"]) == ("Status", "v1", "Failure"), told
            assert status["code"] == self.status, told
            assert status.get("reason") in REASONS[self.status], told
            assert status["message"], told
        return self


class Client:
    """A connection that is opened anew when the server has closed it."""

    def __init__(self, server, user: str | None = "kcp-admin") -> None:
        self.port = server.port
        self.token = server.token(user) if user else ""
        self.context = ssl.create_default_context(cafile=str(server.authority))
        self.socket: ssl.SSLSocket | None = None

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def open(self) -> ssl.SSLSocket:
        if self.socket is None:
            plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
            self.socket = self.context.wrap_socket(plain, server_hostname="127.0.0.1")
        return self.socket

    def raw(self, request: bytes, method: str = "GET") -> Answer:
        """Send bytes and read one answer."""
        asked = request[:900].decode("utf-8", "replace")
        for fresh in (self.socket is None, True):
            begun = time.monotonic()
            try:
                connection = self.open()
                connection.sendall(request)
                response = http.client.HTTPResponse(connection, method=method)
                response.begin()
                body = response.read()
            except (ConnectionError, ssl.SSLError, http.client.BadStatusLine, http.client.IncompleteRead):
                self.close()
                if fresh:
                    raise
                continue
            answer = Answer(response.status, response.headers, body, time.monotonic() - begun, asked)
            if response.will_close:
                self.close()
            return answer
        raise AssertionError("unreachable")

    def ask(
        self,
        method: str,
        path: str | bytes,
        body: object = None,
        headers: dict[str, str | bytes] | None = None,
    ) -> Answer:
        """One request. Paths, header values and bodies given as bytes are sent as they are; other bodies as JSON."""
        lines = io.BytesIO()
        given = {name.lower(): value for name, value in (headers or {}).items()}
        lines.write(b"%b %b HTTP/1.1\r\nhost: localhost\r\n" % (method.encode(), _bytes(path)))
        if self.token and "authorization" not in given:
            given["authorization"] = f"Bearer {self.token}"
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if body is not None and "content-type" not in given:
            given["content-type"] = "application/json"
        if "content-length" not in given and "transfer-encoding" not in given and (body is not None or method != "GET"):
            given["content-length"] = str(len(data))
        for name, value in given.items():
            lines.write(b"%b: %b\r\n" % (name.encode(), _bytes(value)))
        return self.raw(lines.getvalue() + b"\r\n" + data, method)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
