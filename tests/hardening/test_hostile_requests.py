"""Paths, queries, headers and methods that no client should send: each is answered, and never as the server's fault."""

import base64
import json

import pytest
from hostile import Client

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
MERGE, APPLY, JSON_PATCH, STRATEGIC = (
    "application/merge-patch+json",
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
)

SEGMENTS = (
    "%00", "%2F", "%2f", "..", "%2e%2e", ".", "//", "/", "%", "%zz", "%ff", "%c3%28", "%ed%a0%80", "a" * 5_000,
    "a" * 100_000, "%0a", "%0d%0aset-cookie:x", "*", "%2A", "?", ";", "a:b", ":", "a%3Ab", "~", "_", "A", "%20", "%7f",
    "%e2%80%ae", "null", "'", "\"", "\\", "%5c", "<script>", "{}", "a/b/c/d/e/f", "/".join(["x"] * 2_000), "%25%32%66",
)  # fmt: skip
PLACES = (
    "/{}", "/clusters/{}", "/clusters/{}/api/v1/namespaces", "{base}:{}/api/v1/namespaces", "{base}/{}",
    "{base}/api/{}",
    "{base}/api/v1/{}", "{base}/api/v1/namespaces/{}", "{base}/api/v1/namespaces/{}/configmaps",
    "{base}/api/v1/namespaces/default/{}", "{base}/api/v1/namespaces/default/configmaps/{}",
    "{base}/api/v1/namespaces/default/configmaps/x/{}", "{base}/apis/{}", "{base}/apis/tenancy.kcp.io/{}",
    "{base}/apis/tenancy.kcp.io/v1alpha1/{}", "{base}/apis/tenancy.kcp.io/v1alpha1/workspaces/{}",
    "{base}/apis/tenancy.kcp.io/v1alpha1/workspaces/x/{}", "/services/{}", "/services/apiexport/{}",
    "{base}/openapi/{}",
    "{base}/openapi/v3/apis/{}", "/clusters/*/api/v1/{}", "/clusters/*/api/v1/configmaps/{}", "/.well-known/{}",
    "/openid/{}", "/version/{}",
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "FROB", "LIST")


def plain(answer):
    """Whether an answer is one of the documented ones in plain text: what is no HTTP, and health."""
    return answer.headers.get("Content-Type", "").startswith("text/plain") and answer.status in (400, 404, 431, 501)


@pytest.mark.parametrize("place", PLACES)
def test_hostile_paths(client, server, arena, place):
    with Client(server, None) as stranger:
        for segment in SEGMENTS:
            path = place.replace("{base}", arena).replace("{}", segment)
            for method in METHODS:
                body = {"metadata": {"name": "x"}} if method in ("POST", "PUT", "PATCH") else None
                answer = client.ask(method, path, body)
                if not plain(answer):
                    answer.judged()
                refused = stranger.ask(method, path, body)
                if not plain(refused):
                    refused.judged(400, 403, 405)


@pytest.mark.parametrize("raw", [b"\xff", b"\xc3\x28", "ü".encode(), b"a b", b"\x00", b"\x7f"])
def test_bytes_that_no_path_may_have(server, arena, raw):
    """What cannot be parsed as HTTP is refused by the transport, in plain text."""
    with Client(server) as client:
        for path in (arena.encode() + b"/" + raw, arena.encode() + b"/api/v1/configmaps?x=" + raw):
            answer = client.ask("GET", path)
            assert answer.status in (200, 400, 403, 404), answer


def token(revision, start) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": start}).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


HUGE = "9" * 5_000
VALUES = (
    "", "0", "-1", "1", "%2B1", "1e3", "9" * 30, HUGE, f"-{HUGE}", "%D9%A3", "%C2%B2", "%00", "%ff", "%zz", "%", "=",
    "%ed%a0%80", "null", "true", "All", "all", "a" * 20_000, "a%3Db", "a%3D%3Db", "!a", "a+in+(", "a+in+(b)", "a,b,c",
    "()" * 3_000, "(" * 3_000, "a%3Db," * 2_000, "metadata.name%3D", "metadata.name%3Dx,metadata.name%3Dy",
    "metadata.namespace%3Dx", "metadata.name%3D%00", "metadata.name%3Dx%5C", "metadata.name!%3Dx", "spec.x%3D1", "1h",
    "-1h", "1y", "Strict", "Warn", "Exact", "NotOlderThan", "Foreground", "Metadata", "1.5", "0x10", "1_0", "%0a", "+",
    "W10", "MQ", "bnVsbA", token(1, "x"), token(0, ""), token(-5, "\0"), token(1 << 70, "x"), token("1", "x"),
    token(None, "x"), token(1.5, "x"), token(True, None), token([], {}), token(-1, "ü"), token(HUGE, "x"),
    base64.urlsafe_b64encode(b'{"v":"meta.k8s.io/v1","rv":1,"start":"\\ud800"}').decode().rstrip("="),
    base64.urlsafe_b64encode(b"[" * 5_000).decode().rstrip("="),
)  # fmt: skip
READING = ("limit", "continue", "resourceVersionMatch", "labelSelector", "fieldSelector", "timeout", "pretty", "export",
           "includeObject", "sendInitialEvents", "x")  # fmt: skip
WRITING = ("dryRun", "fieldManager", "fieldValidation", "force", "timeout", "pretty")
DELETING = ("dryRun", "propagationPolicy", "gracePeriodSeconds", "orphanDependents", "timeout")
SLOW = {"1", "9" * 30, "1_0"}
"""Revisions and times that may rightly be waited for."""


@pytest.mark.parametrize("name", READING)
def test_hostile_queries_of_reading(client, arena, name):
    for value in VALUES:
        query = f"{name}={value}"
        client.ask("GET", f"{arena}{CONFIGMAPS}?{query}").judged()
        client.ask("GET", f"{arena}{CONFIGMAPS}?{query}", None, {"accept": TABLE}).judged()
        client.ask("GET", f"{arena}{CONFIGMAPS}/kube-root-ca.crt?{query}", None, {"accept": TABLE}).judged()


def test_hostile_revisions(client, arena):
    for value in VALUES:
        if not value.isdigit() or len(value) > 20:
            client.ask("GET", f"{arena}{CONFIGMAPS}?resourceVersion={value}").judged()
            client.ask("GET", f"{arena}{CONFIGMAPS}/kube-root-ca.crt?resourceVersion={value}").judged()


@pytest.mark.parametrize("name", ["labelSelector", "fieldSelector", "resourceVersion", "sendInitialEvents", "x"])
def test_hostile_queries_of_watches(server, arena, name):
    """A watch that is not refused begins; it is cut here."""
    for value in VALUES[:20]:
        if name == "resourceVersion" and value.isdigit() and len(value) > 20:
            continue
        with Client(server) as client:
            query = f"watch=true&timeoutSeconds=1&{name}={value}"
            connection = client.open()
            head = (
                f"GET {arena}{CONFIGMAPS}?{query} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {client.token}\r\n\r\n"
            )
            connection.sendall(head.encode())
            assert connection.recv(12) in (b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 422", b"HTTP/1.1 410"), value


@pytest.mark.parametrize("name", WRITING)
def test_hostile_queries_of_writing(client, arena, name):
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "q"}}
    for value in VALUES:
        query = f"{name}={value}"
        client.ask("POST", f"{arena}{CONFIGMAPS}?{query}", body).judged()
        client.ask("PUT", f"{arena}{CONFIGMAPS}/q?{query}", body).judged()
        client.ask("PATCH", f"{arena}{CONFIGMAPS}/q?{query}", body, {"content-type": MERGE}).judged()
        client.ask("PATCH", f"{arena}{CONFIGMAPS}/q?{query}", body, {"content-type": APPLY}).judged()
        client.ask("DELETE", f"{arena}{CONFIGMAPS}/q").judged(200, 404)


@pytest.mark.parametrize("name", DELETING)
def test_hostile_queries_of_deleting(client, arena, name):
    for value in VALUES:
        client.ask("DELETE", f"{arena}{CONFIGMAPS}/absent?{name}={value}").judged(400, 404, 422)
        client.ask("DELETE", f"{arena}{CONFIGMAPS}?labelSelector=no%3Dsuch&{name}={value}").judged(200, 400, 422)


def test_queries_that_are_none(client, arena):
    for query in ("&", "&&&&", "=", "==&=", "a", "?", "a=b&a=c", "limit=1&limit=x", "limit=x&limit=1",
    "dryRun=All&dryRun=x",
                  "a=" * 5_000, "&".join(f"a{n}=1" for n in range(6_000)), ";".join(["a=1"] * 3_000)):  # fmt: skip
        client.ask("GET", f"{arena}{CONFIGMAPS}?{query}").judged()
        client.ask("POST", f"{arena}{CONFIGMAPS}?{query}", {"metadata": {"name": "q", "uid": "x"}}).judged()
    client.ask("DELETE", f"{arena}{CONFIGMAPS}/q").judged(200, 404)


MEDIA = (
    "", "*", "*/*", "application/*", "text/html", "application/json;q=x", "application/json;q=nan", "a/b;q=-1", ",,,,",
    ";;;", "application/json;as=Table", "application/json;as=Table;g=meta.k8s.io;v=v9", "application/json;as=x",
    "a/b/c",
    b"\xff\xfe", "a" * 60_000, f"{TABLE}," * 1_000, "application/vnd.kubernetes.protobuf", "application/yaml",
    "application/cbor", "application/json;stream=watch", "application/json; charset=\"",
    "multipart/form-data; boundary=x",
    "APPLICATION/JSON", APPLY, MERGE, JSON_PATCH, STRATEGIC, "application/apply-patch+cbor",
)  # fmt: skip


@pytest.mark.parametrize("header", ["accept", "content-type", "accept-encoding", "user-agent", "if-none-match"])
def test_hostile_headers(client, arena, header):
    body = {"metadata": {"name": "h"}}
    for value in MEDIA:
        for path in (
            CONFIGMAPS,
            f"{CONFIGMAPS}/kube-root-ca.crt",
            "/api",
            "/apis",
            "/openapi/v3",
            "/openapi/v2",
            "/",
            "/version",
        ):
            client.ask("GET", f"{arena}{path}", None, {header: value}).judged()
        for method, path in (("POST", ""), ("PUT", "/h"), ("PATCH", "/h"), ("DELETE", "/h")):
            client.ask(method, f"{arena}{CONFIGMAPS}{path}", body, {header: value}).judged()


CREDENTIALS = (
    "", "Bearer", "Bearer ", "Bearer x", "Basic eA==", "Basic", "Negotiate x", "Bearer a.b.c", f"Bearer {'a' * 60_000}",
    "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA", "Bearer ..", "Bearer bnVsbA.e30.x",
    "Bearer eyJhbGciOiJFUzI1NiJ9.bnVsbA.AAAA", "Bearer eyJhbGciOiJFUzI1NiJ9.W10.AAAA", "Bearer  x", "Bearer x y",
    b"Bearer \xff\xff", b"Bearer \xc3\xbc.e30.x", f"Bearer {'.' * 5_000}",
    *(
        f"Bearer eyJhbGciOiJFUzI1NiJ9.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.AA"
        for claims in (b'{"iss":1,"kubernetes.io":[]}', b'{"kubernetes.io":{"clusterName":["a"]}}', b"[" * 3_000,
                       b'{"kubernetes.io":{"clusterName":"../x"}}', b'{"kubernetes.io":{"clusterName":"root"}}')
    ),
)  # fmt: skip


def test_hostile_credentials(server, arena):
    with Client(server, None) as client:
        for credential in CREDENTIALS:
            for path in (f"{arena}{CONFIGMAPS}", "/api/v1/namespaces", "/", "/version", "/clusters/root:absent",
            "/services/x",
                         "/clusters/system:admin/", "/clusters/*/api/v1/configmaps"):  # fmt: skip
                client.ask("GET", path, None, {"authorization": credential}).judged(400, 401, 403)


@pytest.mark.parametrize(
    "name", ["user", "group", "uid", "extra-", "extra-a%2Fb", "extra-%zz", "extra-%ff", "", "extra", "userx"]
)
def test_hostile_impersonation(client, arena, name):
    for value in ("", "x", "system:masters", "system:admin", b"\xff", "a" * 50_000, "system:serviceaccount:", "system:",
                  "system:serviceaccount:a:b", "system:anonymous", "system:node:x", b"\xc3\xbc"):  # fmt: skip
        path = f"{arena}{CONFIGMAPS}"
        client.ask("GET", path, None, {f"impersonate-{name}": value}).judged()
        client.ask("GET", path, None, {"impersonate-user": "u", f"impersonate-{name}": value}).judged(
            *((200,) if (name, value) == ("user", "") else (400, 403))
        )


@pytest.mark.parametrize(
    "header",
    [
        {"content-length": "x"},
        {"content-length": "-1"},
        {"content-length": "9" * 30},
        {"content-length": "5", "transfer-encoding": "chunked"},
        {"transfer-encoding": "gzip"},
        {"expect": "100-continue"},
        {"expect": "x"},
        {"upgrade": "websocket", "connection": "upgrade"},
        {"upgrade": "h2c", "connection": "upgrade, http2-settings"},
        {"connection": b"\xff"},
        {"host": ""},
        {"x-remote-user": "admin", "x-remote-group": "system:masters"},
        {"x-kcp-internal-deep-subjectaccessreview": "true"},
    ],
)
def test_hostile_framing(server, arena, header):
    with Client(server) as client:
        answer = client.ask("GET", f"{arena}{CONFIGMAPS}", None, header)
        assert answer.status in (200, 400), answer
        assert answer.seconds < 5


HEAD = {"apiVersion": "v1", "kind": "ConfigMap"}
PATCHES = {
    JSON_PATCH: [
        None, {}, "x", [None], [{}], [{"op": "add"}], [{"op": 1, "path": 2}], [{"op": "x", "path": "/a"}],
        [{"op": "add", "path": "", "value": None}], [{"op": "replace", "path": "", "value": []}],
        [{"op": "remove", "path": ""}], [{"op": "remove", "path": "/metadata"}], [{"op": "add", "path": "a",
        "value": 1}],
        [{"op": "add", "path": "/data/-", "value": 1}], [{"op": "add", "path": "/metadata/finalizers/99",
        "value": "x"}],
        [{"op": "add", "path": "/metadata/finalizers/-1", "value": "x"}], [{"op": "move", "from": "/metadata",
        "path": "/metadata/x"}],
        [{"op": "copy", "from": "", "path": "/data"}], [{"op": "copy", "from": "/nope", "path": "/data"}],
        [{"op": "test", "path": "/metadata/name", "value": "other"}], [{"op": "add", "path": "/~2", "value": 1}],
        [{"op": "add", "path": "/a/b/c/d", "value": 1}], [{"op": "add", "path": "/" + "a" * 100_000, "value": 1}],
        *([{"op": "copy", "from": "", "path": f"/data/{n}"} for n in range(count)] for count in (10, 30, 60)),
        [{"op": "add", "path": "/data/x", "value": "1"}] * 10_001,
        *([{"op": "replace", "path": f"/{field}", "value": value}] for value in (None, "x", [], {}, 7, "\0")
          for field in ("apiVersion", "kind", "metadata", "metadata/name", "metadata/namespace", "metadata/uid",
                        "metadata/resourceVersion", "metadata/managedFields", "metadata/labels",
                        "metadata/creationTimestamp",
                        "metadata/deletionTimestamp", "metadata/ownerReferences", "data", "metadata/annotations")),
    ],
    **{
        media: [
            None, [], "x", {"metadata": None}, {"metadata": []}, {"data": None}, {"data": {"a": None}},
            {"data": {"a": {}}},
            {"apiVersion": "v2"}, {"kind": "Secret"}, {"kind": None, "apiVersion": None},
            {"metadata": {"name": "other"}},
            {"metadata": {"name": None}}, {"metadata": {"namespace": "other"}}, {"metadata": {"namespace": None}},
            {"metadata": {"uid": "x"}}, {"metadata": {"uid": None}}, {"metadata": {"managedFields": None}},
            {"metadata": {"managedFields": [{}]}}, {"metadata": {"managedFields": [None, 1]}},
            {"metadata": {"managedFields": [{"fieldsV1": {"f:x": []}, "operation": "x"}]}},
            {"metadata": {"resourceVersion": "1"}}, {"metadata": {"resourceVersion": "x"}},
            {"metadata": {"resourceVersion": HUGE}}, {"metadata": {"generation": -1}},
            {"metadata": {"labels": {"a": None}}},
            {"metadata": {"labels": {"a": 1}}}, {"metadata": {"deletionTimestamp": "2020-01-01T00:00:00Z"}},
            {"metadata": {"creationTimestamp": "never"}}, {"metadata": {"finalizers": [None]}},
            {"metadata": {"ownerReferences": [{}]}},
            {"$patch": "delete"}, {"$patch": "replace"}, {"$patch": 1}, {"$retainKeys": 1}, {"$retainKeys": ["a"]},
            {"$setElementOrder/data": {}}, {"$deleteFromPrimitiveList/metadata": [1]}, {"data": {"$patch": "delete"}},
            {"metadata": {"$setElementOrder/ownerReferences": [{"uid": "x"}], "ownerReferences": [{"uid": "y"}]}},
            {"metadata": {"$deleteFromPrimitiveList/finalizers": [{}]}},
            {"metadata": {"ownerReferences": [{"$patch": "x"}]}},
        ]
        for media in (MERGE, STRATEGIC)
    },
    APPLY: [
        None, [], "x", {}, HEAD, {**HEAD, "metadata": None}, {**HEAD, "metadata": {"name": "other"}}, {**HEAD,
        "data": None},
        {**HEAD, "metadata": {"name": None}}, {**HEAD, "metadata": {"namespace": "other"}}, {**HEAD, "x": 1},
        {**HEAD, "metadata": {"managedFields": []}}, {**HEAD, "metadata": {"managedFields": [{}]}}, {**HEAD,
        "data": {"a": None}},
        {**HEAD, "metadata": {"uid": "x"}}, {**HEAD, "metadata": {"resourceVersion": "1"}}, {**HEAD, "kind": "Secret"},
        {**HEAD, "metadata": {"ownerReferences": [{"uid": "a"}, {"uid": "a"}]}}, {**HEAD, "metadata": {"labels": []}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("media", PATCHES)
def test_hostile_patches(client, arena, media):
    one = f"{arena}{CONFIGMAPS}/patched"
    partition = f"{arena}/apis/topology.kcp.io/v1alpha1/partitions"
    for query in ("", "&fieldValidation=Strict", "&dryRun=All"):
        for body in PATCHES[media]:
            client.ask(
                "POST",
                f"{arena}{CONFIGMAPS}",
                {"metadata": {"name": "patched", "labels": {"x": "y"}}, "data": {"k": "v"}},
            )
            before = client.ask("GET", one).judged(200).json()
            client.ask("PATCH",
            f"{one}?fieldManager=t&force=true{query}" if media == APPLY else f"{one}?fieldManager=t{query}",
                       body, {"content-type": media}).judged()  # fmt: skip
            after = client.ask("GET", one).judged(200).json()
            for field in ("name", "namespace", "uid", "creationTimestamp"):
                assert after["metadata"].get(field) == before["metadata"].get(field), body
            assert (after["apiVersion"], after["kind"]) == ("v1", "ConfigMap"), body
            assert "deletionTimestamp" not in after["metadata"], body
            client.ask("PATCH", one, {"metadata": {"finalizers": None}}, {"content-type": MERGE}).judged()
            client.ask("DELETE", one).judged(200)
    if media != STRATEGIC:
        for body in PATCHES[media]:
            client.ask("POST", partition, {"apiVersion": "topology.kcp.io/v1alpha1", "kind": "Partition",
                                           "metadata": {"name": "patched"}, "spec": {}})  # fmt: skip
            if isinstance(body, dict) and "kind" in body and media == APPLY:
                body = {**body, "apiVersion": "topology.kcp.io/v1alpha1", "kind": "Partition"}
            client.ask("PATCH", f"{partition}/patched?fieldManager=t", body, {"content-type": media}).judged()
            client.ask("GET", partition, None, {"accept": TABLE}).judged(200)
