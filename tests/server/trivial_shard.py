"""`manifold start` with a trivial application in place of the API: `python trivial_shard.py <flags>`.

The application shows what the transport hands over, so that the process around the API is tested by itself.
"""

import asyncio
import hashlib
import json
import sys

from manifold.server.health import PING, Check, answer
from manifold.server.process import run
from manifold.server.settings import resolve
from manifold.server.surroundings import Surroundings

PLAIN = (b"content-type", b"text/plain")


class Trivial:
    def __init__(self, surroundings):
        self.surroundings = surroundings
        self.ready = True

    async def close(self):
        print("closed", flush=True)

    async def app(self, scope, receive, send):
        path = scope["path"]
        if path == "/watch":
            await self.watch(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            if not message["more_body"]:
                break
        if path == "/slow":
            await asyncio.sleep(1)
        if path == "/hang":
            await asyncio.sleep(3600)
        if path == "/fault":
            raise KeyError("nobody foresaw this")
        if path.startswith("/readyz"):
            stopping = Check("shutdown", lambda: "stopping" if self.surroundings.stopping.is_set() else "")
            made = answer(path, scope["query_string"], [PING, stopping])
            await respond(send, made.status, made.body)
            return
        if path == "/metrics":
            await respond(send, 200, self.surroundings.metrics.text())
            return
        if path.startswith("/bytes/"):
            await respond(send, 200, b"x" * int(path[7:]))
            return
        if path == "/stream":
            await send({"type": "http.response.start", "status": 200, "headers": [PLAIN]})
            for _ in range(3):
                await send({"type": "http.response.body", "body": b"piece", "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            return
        if path == "/split":
            header = (b"x-split", b"a\r\nx-injected: b")
            await send({"type": "http.response.start", "status": 200, "headers": [header]})
            return
        certificate = scope["extensions"]["tls"]["client_certificate"]
        headers = dict(scope["headers"])
        token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        user = self.surroundings.tokens.find(token) if token else None
        shown = {
            "method": scope["method"],
            "path": path,
            "rawPath": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "certificate": hashlib.sha256(certificate).hexdigest() if certificate else None,
            "user": user.info() if user else None,
            "body": hashlib.sha256(body).hexdigest(),
            "length": len(body),
            "baseURL": self.surroundings.base_url,
        }
        await respond(send, 200, json.dumps(shown).encode())

    async def watch(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [PLAIN]})
        direct = scope["extensions"]["transport"]
        gone = asyncio.create_task(receive_all(receive))
        stopping = asyncio.create_task(self.surroundings.stopping.wait())
        await asyncio.sleep(0.2)
        direct.write(b'{"first":true}\n')
        await asyncio.wait([gone, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not direct.closing:
            direct.write(b'{"last":true}\n')
        await send({"type": "http.response.body", "body": b""})


async def receive_all(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


async def respond(send, status, body):
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [PLAIN, length]})
    await send({"type": "http.response.body", "body": body})


async def open_trivial(surroundings: Surroundings):
    return Trivial(surroundings)


if __name__ == "__main__":
    pairs = iter(sys.argv[1:])
    sys.exit(run(resolve({flag.removeprefix("--"): next(pairs) for flag in pairs}), open_trivial))
