"""A server that answers what a test tells it to, for answers that Manifold does not give. For tests of this folder."""

import http.server
import json


class Scripted(http.server.BaseHTTPRequestHandler):
    """Answers with what stands in the script for a path, and the last of it again and again."""

    protocol_version = "HTTP/1.1"
    script: dict
    seen: list

    def do_GET(self):
        self.seen.append((self.path, self.headers))
        answers = self.script[self.path.partition("?")[0]]
        code, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        content = json.dumps(body).encode() if isinstance(body, dict) else body.encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json" if isinstance(body, dict) else "text/plain")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        if headers.get("X-Then") == "close":  # without having said so
            self.close_connection = True

    do_CONNECT = do_GET

    def log_message(self, *arguments):
        pass


GROUPS = {"kind": "APIGroupList", "groups": [{"name": "g"}]}
APIS = "/clusters/root/apis"
