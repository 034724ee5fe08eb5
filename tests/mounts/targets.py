"""What requests through a mount come out at: a relay to a real server that counts, and a server that does as told."""

import contextlib
import socket
import ssl
import threading


class Relay:
    """Passes connections on to a port, counts them, and can cut them."""

    def __init__(self, port):
        self.to = port
        self.accepted = 0
        self._pairs = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def open(self) -> int:
        """How many connections there are."""
        return sum(near.fileno() >= 0 for near, _ in self._pairs)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self.accepted += 1
                try:
                    far = socket.create_connection(("127.0.0.1", self.to))
                except OSError:
                    near.close()
                    continue
                self._pairs.append((near, far))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        self._end((source, sink))

    @staticmethod
    def _end(pair):
        for one in pair:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def cut(self):
        """End all connections."""
        for pair in list(self._pairs):
            self._end(pair)

    def close(self):
        self._listener.close()
        self.cut()


def answer(body=b"{}", *headers):
    """An answer that says how long it is."""
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: application/json", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


class Target:
    """A server behind a mount. `act` gets the connection, its number, which request on it this is, and the head, and
    says whether to go on with the connection. `requests` has the number of the connection and the first line of each.
    """

    def __init__(self, certificate, act):
        self.requests = []
        self.bodies = []
        self.accepted = self.open = 0
        self._act = act
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def seen(self, method) -> int:
        """How many requests of a method have come."""
        return sum(line.startswith(method) for _, line in self.requests)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self._listener.accept()
                self.accepted += 1
                threading.Thread(target=self._serve, args=(raw, self.accepted), daemon=True).start()

    def _serve(self, raw, number):
        self.open += 1
        try:
            with contextlib.suppress(OSError), self._context.wrap_socket(raw, server_side=True) as connection:
                count = 0
                while (head := self._head(connection)) is not None:
                    count += 1
                    self.requests.append((number, head.partition("\r\n")[0]))
                    if not self._act(connection, number, count, head):
                        return
        finally:
            self.open -= 1
            raw.close()

    @staticmethod
    def _head(connection):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = connection.recv(1)
            if not data:
                return None
            head += data
        return head.decode().lower()

    def body(self, connection, head):
        """Read the body of a request that tells its length; what came of it is kept in `bodies`."""
        line = next(one for one in head.splitlines() if one.startswith("content-length: "))
        wanted, found = int(line.partition(" ")[2]), b""
        try:
            while len(found) < wanted and (data := connection.recv(65536)):
                found += data
        finally:
            self.bodies.append(found)
        return found

    def close(self):
        self._listener.close()
