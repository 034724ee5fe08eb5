"""Bodies as text: broken, deep, huge, ambiguous or in disguise, in every format a body may have."""

import gzip
import struct
import threading
import zlib

import pytest
from hostile import Client

JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
HEAD = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"t"}'
NAMED = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: t\n"
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{after}: &{after} [{','.join(['*' + before] * 9)}]\n"
    for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)

JSON_TEXTS = {
    "empty": b"",
    "space": b"   ",
    "NUL": b"\x00",
    "byte order mark": b"\xef\xbb\xbf" + HEAD + b"}",
    "UTF-16": (HEAD + b"}").decode().encode("utf-16"),
    "cut": HEAD,
    "two values": HEAD + b"}" + HEAD + b"}",
    "trailing comma": HEAD + b",}",
    "comment": HEAD + b"/* */}",
    "NaN": HEAD + b',"data":{"a":NaN}}',
    "Infinity": HEAD + b',"data":{"a":-Infinity}}',
    "huge integer": HEAD + b',"data":{"a":' + b"9" * 10_000 + b"}}",
    "huge exponent": HEAD + b',"data":{"a":1e999999999}}',
    "tiny exponent": HEAD + b',"immutable":1e-999999999}',
    "leading zero": HEAD + b',"immutable":01}',
    "invalid UTF-8 in a value": HEAD + b',"data":{"a":"\xff\xc3\x28"}}',
    "invalid UTF-8 in a key": HEAD + b',"data":{"\xff":"x"}}',
    "encoded surrogate": HEAD + b',"data":{"a":"\xed\xa0\x80"}}',
    "lone surrogate": HEAD + b',"data":{"a":"\\ud800"}}',
    "lone surrogate in a key": HEAD + b',"data":{"\\udfff":"x"}}',
    "lone surrogate in a label": HEAD[:-1] + b',"labels":{"\\ud800":"\\ud800"}}}',
    "lone surrogate in the name": b'{"metadata":{"name":"\\ud800"}}',
    "NUL in the name": b'{"metadata":{"name":"a\\u0000b"}}',
    "NUL in the namespace": b'{"metadata":{"name":"a","namespace":"default\\u0000"}}',
    "NUL in a key": HEAD + b',"data":{"a\\u0000":"x"}}',
    "NUL in a label": HEAD[:-1] + b',"labels":{"a":"\\u0000"}}}',
    "slash in the name": b'{"metadata":{"name":"a/b"}}',
    "duplicate keys": b'{"metadata":{"name":"t"},"metadata":{"name":"t"},"data":{"a":"1","a":"2"}}',
    "many duplicate keys": b'{"metadata":{"name":"t"},"data":{' + b",".join([b'"a":"1"'] * 50_000) + b"}}",
    "many unknown fields": b"{" + b",".join(b'"u%d":1' % n for n in range(50_000)) + b"}",
    "deep lists": HEAD + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": HEAD + b',"x":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"}",
    "unclosed lists": b"[" * 1_000_000,
    "unclosed objects": b'{"a":' * 300_000,
    "depth just below": HEAD + b',"data":' + b'{"a":' * 197 + b"1" + b"}" * 197 + b"}",
    "giant string": HEAD + b',"data":{"a":"' + b"x" * 2_000_000 + b'"}}',
    "giant name": b'{"metadata":{"name":"' + b"x" * 2_000_000 + b'"}}',
    "giant key": HEAD + b',"data":{"' + b"x" * 2_000_000 + b'":"x"}}',
    "giant label": HEAD[:-1] + b',"labels":{"' + b"x" * 1_000_000 + b'":"' + b"y" * 1_000_000 + b'"}}}',
    "giant apiVersion": b'{"apiVersion":"' + b"x" * 2_000_000 + b'"}',
    "many labels": HEAD[:-1] + b',"labels":{' + b",".join(b'"l%d":"v"' % n for n in range(50_000)) + b"}}}",
    "many owners": HEAD[:-1] + b',"ownerReferences":[' + b",".join([b"{}"] * 20_000) + b"]}}",
    "many managers": HEAD[:-1] + b',"managedFields":[' + b",".join([b'{"manager":"x"}'] * 20_000) + b"]}}",
    "wrong managers": HEAD[:-1] + b',"managedFields":[{"manager":1},null,[],{"fieldsV1":{"f:a":{"k:{":{}}}}]}}',
    "deep managed fields": HEAD[:-1] + b',"managedFields":[{"manager":"a","operation":"Update","apiVersion":"v1",'
    b'"fieldsType":"FieldsV1","fieldsV1":' + b'{"f:a":' * 150 + b"{}" + b"}" * 150 + b"}]}}",
    "YAML as JSON": NAMED.encode(),
    "gzip": gzip.compress(HEAD + b"}"),
    "gzip bomb": gzip.compress(b" " * 50_000_000),
    "protobuf as JSON": b"k8s\x00\x0a\x00",
}  # fmt: skip

YAML_TEXTS = {
    "aliases a billion times": LAUGHS,
    "merge keys a billion times": "a: &a {x: 1}\n"
    + "".join(f"{b}: &{b} {{<<: [{','.join(['*' + a] * 30)}]}}\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "an alias to itself": NAMED + "data: &a\n  x: *a\n",
    "an unknown alias": NAMED + "data: *nothing\n",
    "an anchor on a key": NAMED + "data: {&a x: y, *a : z}\n",
    "python tags": NAMED + "data: !!python/object/apply:os.system [id]\n",
    "own tags": NAMED + "data: !x {a: !y b}\n",
    "a set": NAMED + "data: !!set {a, b}\n",
    "binary": NAMED + "data: {a: !!binary '///='}\n",
    "broken binary": NAMED + "data: {a: !!binary 'x'}\n",
    "int tag on text": NAMED + "data: {a: !!int x}\n",
    "several documents": f"{NAMED}---\n{NAMED}",
    "an empty first document": f"---\n---\n{NAMED}",
    "directives": f"%YAML 9.9\n%TAG ! tag:x,2000:\n---\n{NAMED}",
    "complex keys": NAMED + "data: {? [a, b] : c, ? {d: e} : f}\n",
    "null key": NAMED + "data: {~: c}\n",
    "number keys": NAMED + "data: {1: a, 1.5: b, true: c, .nan: d, 2020-01-01: e}\n",
    "not a number": NAMED + "data: {a: .nan, b: .inf}\n",
    "huge numbers": NAMED + f"data: {{a: {'9' * 10_000}, b: 0x{'f' * 10_000}, c: 1e99999}}\n",
    "underscores": NAMED + "data: {a: 1_000, b: 0b1_0}\n",
    "sexagesimal": NAMED + "data: {a: 190:20:30}\n",
    "tabs": "apiVersion:\tv1\n\tkind: x\n",
    "control characters": NAMED + "data: {a: \x01}\n",
    "NUL": NAMED + "data: {a: \x00}\n",
    "escapes": NAMED + 'data: {a: "\\0\\xff\\ud800\\U00110000"}\n',
    "duplicate keys": NAMED + "data: {a: b, a: c}\n",
    "deep lists": NAMED + "data: " + "[" * 100_000,
    "deep blocks": "".join(" " * n + "a:\n" for n in range(1_500)),
    "deep dashes": "- " * 100_000,
    "a long flow": "[" + "a," * 300_000 + "]",
    "many anchors": "".join(f"a{n}: &a{n} x\n" for n in range(50_000)),
    "a long line": "a: " + "x " * 500_000,
    "a long comment": "#" * 1_000_000,
    "a giant indent": " " * 1_000_000 + "a",
    "question marks": "? " * 50_000,
    "colons": ": " * 100_000,
    "quotes": "'" * 100_001,
    "block scalar": "a: |\n" + " x\n" * 100_000,
    "only a scalar": "x",
    "only a list": "- a",
    "invalid UTF-8": b"a: \xff\xfe",
    "UTF-16": NAMED.encode("utf-16"),
    "UTF-32": NAMED.encode("utf-32"),
}


def varint(number: int) -> bytes:
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    return bytes((*made, number))


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


TYPE = field(1, field(1, b"v1") + field(2, b"ConfigMap"))
META = field(1, field(1, b"t"))
GROUPS = b"".join(varint(n << 3 | 3) for n in (99,) * 5_000)
NESTED = b""
for _ in range(2_000):
    NESTED = field(1, NESTED)

PROTOBUF_TEXTS = {
    "no magic": b"abcd" + TYPE,
    "only the magic": b"k8s\x00",
    "half a magic": b"k8",
    "no type": b"k8s\x00" + field(2, META),
    "no object": b"k8s\x00" + TYPE,
    "cut": (b"k8s\x00" + TYPE + field(2, META))[:-2],
    "a length beyond the end": b"k8s\x00" + TYPE + b"\x12\xff\xff\xff\xff\x0f",
    "an endless varint": b"k8s\x00" + b"\xff" * 20,
    "field zero": b"k8s\x00\x00\x00",
    "wrong wire types": b"k8s\x00" + b"\x08\x01\x11" + struct.pack("<d", 1.0),
    "groups": b"k8s\x00" + TYPE + field(2, GROUPS),
    "nesting": b"k8s\x00" + TYPE + field(2, NESTED),
    "invalid UTF-8": b"k8s\x00" + TYPE + field(2, field(1, field(1, b"\xff\xfe"))),
    "NUL in the name": b"k8s\x00" + TYPE + field(2, field(1, field(1, b"a\x00b"))),
    "unknown fields": b"k8s\x00" + TYPE + field(2, META + field(500, b"x")),
    "content encoding": b"k8s\x00" + TYPE + field(2, META) + field(3, b"gzip"),
    "another content type": b"k8s\x00" + TYPE + field(2, b"{}") + field(4, b"application/json"),
    "another kind": b"k8s\x00" + field(1, field(1, b"v1") + field(2, b"Secret")) + field(2, META),
    "an invalid version": b"k8s\x00" + field(1, field(1, b"a/b/c\xff") + field(2, b"\xff")) + field(2, META),
    "a map entry without key": b"k8s\x00" + TYPE + field(2, META + field(2, b"")),
    "huge": b"k8s\x00" + TYPE + field(2, META + field(2, field(1, b"a") + field(2, b"x" * 2_000_000))),
    "JSON": HEAD + b"}",
    "compressed": b"k8s\x00" + zlib.compress(TYPE),
}

CASES = [
    *((JSON, name, text) for name, text in JSON_TEXTS.items()),
    *((YAML, name, text if isinstance(text, bytes) else text.encode()) for name, text in YAML_TEXTS.items()),
    *((PROTOBUF, name, text) for name, text in PROTOBUF_TEXTS.items()),
]


@pytest.mark.parametrize(("media", "name", "text"), CASES, ids=[f"{media[12:]} {name}" for media, name, _ in CASES])
def test_hostile_text(client, arena, media, name, text):
    configmaps = f"{arena}/api/v1/namespaces/default/configmaps"
    made = client.ask("POST", configmaps, text, {"content-type": media}).judged(201, 400, 413, 415, 422)
    if made.status == 201:
        client.ask("DELETE", f"{configmaps}/{made.json()['metadata']['name']}").judged(200)
    client.ask("PUT", f"{configmaps}/kube-root-ca.crt?dryRun=All", text, {"content-type": media}).judged()
    client.ask("DELETE", f"{configmaps}/absent", text, {"content-type": media}).judged()
    client.ask("DELETE", f"{configmaps}?labelSelector=no%3Dsuch", text, {"content-type": media}).judged()
    client.ask("GET", f"{configmaps}/kube-root-ca.crt", text, {"content-type": media}).judged(200, 413)


@pytest.mark.parametrize(
    ("media", "name", "text"), CASES[:-23], ids=[f"{media[12:]} {name}" for media, name, _ in CASES[:-23]]
)
def test_hostile_text_as_a_patch(client, arena, media, name, text):
    one = f"{arena}/api/v1/namespaces/default/configmaps/kube-root-ca.crt"
    for patch in PATCHES:
        client.ask("PATCH", f"{one}?fieldManager=t&dryRun=All", text, {"content-type": patch}).judged()


@pytest.mark.parametrize(("media", "name", "text"), CASES, ids=[f"{media[12:]} {name}" for media, name, _ in CASES])
def test_hostile_text_for_a_custom_type(client, arena, media, name, text):
    partitions = f"{arena}/apis/topology.kcp.io/v1alpha1/partitions"
    text = text.replace(b"ConfigMap", b"Partition").replace(b'"v1"', b'"topology.kcp.io/v1alpha1"')
    text = text.replace(b": v1\n", b": topology.kcp.io/v1alpha1\n")
    answer = client.ask("POST", f"{partitions}?dryRun=All", text, {"content-type": media})
    answer.judged(201, 400, 413, 415, 422)


def test_bodies_above_the_limit(server, arena):
    """3 MiB are read, more is refused, whether the length is told before or not."""
    configmaps = f"{arena}/api/v1/namespaces/default/configmaps"
    big = HEAD + b',"data":{"a":"' + b"x" * (4 << 20) + b'"}}'
    with Client(server) as client:
        client.ask("POST", configmaps, big).judged(413)
    with Client(server) as client:
        chunk = b"%x\r\n%b\r\n" % (len(big), big)
        client.ask("POST", configmaps, chunk + b"0\r\n\r\n", {"transfer-encoding": "chunked"}).judged(413)
    with Client(server) as client:
        within = HEAD + b"}" + b" " * ((3 << 20) - len(HEAD) - 1)
        chunks = b"".join(
            b"%x\r\n%b\r\n" % (len(part), part) for part in (within[:9], within[9:70_000], within[70_000:])
        )
        sent = {"transfer-encoding": "chunked"}
        client.ask("POST", f"{configmaps}?dryRun=All", chunks + b"0\r\n\r\n", sent).judged(201)
        client.ask("GET", f"{configmaps}/kube-root-ca.crt").judged(200)


def test_a_compressed_body_is_not_read_as_what_it_says(client, arena):
    body = gzip.compress(HEAD + b"}")
    sent = {"content-encoding": "gzip"}
    client.ask("POST", f"{arena}/api/v1/namespaces/default/configmaps?dryRun=All", body, sent).judged(400, 415)


def test_many_at_once_leave_the_server_well(server, arena):
    """The worst texts from several clients at once: everybody is answered, and nobody waits for ever."""
    worst = [case for case in CASES if len(case[2]) > 100_000][:12]
    failures = []

    def send(which):
        try:
            with Client(server) as client:
                for media, _, text in worst[which::4]:
                    path = f"{arena}/api/v1/namespaces/default/configmaps?dryRun=All"
                    answer = client.ask("POST", path, text, {"content-type": media})
                    assert answer.status in (201, 400, 413, 415, 422), answer
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=send, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
